#include "hooks/node-set.h"

#include <stdio.h>

void node_set_add(struct node_set *set, unsigned node)
{
	if (node < NODE_SET_MAX)
		set->words[node / 64] |= UINT64_C(1) << node % 64;
}

bool node_set_has(const struct node_set *set, unsigned node)
{
	return node < NODE_SET_MAX && set->words[node / 64] >> node % 64 & 1;
}

bool node_set_empty(const struct node_set *set)
{
	return node_set_next(set, 0) == NODE_SET_MAX;
}

unsigned node_set_count(const struct node_set *set)
{
	unsigned count = 0;

	for (size_t i = 0; i < NODE_SET_MAX / 64; i++)
		count += (unsigned)__builtin_popcountll(set->words[i]);
	return count;
}

bool node_set_inside(const struct node_set *inner, const struct node_set *outer)
{
	for (size_t i = 0; i < NODE_SET_MAX / 64; i++)
		if (inner->words[i] & ~outer->words[i])
			return false;
	return true;
}

struct node_set node_set_and(const struct node_set *a, const struct node_set *b)
{
	struct node_set both;

	for (size_t i = 0; i < NODE_SET_MAX / 64; i++)
		both.words[i] = a->words[i] & b->words[i];
	return both;
}

unsigned node_set_next(const struct node_set *set, unsigned from)
{
	while (from < NODE_SET_MAX && !node_set_has(set, from))
		from++;
	return from;
}

/* Advances *at over a number; NODE_SET_MAX when there is none or it is too large. */
static unsigned parse_number(const char **at, const char *end)
{
	const char *start = *at;
	unsigned number = 0;

	for (; *at < end && **at >= '0' && **at <= '9'; ++*at)
		if (number < NODE_SET_MAX)
			number = number * 10 + (unsigned)(**at - '0');
	return *at > start && number < NODE_SET_MAX ? number : NODE_SET_MAX;
}

static bool parse_range(const char **at, const char *end, struct node_set *set)
{
	unsigned first = parse_number(at, end), last = first;

	if (*at < end && **at == '-') {
		++*at;
		last = parse_number(at, end);
	}
	if (first == NODE_SET_MAX || last == NODE_SET_MAX || last < first)
		return false;
	for (unsigned node = first; node <= last; node++)
		node_set_add(set, node);
	return true;
}

bool node_set_parse(const char *text, size_t length, struct node_set *ret)
{
	const char *at = text, *end = text + length;
	struct node_set set = {0};

	if (length > 0 && end[-1] == '\n')
		end--;
	do {
		if (!parse_range(&at, end, &set) || (at < end && *at != ','))
			return false;
	} while (at++ < end);
	*ret = set;
	return true;
}

const char *node_set_format(const struct node_set *set, char *buffer, size_t size)
{
	size_t length = 0;

	buffer[0] = '\0';
	for (unsigned first = node_set_next(set, 0), last; first < NODE_SET_MAX;
	     first = node_set_next(set, last + 1)) {
		for (last = first; node_set_has(set, last + 1); last++)
			;
		length += (size_t)snprintf(buffer + length, size - length, first == last ? "%s%u" : "%s%u-%u",
					   length ? "," : "", first, last);
		if (length >= size)
			break;
	}
	return buffer;
}
