#pragma once
/*
 * etag - entity tags (RFC 9110, 8.8.3) of answers, so that a client that asks again is spared what it has.
 */
#include <stdbool.h>
#include <stddef.h>

#define HN_ETAG_MAX 24

/* A weak tag of that JSON: figures that only say when it was asked for (age_ns, expires_in_ns) make no
 * difference. Returns buffer. */
const char *hn_etag(const char *json, size_t length, char buffer[HN_ETAG_MAX]);

/* Whether If-None-Match has the tag among others, or "*". NULL: no. */
bool hn_etag_matches(const char *if_none_match, const char *tag);
