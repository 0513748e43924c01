/* Operations on guests whose memory fake hands "move": turns, pauses, ends, and what is billed. */
#include "daemon/operation.h"

#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "daemon/admission.h"
#include "daemon/bound-threads.h"
#include "daemon/events.h"
#include "daemon/exchange.h"
#include "daemon/hands.h"
#include "daemon/migration.h"
#include "daemon/regulator.h"
#include "policy/swap.h"

#define GUESTS 2
#define PATIENCE_NS (20 * HN_NS_PER_S)

struct scene {
	struct hn_service service;
	struct hn_config config;
	struct hn_managed guests[GUESTS];
};

static void ignore_tick(evutil_socket_t fd, short what, void *context)
{
}

static void guest_init(struct scene *scene, size_t index, uint64_t bytes)
{
	struct hn_managed *managed = &scene->guests[index];
	struct hn_guest *guest;

	snprintf(managed->name, sizeof(managed->name), "guest-%zu", index);
	managed->service = &scene->service;
	guest = managed->guest = hn_guest_new(managed->name);
	guest->pid = 4711;
	guest->cell_count = guest->backend_count = 1;
	guest->cells = calloc(1, sizeof(*guest->cells));
	guest->backends = calloc(1, sizeof(*guest->backends));
	guest->cells[0].memory_bytes = guest->backends[0].bytes = bytes;
	guest->backends[0].host_address = HN_GIB;
	managed->inspected_ns = hn_now_ns();
	managed->tick = event_new(scene->service.base, -1, 0, ignore_tick, NULL);
}

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	struct hn_service *service = &scene->service;
	struct hn_error err;

	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	hn_config_init(&scene->config);
	scene->config.at_once = 4;
	service->config = &scene->config;
	service->base = event_base_new();
	service->hands_program = getenv("FAKE_HANDS");
	service->host = hn_host_new("host", 8, 8);
	for (size_t i = 0; i < 8; i++)
		service->host->nodes[i].free_bytes = 64 * HN_GIB;
	service->host_refreshed_ns = UINT64_MAX / 2; /* as it is */
	TAILQ_INIT(&service->guests);
	TAILQ_INIT(&service->migrations);
	TAILQ_INIT(&service->stuck);
	TAILQ_INIT(&service->reservations.list);
	assert_non_null(service->hands_program);
	assert_int_equal(hn_events_new(service->base, &service->events, &err), 0);
	assert_int_equal(hn_admission_new(service, &service->admission, &err), 0);
	assert_int_equal(hn_regulator_new(service, &service->regulator, &err), 0);
	for (size_t i = 0; i < GUESTS; i++)
		guest_init(scene, i, 2 * HN_GIB);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;
	struct hn_service *service = &scene->service;

	for (size_t i = 0; i < GUESTS; i++) {
		hn_operation_abandon(&scene->guests[i], "the test is over");
		event_free(scene->guests[i].tick);
		hn_bound_threads_forget(&scene->guests[i]);
		hn_regret_free(scene->guests[i].regret);
		hn_guest_free(scene->guests[i].guest);
	}
	hn_stuck_done(service);
	hn_hands_free(service->hands);
	hn_regulator_free(service->regulator);
	hn_admission_free(service->admission);
	hn_events_free(service->events);
	hn_host_free(service->host);
	event_base_free(service->base);
	hn_config_done(&scene->config);
	free(scene);
	return 0;
}

static void begin(struct scene *scene, size_t index, int to_node)
{
	struct hn_plan *plan = hn_plan_new();
	struct hn_action *action = hn_plan_add_action(plan, HN_ACTION_MIGRATE);
	struct hn_part none = {0};
	struct hn_error err;

	action->to_node = to_node;
	action->bytes = 2 * HN_GIB;
	if (hn_operation_start(&scene->guests[index], plan, 0, &none, &err) < 0)
		fail_msg("%s", err.message);
}

/* Turns the loop until it is so. */
static void wait_for(struct scene *scene, bool (*is_so)(const struct scene *scene))
{
	uint64_t until = hn_now_ns() + PATIENCE_NS;

	while (!is_so(scene)) {
		if (hn_now_ns() > until)
			fail_msg("it never comes to be: '%s' '%s'", scene->guests[0].operation.message,
				 scene->guests[1].operation.message);
		event_base_loop(scene->service.base, EVLOOP_ONCE);
	}
}

static bool first_moves(const struct scene *scene)
{
	return scene->guests[0].operation.moved_bytes > 0;
}

static bool second_moves(const struct scene *scene)
{
	return scene->guests[1].operation.moved_bytes > 0;
}

static bool first_has_ended(const struct scene *scene)
{
	return !scene->guests[0].running;
}

