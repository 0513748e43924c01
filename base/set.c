#include "base/set.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool in_range(int number)
{
	return number >= 0 && number < HN_SET_MAX;
}

void hn_set_clear(struct hn_set *set)
{
	memset(set, 0, sizeof(*set));
}

void hn_set_add(struct hn_set *set, int number)
{
	if (in_range(number))
		set->words[number / 64] |= UINT64_C(1) << (number % 64);
}

void hn_set_remove(struct hn_set *set, int number)
{
	if (in_range(number))
		set->words[number / 64] &= ~(UINT64_C(1) << (number % 64));
}

bool hn_set_has(const struct hn_set *set, int number)
{
	return in_range(number) && (set->words[number / 64] >> (number % 64) & 1);
}

int hn_set_count(const struct hn_set *set)
{
	int count = 0;

	for (size_t i = 0; i < HN_SET_WORDS; i++)
		if (set->words[i]) /* nearly all are empty */
			count += __builtin_popcountll(set->words[i]);
	return count;
}

bool hn_set_empty(const struct hn_set *set)
{
	return hn_set_next(set, 0) < 0;
}

bool hn_set_equal(const struct hn_set *a, const struct hn_set *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool hn_set_inside(const struct hn_set *inner, const struct hn_set *outer)
{
	for (size_t i = 0; i < HN_SET_WORDS; i++)
		if (inner->words[i] & ~outer->words[i])
			return false;
	return true;
}

void hn_set_and(struct hn_set *set, const struct hn_set *with)
{
	for (size_t i = 0; i < HN_SET_WORDS; i++)
		set->words[i] &= with->words[i];
}

void hn_set_or(struct hn_set *set, const struct hn_set *with)
{
	for (size_t i = 0; i < HN_SET_WORDS; i++)
		set->words[i] |= with->words[i];
}

void hn_set_subtract(struct hn_set *set, const struct hn_set *less)
{
	for (size_t i = 0; i < HN_SET_WORDS; i++)
		set->words[i] &= ~less->words[i];
}

struct hn_set hn_set_of(int number)
{
	struct hn_set set = {0};

	hn_set_add(&set, number);
	return set;
}

int hn_set_next(const struct hn_set *set, int from)
{
	if (from < 0)
		from = 0;
	for (int word = from / 64; word < HN_SET_WORDS; word++) {
		uint64_t bits = set->words[word];

		if (word == from / 64)
			bits &= ~UINT64_C(0) << (from % 64);
		if (bits)
			return word * 64 + __builtin_ctzll(bits);
	}
	return -1;
}

static int parse_number(const char **cursor, const char *text, int *ret, struct hn_error *err)
{
	unsigned long value;
	char *end;

	if (!isdigit((unsigned char)**cursor))
		return hn_fail(err, -EINVAL, "set '%.60s': a number is expected at character %zu", text,
			       (size_t)(*cursor - text) + 1);
	errno = 0;
	value = strtoul(*cursor, &end, 10);
	if (errno || value >= HN_SET_MAX)
		return hn_fail(err, -ERANGE, "set '%.60s': %.20s is above the largest number handled, %d",
			       text, *cursor, HN_SET_MAX - 1);
	*ret = (int)value;
	*cursor = end;
	return 0;
}

int hn_set_parse(const char *text, struct hn_set *ret, struct hn_error *err)
{
	struct hn_set set = {0};
	const char *cursor = text;
	int first = 0, last, r;

	while (isspace((unsigned char)*cursor))
		cursor++;
	while (*cursor && !isspace((unsigned char)*cursor)) {
		r = parse_number(&cursor, text, &first, err);
		if (r < 0)
			return r;
		last = first;
		if (*cursor == '-') {
			cursor++;
			r = parse_number(&cursor, text, &last, err);
			if (r < 0)
				return r;
			if (last < first)
				return hn_fail(err, -EINVAL, "set '%.60s': the range %d-%d runs backwards",
					       text, first, last);
		}
		for (int number = first; number <= last; number++)
			hn_set_add(&set, number);
		if (*cursor == ',') {
			cursor++;
			if (!isdigit((unsigned char)*cursor))
				return hn_fail(err, -EINVAL,
					       "set '%.60s': a number is expected at character %zu", text,
					       (size_t)(cursor - text) + 1);
		} else if (*cursor && !isspace((unsigned char)*cursor)) {
			return hn_fail(err, -EINVAL, "set '%.60s': unexpected '%c' at character %zu", text,
				       *cursor, (size_t)(cursor - text) + 1);
		}
	}
	while (isspace((unsigned char)*cursor))
		cursor++;
	if (*cursor)
		return hn_fail(err, -EINVAL,
			       "set '%.60s': unexpected text behind the blank, at character %zu", text,
			       (size_t)(cursor - text) + 1);
	*ret = set;
	return 0;
}

static int last_of_run(const struct hn_set *set, int first)
{
	int last = first;

	while (hn_set_has(set, last + 1))
		last++;
	return last;
}

const char *hn_set_format(const struct hn_set *set, char *buffer, size_t size)
{
	size_t used = 0;

	if (size == 0)
		return buffer;
	buffer[0] = '\0';
	for (int first = hn_set_next(set, 0); first >= 0;) {
		int last = last_of_run(set, first);
		char run[24];
		int length;

		if (last == first)
			length = snprintf(run, sizeof(run), "%s%d", used ? "," : "", first);
		else
			length = snprintf(run, sizeof(run), "%s%d-%d", used ? "," : "", first, last);
		if (used + (size_t)length >= size) {
			snprintf(buffer + (size > 4 ? (used < size - 4 ? used : size - 4) : 0),
				 size > 4 ? 4 : size, "...");
			return buffer;
		}
		memcpy(buffer + used, run, (size_t)length + 1);
		used += (size_t)length;
		first = hn_set_next(set, last + 1);
	}
	return buffer;
}
