/* What goes into the history of a guest's life: figures against ones worked out by hand, and how often. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "daemon/chronicle.h"
#include "policy/price.h"
#include "store/store.h"

struct scene {
	char folder[64];
	struct hn_config config;
	struct hn_service service;
	struct hn_managed managed;
	struct hn_history *history; /* of the latest answer */
	bool answered;
};

/* Two cells, 1 GiB on CPU 0 and 3 GiB on CPU 1, and an emulator that does not count. */
static struct hn_guest *make_guest(void)
{
	struct hn_guest *guest = hn_guest_new("web");
	const uint64_t bytes[] = {HN_GIB, 3 * HN_GIB};

	strcpy(guest->uuid, "11111111-2222-3333-4444-555555555555");
	for (int i = 0; i < 2; i++) {
		struct hn_cell *cell = hn_guest_add_cell(guest, i);
		struct hn_thread *thread = hn_guest_add_thread(guest, 100 + i, HN_THREAD_VCPU);

		cell->memory_bytes = bytes[i];
		hn_set_add(&cell->vcpus, i);
		thread->vcpu = thread->cell = i;
	}
	hn_guest_add_thread(guest, 99, HN_THREAD_EMULATOR);
	return guest;
}

/* vCPU 0 on node 0, 20 % busy, with three quarters of its memory; vCPU 1 on node 1, 60 % busy, with none. */
static struct hn_sample *make_sample(void)
{
	struct hn_sample *sample = hn_sample_new(2, 2, 3);

	sample->exhaustive = true;
	for (int i = 0; i < 2; i++) {
		sample->cells[i].cell = i;
		sample->cells[i].sampled = 1000;
		sample->threads[i].tid = 100 + i;
		sample->threads[i].residency[i] = 1;
	}
	sample->cells[0].on_node[0] = 300;
	sample->cells[0].on_node[1] = 100;
	sample->cells[0].absent = 600;
	sample->cells[1].on_node[0] = 1000;
	sample->threads[0].busy = 0.2;
	sample->threads[1].busy = 0.6;
	sample->threads[2].busy = 1;
	return sample;
}

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	struct hn_error err = {0};

	strcpy(scene->folder, "/tmp/homenode-test-XXXXXX");
	assert_non_null(mkdtemp(scene->folder));
	hn_config_init(&scene->config);
	snprintf(scene->config.store_path, sizeof(scene->config.store_path), "%s/h.db", scene->folder);
	scene->service.config = &scene->config;
	scene->service.base = event_base_new();
	scene->managed.service = &scene->service;
	strcpy(scene->managed.name, "web");
	scene->managed.guest = make_guest();
	scene->managed.sample = make_sample();
	*state = scene;
	assert_int_equal(hn_chronicle_open(&scene->service, &err), 0);
	assert_non_null(scene->service.store);
	return 0;
}

static int tear_down(void **state)
{
	static const char *const tails[] = {"", "-wal", "-shm"};
	struct scene *scene = *state;

	hn_store_free(scene->service.store);
	hn_history_free(scene->history);
	hn_guest_free(scene->managed.guest);
	hn_sample_free(scene->managed.sample);
	hn_plan_free(scene->managed.plan);
	hn_placement_free(scene->managed.home);
	event_base_free(scene->service.base);
	for (size_t i = 0; i < HN_COUNT(tails); i++) {
		char path[100];

		snprintf(path, sizeof(path), "%s/h.db%s", scene->folder, tails[i]);
		unlink(path);
	}
	rmdir(scene->folder);
	hn_config_done(&scene->config);
	free(scene);
	return 0;
}

static void on_answer(void *history, const struct hn_error *err, void *context)
{
	struct scene *scene = context;

	assert_null(err);
	hn_history_free(scene->history);
	scene->history = history;
	scene->answered = true;
}

