#include "base/json.h"
#include "model/codec-parts.h"
#include "model/codec.h"

#include <errno.h>

static int add_cost(json_object *json, const char *key, const struct hn_cost *cost)
{
	json_object *object = json_object_new_object();
	int failed = !object;

	for (size_t i = 0; i < HN_COST_PARTS && !failed; i++)
		failed = hn_json_add_u64(object, hn_cost_part_name((enum hn_cost_part)i), cost->parts[i]);
	return failed ? (json_object_put(object), -1) : hn_json_add(json, key, object);
}

static json_object *encode_vcpu(const void *element)
{
	const struct hn_vcpu_home *home = element;
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_int(json, "vcpu", home->vcpu) ||
		 hn_codec_add_set(json, "cpus", &home->cpus);
	return hn_codec_finish(json, failed);
}

static json_object *encode_cell(const struct hn_placement *placement, const struct hn_cell_home *cell)
{
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_int(json, "cell", cell->cell) ||
		 hn_codec_add_set(json, "nodes", &cell->nodes) ||
		 hn_codec_add_u64s(json, "bytes", cell->bytes, placement->node_count) ||
		 hn_codec_add_u64s(json, "vcpus", cell->vcpus, placement->node_count);
	return hn_codec_finish(json, failed);
}

json_object *hn_placement_encode(const struct hn_placement *placement)
{
	json_object *json = json_object_new_object(), *cells = json_object_new_array();
	int failed = !json || !cells;

	failed = failed || hn_json_add_u64(json, "node_count", placement->node_count) ||
		 hn_json_add_bool(json, "proven", placement->proven) ||
		 add_cost(json, "cost", &placement->cost) || add_cost(json, "bound", &placement->bound) ||
		 hn_codec_add_set(json, "other_cpus", &placement->other_cpus) ||
		 hn_codec_add_items(json, "vcpus", placement->vcpus, placement->vcpu_count,
				    sizeof(*placement->vcpus), encode_vcpu);
	for (size_t i = 0; i < placement->cell_count && !failed; i++)
		failed = hn_codec_append(cells, encode_cell(placement, &placement->cells[i]));
	if (failed)
		json_object_put(cells);
	else
		failed = hn_json_add(json, "cells", cells);
	return hn_codec_finish(json, failed);
}

static int decode_cost(json_object *json, const char *key, struct hn_cost *ret, struct hn_error *err)
{
	json_object *cost;
	int r = hn_json_get_object(json, key, &cost, err);

	for (size_t i = 0; r == 0 && i < HN_COST_PARTS; i++) {
		const char *part = hn_cost_part_name((enum hn_cost_part)i);
		bool came_later = i == HN_COST_BANDWIDTH || i == HN_COST_FRAGMENT;

		if (!came_later || hn_codec_present(cost, part))
			r = hn_json_get_u64(cost, part, &ret->parts[i], err);
		if (r < 0)
			hn_error_prefix(err, "%s", key);
	}
	return r;
}

/* A bound that is not told is the cost where that is proven, and else nothing. */
static int decode_costs(json_object *json, struct hn_placement *placement, struct hn_error *err)
{
	int r;

	if ((r = hn_json_get_bool(json, "proven", &placement->proven, err)) < 0 ||
	    (r = decode_cost(json, "cost", &placement->cost, err)) < 0)
		return r;
	if (hn_codec_present(json, "bound"))
		return decode_cost(json, "bound", &placement->bound, err);
	if (placement->proven)
		placement->bound = placement->cost;
	return 0;
}

static int decode_vcpus(json_object *json, struct hn_placement *placement, struct hn_error *err)
{
	json_object *items;
	size_t count;
	int r = hn_codec_get_items(json, "vcpus", &items, &count, err);

	if (r < 0)
		return r;
	if (hn_placement_set_vcpus(placement, count))
		return hn_oom(err);
	for (size_t i = 0; i < count && r == 0; i++) {
		json_object *item = json_object_array_get_idx(items, i);
		struct hn_vcpu_home *home = &placement->vcpus[i];
		int before = i ? home[-1].vcpu : -1;

		if ((r = hn_json_get_int(item, "vcpu", &home->vcpu, err)) == 0 &&
		    (r = hn_codec_get_set(item, "cpus", &home->cpus, err)) == 0 &&
		    (home->vcpu <= before || home->vcpu >= HN_SET_MAX))
			r = hn_fail(err, -EPROTO, "member 'vcpu': %d is not within %d..%d", home->vcpu,
				    before + 1, HN_SET_MAX - 1);
		if (r < 0)
			hn_error_prefix(err, "vcpus[%zu]", i);
	}
	return r;
}

static int decode_cells(json_object *cells, struct hn_placement *placement, struct hn_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < placement->cell_count; i++) {
		json_object *item = json_object_array_get_idx(cells, i);
		struct hn_cell_home *cell = &placement->cells[i];

		if ((r = hn_json_get_int(item, "cell", &cell->cell, err)) < 0 ||
		    (r = hn_codec_get_set(item, "nodes", &cell->nodes, err)) < 0 ||
		    (r = hn_codec_get_u64s(item, "bytes", cell->bytes, placement->node_count, err)) < 0 ||
		    (hn_codec_present(item, "vcpus") &&
		     (r = hn_codec_get_u64s(item, "vcpus", cell->vcpus, placement->node_count, err)) < 0))
			hn_error_prefix(err, "cells[%zu]", i);
	}
	return r;
}

int hn_placement_decode(json_object *json, struct hn_placement **ret, struct hn_error *err)
{
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;
	json_object *cells;
	uint64_t node_count;
	size_t count;
	int r;

	if ((r = hn_json_get_u64(json, "node_count", &node_count, err)) < 0 ||
	    (r = hn_codec_get_items(json, "cells", &cells, &count, err)) < 0)
		return r;
	if (node_count > HN_SET_MAX)
		return hn_fail(err, -EPROTO, "member 'node_count' is above %d", HN_SET_MAX);
	if (count * node_count > HN_CODEC_TABLE_MAX)
		return hn_fail(err, -EPROTO, "member 'cells' has %zu items for %d nodes: too many", count,
			       (int)node_count);
	placement = hn_placement_new((size_t)node_count, count);
	if (!placement)
		return hn_oom(err);
	if ((r = decode_costs(json, placement, err)) < 0 || (r = decode_cells(cells, placement, err)) < 0 ||
	    (hn_codec_present(json, "other_cpus") &&
	     (r = hn_codec_get_set(json, "other_cpus", &placement->other_cpus, err)) < 0) ||
	    (hn_codec_present(json, "vcpus") && (r = decode_vcpus(json, placement, err)) < 0))
		return r;
	*ret = hn_steal(placement);
	return 0;
}
