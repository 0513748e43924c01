#pragma once
/*
 * picture - the host and its guests as they were at one poll.
 */
#include "base/cleanup.h"
#include "cli/brief.h"
#include "cli/pressure.h"
#include "model/activity.h"
#include "model/host.h"

struct hn_picture {
	struct hn_host *host;
	struct hn_pressure pressure;
	struct hn_activity *activity; /* of the host; NULL: not told */
	struct hn_brief_list guests;
	struct hn_report *detail; /* of the guest asked for, NULL: none was, or it is gone */
};

void hn_picture_free(struct hn_picture *picture); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_picture, struct hn_picture *, hn_picture_free);
/* Empty, without a host. NULL when out of memory. */
struct hn_picture *hn_picture_new(void);
