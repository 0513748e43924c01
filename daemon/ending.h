#pragma once
/*
 * ending - homenoded is asked to end: operations are stopped first, as an operator stops them, so that what
 * they have opened is closed again and what they have moved is on record.
 */
#include "daemon/service.h"

#define HN_ENDING_LIMIT_NS (2 * HN_NS_PER_S)

struct hn_ending;

int hn_ending_new(struct hn_service *service, struct hn_ending **ret, struct hn_error *err);
void hn_ending_free(struct hn_ending *ending); /* NULL is fine */

/* Stops operations and begins no others; breaks the loop when none is under way any more, after
 * HN_ENDING_LIMIT_NS, or when it is called again. */
void hn_ending_begin(struct hn_ending *ending);