/* All that is kept, newest first. */
static const struct hn_history *ask(struct scene *scene)
{
	struct hn_question question = {
		.guest = "web", .kinds = {true, true, true}, .cell = HN_CELL_ANY, .limit = 1000};
	struct hn_error err = {0};

	scene->answered = false;
	assert_int_equal(hn_store_ask(scene->service.store, &question, NULL, on_answer, scene, &err), 0);
	for (int i = 0; i < 100 && !scene->answered; i++)
		event_base_loop(scene->service.base, EVLOOP_ONCE);
	assert_true(scene->answered);
	return scene->history;
}

static void a_look_is_told_as_a_whole_and_by_cell(void **state)
{
	struct scene *scene = *state;
	const struct hn_history *history;
	const struct hn_sample_record *whole, *first, *second;

	hn_chronicle_sample(&scene->managed);
	history = ask(scene);
	assert_int_equal(history->count, 3);
	whole = &history->records[2]->sample;
	first = &history->records[1]->sample;
	second = &history->records[0]->sample;
	assert_string_equal(history->records[0]->uuid, scene->managed.guest->uuid);
	assert_true(whole->cell == -1 && first->cell == 0 && second->cell == 1);
	assert_float_equal(whole->busy, 0.4, 1e-6);
	assert_float_equal(first->busy, 0.2, 1e-6);
	assert_float_equal(second->busy, 0.6, 1e-6);
	assert_true(first->locality_known && second->locality_known && whole->locality_known);
	assert_float_equal(first->locality.value, 0.75, 1e-6);
	assert_float_equal(second->locality.value, 0, 1e-6);
	/* weighted by what the vCPUs did: 0.2 x 0.75 of 0.8 */
	assert_float_equal(whole->locality.value, 0.1875, 1e-6);
	assert_float_equal(first->memory_share[0], 0.75, 1e-4);
	assert_float_equal(second->memory_share[0], 1, 1e-4);
	/* 0.3 GiB and 3 GiB of 3.4 GiB that are there */
	assert_float_equal(whole->memory_share[0], 3.3 / 3.4, 1e-4);
	assert_float_equal(whole->memory_share[1], 0.1 / 3.4, 1e-4);
}

static void looks_in_a_row_are_told_once(void **state)
{
	struct scene *scene = *state;

	for (int i = 0; i < 50; i++)
		hn_chronicle_sample(&scene->managed);
	assert_int_equal(ask(scene)->count, 3);
	scene->managed.chronicled_ns -= 11 * HN_NS_PER_S;
	hn_chronicle_sample(&scene->managed);
	assert_int_equal(ask(scene)->count, 6);
}

static struct hn_placement *make_home(int first, int second)
{
	struct hn_placement *home = hn_placement_new(2, 2);

	for (int i = 0; i < 2; i++) {
		home->cells[i].cell = i;
		hn_set_add(&home->cells[i].nodes, i ? second : first);
	}
	return home;
}

/* As the daemon does: told, then adopted. */
static void decide(struct scene *scene, enum hn_verdict verdict, int first, int second, const char *reason)
{
	struct hn_plan *plan = hn_plan_new();

	plan->verdict = verdict;
	plan->home = make_home(first, second);
	strcpy(plan->reason, reason);
	hn_chronicle_decision(&scene->managed, plan);
	hn_placement_free(scene->managed.home);
	scene->managed.home = hn_placement_copy(plan->home);
	hn_plan_free(scene->managed.plan);
	scene->managed.plan = plan;
}

