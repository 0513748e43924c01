#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/record.h"
#include "model/check.h"

#define VERSION 1
#define LARGEST_CELLS 4

static json_object *finish(json_object *json, int failed)
{
	if (!failed)
		return json;
	json_object_put(json);
	return NULL;
}

static int append(json_object *array, json_object *value)
{
	if (array && value && json_object_array_add(array, value) == 0)
		return 0;
	json_object_put(value);
	return -ENOMEM;
}

static int add_array(json_object *json, const char *key, json_object *array, int failed)
{
	if (failed) {
		json_object_put(array);
		return -ENOMEM;
	}
	return hn_json_add(json, key, array);
}

static json_object *encode_node(const struct hn_fleet_node *node)
{
	json_object *json = json_object_new_object(), *pools = json_object_new_array();
	json_object *seats = json_object_new_array();
	int failed = !json || !pools || !seats;
	size_t pool_count = HN_POOLS_MAX;

	while (pool_count > 0 && node->pool_room[pool_count - 1] == 0)
		pool_count--;
	for (size_t i = 0; i < pool_count && !failed; i++)
		failed = append(pools, json_object_new_uint64(node->pool_room[i]));
	for (size_t i = 0; i < HN_CLASS_COUNT && !failed; i++)
		failed = append(seats, json_object_new_int(node->seats[i]));
	failed = failed || hn_json_add_u64(json, "room_bytes", node->room_bytes) ||
		 hn_json_add_u64(json, "others_vcpus", node->others_vcpus) ||
		 hn_json_add_u64(json, "others_bandwidth_bytes", node->others_bandwidth);
	failed = add_array(json, "pool_room_bytes", pools, failed) || failed;
	failed = add_array(json, "seats", seats, failed) || failed;
	return finish(json, failed);
}

static int compare_rooms(const void *a, const void *b)
{
	const struct hn_fleet_node *x = *(const struct hn_fleet_node *const *)a;
	const struct hn_fleet_node *y = *(const struct hn_fleet_node *const *)b;

	return (x->room_bytes < y->room_bytes) - (x->room_bytes > y->room_bytes);
}

/* Of so many cells, each on a node of its own: as large as the roomiest nodes allow. */
static int add_largest(json_object *json, const struct hn_fleet_record *record)
{
	const struct hn_fleet_node *nodes[HN_TOPOLOGY_NODES_MAX];
	json_object *array = json_object_new_array();
	size_t count = 0;
	unsigned seats = UINT16_MAX;
	int failed = !array;

	for (size_t i = 0; i < record->node_count && i < HN_TOPOLOGY_NODES_MAX; i++)
		if (record->nodes[i].seats[HN_CLASS_SHARED] > 0)
			nodes[count++] = &record->nodes[i];
	qsort(nodes, count, sizeof(*nodes), compare_rooms);
	for (size_t cells = 1; cells <= count && cells <= LARGEST_CELLS && !failed; cells++) {
		const struct hn_fleet_node *least = nodes[cells - 1];
		json_object *shape = json_object_new_object();

		if (least->seats[HN_CLASS_SHARED] < seats)
			seats = least->seats[HN_CLASS_SHARED];
		failed = !shape || hn_json_add_u64(shape, "cells", cells) ||
			 hn_json_add_u64(shape, "vcpus", cells * seats) ||
			 hn_json_add_u64(shape, "memory_bytes", cells * least->room_bytes);
		failed = append(array, finish(shape, failed)) || failed;
	}
	return add_array(json, "largest", array, failed);
}

static const struct counter {
	const char *name;
	size_t offset;
} counters[] = {
	{"guests", offsetof(struct hn_fleet_counters, guests)},
	{"at_home", offsetof(struct hn_fleet_counters, at_home)},
	{"problems", offsetof(struct hn_fleet_counters, problems)},
	{"reservations", offsetof(struct hn_fleet_counters, reservations)},
	{"operations", offsetof(struct hn_fleet_counters, operations)},
	{"failures", offsetof(struct hn_fleet_counters, failures)},
	{"moved_bytes", offsetof(struct hn_fleet_counters, moved_bytes)},
};

static int add_counters(json_object *json, const struct hn_fleet_record *record)
{
	json_object *object = json_object_new_object();
	int failed = !object;

	for (size_t i = 0; i < HN_COUNT(counters) && !failed; i++)
		failed = hn_json_add_u64(
			object, counters[i].name,
			*(const uint64_t *)((const char *)&record->counters + counters[i].offset));
	return add_array(json, "counters", object, failed);
}

