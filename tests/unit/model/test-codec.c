/* Everything that is written is read back alike, through text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/json.h"
#include "model/codec.h"
#include "specimen.h"

#define ROUNDS 300

/* Text of what is encoded from thing; owned by *ret. */
static const char *write_text(const struct document *document, const void *thing, json_object **ret)
{
	*ret = document->encode(thing);
	assert_non_null(*ret);
	return json_object_to_json_string_ext(*ret, JSON_C_TO_STRING_PLAIN);
}

static void what_is_written_is_read_back(void **state)
{
	struct hn_random random = {21};

	for (size_t i = 0; i < DOCUMENT_COUNT; i++) {
		for (int round = 0; round < ROUNDS; round++) {
			HN_AUTO(json) json_object *first = NULL, *parsed = NULL, *second = NULL;
			void *thing = documents[i].draw(&random), *read = NULL;
			const char *text = write_text(&documents[i], thing, &first);
			struct hn_error err = {0};

			assert_int_equal(hn_json_parse(text, strlen(text), "text", &parsed, &err), 0);
			if (documents[i].decode(parsed, &read, &err) != 0)
				fail_msg("%s: %s in %s", documents[i].name, err.message, text);
			if (!documents[i].same(thing, read))
				fail_msg("%s is read back otherwise: %s", documents[i].name, text);
			assert_string_equal(write_text(&documents[i], read, &second), text);
			documents[i].free(thing);
			documents[i].free(read);
		}
	}
}

/* Two documents that differ in anything are written differently. */
static void no_two_are_written_alike(void **state)
{
	struct hn_random random = {22};

	for (size_t i = 0; i < DOCUMENT_COUNT; i++) {
		for (int round = 0; round < ROUNDS; round++) {
			HN_AUTO(json) json_object *first = NULL, *second = NULL;
			void *a = documents[i].draw(&random), *b = documents[i].draw(&random);
			const char *text = write_text(&documents[i], a, &first);

			assert_int_equal(strcmp(text, write_text(&documents[i], b, &second)) == 0,
					 documents[i].same(a, b));
			documents[i].free(a);
			documents[i].free(b);
		}
	}
}

static void unknown_members_are_skipped(void **state)
{
	struct hn_random random = {23};

	for (size_t i = 0; i < DOCUMENT_COUNT; i++) {
		HN_AUTO(json) json_object *json = NULL;
		void *thing = documents[i].draw(&random), *read = NULL;
		struct hn_error err = {0};

		write_text(&documents[i], thing, &json);
		hn_json_add_string(json, "from a later version", "x");
		assert_int_equal(documents[i].decode(json, &read, &err), 0);
		assert_true(documents[i].same(thing, read));
		documents[i].free(thing);
		documents[i].free(read);
	}
}

/* The sum of the migrations is there for readers; a reader of ours adds up itself. */
static void a_plan_tells_what_is_to_move(void **state)
{
	HN_AUTO(hn_plan) struct hn_plan *plan = hn_plan_new();
	HN_AUTO(json) json_object *json = NULL;
	struct hn_error err = {0};
	uint64_t bytes;

	hn_plan_add_action(plan, HN_ACTION_MIGRATE)->bytes = 400;
	hn_plan_add_action(plan, HN_ACTION_MIGRATE)->bytes = 21;
	json = hn_plan_encode(plan);
	assert_int_equal(hn_json_get_u64(json, "migrate_bytes", &bytes, &err), 0);
	assert_int_equal(bytes, 421);
}

/* What 0.1.0 wrote, before there were devices, reserved memory, bounds and regret: written out by hand after
 * its encoders. What it does not tell is what 0.1.0 took for granted. */
