#pragma once
/*
 * slow - fleets by chance, and the slow way to rank their hosts: every one of them is solved.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fleet/rank.h"
#include "tests/unit/fleet/park.h"

#define HOSTS 200

/* What a host has left, by chance. */
static inline struct hn_fleet_record *slow_host(struct hn_random *random, const struct hn_topology *topology,
						const char *name)
{
	struct hn_fleet_record *record = park_host(topology, name, 1);
	unsigned most = 8 + (unsigned)hn_random_below(random, 56);

	for (size_t node = 0; node < record->node_count; node++) {
		struct hn_fleet_node *at = &record->nodes[node];
		unsigned taken = (unsigned)hn_random_below(random, 5);

		at->room_bytes = hn_random_below(random, most) * GIB + hn_random_below(random, GIB);
		at->others_vcpus = (uint16_t)hn_random_below(random, 10);
		for (unsigned cpu = 0; cpu < taken; cpu++)
			hn_set_add(&record->taken,
				   hn_set_next(&topology->host->nodes[node].cpus, 0) + (int)cpu);
		for (int class = 0; class < HN_CLASS_COUNT; class ++)
			at->seats[class] = (uint16_t)(8 - taken);
		if (topology->host->cpus[7].isolated) {
			at->seats[HN_CLASS_SHARED] = at->seats[HN_CLASS_DEDICATED] = (uint16_t)(6 - taken);
			at->seats[HN_CLASS_REALTIME] = 2;
		}
	}
	return record;
}

/* Nodes of 8 CPUs and 64 GiB, at distances by chance; four are all as far from each other, and of two each
 * has two isolated CPUs. */
static inline struct hn_topology *slow_topology(struct hn_random *random, size_t nodes)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = scene_new(nodes, 8, 65536);
	struct hn_topology *topology = NULL;

	for (size_t a = 0; a < nodes; a++)
		for (size_t b = 0; b < a; b++)
			scene_distance(snapshot, a, b,
				       nodes == 4 ? 15 : 11 + (unsigned)hn_random_below(random, 20));
	for (size_t node = 0; nodes == 2 && node < nodes; node++) {
		scene_isolate(snapshot, (int)node * 8 + 6);
		scene_isolate(snapshot, (int)node * 8 + 7);
	}
	assert_int_equal(hn_topology_of(snapshot->host, &topology, NULL), 0);
	return topology;
}

/* Makes of hosts by chance, and hosts of them: rooms, CPUs that are taken, and vCPUs that are there. */
static inline struct hn_fleet_index *slow_fleet(struct hn_random *random, unsigned hosts)
{
	static const size_t nodes[] = {1, 2, 4, 8};
	struct hn_topology *topologies[HN_COUNT(nodes)];
	struct hn_fleet_index *index = hn_fleet_index_new();
	char name[16];

	for (size_t i = 0; i < HN_COUNT(nodes); i++) {
		topologies[i] = slow_topology(random, nodes[i]);
		assert_int_equal(hn_fleet_index_learn(index, topologies[i], NULL), 0);
	}
	for (unsigned i = 0; i < hosts; i++) {
		const struct hn_topology *topology = topologies[hn_random_below(random, HN_COUNT(nodes))];

		snprintf(name, sizeof(name), "h%u", i);
		assert_int_equal(hn_fleet_index_put(index, slow_host(random, topology, name), NULL), 0);
	}
	for (size_t i = 0; i < HN_COUNT(nodes); i++)
		hn_topology_free(topologies[i]);
	return index;
}

/* A host that was solved. */
struct slow_choice {
	struct hn_cost cost;
	bool torn;
	uint64_t order;
	const char *name;
};

static inline int slow_by_suit(const void *a, const void *b)
{
	const struct slow_choice *x = a, *y = b;

	if (x->torn != y->torn)
		return x->torn ? 1 : -1;
	return hn_cost_compare(&x->cost, &y->cost) ? hn_cost_compare(&x->cost, &y->cost)
	       : x->order < y->order               ? -1
						   : 1;
}

/* The slow way: every host, one by one. Returns how many take the guest, *ret_whole of them all its cells
 * wholly. */
static inline size_t slow_solve(const struct hn_fleet_index *index, struct hn_guest *guest,
				struct slow_choice *ret, size_t *ret_whole)
{
	size_t count = 0;

	*ret_whole = 0;
	for (size_t i = 0; i < hn_fleet_index_groups(index); i++) {
		const struct hn_fleet_group *group = hn_fleet_index_group(index, i);

		for (size_t host = 0; host < group->count; host++) {
			HN_AUTO(hn_placement) struct hn_placement *home = NULL;
			struct slow_choice *next = &ret[count];

			if (hn_fleet_scene_solve(group->scene, group->records[host], guest, HN_FLEET_STEPS,
						 &home, NULL) < 0)
				continue;
			*next = (struct slow_choice){home->cost, false, group->order[host],
						     group->records[host]->host};
			for (size_t cell = 0; cell < home->cell_count; cell++)
				next->torn = next->torn || hn_set_count(&home->cells[cell].nodes) > 1;
			*ret_whole += !next->torn;
			count++;
		}
	}
	qsort(ret, count, sizeof(*ret), slow_by_suit);
	return count;
}

/* Hosts are those that the slow way finds, in its order, each at its cost. Returns how many are torn,
 * *ret_solved how many had to be solved to know it. */
static inline size_t slow_check(struct hn_fleet_index *index, struct hn_guest *guest, size_t most,
				size_t *ret_solved)
{
	struct slow_choice all[HOSTS];
	struct hn_fleet_ranking ranking;
	size_t whole, count = slow_solve(index, guest, all, &whole);
	size_t shown = count < most ? count : most;

	assert_int_equal(hn_fleet_rank(index, guest, most, &ranking, NULL), 0);
	assert_int_equal(ranking.scanned, HOSTS);
	assert_int_equal(ranking.count, shown);
	assert_true(ranking.possible >= count);
	assert_false(ranking.partial);
	for (size_t i = 0; i < shown; i++) {
		const struct hn_fleet_place *place = &ranking.hosts[i].place;

		assert_string_equal(place->group->records[place->host]->host, all[i].name);
		assert_int_equal(hn_cost_compare(&ranking.hosts[i].placement->cost, &all[i].cost), 0);
		assert_int_equal(ranking.hosts[i].torn, all[i].torn);
	}
	*ret_solved = ranking.solved;
	hn_fleet_ranking_done(&ranking);
	return shown > whole ? shown - whole : 0;
}
