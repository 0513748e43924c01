/*
 * Memory that runs out at any allocation: an encoder gives NULL or the whole document, a decoder -ENOMEM or
 * the whole thing, a copy NULL or all of it; nothing leaks (the sanitizer build sees to that). See
 * meson.build for what is wrapped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "model/codec.h"
#include "specimen.h"

static long allocations_left = -1; /* -1: as many as asked for */

static bool fails(void)
{
	if (allocations_left < 0)
		return false;
	if (allocations_left == 0)
		return true;
	allocations_left--;
	return false;
}

#define WRAP(type, function, parameters, arguments, failure)              \
	type __real_##function parameters;                                \
	type __wrap_##function parameters;                                \
	type __wrap_##function parameters                                 \
	{                                                                 \
		return fails() ? (failure) : __real_##function arguments; \
	}

WRAP(void *, malloc, (size_t size), (size), NULL)
WRAP(void *, calloc, (size_t count, size_t size), (count, size), NULL)
WRAP(void *, reallocarray, (void *array, size_t count, size_t size), (array, count, size), NULL)
WRAP(char *, strdup, (const char *text), (text), NULL)
WRAP(json_object *, json_object_new_object, (void), (), NULL)
WRAP(json_object *, json_object_new_array, (void), (), NULL)
WRAP(json_object *, json_object_new_boolean, (json_bool value), (value), NULL)
WRAP(json_object *, json_object_new_int, (int32_t value), (value), NULL)
WRAP(json_object *, json_object_new_uint64, (uint64_t value), (value), NULL)
WRAP(json_object *, json_object_new_double, (double value), (value), NULL)
WRAP(json_object *, json_object_new_string, (const char *text), (text), NULL)
WRAP(int, json_object_array_add, (json_object * array, json_object *value), (array, value), -1)
WRAP(int, json_object_object_add, (json_object * object, const char *key, json_object *value),
     (object, key, value), -1)

#define ROUNDS 5
#define ENOUGH 100000
#define COPIED 7

static void an_encoder_gives_all_or_nothing(void **state)
{
	struct hn_random random = {41};

	for (size_t i = 0; i < DOCUMENT_COUNT * ROUNDS; i++) {
		const struct document *document = &documents[i / ROUNDS];
		void *thing = document->draw(&random);
		HN_AUTO(json) json_object *whole = document->encode(thing);
		json_object *json = NULL;
		long allowed = 0;

		for (; !json && allowed < ENOUGH; allowed++) {
			allocations_left = allowed;
			json = document->encode(thing);
			allocations_left = -1;
		}
		assert_true(allowed > 1);
		assert_true(json_object_equal(json, whole));
		json_object_put(json);
		document->free(thing);
	}
}

static void a_decoder_gives_all_or_nothing(void **state)
{
	struct hn_random random = {42};

	for (size_t i = 0; i < DOCUMENT_COUNT * ROUNDS; i++) {
		const struct document *document = &documents[i / ROUNDS];
		void *thing = document->draw(&random), *read = NULL;
		HN_AUTO(json) json_object *json = document->encode(thing);
		struct hn_error err = {0};
		long allowed = 0;
		int r = -ENOMEM;

		for (; r < 0 && allowed < ENOUGH; allowed++) {
			allocations_left = allowed;
			r = document->decode(json, &read, &err);
			allocations_left = -1;
			if (r == 0)
				break;
			assert_int_equal(r, -ENOMEM);
			assert_non_null(strstr(err.message, "out of memory"));
			assert_null(read);
		}
		assert_true(allowed > 0);
		assert_true(document->same(thing, read));
		document->free(thing);
		document->free(read);
	}
}

/* Each copy function behind untyped pointers. */
static void *copy_of(size_t kind, const void *thing)
{
	switch (kind) {
	case 0:
		return hn_host_copy(thing);
	case 1:
		return hn_guest_copy(thing);
	case 2:
		return hn_sample_copy(thing);
	case 3:
		return hn_placement_copy(thing);
	case 4:
		return hn_plan_copy(thing);
	case 5:
		return hn_reported_copy(thing);
	default:
		return hn_access_copy(thing);
	}
}

static void a_copy_is_whole_or_none(void **state)
{
	struct hn_random random = {43};

	for (size_t i = 0; i < COPIED * ROUNDS; i++) {
		const struct document *document =
			&documents[i / ROUNDS]; /* the first COPIED are those with a copy */
		void *thing = document->draw(&random), *copy = NULL;
		long allowed = 0;

		for (; !copy && allowed < ENOUGH; allowed++) {
			allocations_left = allowed;
			copy = copy_of(i / ROUNDS, thing);
			allocations_left = -1;
		}
		assert_true(allowed > 1);
		assert_true(document->same(thing, copy));
		document->free(copy);
		document->free(thing);
	}
}

static void a_part_is_added_or_not(void **state)
{
	HN_AUTO(hn_plan) struct hn_plan *plan = hn_plan_new();
	HN_AUTO(hn_guest) struct hn_guest *guest = hn_guest_new("g");
	HN_AUTO(hn_placement) struct hn_placement *placement = hn_placement_new(1, 1);
	HN_AUTO(hn_regret) struct hn_regret *regret = hn_regret_new(1, 1);
	struct hn_host *host = hn_host_new("h", 1, 1);

	assert_int_equal(hn_placement_set_vcpus(placement, 1), 0);
	allocations_left = 0;
	assert_null(hn_plan_add_action(plan, HN_ACTION_BIND));
	assert_int_equal(hn_plan_add_note(plan, "x"), -ENOMEM);
	assert_null(hn_guest_add_cell(guest, 0));
	assert_null(hn_guest_add_thread(guest, 1, HN_THREAD_VCPU));
	assert_null(hn_guest_add_backend(guest, "b"));
	assert_int_equal(hn_guest_add_device(guest, "d"), -ENOMEM);
	assert_null(hn_host_add_device(host, "d"));
	assert_int_equal(hn_host_add_performance(host), -ENOMEM);
	assert_int_equal(hn_placement_set_vcpus(placement, 2), -ENOMEM);
	assert_null(hn_regret_new(2, 2));
	assert_null(hn_regret_copy(regret));
	assert_null(hn_snapshot_new(host)); /* which frees the host */
	assert_null(hn_guest_new("g"));
	assert_null(hn_plan_new());
	assert_null(hn_report_new());
	assert_null(hn_evidence_new(1));
	assert_null(hn_activity_new(1));
	allocations_left = 1; /* of two */
	assert_null(hn_evidence_new(1));
	allocations_left = 1;
	assert_null(hn_activity_new(1));
	allocations_left = -1;
	assert_int_equal(plan->action_count + plan->note_count, 0);
	assert_int_equal(guest->cell_count + guest->thread_count + guest->backend_count + guest->device_count,
			 0);
	assert_int_equal(placement->vcpu_count, 1); /* what was there stays */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_encoder_gives_all_or_nothing),
		cmocka_unit_test(a_decoder_gives_all_or_nothing),
		cmocka_unit_test(a_copy_is_whole_or_none),
		cmocka_unit_test(a_part_is_added_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