static void an_earlier_snapshot_is_read(void **state)
{
	static const char text[] =
		"{\"version\":1,\"now_ns\":77,\"host\":{\"name\":\"old\",\"distances_known\":true,"
		"\"kernel_balancing\":false,\"fifo_hazard\":false,\"nodes\":[{\"id\":0,\"cpus\":\"0\","
		"\"memory_bytes\":8192,\"free_bytes\":4096,\"pools\":[]}],\"distances\":[[10]],\"cpus\":["
		"{\"id\":0,\"node\":0,\"core\":0,\"llc\":0,\"package\":0,\"isolated\":false}]},\"guests\":["
		"{\"guest\":{\"name\":\"g\",\"uuid\":\"\",\"pid\":1,\"start_ticks\":2,\"mode\":\"enforce\","
		"\"class\":\"shared\",\"state\":\"running\",\"policy\":\"\",\"cells\":[{\"id\":0,"
		"\"memory_bytes\":4096,\"vcpus\":\"0\"}],\"threads\":[],\"backends\":[]},\"sample\":null,"
		"\"home\":{\"node_count\":1,\"proven\":true,\"cost\":{\"remote\":1,\"cpu\":2,\"migrate\":3},"
		"\"cells\":[{\"cell\":0,\"nodes\":\"0\",\"bytes\":[4096]}]},\"agreeing\":1,\"fruitless\":0,"
		"\"settle_until_ns\":0,\"moving\":false}]}";
	static const uint64_t cost[HN_COST_PARTS] = {
		[HN_COST_REMOTE] = 1, [HN_COST_CPU] = 2, [HN_COST_MIGRATE] = 3};
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = NULL;
	HN_AUTO(json) json_object *json = NULL;
	const struct hn_guest_state *guest;
	struct hn_error err = {0};

	assert_int_equal(hn_json_parse(text, strlen(text), "text", &json, &err), 0);
	if (hn_snapshot_decode(json, &snapshot, &err))
		fail_msg("%s", err.message);
	guest = &snapshot->guests[0];
	assert_int_equal(snapshot->host->nodes[0].reserved_bytes, 0);
	assert_int_equal(snapshot->host->nodes[0].memory_kind, HN_MEMORY_DRAM);
	assert_false(snapshot->host->cpus[0].reserved);
	assert_false(snapshot->host->nodes[0].draining);
	assert_null(snapshot->host->bandwidths);
	assert_int_equal(snapshot->host->device_count + guest->guest->device_count, 0);
	assert_int_equal(snapshot->calibration.migrations, 0);
	assert_true(hn_set_empty(&guest->guest->allowed_nodes));
	assert_int_equal(guest->guest->cells[0].page_bytes, 0);
	assert_null(guest->regret);
	assert_true(guest->looks.distrust == 0);
	assert_memory_equal(guest->home->cost.parts, cost, sizeof(cost));
	assert_memory_equal(guest->home->bound.parts, cost, sizeof(cost)); /* as it is proven */
	assert_int_equal(guest->home->vcpu_count, 0);
}

/* A placement that was not proven and tells no bound is bounded by nothing. */
static void an_unproven_placement_without_bound_has_none(void **state)
{
	HN_AUTO(hn_placement) struct hn_placement *placement = hn_placement_new(1, 1), *read = NULL;
	HN_AUTO(json) json_object *json = NULL;
	struct hn_error err = {0};

	placement->cost.parts[HN_COST_CPU] = 5;
	placement->bound.parts[HN_COST_CPU] = 4;
	json = hn_placement_encode(placement);
	json_object_object_del(json, "bound");
	assert_int_equal(hn_placement_decode(json, &read, &err), 0);
	assert_int_equal(read->cost.parts[HN_COST_CPU], 5);
	assert_int_equal(read->bound.parts[HN_COST_CPU], 0);
}

/* As it was written before cells' homes said how many vCPUs belong where. */
static void a_placement_without_seats_is_read(void **state)
{
	HN_AUTO(hn_placement) struct hn_placement *placement = hn_placement_new(2, 1), *read = NULL;
	HN_AUTO(json) json_object *json = NULL;
	struct hn_error err = {0};

	placement->cells[0].vcpus[1] = 7;
	json = hn_placement_encode(placement);
	json_object_object_del(json_object_array_get_idx(json_object_object_get(json, "cells"), 0), "vcpus");
	assert_int_equal(hn_placement_decode(json, &read, &err), 0);
	assert_int_equal(read->cells[0].vcpus[0] + read->cells[0].vcpus[1], 0);
}

/*
 * A recorded host is read again whatever its guests are: QEMU has cells without anything in them, which cell
 * memory belongs to is not always known, and nodes that an operator allows may be memory alone, or not there.
 */
static void a_snapshot_of_odd_guests_is_read(void **state)
{
	struct hn_random random = {11};
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = specimen_snapshot(&random), *read = NULL;
	HN_AUTO(json) json_object *json = NULL;
	struct hn_guest *guest = hn_guest_new("odd");
	struct hn_error err = {0};

	for (int id = 0; id < 3; id++)
		hn_guest_add_cell(guest, id);
	guest->cells[0].vcpus = hn_set_of(0);
	guest->allowed_nodes = hn_set_of(HN_SET_MAX - 1);
	hn_guest_add_backend(guest, "ram")->bytes = 4096;
	hn_snapshot_add(snapshot)->guest = guest;
	json = hn_snapshot_encode(snapshot);
	if (hn_snapshot_decode(json, &read, &err))
		fail_msg("%s", err.message);
	assert_true(same_snapshot(snapshot, read));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(no_two_are_written_alike),
		cmocka_unit_test(unknown_members_are_skipped),
		cmocka_unit_test(a_plan_tells_what_is_to_move),
		cmocka_unit_test(an_earlier_snapshot_is_read),
		cmocka_unit_test(a_snapshot_of_odd_guests_is_read),
		cmocka_unit_test(an_unproven_placement_without_bound_has_none),
		cmocka_unit_test(a_placement_without_seats_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