static bool both_have_ended(const struct scene *scene)
{
	return !scene->guests[0].running && !scene->guests[1].running;
}

static bool first_is_held(const struct scene *scene)
{
	const struct hn_migration *migration = TAILQ_FIRST(&scene->service.migrations);

	return migration && migration->books.pace.paused;
}

static void one_runs_to_its_end_and_is_billed(void **state)
{
	struct scene *scene = *state;

	begin(scene, 0, 2);
	wait_for(scene, first_has_ended);
	assert_int_equal(scene->guests[0].operation.state, HN_OPERATION_DONE);
	assert_int_equal(scene->guests[0].operation.moved_bytes, 2 * HN_GIB);
	assert_int_equal(scene->service.tally.moved_bytes, 2 * HN_GIB);
	assert_true(TAILQ_EMPTY(&scene->service.migrations));
}

/* To one node one after the other, though four may run at once; what is waited for is said. */
static void a_node_takes_one_at_a_time(void **state)
{
	struct scene *scene = *state;

	begin(scene, 0, 2);
	begin(scene, 1, 2);
	assert_string_equal(scene->guests[1].operation.message,
			    "waits for 'guest-0', whose memory goes to node 2, too");
	wait_for(scene, second_moves);
	assert_null(scene->guests[0].running);
	wait_for(scene, both_have_ended);
	assert_int_equal(scene->service.tally.operations[HN_OPERATION_DONE], 2);
}

static void two_nodes_take_two_within_one_cap(void **state)
{
	struct scene *scene = *state;
	const struct hn_migration *migration;

	scene->config.rate_limit_bytes = 100 * HN_MIB;
	begin(scene, 0, 2);
	wait_for(scene, first_moves);
	begin(scene, 1, 3);
	while (scene->guests[1].operation.moved_bytes == 0) {
		uint64_t sum = 0;

		TAILQ_FOREACH(migration, &scene->service.migrations, entry)
		sum += migration->books.pace.paused ? 0 : migration->books.pace.bytes_per_second;
		assert_true(sum <= 100 * HN_MIB);
		event_base_loop(scene->service.base, EVLOOP_ONCE);
	}
	assert_int_equal(scene->guests[0].operation.bytes_per_second, 50 * HN_MIB);
	assert_int_equal(scene->guests[1].operation.bytes_per_second, 50 * HN_MIB);
	wait_for(scene, both_have_ended);
}

static void no_room_is_waited_for(void **state)
{
	struct scene *scene = *state;

	scene->service.host->nodes[2].free_bytes = HN_GIB;
	begin(scene, 0, 2);
	assert_non_null(strstr(scene->guests[0].operation.message, "waits for room on node 2: 2 GiB"));
	scene->service.host->nodes[2].free_bytes = 64 * HN_GIB;
	wait_for(scene, first_has_ended);
	assert_int_equal(scene->guests[0].operation.state, HN_OPERATION_DONE);
}

static void a_pause_holds_and_a_resume_goes_on(void **state)
{
	struct scene *scene = *state;
	struct hn_managed *managed = &scene->guests[0];
	uint64_t moved, until;
	struct hn_error err;

	assert_int_equal(hn_operation_pause(managed, true, &err), -EBUSY);
	begin(scene, 0, 2);
	wait_for(scene, first_moves);
	assert_int_equal(hn_operation_pause(managed, true, &err), 0);
	assert_true(managed->operation.paused);
	wait_for(scene, first_is_held);
	moved = managed->operation.moved_bytes;
	for (until = hn_now_ns() + HN_NS_PER_S / 2; hn_now_ns() < until;)
		event_base_loop(scene->service.base, EVLOOP_ONCE);
	assert_int_equal(managed->operation.moved_bytes, moved);
	assert_true(moved < 2 * HN_GIB);
	assert_int_equal(hn_operation_pause(managed, false, &err), 0);
	wait_for(scene, first_has_ended);
	assert_int_equal(managed->operation.state, HN_OPERATION_DONE);
	assert_int_equal(managed->operation.moved_bytes, 2 * HN_GIB);
}

static void a_cancel_ends_one_that_runs_and_one_that_waits(void **state)
{
	struct scene *scene = *state;
	struct hn_error err;

	assert_int_equal(hn_operation_cancel(&scene->guests[0], "stopped by an operator", &err), -EBUSY);
	begin(scene, 0, 2);
	begin(scene, 1, 2);
	wait_for(scene, first_moves);
	assert_int_equal(hn_operation_cancel(&scene->guests[1], "stopped by an operator", &err), 0);
	assert_null(scene->guests[1].running);
	assert_int_equal(hn_operation_cancel(&scene->guests[0], "stopped by an operator", &err), 0);
	wait_for(scene, first_has_ended);
	assert_int_equal(scene->service.tally.operations[HN_OPERATION_CANCELLED], 2);
	assert_true(scene->guests[0].operation.moved_bytes < 2 * HN_GIB);
	assert_true(scene->guests[0].operation.moved_bytes > 0);
}

