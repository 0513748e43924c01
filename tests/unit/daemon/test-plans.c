/* Plans that are kept, and what they stood on: what counts as another world, and what does not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "daemon/guest.h"
#include "daemon/plans.h"

struct scene {
	struct hn_service service;
	struct hn_config config;
	struct hn_managed managed, other;
};

static struct hn_guest *make_guest(const char *name)
{
	struct hn_guest *guest = hn_guest_new(name);
	struct hn_cell *cell = hn_guest_add_cell(guest, 0);

	cell->memory_bytes = HN_GIB;
	hn_set_add(&cell->vcpus, 0);
	guest->pid = 100;
	return guest;
}

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	hn_config_init(&scene->config);
	scene->service.config = &scene->config;
	scene->service.host = hn_host_new("made", 2, 4);
	scene->service.host_refreshed_ns =
		hn_now_ns() + 3600 * HN_NS_PER_S; /* this one, and not the machine's */
	for (size_t i = 0; i < 2; i++) {
		scene->service.host->nodes[i].memory_bytes = 8 * HN_GIB;
		scene->service.host->nodes[i].free_bytes = 4 * HN_GIB;
	}
	TAILQ_INIT(&scene->service.guests);
	TAILQ_INIT(&scene->service.reservations.list);
	hn_plans_init(&scene->service.plans);
	scene->managed = (struct hn_managed){.service = &scene->service, .name = "web"};
	scene->managed.guest = make_guest("web");
	scene->managed.sample = hn_sample_new(2, 1, 0);
	scene->managed.sample->cells[0].sampled = 1000;
	scene->managed.sample->cells[0].on_node[0] = 1000;
	scene->other =
		(struct hn_managed){.service = &scene->service, .name = "db", .guest = make_guest("db")};
	TAILQ_INSERT_TAIL(&scene->service.guests, &scene->managed, entry);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	hn_plans_done(&scene->service.plans);
	hn_guest_free(scene->managed.guest);
	hn_guest_free(scene->other.guest);
	hn_sample_free(scene->managed.sample);
	hn_placement_free(scene->managed.home);
	hn_host_free(scene->service.host);
	hn_config_done(&scene->config);
	free(scene);
	return 0;
}

static struct hn_plan *make_plan(uint64_t bytes)
{
	struct hn_plan *plan = hn_plan_new();
	struct hn_action *action = hn_plan_add_action(plan, HN_ACTION_MIGRATE);

	action->to_node = 1;
	action->bytes = bytes;
	return plan;
}

/* What comparing the world of before with that of now says of a plan that brings so many bytes to node 1. */
static int compare(struct scene *scene, const struct hn_world *before, uint64_t bytes, struct hn_error *err)
{
	HN_AUTO(hn_plan) struct hn_plan *plan = make_plan(bytes);
	HN_AUTO(hn_world) struct hn_world *now = NULL;

	assert_int_equal(hn_world_of(&scene->managed, &now, err), 0);
	return hn_world_compare(before, now, &scene->managed, plan, err);
}

static void test_the_same_world(void **state)
{
	struct scene *scene = *state;
	HN_AUTO(hn_world) struct hn_world *before = NULL, *again = NULL;
	struct hn_error err;

	assert_int_equal(hn_world_of(&scene->managed, &before, &err), 0);
	assert_int_equal(hn_world_of(&scene->managed, &again, &err), 0);
	assert_true(hn_world_digest(before) == hn_world_digest(again));
	/* a little of its memory elsewhere, and less of the host's free */
	scene->managed.sample->cells[0].on_node[0] = 950;
	scene->managed.sample->cells[0].on_node[1] = 50;
	scene->service.host->nodes[0].free_bytes = HN_GIB;
	assert_int_equal(compare(scene, before, HN_GIB, &err), 0);
}

static void test_what_makes_it_another(void **state)
{
	struct scene *scene = *state;
	HN_AUTO(hn_world) struct hn_world *before = NULL;
	struct hn_error err;

	assert_int_equal(hn_world_of(&scene->managed, &before, &err), 0);
	TAILQ_INSERT_TAIL(&scene->service.guests, &scene->other, entry);
	assert_int_equal(compare(scene, before, HN_GIB, &err), -ESTALE);
	assert_non_null(strstr(err.message, "beside it"));
	TAILQ_REMOVE(&scene->service.guests, &scene->other, entry);
	assert_int_equal(compare(scene, before, HN_GIB, &err), 0);

	scene->managed.guest->mode = HN_MODE_ENFORCE;
	assert_int_equal(compare(scene, before, HN_GIB, &err), -ESTALE);
	assert_non_null(strstr(err.message, "settings"));
	scene->managed.guest->mode = HN_MODE_OFF;

	scene->managed.home = hn_placement_new(2, 1);
	assert_int_equal(compare(scene, before, HN_GIB, &err), -ESTALE);
	hn_placement_free(hn_steal(scene->managed.home));

	scene->service.host->nodes[1].reserved_bytes = HN_GIB;
	assert_int_equal(compare(scene, before, HN_GIB, &err), -ESTALE);
	assert_non_null(strstr(err.message, "this host"));
	scene->service.host->nodes[1].reserved_bytes = 0;

	scene->managed.sample->cells[0].on_node[0] = 800;
	scene->managed.sample->cells[0].on_node[1] = 200;
	assert_int_equal(compare(scene, before, HN_GIB, &err), -ESTALE);
	assert_non_null(strstr(err.message, "memory lies"));
	scene->managed.sample->cells[0].on_node[0] = 1000;
	scene->managed.sample->cells[0].on_node[1] = 0;

	assert_int_equal(compare(scene, before, 5 * HN_GIB, &err), -ESTALE);
	assert_non_null(strstr(err.message, "node 1 has 4096 MiB free"));
	assert_int_equal(compare(scene, before, 4 * HN_GIB, &err), 0);
}

static void test_plans_are_kept_for_a_while_and_not_without_end(void **state)
{
	struct scene *scene = *state;
	struct hn_plans *plans = &scene->service.plans;
	struct hn_kept_plan *kept = NULL;
	struct hn_error err;
	char first[20];

	assert_int_equal(hn_plans_keep(plans, "web", hn_plan_new(), NULL, 1, &kept, &err), 0);
	strcpy(first, kept->id);
	assert_ptr_equal(hn_plans_find(plans, first, 2), kept);
	assert_null(hn_plans_find(plans, "p0", 2));
	for (int i = 0; i < HN_PLANS_MAX - 1; i++)
		assert_int_equal(hn_plans_keep(plans, "web", hn_plan_new(), NULL, 2, &kept, &err), 0);
	assert_non_null(hn_plans_find(plans, first, 3));
	assert_int_equal(hn_plans_keep(plans, "web", hn_plan_new(), NULL, 3, &kept, &err), 0);
	assert_null(hn_plans_find(plans, first, 3)); /* the oldest made room */
	assert_non_null(hn_plans_find(plans, kept->id, HN_PLAN_LIFE_S * HN_NS_PER_S + 2));
	assert_null(hn_plans_find(plans, kept->id, HN_PLAN_LIFE_S * HN_NS_PER_S + 3));
	assert_int_equal(plans->count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_same_world, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_makes_it_another, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_plans_are_kept_for_a_while_and_not_without_end, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
