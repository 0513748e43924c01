#include "fleet/scene.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct hn_fleet_scene {
	struct hn_topology *topology;
	struct hn_snapshot snapshot;
	struct hn_guest_state guests[2]; /* the newcomer; all others as one with a cell on every node */
};

/* All who are there: a cell a node, at home there. */
static int add_others(struct hn_fleet_scene *scene)
{
	const struct hn_host *host = scene->snapshot.host;
	struct hn_guest_state *others = &scene->guests[1];

	others->guest = hn_guest_new("others");
	others->home = hn_placement_new(host->node_count, host->node_count);
	if (!others->guest || !others->home)
		return -ENOMEM;
	others->guest->mode = HN_MODE_ENFORCE;
	for (size_t i = 0; i < host->node_count; i++) {
		if (!hn_guest_add_cell(others->guest, (int)i))
			return -ENOMEM;
		others->home->cells[i].cell = (int)i;
		others->home->cells[i].nodes = hn_set_of(host->nodes[i].id);
	}
	return 0;
}

struct hn_fleet_scene *hn_fleet_scene_new(struct hn_topology *topology)
{
	HN_AUTO(hn_fleet_scene) struct hn_fleet_scene *scene = calloc(1, sizeof(*scene));

	if (!scene)
		return NULL;
	scene->topology = hn_topology_share(topology);
	scene->snapshot.host = hn_host_copy(topology->host);
	scene->snapshot.guests = scene->guests;
	scene->snapshot.guest_count = HN_COUNT(scene->guests);
	if (!scene->snapshot.host || add_others(scene) < 0)
		return NULL;
	return hn_steal(scene);
}

void hn_fleet_scene_free(struct hn_fleet_scene *scene)
{
	if (!scene)
		return;
	hn_host_free(scene->snapshot.host);
	hn_guest_free(scene->guests[1].guest);
	hn_placement_free(scene->guests[1].home);
	hn_topology_free(scene->topology);
	free(scene);
}

static void set_node(struct hn_fleet_scene *scene, size_t i, const struct hn_fleet_node *from)
{
	const struct hn_node *made = &scene->topology->host->nodes[i];
	struct hn_node *node = &scene->snapshot.host->nodes[i];
	struct hn_cell *others = &scene->guests[1].guest->cells[i];

	node->free_bytes = from->room_bytes;
	node->memory_bytes = made->memory_bytes > from->room_bytes ? made->memory_bytes : from->room_bytes;
	for (size_t pool = 0; pool < node->pool_count; pool++)
		node->pools[pool].total_pages = node->pools[pool].free_pages =
			from->pool_room[pool] / node->pools[pool].page_bytes;
	others->bandwidth_bytes = from->others_bandwidth;
	hn_set_clear(&others->vcpus);
	for (int vcpu = 0; vcpu < from->others_vcpus && vcpu < HN_SET_MAX; vcpu++)
		hn_set_add(&others->vcpus, vcpu);
}

int hn_fleet_scene_solve(struct hn_fleet_scene *scene, const struct hn_fleet_record *record,
			 struct hn_guest *guest, uint64_t steps, struct hn_placement **ret,
			 struct hn_error *err)
{
	const struct hn_host *made = scene->topology->host;
	struct hn_host *host = scene->snapshot.host;
	struct hn_solver_limits limits = {.steps = steps};
	int r;

	if (record->node_count != host->node_count)
		return hn_fail(err, -EINVAL, "the record of %s tells of other nodes than its topology",
			       record->host);
	for (size_t i = 0; i < host->node_count; i++)
		set_node(scene, i, &record->nodes[i]);
	for (size_t i = 0; i < host->cpu_count; i++)
		host->cpus[i].reserved =
			made->cpus[i].reserved || hn_set_has(&record->taken, host->cpus[i].id);
	scene->guests[0] = (struct hn_guest_state){.guest = guest};
	r = hn_solve(&scene->snapshot, 0, &limits, ret, err);
	scene->guests[0].guest = NULL;
	return r;
}
