/*
 * doctor-host - what the host's model tells of it: its nodes, and how huge pages are spread over them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "host/doctor.h"

#define LOPSIDED 2 /* a pool has more than that many times the pages of another */

static void check_nodes(const struct hn_host *host, struct hn_checkup *ret)
{
	struct hn_set homes = hn_host_home_nodes(host);
	char text[HN_UNITS_TEXT_MAX * 4];
	int count = hn_set_count(&homes);

	if (count > 1)
		hn_checkup_put(ret, HN_CHECK_NODES, HN_FINDING_OK, "%d nodes a guest can live on: %s", count,
			       hn_set_format(&homes, text, sizeof(text)));
	else if (count == 1)
		hn_checkup_put(ret, HN_CHECK_NODES, HN_FINDING_NOTE, "one node only: nothing to place here");
	else
		hn_checkup_put(ret, HN_CHECK_NODES, HN_FINDING_FAIL,
			       "no node has both CPUs and memory: no guest can be at home anywhere");
}

static void check_memory_only(const struct hn_host *host, struct hn_checkup *ret)
{
	struct hn_set no_cpus = {0}, no_memory = {0};
	char text[HN_UNITS_TEXT_MAX * 4];

	for (size_t i = 0; i < host->node_count; i++) {
		const struct hn_node *node = &host->nodes[i];

		if (hn_set_empty(&node->cpus) && node->memory_bytes > 0)
			hn_set_add(&no_cpus, node->id);
		else if (!hn_set_empty(&node->cpus) && node->memory_bytes == 0)
			hn_set_add(&no_memory, node->id);
	}
	if (!hn_set_empty(&no_memory))
		hn_finding_mend(
			hn_checkup_put(ret, HN_CHECK_MEMORY_ONLY, HN_FINDING_WARNING,
				       "CPUs of node %s have no memory of their own",
				       hn_set_format(&no_memory, text, sizeof(text))),
			"put memory modules beside them, or set reserved_cpus to them in homenode.conf");
	else if (!hn_set_empty(&no_cpus))
		hn_checkup_put(ret, HN_CHECK_MEMORY_ONLY, HN_FINDING_NOTE,
			       "node %s has memory and no CPUs: nobody's home",
			       hn_set_format(&no_cpus, text, sizeof(text)));
	else
		hn_checkup_put(ret, HN_CHECK_MEMORY_ONLY, HN_FINDING_OK,
			       "every node has both CPUs and memory");
}

static const struct hn_page_pool *pool_of(const struct hn_node *node, uint64_t page_bytes)
{
	for (size_t i = 0; i < node->pool_count; i++)
		if (node->pools[i].page_bytes == page_bytes)
			return &node->pools[i];
	return NULL;
}

/* The smallest and the largest pool of one page size among the nodes that guests live on. */
struct spread {
	uint64_t least, most, free;
	int least_node, most_node;
};

static struct spread spread_of(const struct hn_host *host, uint64_t page_bytes)
{
	struct spread spread = {.least = UINT64_MAX, .least_node = -1, .most_node = -1};
	struct hn_set homes = hn_host_home_nodes(host);

	for (size_t i = 0; i < host->node_count; i++) {
		const struct hn_page_pool *pool = pool_of(&host->nodes[i], page_bytes);
		uint64_t total = pool ? pool->total_pages : 0;

		if (!hn_set_has(&homes, host->nodes[i].id))
			continue;
		spread.free += pool ? pool->free_pages : 0;
		if (total < spread.least) {
			spread.least = total;
			spread.least_node = host->nodes[i].id;
		}
		if (spread.most_node < 0 || total > spread.most) {
			spread.most = total;
			spread.most_node = host->nodes[i].id;
		}
	}
	return spread;
}

/* Every page size that some node has a pool of, once each. */
static size_t page_sizes(const struct hn_host *host, uint64_t sizes[HN_POOLS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < host->node_count; i++) {
		for (size_t j = 0; j < host->nodes[i].pool_count && count < HN_POOLS_MAX; j++) {
			size_t k = 0;

			while (k < count && sizes[k] != host->nodes[i].pools[j].page_bytes)
				k++;
			if (k == count)
				sizes[count++] = host->nodes[i].pools[j].page_bytes;
		}
	}
	return count;
}

static void check_huge_pages(const struct hn_host *host, struct hn_checkup *ret)
{
	char text[240] = "", bytes[HN_UNITS_TEXT_MAX];
	uint64_t sizes[HN_POOLS_MAX];
	size_t count = page_sizes(host, sizes), used = 0;

	for (size_t i = 0; i < count; i++) {
		struct spread spread = spread_of(host, sizes[i]);

		hn_bytes_format(sizes[i], bytes, sizeof(bytes));
		if (spread.most > spread.least * LOPSIDED) {
			hn_finding_mend(hn_checkup_put(ret, HN_CHECK_HUGE_PAGES, HN_FINDING_WARNING,
						       "pools of %s pages are lopsided: node %d has %" PRIu64
						       ", node %d has %" PRIu64,
						       bytes, spread.most_node, spread.most,
						       spread.least_node, spread.least),
					"echo %" PRIu64 " > /sys/devices/system/node/node%d/hugepages/"
					"hugepages-%" PRIu64 "kB/nr_hugepages",
					spread.most, spread.least_node, sizes[i] / 1024);
			return;
		}
		if (spread.most > 0 && used < sizeof(text))
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%" PRIu64 " of %s",
						 used ? ", " : "", spread.free, bytes);
	}
	hn_checkup_put(ret, HN_CHECK_HUGE_PAGES, HN_FINDING_OK, "%s%s",
		       used ? "alike on all nodes; free in all: " : "none are set apart", text);
}

void hn_doctor_examine_host(const struct hn_host *host, struct hn_checkup *ret)
{
	check_nodes(host, ret);
	check_memory_only(host, ret);
	check_huge_pages(host, ret);
}
