#include "policy/span.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/bound.h"

/* Nodes that are looked at from each; what is farther counts as the last of them. */
#define NEAREST 12

/* A node, seen from another. */
struct sight {
	unsigned distance;
	size_t node;
};

/* The nearest places, itself the first; returns how many. */
static size_t look_around(const struct hn_search *search, size_t from, struct sight *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < search->place_count; i++) {
		size_t node = search->places[i], at = count;
		unsigned distance = node == from ? 0 : hn_problem_distance(search->problem, from, node);

		if (count == NEAREST && node != from && distance >= ret[count - 1].distance)
			continue;
		at = count < NEAREST ? count++ : count - 1;
		for (; at > 0 && (ret[at - 1].distance > distance || node == from); at--)
			ret[at] = ret[at - 1];
		ret[at] = (struct sight){distance, node};
	}
	return count;
}

/* Distance of one cell there to all others of so many, at the least. */
static uint64_t reach_of(const struct sight *sights, size_t count, const size_t *crowds, size_t cells)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count && cells > 0; i++) {
		size_t here = crowds[sights[i].node] < cells ? crowds[sights[i].node] : cells;

		sum += here * sights[i].distance;
		cells -= here;
	}
	return count ? sum + cells * sights[count - 1].distance : 0;
}

/* What so many cells have to each other at the least: they are where they reach the others best. */
static uint64_t span_of(const struct hn_search *search, const size_t *crowds, uint64_t *reach, size_t cells)
{
	uint64_t sum = 0;

	for (size_t left = cells; left > 0;) {
		size_t best = SIZE_MAX, here;

		for (size_t i = 0; i < search->place_count; i++)
			if (crowds[search->places[i]] > 0 && (best == SIZE_MAX || reach[i] < reach[best]))
				best = i;
		if (best == SIZE_MAX || reach[best] == UINT64_MAX)
			break; /* no room for them: the other bounds see that */
		here = crowds[search->places[best]] < left ? crowds[search->places[best]] : left;
		sum += here * reach[best];
		left -= here;
		reach[best] = UINT64_MAX;
	}
	return (sum + 1) / 2;
}

struct quest {
	const struct hn_search *search;
	struct sight *sights; /* NEAREST of every place */
	size_t *counts;       /* by place */
	struct hn_crowd *crowds;
	size_t *most;    /* by node: cells that it holds */
	uint64_t *reach; /* by place */
};

/* Of so many cells from that depth on. */
static int span_from(struct quest *quest, size_t depth, size_t cells, uint64_t *ret)
{
	const struct hn_search *search = quest->search;

	if (hn_bound_crowds(search, depth, cells, quest->crowds))
		return -ENOMEM;
	for (size_t i = 0; i < search->place_count; i++)
		quest->most[search->places[i]] =
			hn_bound_crowd_of(search, quest->crowds, cells, search->places[i]);
	for (size_t i = 0; i < search->place_count; i++)
		quest->reach[i] = reach_of(&quest->sights[i * NEAREST], quest->counts[i], quest->most, cells);
	*ret = span_of(search, quest->most, quest->reach, cells);
	return 0;
}

/* Of all that are left, or of the first of them alone: these are the larger, and have less choice. */
static int fill(struct quest *quest, struct hn_search *search)
{
	size_t cells = search->problem->cell_count;

	for (size_t depth = 0; depth + 1 < cells; depth++)
		for (size_t count = 2; count <= cells - depth; count++) {
			uint64_t span;

			if (span_from(quest, depth, count, &span))
				return -ENOMEM;
			if (span > search->rest[depth].remote)
				search->rest[depth].remote = span;
		}
	return 0;
}

int hn_span_prepare(struct hn_search *search)
{
	size_t places = search->place_count, cells = search->problem->cell_count;
	HN_AUTO(memory) struct sight *sights = calloc(places * NEAREST + 1, sizeof(*sights));
	HN_AUTO(memory) size_t *counts = calloc(places + 1, sizeof(*counts));
	HN_AUTO(memory) size_t *most = calloc(search->problem->node_count + 1, sizeof(*most));
	HN_AUTO(memory) uint64_t *reach = calloc(places + 1, sizeof(*reach));
	HN_AUTO(memory) struct hn_crowd *crowds = calloc(cells + 1, sizeof(*crowds));
	struct quest quest = {search, sights, counts, crowds, most, reach};

	if (!sights || !counts || !most || !reach || !crowds)
		return -ENOMEM;
	if (!search->uniform)
		return 0;
	for (size_t i = 0; i < places; i++)
		counts[i] = look_around(search, search->places[i], &sights[i * NEAREST]);
	return fill(&quest, search);
}