static void bind_only(struct scene *scene, size_t index, unsigned threads)
{
	struct hn_plan *plan = hn_plan_new();
	struct hn_part none = {0};
	struct hn_error err;

	for (unsigned i = 0; i < threads; i++) {
		struct hn_action *action = hn_plan_add_action(plan, HN_ACTION_BIND);

		action->tid = 4711 + (int)i;
		action->cpus = hn_set_of(1);
	}
	if (hn_operation_start(&scene->guests[index], plan, 0, &none, &err) < 0)
		fail_msg("%s", err.message);
}

/* Nothing has to move, so the bytes do not tell that it fails again and again. */
static void threads_that_cannot_be_bound_are_tried_ever_less_often(void **state)
{
	struct scene *scene = *state;
	struct hn_service *service = &scene->service;
	struct hn_managed *managed = &scene->guests[0];
	struct hn_error err;

	assert_int_equal(hn_hands_new(service->base, service->hands_program, "queries", 10 * HN_NS_PER_S,
				      &service->hands, &err),
			 0);
	managed->guest->pid = 5003;
	for (unsigned i = 1; i <= 3; i++) {
		uint64_t begun = hn_now_ns();

		bind_only(scene, 0, 4);
		wait_for(scene, first_has_ended);
		assert_int_equal(managed->operation.state, HN_OPERATION_FAILED);
		assert_int_equal(managed->looks.fruitless, i);
		assert_true(managed->looks.settle_until_ns >= begun + (scene->config.settle_ns << i));
	}
	managed->guest->pid = 4711;
	hn_regret_free(managed->regret);
	managed->regret = hn_regret_new(1, 1);
	managed->regret->seconds[0] = 7;
	bind_only(scene, 0, 4);
	wait_for(scene, first_has_ended);
	assert_int_equal(managed->operation.state, HN_OPERATION_DONE);
	assert_int_equal(managed->looks.fruitless, 0);
	assert_true(managed->regret->seconds[0] == 7); /* what memory far away has cost stands as it was */
}

static bool nobody_is_stuck(const struct scene *scene)
{
	assert_false(scene->service.host->fifo_hazard);
	return TAILQ_EMPTY(&scene->service.stuck);
}

/* One that does not obey is given up after a few seconds; dead, it holds up nobody. */
static void a_deaf_mover_is_given_up(void **state)
{
	struct scene *scene = *state;
	struct hn_error err;

	begin(scene, 0, 7);
	assert_int_equal(hn_operation_cancel(&scene->guests[0], "stopped by an operator", &err), 0);
	wait_for(scene, first_has_ended);
	assert_int_equal(scene->guests[0].operation.state, HN_OPERATION_CANCELLED);
	wait_for(scene, nobody_is_stuck);
	begin(scene, 1, 2);
	wait_for(scene, second_moves);
}

#define STEP_BYTES (64 * HN_MIB)

/* Paused it may be moved; not one piece more once it runs. */
static void a_realtime_guest_that_resumes_is_let_go(void **state)
{
	struct scene *scene = *state;
	struct hn_managed *managed = &scene->guests[0];

	managed->guest->class = HN_CLASS_REALTIME;
	managed->guest->state = HN_RUN_PAUSED;
	begin(scene, 0, 1);
	wait_for(scene, first_moves);
	hn_managed_set_run_state(managed, HN_RUN_RUNNING);
	assert_null(managed->running);
	assert_true(TAILQ_EMPTY(&scene->service.migrations));
	assert_int_equal(managed->operation.state, HN_OPERATION_CANCELLED);
	assert_in_range(managed->operation.moved_bytes, 1, 2 * HN_GIB - 1);
}

static void begin_swap(struct scene *scene, int second_to, int expected)
{
	HN_AUTO(hn_swap) struct hn_swap *swap = calloc(1, sizeof(*swap));
	struct hn_managed *const guests[2] = {&scene->guests[0], &scene->guests[1]};
	struct hn_error err;

	swap->turn_count = 4;
	swap->turns = calloc(4, sizeof(*swap->turns));
	for (size_t i = 0; i < 2; i++) {
		swap->plans[i] = hn_plan_new();
		for (size_t step = 0; step < 2; step++) {
			struct hn_action *action = hn_plan_add_action(swap->plans[i], HN_ACTION_MIGRATE);

			action->to_node = i == 0 ? 2 : second_to;
			action->bytes = action->limit_bytes = STEP_BYTES;
			swap->turns[2 * step + i] = (struct hn_plan_turn){i, step};
		}
	}
	assert_int_equal(hn_exchange_begin(guests, swap, &err), expected);
}