static int add_checks(json_object *json, const char *key, uint64_t checks)
{
	json_object *array = json_object_new_array();
	int failed = !array;

	for (int i = 0; i < HN_CHECK_COUNT && !failed; i++)
		if (checks & (UINT64_C(1) << i))
			failed = append(array, json_object_new_string(hn_check_name((enum hn_check)i)));
	return add_array(json, key, array, failed);
}

static int add_share(json_object *json, const char *key, float share)
{
	return share < 0 ? hn_json_add(json, key, NULL)
			 : hn_json_add_double(json, key, round((double)share * 1000) / 1000);
}

json_object *hn_fleet_record_encode(const struct hn_fleet_record *record)
{
	json_object *json = json_object_new_object(), *nodes = json_object_new_array();
	char taken[HN_SET_TEXT_MAX];
	int failed = !json || !nodes;

	failed =
		failed || hn_json_add_int(json, "record", VERSION) ||
		hn_json_add_string(json, "host", record->host) ||
		hn_json_add_string(json, "api", record->api) ||
		hn_json_add_string(json, "topology", record->topology) ||
		hn_json_add_u64(json, "generation", record->generation) ||
		hn_json_add_u64(json, "time_ns", record->time_ns) ||
		hn_json_add_string(json, "health", hn_fleet_health_name(record)) ||
		add_checks(json, "warning", record->failing) || add_checks(json, "failed", record->failed) ||
		add_share(json, "pressure", record->pressure) ||
		add_share(json, "locality", record->locality) ||
		hn_json_add_string(json, "taken_cpus", hn_set_format(&record->taken, taken, sizeof(taken))) ||
		add_largest(json, record) || add_counters(json, record);
	for (size_t i = 0; i < record->node_count && !failed; i++)
		failed = append(nodes, encode_node(&record->nodes[i]));
	failed = add_array(json, "nodes", nodes, failed) || failed;
	return finish(json, failed);
}

static int get_text(json_object *json, const char *key, char *ret, size_t size, struct hn_error *err)
{
	const char *text;
	int r = hn_json_get_string(json, key, &text, err);

	if (r < 0)
		return r;
	if (strlen(text) >= size)
		return hn_fail(err, -EPROTO, "member '%s' is longer than %zu bytes", key, size - 1);
	strcpy(ret, text);
	return 0;
}

static int get_numbers(json_object *json, const char *key, uint64_t *ret, size_t least, size_t most,
		       uint64_t limit, struct hn_error *err)
{
	json_object *array;
	int r = hn_json_get_array(json, key, &array, err);
	size_t count = r < 0 ? 0 : json_object_array_length(array);

	if (r < 0)
		return r;
	if (count < least || count > most)
		return hn_fail(err, -EPROTO, "member '%s' has %zu items", key, count);
	for (size_t i = 0; i < count; i++) {
		json_object *item = json_object_array_get_idx(array, i);
		int64_t value = json_object_get_int64(item);

		if (!json_object_is_type(item, json_type_int) || value < 0 || (uint64_t)value > limit)
			return hn_fail(err, -EPROTO,
				       "member '%s' has an item that is no number up to %" PRIu64, key,
				       limit);
		ret[i] = (uint64_t)value;
	}
	return 0;
}

static int get_bounded(json_object *json, const char *key, uint64_t *ret, uint64_t limit,
		       struct hn_error *err)
{
	int r = hn_json_get_u64(json, key, ret, err);

	if (r == 0 && *ret > limit)
		r = hn_fail(err, -EPROTO, "member '%s' is more than %" PRIu64, key, limit);
	return r;
}

static int decode_node(json_object *json, struct hn_fleet_node *node, struct hn_error *err)
{
	uint64_t seats[HN_CLASS_COUNT], others;
	int r;

	if ((r = get_bounded(json, "room_bytes", &node->room_bytes, HN_MEMORY_MAX >> 6, err)) < 0 ||
	    (r = get_numbers(json, "pool_room_bytes", node->pool_room, 0, HN_POOLS_MAX, HN_MEMORY_MAX >> 8,
			     err)) < 0 ||
	    (r = get_numbers(json, "seats", seats, HN_CLASS_COUNT, HN_CLASS_COUNT, HN_SET_MAX, err)) < 0 ||
	    (r = get_bounded(json, "others_vcpus", &others, UINT16_MAX, err)) < 0 ||
	    (r = get_bounded(json, "others_bandwidth_bytes", &node->others_bandwidth, HN_MEMORY_MAX >> 6,
			     err)) < 0)
		return r;
	for (int class = 0; class < HN_CLASS_COUNT; class ++)
		node->seats[class] = (uint16_t)seats[class];
	node->others_vcpus = (uint16_t)others;
	return 0;
}

