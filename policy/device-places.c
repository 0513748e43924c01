#include "policy/device-places.h"

#include <stdio.h>

/* The node, by id, with most pages of the cell; -1 when none is there. */
static int fullest_node(const struct hn_host *host, const struct hn_cell_sample *cell)
{
	size_t most = 0;

	for (size_t i = 1; i < host->node_count; i++)
		if (cell->on_node[i] > cell->on_node[most])
			most = i;
	return cell->on_node[most] > 0 ? host->nodes[most].id : -1;
}

struct hn_set hn_guest_lives_on(const struct hn_host *host, const struct hn_sample *sample,
				const struct hn_placement *home)
{
	struct hn_set nodes = {0};

	if (host->node_count == 0)
		return nodes;
	for (size_t i = 0; sample && sample->node_count == host->node_count && i < sample->cell_count; i++) {
		int node = fullest_node(host, &sample->cells[i]);

		if (node >= 0)
			hn_set_add(&nodes, node);
	}
	return hn_set_empty(&nodes) && home ? hn_placement_nodes(home) : nodes;
}

struct hn_device_place hn_device_place_of(const struct hn_host *host, const char *name, bool shared,
					  const struct hn_set *lives)
{
	const struct hn_device *device = hn_host_device(host, name);
	struct hn_device_place place = {.node = -1, .shared = shared};
	int at = device ? hn_host_node_index(host, device->node) : -1;

	snprintf(place.name, sizeof(place.name), "%s", name);
	if (device)
		snprintf(place.kind, sizeof(place.kind), "%s", device->kind);
	if (at < 0)
		return place;
	place.node = device->node;
	place.far = !hn_set_empty(lives) && !hn_set_has(lives, place.node);
	HN_SET_FOREACH (node, lives) {
		int from = hn_host_node_index(host, node);
		unsigned distance = from < 0 ? 0 : hn_host_distance(host, (size_t)from, (size_t)at);

		if (distance && (place.distance == 0 || distance < place.distance))
			place.distance = distance;
	}
	return place;
}