/* Whose migration runs, -1: none does. Never two at once. */
static int who_moves(const struct scene *scene)
{
	const struct hn_migration *first = TAILQ_FIRST(&scene->service.migrations);

	assert_true(!first || !TAILQ_NEXT(first, entry));
	return first ? (int)(first->managed - scene->guests) : -1;
}

static bool may_watch(const struct scene *scene, uint64_t until)
{
	if (hn_now_ns() > until)
		fail_msg("it never ends: '%s' '%s'", scene->guests[0].operation.message,
			 scene->guests[1].operation.message);
	return !both_have_ended(scene);
}

static void two_change_places_step_by_step(void **state)
{
	struct scene *scene = *state;
	uint64_t until = hn_now_ns() + PATIENCE_NS;
	char order[16] = "";

	begin_swap(scene, 3, 0);
	assert_string_equal(scene->guests[1].operation.message,
			    "waits for 'guest-0', with which it changes places: step 1 of 4");
	while (may_watch(scene, until)) {
		int who = who_moves(scene);
		size_t length = strlen(order);

		if (who >= 0 && length + 1 < sizeof(order) && (length == 0 || order[length - 1] != '0' + who))
			order[length] = (char)('0' + who);
		event_base_loop(scene->service.base, EVLOOP_ONCE);
	}
	assert_string_equal(order, "0101");
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(scene->guests[i].operation.state, HN_OPERATION_DONE);
		assert_int_equal(scene->guests[i].operation.moved_bytes, 2 * STEP_BYTES);
		assert_int_equal(scene->guests[i].operation.to_move_bytes, 2 * STEP_BYTES);
	}
}

/* The second's mover is deaf and is given up in its first step: the first ends with its first step done. */
static void when_one_fails_the_other_gives_up(void **state)
{
	struct scene *scene = *state;
	struct hn_error err;

	begin_swap(scene, 7, 0);
	while (who_moves(scene) != 1)
		event_base_loop(scene->service.base, EVLOOP_ONCE);
	assert_int_equal(hn_operation_cancel(&scene->guests[1], "stopped by an operator", &err), 0);
	wait_for(scene, both_have_ended);
	assert_int_equal(scene->guests[0].operation.state, HN_OPERATION_CANCELLED);
	assert_string_equal(scene->guests[0].operation.message,
			    "'guest-1', with which it was to change places, has given up");
	assert_int_equal(scene->guests[0].operation.moved_bytes, STEP_BYTES);
	assert_int_equal(scene->guests[1].operation.moved_bytes, 0);
	assert_int_equal(scene->service.tally.moved_bytes, STEP_BYTES);
}

/* Cancelled while it waits: the other finishes the step that it is in, and begins no more. */
static void when_one_that_waits_is_cancelled_the_other_ends_its_step(void **state)
{
	struct scene *scene = *state;
	struct hn_error err;

	begin_swap(scene, 3, 0);
	wait_for(scene, first_moves);
	assert_int_equal(hn_operation_cancel(&scene->guests[1], "stopped by an operator", &err), 0);
	assert_null(scene->guests[1].running);
	assert_non_null(scene->guests[0].running);
	wait_for(scene, first_has_ended);
	assert_int_equal(scene->guests[0].operation.state, HN_OPERATION_CANCELLED);
	assert_int_equal(scene->guests[0].operation.moved_bytes, STEP_BYTES);
}

static void a_guest_that_is_busy_swaps_with_nobody(void **state)
{
	struct scene *scene = *state;

	begin(scene, 1, 4);
	begin_swap(scene, 3, -EBUSY);
	assert_null(scene->guests[0].running);
	wait_for(scene, both_have_ended);
	assert_int_equal(scene->guests[1].operation.state, HN_OPERATION_DONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_runs_to_its_end_and_is_billed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_node_takes_one_at_a_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(two_nodes_take_two_within_one_cap, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_room_is_waited_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_pause_holds_and_a_resume_goes_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_cancel_ends_one_that_runs_and_one_that_waits, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(threads_that_cannot_be_bound_are_tried_ever_less_often,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_deaf_mover_is_given_up, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_realtime_guest_that_resumes_is_let_go, set_up, tear_down),
		cmocka_unit_test_setup_teardown(two_change_places_step_by_step, set_up, tear_down),
		cmocka_unit_test_setup_teardown(when_one_fails_the_other_gives_up, set_up, tear_down),
		cmocka_unit_test_setup_teardown(when_one_that_waits_is_cancelled_the_other_ends_its_step,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_guest_that_is_busy_swaps_with_nobody, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
