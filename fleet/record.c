#include "fleet/record.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "policy/capacity.h"

struct hn_fleet_record *hn_fleet_record_new(const char *host, size_t node_count)
{
	struct hn_fleet_record *record = calloc(1, sizeof(*record) + node_count * sizeof(record->nodes[0]));

	if (!record)
		return NULL;
	snprintf(record->host, sizeof(record->host), "%s", host);
	record->node_count = node_count;
	record->pressure = record->locality = -1;
	return record;
}

void hn_fleet_record_free(struct hn_fleet_record *record)
{
	free(record);
}

const char *hn_fleet_health_name(const struct hn_fleet_record *record)
{
	return record->failed ? "fail" : record->failing ? "warning" : "ok";
}

/* Cores by the place of their first CPU in the host's list. */
struct cores {
	size_t *first;     /* by CPU's place */
	unsigned *threads; /* by first */
	unsigned *usable;  /* likewise, of those on the node that are asked about */
};

static int list_cores(const struct hn_host *host, struct cores *ret)
{
	ret->first = calloc(host->cpu_count + 1, sizeof(*ret->first));
	ret->threads = calloc(host->cpu_count + 1, sizeof(*ret->threads));
	ret->usable = calloc(host->cpu_count + 1, sizeof(*ret->usable));
	if (!ret->first || !ret->threads || !ret->usable)
		return -ENOMEM;
	for (size_t i = 0; i < host->cpu_count; i++) {
		size_t first = 0;

		while (host->cpus[first].core != host->cpus[i].core)
			first++;
		ret->first[i] = first;
		ret->threads[first]++;
	}
	return 0;
}

static void free_cores(struct cores *cores)
{
	free(cores->first);
	free(cores->threads);
	free(cores->usable);
}

/* Takes whole cores of the node that guests of the class could have, until so many are left. */
static void leave_cores(const struct hn_host *host, size_t node, enum hn_class class, unsigned left,
			struct cores *cores, struct hn_set *taken)
{
	struct hn_set usable = hn_usable_cpus(host, node, class);
	unsigned whole = 0;

	hn_set_subtract(&usable, taken);
	memset(cores->usable, 0, host->cpu_count * sizeof(*cores->usable));
	for (size_t i = 0; i < host->cpu_count; i++)
		cores->usable[cores->first[i]] += hn_set_has(&usable, host->cpus[i].id);
	for (size_t i = 0; i < host->cpu_count; i++)
		whole += cores->threads[i] && cores->usable[i] == cores->threads[i];
	for (size_t core = host->cpu_count; core-- > 0 && whole > left;) {
		if (!cores->threads[core] || cores->usable[core] != cores->threads[core])
			continue;
		whole--;
		for (size_t i = 0; i < host->cpu_count; i++)
			if (cores->first[i] == core)
				hn_set_add(taken, host->cpus[i].id);
	}
}

/* Guests that have been promised cores, and not yet which: some are taken for them. */
static int take_cores(const struct hn_host *host, const struct hn_capacity *capacity, struct hn_set *taken)
{
	struct cores cores = {0};
	int r = list_cores(host, &cores);

	for (size_t node = 0; r == 0 && node < host->node_count; node++)
		for (int class = HN_CLASS_DEDICATED; class < HN_CLASS_COUNT; class ++)
			leave_cores(host, node, (enum hn_class) class, capacity->nodes[node].seats[class],
				    &cores, taken);
	free_cores(&cores);
	return r;
}

static uint16_t small(unsigned value)
{
	return value < UINT16_MAX ? (uint16_t)value : UINT16_MAX;
}

int hn_fleet_record_make(const struct hn_snapshot *snapshot, size_t newcomer, uint64_t keep_free_bytes,
			 const char *topology, struct hn_fleet_record **ret, struct hn_error *err)
{
	const struct hn_host *host = snapshot->host;
	HN_AUTO(hn_capacity)
	struct hn_capacity *capacity = hn_capacity_new(snapshot, newcomer, keep_free_bytes);
	HN_AUTO(hn_fleet_record)
	struct hn_fleet_record *record = hn_fleet_record_new(host->name, host->node_count);

	if (!capacity || !record)
		return hn_oom(err);
	snprintf(record->topology, sizeof(record->topology), "%s", topology);
	record->taken = hn_owned_cpus(snapshot, &newcomer, 1);
	if (take_cores(host, capacity, &record->taken) < 0)
		return hn_oom(err);
	for (size_t i = 0; i < host->node_count; i++) {
		const struct hn_node_capacity *from = &capacity->nodes[i];
		struct hn_fleet_node *node = &record->nodes[i];

		node->room_bytes = from->room_bytes;
		memcpy(node->pool_room, from->pool_room, sizeof(node->pool_room));
		node->others_bandwidth = from->others_bandwidth;
		node->others_vcpus = small(from->others_vcpus);
		for (int class = 0; class < HN_CLASS_COUNT; class ++)
			node->seats[class] = host->nodes[i].draining ? 0 : small(from->seats[class]);
	}
	*ret = hn_steal(record);
	return 0;
}

/* Of the last GiB finer steps are told: a node that is nearly full changes a little at every look. */
static bool bytes_differ(uint64_t told, uint64_t now)
{
	uint64_t apart = told > now ? told - now : now - told, more = told > now ? told : now;
	uint64_t bound = more / 64 > 256 * HN_MIB ? more / 64 : 256 * HN_MIB;

	return apart > (more - apart < HN_GIB ? 16 * HN_MIB : bound) || (told == 0) != (now == 0);
}

static bool nodes_differ(const struct hn_fleet_node *told, const struct hn_fleet_node *now)
{
	if (memcmp(told->seats, now->seats, sizeof(now->seats)) != 0 ||
	    told->others_vcpus != now->others_vcpus || bytes_differ(told->room_bytes, now->room_bytes) ||
	    bytes_differ(told->others_bandwidth, now->others_bandwidth))
		return true;
	for (size_t pool = 0; pool < HN_POOLS_MAX; pool++)
		if (told->pool_room[pool] != now->pool_room[pool])
			return true;
	return false;
}

bool hn_fleet_record_differs(const struct hn_fleet_record *told, const struct hn_fleet_record *now)
{
	if (told->node_count != now->node_count || strcmp(told->host, now->host) != 0 ||
	    strcmp(told->api, now->api) != 0 || strcmp(told->topology, now->topology) != 0 ||
	    told->failing != now->failing || told->failed != now->failed ||
	    fabsf(told->pressure - now->pressure) > 0.02f || fabsf(told->locality - now->locality) > 0.02f ||
	    !hn_set_equal(&told->taken, &now->taken) || told->counters.guests != now->counters.guests ||
	    told->counters.problems != now->counters.problems)
		return true;
	for (size_t i = 0; i < now->node_count; i++)
		if (nodes_differ(&told->nodes[i], &now->nodes[i]))
			return true;
	return false;
}