static int decode_checks(json_object *json, const char *key, uint64_t *ret, struct hn_error *err)
{
	json_object *array;
	int r = hn_json_get_array(json, key, &array, err);

	for (size_t i = 0; r == 0 && i < json_object_array_length(array); i++) {
		json_object *name = json_object_array_get_idx(array, i);
		enum hn_check check;

		/* a newer host may know checks that are not known here, or have more to tell than a name */
		if (i < HN_CHECK_COUNT && json_object_is_type(name, json_type_string) &&
		    hn_check_parse(json_object_get_string(name), &check, NULL) == 0)
			*ret |= UINT64_C(1) << check;
	}
	return r;
}

static int decode_share(json_object *json, const char *key, float *ret, struct hn_error *err)
{
	double value = -1;
	int r = hn_json_has(json, key) ? hn_json_get_double(json, key, &value, err) : 0;

	if (r == 0 && !(value <= 1 && (value >= 0 || value == -1)))
		return hn_fail(err, -EPROTO, "member '%s' is no share from 0 to 1", key);
	*ret = (float)value;
	return r;
}

static int decode_counters(json_object *json, struct hn_fleet_record *record, struct hn_error *err)
{
	json_object *object;
	int r = hn_json_get_object(json, "counters", &object, err);

	for (size_t i = 0; i < HN_COUNT(counters) && r == 0; i++)
		r = hn_json_get_u64(object, counters[i].name,
				    (uint64_t *)((char *)&record->counters + counters[i].offset), err);
	return r;
}

static int decode_rest(json_object *json, struct hn_fleet_record *record, struct hn_error *err)
{
	const char *taken;
	int r;

	if ((r = get_text(json, "host", record->host, sizeof(record->host), err)) < 0 ||
	    (r = get_text(json, "api", record->api, sizeof(record->api), err)) < 0 ||
	    (r = get_text(json, "topology", record->topology, sizeof(record->topology), err)) < 0 ||
	    (r = hn_json_get_u64(json, "generation", &record->generation, err)) < 0 ||
	    (r = hn_json_get_u64(json, "time_ns", &record->time_ns, err)) < 0 ||
	    (r = decode_checks(json, "warning", &record->failing, err)) < 0 ||
	    (r = decode_checks(json, "failed", &record->failed, err)) < 0 ||
	    (r = decode_share(json, "pressure", &record->pressure, err)) < 0 ||
	    (r = decode_share(json, "locality", &record->locality, err)) < 0 ||
	    (r = decode_counters(json, record, err)) < 0 ||
	    (r = hn_json_get_string(json, "taken_cpus", &taken, err)) < 0)
		return r;
	if (!record->host[0])
		return hn_fail(err, -EPROTO, "member 'host' is empty");
	return hn_set_parse(taken, &record->taken, err) < 0
		       ? (hn_error_prefix(err, "member 'taken_cpus'"), -EPROTO)
		       : 0;
}

int hn_fleet_record_decode(json_object *json, struct hn_fleet_record **ret, struct hn_error *err)
{
	HN_AUTO(hn_fleet_record) struct hn_fleet_record *record = NULL;
	json_object *nodes;
	int version, r = hn_json_get_int(json, "record", &version, err);
	size_t count;

	if (r < 0)
		return r;
	if (version != VERSION)
		return hn_fail(err, -EPROTO, "record: version %d is not known here, only %d", version,
			       VERSION);
	if ((r = hn_json_get_array(json, "nodes", &nodes, err)) < 0)
		return r;
	count = json_object_array_length(nodes);
	if (count == 0 || count > HN_TOPOLOGY_NODES_MAX)
		return hn_fail(err, -EPROTO, "member 'nodes' has %zu items, not 1 to %d", count,
			       HN_TOPOLOGY_NODES_MAX);
	record = hn_fleet_record_new("", count);
	if (!record)
		return hn_oom(err);
	for (size_t i = 0; i < count; i++)
		if ((r = decode_node(json_object_array_get_idx(nodes, i), &record->nodes[i], err)) < 0) {
			hn_error_prefix(err, "nodes[%zu]", i);
			return r;
		}
	if ((r = decode_rest(json, record, err)) < 0)
		return r;
	*ret = hn_steal(record);
	return 0;
}
