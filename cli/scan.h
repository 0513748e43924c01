#pragma once
/*
 * scan - reads a few members of large JSON where it lies, without making objects of the rest: a tenth of the
 * time that json-c takes for the reports of a thousand guests.
 *
 * A value is a pointer to its first character in NUL-terminated text. What is skipped is looked at only as
 * far as it takes to find its end. Errors are -EPROTO with a sentence that names the member.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define HN_SCAN_MAX 12 /* members of one object */
#define HN_SCAN_DEPTH_MAX 32

struct hn_scan {
	const char *const *keys;
	size_t count;
	size_t lengths[HN_SCAN_MAX];     /* of the keys */
	const char *values[HN_SCAN_MAX]; /* NULL where the member is missing */
	const char *end;                 /* behind the object */
};

/* Finds the members of these names, NULL-terminated, at most HN_SCAN_MAX of them, in an object. */
int hn_scan_object(const char *value, const char *const *keys, struct hn_scan *ret, struct hn_error *err);

/* The value of a member, which is one of the keys; NULL where it is missing or null. */
const char *hn_scan_member(const struct hn_scan *scan, const char *key);

/* Each reads one member, which must be there. */
int hn_scan_u64(const struct hn_scan *scan, const char *key, uint64_t *ret, struct hn_error *err);
int hn_scan_int(const struct hn_scan *scan, const char *key, int *ret, struct hn_error *err);
int hn_scan_double(const struct hn_scan *scan, const char *key, double *ret, struct hn_error *err);
int hn_scan_bool(const struct hn_scan *scan, const char *key, bool *ret, struct hn_error *err);
/* -EPROTO when it does not fit. */
int hn_scan_text(const struct hn_scan *scan, const char *key, char *buffer, size_t size,
		 struct hn_error *err);

/* The items of an array: *at is NULL before the first. 1 and *at, 0 at the end, -EPROTO. */
int hn_scan_item(const char *array, const char **at, struct hn_error *err);
/* The same where the end of the item before is known. */
int hn_scan_item_behind(const char *end, const char **at, struct hn_error *err);
/* Exactly count numbers of a member. */
int hn_scan_u64s(const struct hn_scan *scan, const char *key, uint64_t *ret, size_t count,
		 struct hn_error *err);
int hn_scan_doubles(const struct hn_scan *scan, const char *key, double *ret, size_t count,
		    struct hn_error *err);
