#pragma once
/*
 * set - a set of CPU numbers or of node numbers, written "0-3,8" as the kernel and libvirt write it.
 *
 * Plain data of a fixed size, so it can be copied, compared and sent as a struct. Numbers reach to
 * HN_SET_MAX - 1; larger ones are refused with -ERANGE and never cut off silently.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define HN_SET_MAX 2048
#define HN_SET_WORDS (HN_SET_MAX / 64)

struct hn_set {
	uint64_t words[HN_SET_WORDS];
};

/* Room for any set as text: the longest has every third number out, at most ten characters for the two
 * between. */
#define HN_SET_TEXT_MAX (HN_SET_MAX * 3)

void hn_set_clear(struct hn_set *set);
/* Numbers outside 0..HN_SET_MAX-1 are ignored by add and remove and never contained. */
void hn_set_add(struct hn_set *set, int number);
void hn_set_remove(struct hn_set *set, int number);
bool hn_set_has(const struct hn_set *set, int number);
int hn_set_count(const struct hn_set *set);
bool hn_set_empty(const struct hn_set *set);
bool hn_set_equal(const struct hn_set *a, const struct hn_set *b);
/* Every number of inner is in outer; the empty set is inside any. */
bool hn_set_inside(const struct hn_set *inner, const struct hn_set *outer);
void hn_set_and(struct hn_set *set, const struct hn_set *with);
void hn_set_or(struct hn_set *set, const struct hn_set *with);
void hn_set_subtract(struct hn_set *set, const struct hn_set *less);
/* The set of one number. */
struct hn_set hn_set_of(int number);

/* The first number >= from, or -1. */
int hn_set_next(const struct hn_set *set, int from);
#define HN_SET_FOREACH(number, set) \
	for (int number = hn_set_next((set), 0); number >= 0; number = hn_set_next((set), number + 1))

/*
 * Reads "0-3,8", also "" (empty) and a trailing newline as sysfs has it. -EINVAL with the place of the
 * mistake, -ERANGE for a number too large; *ret is then untouched.
 */
int hn_set_parse(const char *text, struct hn_set *ret, struct hn_error *err);

/* Writes at most size bytes with the final NUL ("" for the empty set); returns buffer. Cut text ends in
 * "...". */
const char *hn_set_format(const struct hn_set *set, char *buffer, size_t size);
