#include "base/json.h"
#include "model/codec-parts.h"
#include "model/codec.h"

#include <errno.h>

static int add_cost(json_object *json, const struct hn_cost *cost)
{
	json_object *object = json_object_new_object();
	int failed = !object;

	for (size_t i = 0; i < HN_COST_PARTS && !failed; i++)
		failed = hn_json_add_u64(object, hn_cost_part_name((enum hn_cost_part)i), cost->parts[i]);
	return failed ? (json_object_put(object), -1) : hn_json_add(json, "cost", object);
}

json_object *hn_placement_encode(const struct hn_placement *placement)
{
	json_object *json = json_object_new_object(), *cells = json_object_new_array();
	int failed = !json || !cells;

	failed = failed || hn_json_add_u64(json, "node_count", placement->node_count) ||
		 hn_json_add_bool(json, "proven", placement->proven) || add_cost(json, &placement->cost);
	for (size_t i = 0; i < placement->cell_count && !failed; i++) {
		const struct hn_cell_home *cell = &placement->cells[i];
		json_object *item = json_object_new_object();

		failed = hn_codec_append(cells, item) || hn_json_add_int(item, "cell", cell->cell) ||
			 hn_codec_add_set(item, "nodes", &cell->nodes) ||
			 hn_codec_add_u64s(item, "bytes", cell->bytes, placement->node_count);
	}
	if (failed)
		json_object_put(cells);
	else
		failed = hn_json_add(json, "cells", cells);
	return hn_codec_finish(json, failed);
}

int hn_placement_decode(json_object *json, struct hn_placement **ret, struct hn_error *err)
{
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;
	json_object *cells, *cost;
	uint64_t node_count;
	size_t count;
	int r;

	if ((r = hn_json_get_u64(json, "node_count", &node_count, err)) < 0 ||
	    (r = hn_codec_get_items(json, "cells", &cells, &count, err)) < 0 ||
	    (r = hn_json_get_object(json, "cost", &cost, err)) < 0)
		return r;
	if (node_count > HN_SET_MAX)
		return hn_fail(err, -EPROTO, "member 'node_count' is above %d", HN_SET_MAX);
	if (count * node_count > HN_CODEC_TABLE_MAX)
		return hn_fail(err, -EPROTO, "member 'cells' has %zu items for %d nodes: too many", count,
			       (int)node_count);
	placement = hn_placement_new((size_t)node_count, count);
	if (!placement)
		return hn_oom(err);
	r = hn_json_get_bool(json, "proven", &placement->proven, err);
	for (size_t i = 0; r == 0 && i < HN_COST_PARTS; i++)
		r = hn_json_get_u64(cost, hn_cost_part_name((enum hn_cost_part)i), &placement->cost.parts[i],
				    err);
	for (size_t i = 0; r == 0 && i < count; i++) {
		json_object *item = json_object_array_get_idx(cells, i);
		struct hn_cell_home *cell = &placement->cells[i];

		if ((r = hn_json_get_int(item, "cell", &cell->cell, err)) < 0 ||
		    (r = hn_codec_get_set(item, "nodes", &cell->nodes, err)) < 0 ||
		    (r = hn_codec_get_u64s(item, "bytes", cell->bytes, placement->node_count, err)) < 0)
			hn_error_prefix(err, "cells[%zu]", i);
	}
	if (r == 0)
		*ret = hn_steal(placement);
	return r;
}
