#include "bench/numad-model.h"

#include <stdbool.h>

#define MARGIN_MIB 100 /* that numad leaves on a node it has used up */

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* What is needed counts more than what is left over. */
static uint64_t worth(const struct numad_node *node, int64_t cpus, int64_t mib)
{
	int64_t cpus_free = node->cpus_free < 1 ? 1 : node->cpus_free; /* never worth nothing */
	int64_t mib_needed = least(mib, node->mib_free), cpus_needed = least(cpus, cpus_free);

	return (uint64_t)(mib_needed * 10 + (node->mib_free - mib_needed) * 4) *
	       (uint64_t)(cpus_needed * 6 + cpus_free - cpus_needed);
}

/* The nodes by distance from that one, the worthier first. */
static void order_from(size_t from, size_t count, const uint16_t *distances, const uint64_t *worths,
		       size_t *order)
{
	for (size_t i = 0; i < count; i++) {
		size_t place = i;

		for (; place > 0; place--) {
			unsigned there = distances[order[place - 1] * count + from];
			unsigned here = distances[i * count + from];

			if (there < here || (there == here && worths[order[place - 1]] >= worths[i]))
				break;
			order[place] = order[place - 1];
		}
		order[place] = i;
	}
}

static int64_t divide_up(int64_t value, int64_t by)
{
	return by > 0 ? (value + by - 1) / by : 1;
}

/* The nodes that the request needs at least, were all empty and like the first. */
static size_t nodes_needed(const struct numad_node *nodes, size_t count, int64_t cpus, int64_t mib)
{
	int64_t for_mib = divide_up(mib, nodes[0].mib_total), for_cpus = divide_up(cpus, nodes[0].cpus_total);
	int64_t needed = for_mib > for_cpus ? for_mib : for_cpus;

	return (size_t)least(needed, (int64_t)count);
}

static size_t best_start(size_t count, const uint16_t *distances, const uint64_t *worths, size_t needed)
{
	size_t order[NUMAD_NODES_MAX], best = 0;
	uint64_t most = 0;

	for (size_t from = 0; from < count; from++) {
		uint64_t sum = 0;

		order_from(from, count, distances, worths, order);
		for (size_t i = 0; i < needed; i++) {
			uint64_t distance = distances[order[i] * count + from];

			sum += worths[order[i]] / (distance * distance);
		}
		if (from == 0 || sum > most) {
			most = sum;
			best = from;
		}
	}
	return best;
}

void numad_advise(const struct numad_node *nodes, size_t count, const uint16_t *distances, unsigned vcpus,
		  uint64_t mib, size_t *ret, size_t *ret_count)
{
	int64_t cpus_left = (int64_t)vcpus * 100, mib_left = (int64_t)mib;
	size_t needed = nodes_needed(nodes, count, cpus_left, mib_left), order[NUMAD_NODES_MAX];
	uint64_t worths[NUMAD_NODES_MAX] = {0};

	for (size_t i = 0; i < count; i++)
		worths[i] = worth(&nodes[i], cpus_left, mib_left);
	order_from(best_start(count, distances, worths, needed), count, distances, worths, order);
	*ret_count = 0;
	while (*ret_count < count && (*ret_count < needed || cpus_left > 0 || mib_left > 0)) {
		const struct numad_node *node = &nodes[order[*ret_count]];
		int64_t cpus_free = node->cpus_free < 1 ? 1 : node->cpus_free;

		ret[*ret_count] = order[*ret_count];
		++*ret_count;
		mib_left = node->mib_free >= mib_left + MARGIN_MIB ? 0
								   : mib_left - (node->mib_free - MARGIN_MIB);
		cpus_left -= least(cpus_left, cpus_free);
	}
}