static void only_changes_of_mind_are_told(void **state)
{
	static const struct {
		bool verdict_changed, home_changed;
		const char *reason;
	} told[] = {{false, false, "first"},
		    {true, false, "other verdict"},
		    {false, true, "other home"},
		    {true, true, "both"}};
	struct scene *scene = *state;
	const struct hn_history *history;

	decide(scene, HN_VERDICT_AT_HOME, 0, 1, "first");
	decide(scene, HN_VERDICT_AT_HOME, 0, 1, "the same with another reason");
	decide(scene, HN_VERDICT_WAIT, 0, 1, "other verdict");
	decide(scene, HN_VERDICT_WAIT, 1, 0, "other home");
	decide(scene, HN_VERDICT_WAIT, 1, 0, "no change");
	decide(scene, HN_VERDICT_ACT, 0, 0, "both");
	history = ask(scene);
	assert_int_equal(history->count, HN_COUNT(told));
	for (size_t i = 0; i < HN_COUNT(told); i++) {
		const struct hn_decision_record *decision =
			&history->records[HN_COUNT(told) - 1 - i]->decision;

		assert_string_equal(decision->reason, told[i].reason);
		assert_int_equal(decision->verdict_changed, told[i].verdict_changed);
		assert_int_equal(decision->home_changed, told[i].home_changed);
	}
	assert_int_equal(history->records[1]->decision.cell_count, 2);
	assert_true(hn_set_has(&history->records[1]->decision.home[0].nodes, 1));
	assert_true(hn_set_has(&history->records[1]->decision.home[1].nodes, 0));
}

static void a_move_is_told_with_price_and_outcome(void **state)
{
	struct scene *scene = *state;
	struct hn_managed *managed = &scene->managed;
	struct hn_plan *plan = hn_plan_new();
	const struct hn_move_record *move;
	double price;

	/* 1 GiB at 512 MiB/s, two vCPUs that stall a tenth, distrusted by half; and rebinding two vCPUs */
	managed->looks.distrust = 1.5;
	scene->service.calibration = (struct hn_calibration){512.0 * HN_MIB, 0.1, 1};
	hn_plan_add_action(plan, HN_ACTION_MIGRATE)->bytes = HN_GIB;
	price = hn_chronicle_price(managed, plan);
	assert_float_equal(price, 2 * (1 + 0.1 * 2) * 1.5, 1e-6);
	hn_plan_add_action(plan, HN_ACTION_BIND);
	assert_float_equal(hn_chronicle_price(managed, plan) - price, hn_price_of_rebinding(2, 1.5), 1e-6);
	managed->operation = (struct hn_operation){.id = 17,
						   .state = HN_OPERATION_FAILED,
						   .elapsed_ns = 5,
						   .to_move_bytes = HN_GIB,
						   .moved_bytes = 7,
						   .stayed_bytes = 8,
						   .cpu_ns = 9,
						   .message = "the target is full"};
	hn_chronicle_move(managed, price, 0.125);
	hn_plan_free(plan);
	assert_int_equal(ask(scene)->count, 1);
	move = &scene->history->records[0]->move;
	assert_int_equal(move->operation, 17);
	assert_int_equal(move->outcome, HN_OPERATION_FAILED);
	assert_true(move->price == price && move->predicted_gain == 0.125);
	assert_int_equal(move->predicted_bytes, HN_GIB);
	assert_true(move->moved_bytes == 7 && move->stayed_bytes == 8 && move->cpu_ns == 9);
	assert_int_equal(move->elapsed_ns, 5);
	assert_string_equal(move->message, "the target is full");
}

static void without_a_store_nothing_happens(void **state)
{
	struct scene *scene = *state;
	struct hn_error err = {0};

	hn_store_free(scene->service.store);
	scene->service.store = NULL;
	scene->config.store_path[0] = '\0';
	assert_int_equal(hn_chronicle_open(&scene->service, &err), 0);
	assert_null(scene->service.store);
	hn_chronicle_sample(&scene->managed);
	decide(scene, HN_VERDICT_AT_HOME, 0, 1, "first");
	hn_chronicle_move(&scene->managed, 1, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_look_is_told_as_a_whole_and_by_cell, set_up, tear_down),
		cmocka_unit_test_setup_teardown(looks_in_a_row_are_told_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(only_changes_of_mind_are_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_move_is_told_with_price_and_outcome, set_up, tear_down),
		cmocka_unit_test_setup_teardown(without_a_store_nothing_happens, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
