/*
 * A thousand operations drawn from a seed: guests come, go and grow, are misplaced and moved, swapped, paused
 * and cancelled, nodes drain and are given back, movers and guests are killed. Whatever comes together, what
 * must hold holds after every turn of the loop.
 *
 *     test-daemon-random-operations [SEED [COUNT]]
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/decision.h"
#include "daemon/draining.h"
#include "daemon/inspect.h"
#include "daemon/migration.h"
#include "daemon/operation.h"
#include "policy/swap.h"
#include "scene.h"

#define NODES 4
#define OPERATIONS 1000
#define RESERVED_BYTES (3 * HN_GIB + 512 * HN_MIB) /* of node 0, for a guest that never starts */
#define UNIT_BYTES (16 * HN_MIB)

static uint64_t seed = 20261122;
static unsigned operations = OPERATIONS;

/* What is watched of a guest beside what the service knows. */
struct watched {
	char name[24];
	uint64_t operation;   /* the latest seen */
	uint64_t moved_bytes; /* by its memory, when that began */
	bool was_running;
	bool disturbed; /* its mover was killed: what it did last was never told */
	uint64_t on_draining[NODES];
};

struct yard {
	struct scene *scene;
	struct hn_random random;
	struct watched watched[SCENE_GUESTS];
	unsigned next_name;
	unsigned done[10];
	unsigned ended, moved; /* operations that ended well, and those that moved something */
};

static uint64_t below(struct yard *yard, uint64_t bound)
{
	return hn_random_below(&yard->random, bound);
}

static struct hn_node *node_of(struct yard *yard, size_t index)
{
	return &yard->scene->service.host->nodes[index];
}

static uint64_t promised(const struct yard *yard, size_t node)
{
	return node == 0 && yard->scene->service.reservations.count > 0 ? RESERVED_BYTES : 0;
}

/* ---------------------------------------------------------------- what must hold */

static uint64_t memory_of(const struct scene_guest *guest)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < FAKE_NODES; i++)
		sum += guest->memory->on_node[i];
	return sum;
}

static void check_nodes(struct yard *yard)
{
	for (size_t i = 0; i < NODES;
	     i++) /* scene_count_free() has made sure that no node holds more than it can */
		if (node_of(yard, i)->free_bytes < promised(yard, i))
			fail_msg("seed %" PRIu64 ": node %zu has %" PRIu64 " MiB free of %" PRIu64
				 " reserved",
				 seed, i, node_of(yard, i)->free_bytes / HN_MIB, promised(yard, i) / HN_MIB);
}

/* At most one of a guest, one to a node, none to a node that drains unless it is being stopped. */
static void check_migrations(struct yard *yard)
{
	const struct hn_migration *one, *other;

	TAILQ_FOREACH(one, &yard->scene->service.migrations, entry)
	{
		for (other = TAILQ_NEXT(one, entry); other; other = TAILQ_NEXT(other, entry)) {
			assert_ptr_not_equal(one->managed, other->managed);
			assert_int_not_equal(one->move.to_node, other->move.to_node);
		}
		if (node_of(yard, (size_t)one->move.to_node)->draining)
			assert_true(one->cancelled);
		assert_non_null(one->managed->running);
	}
}

static const struct hn_migration *migration_of(struct yard *yard, const struct scene_guest *guest)
{
	const struct hn_migration *migration;

	TAILQ_FOREACH(migration, &yard->scene->service.migrations, entry)
	if (migration->managed == &guest->managed)
		return migration;
	return NULL;
}

/* A node that drains gains nothing of anybody but what was on its way there and is being stopped. */
static void check_draining(struct yard *yard, struct scene_guest *guest, struct watched *watched)
{
	const struct hn_migration *migration = migration_of(yard, guest);

	for (size_t i = 0; i < NODES; i++) {
		bool stopping = migration && migration->move.to_node == (int)i && migration->cancelled;

		if (!node_of(yard, i)->draining || stopping)
			watched->on_draining[i] = UINT64_MAX;
		else if (guest->memory->on_node[i] > watched->on_draining[i])
			fail_msg("seed %" PRIu64 ": '%s' has come to node %zu, which drains", seed,
				 watched->name, i);
		else
			watched->on_draining[i] = guest->memory->on_node[i];
	}
}

/* What an operation says that it has moved has moved, once; what has ended well has left out nothing. */
static void check_books(struct yard *yard, const struct scene_guest *guest, struct watched *watched)
{
	const struct hn_operation *record = &guest->managed.operation;
	uint64_t truth;

	if (record->id != watched->operation) {
		watched->operation = record->id;
		watched->moved_bytes = guest->memory->moved_bytes;
		watched->disturbed = false;
		watched->was_running = true;
	}
	truth = guest->memory->moved_bytes - watched->moved_bytes;
	if (record->moved_bytes > truth)
		fail_msg("seed %" PRIu64 ": '%s' says that %" PRIu64 " bytes have moved and %" PRIu64 " have",
			 seed, watched->name, record->moved_bytes, truth);
	if (guest->managed.running || !watched->was_running)
		return;
	watched->was_running = false;
	if (record->state == HN_OPERATION_DONE) {
		assert_int_equal(record->moved_bytes, truth);
		yard->ended++;
		yard->moved += truth > 0;
	} else if (!watched->disturbed) {
		/* the last step of one that was stopped is told as well */
		assert_int_equal(record->moved_bytes, truth);
	}
}

static void check(struct yard *yard)
{
	check_nodes(yard);
	check_migrations(yard);
	for (size_t i = 0; i < SCENE_GUESTS; i++) {
		struct scene_guest *guest = yard->scene->guests[i];

		if (!guest)
			continue;
		assert_int_equal(memory_of(guest), guest->managed.guest->cells[0].memory_bytes);
		check_books(yard, guest, &yard->watched[i]);
		check_draining(yard, guest, &yard->watched[i]);
	}
}

static void turn(struct yard *yard)
{
	scene_turn(yard->scene);
	check(yard);
}

/* ---------------------------------------------------------------- what is drawn */

/* A guest, or NULL when that place is empty. */
static struct scene_guest *any_guest(struct yard *yard, size_t *ret_index)
{
	*ret_index = below(yard, SCENE_GUESTS);
	return yard->scene->guests[*ret_index];
}

static bool has_room(struct yard *yard, size_t node, uint64_t bytes)
{
	uint64_t arriving = 0;
	const struct hn_migration *migration;

	TAILQ_FOREACH(migration, &yard->scene->service.migrations, entry)
	if (migration->move.to_node == (int)node)
		arriving += migration->managed->guest->cells[0].memory_bytes;
	return node_of(yard, node)->free_bytes >= promised(yard, node) + arriving + bytes;
}

static bool start(struct yard *yard)
{
	uint64_t bytes = UNIT_BYTES * (1 + below(yard, 8));
	size_t node = below(yard, NODES), at = 0;
	struct watched *watched;

	while (at < SCENE_GUESTS && yard->scene->guests[at])
		at++;
	if (at == SCENE_GUESTS || !has_room(yard, node, bytes))
		return false;
	watched = &yard->watched[at];
	*watched = (struct watched){0};
	snprintf(watched->name, sizeof(watched->name), "guest-%u", yard->next_name++);
	for (size_t i = 0; i < NODES; i++)
		watched->on_draining[i] = UINT64_MAX; /* it may start there by itself */
	scene_add(yard->scene, watched->name, node, bytes);
	return true;
}

static bool stop(struct yard *yard)
{
	size_t index;
	struct scene_guest *guest = any_guest(yard, &index);

	if (guest)
		scene_remove(guest);
	return guest;
}

/* A guest whose thread has been put elsewhere is looked at, as in mode enforce. */
static bool look(struct yard *yard)
{
	size_t index;
	struct scene_guest *guest = any_guest(yard, &index);

	if (!guest)
		return false;
	if (below(yard, 3) == 0)
		scene_quiet_minutes(guest);
	scene_put_thread(guest, below(yard, NODES));
	scene_look(guest);
	hn_decision_take(&guest->managed);
	return true;
}

static bool rebalance(struct yard *yard)
{
	size_t index;
	struct scene_guest *guest = any_guest(yard, &index);
	struct hn_plan *plan = NULL;
	struct hn_error err;

	if (!guest)
		return false;
	scene_put_thread(guest, below(yard, NODES));
	scene_look(guest);
	if (hn_decision_now(&guest->managed, &plan, &err) < 0) {
		assert_int_equal(err.code, -EBUSY);
		return false;
	}
	if (plan->verdict != HN_VERDICT_ACT) {
		hn_plan_free(plan);
		return false;
	}
	assert_int_equal(hn_decision_act(&guest->managed, plan, &err), 0);
	return true;
}

static bool drain(struct yard *yard)
{
	struct hn_service *service = &yard->scene->service;
	size_t node = below(yard, NODES);
	struct hn_snapshot snapshot;
	struct hn_drain plan;
	struct hn_error err;
	unsigned begun;

	if (hn_draining_check(service, node, &err) < 0) {
		assert_int_equal(err.code, -ENOSPC);
		return false;
	}
	for (size_t i = 0; i < SCENE_GUESTS; i++)
		if (yard->scene->guests[i])
			scene_look(yard->scene->guests[i]);
	assert_int_equal(hn_draining_plan(service, node, &plan, &snapshot, &err), 0);
	assert_int_equal(hn_draining_begin(service, node, &plan, &snapshot, &begun, &err), 0);
	hn_drain_done(&plan);
	free(snapshot.guests);
	if (snapshot.host != service->host)
		hn_host_free(snapshot.host);
	return true;
}

static bool undrain(struct yard *yard)
{
	size_t node = below(yard, NODES);
	bool drains = node_of(yard, node)->draining;
	struct hn_error err;

	assert_int_equal(hn_draining_end(&yard->scene->service, node, &err), 0);
	return drains;
}

/* Memory is plugged where the guest has most; what is known of it is of another make-up then. */
static bool hotplug(struct yard *yard)
{
	size_t index, node = 0;
	struct scene_guest *guest = any_guest(yard, &index);

	if (!guest || guest->managed.running)
		return false;
	for (size_t i = 1; i < NODES; i++)
		if (guest->memory->on_node[i] > guest->memory->on_node[node])
			node = i;
	if (!has_room(yard, node, UNIT_BYTES) || node_of(yard, node)->draining)
		return false;
	guest->memory->on_node[node] += UNIT_BYTES;
	guest->managed.guest->cells[0].memory_bytes += UNIT_BYTES;
	guest->managed.guest->backends[0].bytes += UNIT_BYTES;
	scene_count_free(yard->scene);
	hn_inspect_forget(&guest->managed);
	hn_placement_free(hn_steal(guest->managed.home));
	scene_look(guest);
	return true;
}

/* The mover of a guest, midway. */
static bool kill_mover(struct yard *yard)
{
	size_t index;
	struct scene_guest *guest = any_guest(yard, &index);
	const struct hn_migration *migration = guest ? migration_of(yard, guest) : NULL;
	pid_t mover = migration ? hn_hands_pid(migration->hands) : 0;

	if (mover <= 0)
		return false;
	yard->watched[index].disturbed = true;
	return kill(mover, SIGKILL) == 0;
}

static bool interfere(struct yard *yard)
{
	size_t index;
	struct scene_guest *guest = any_guest(yard, &index);
	struct hn_error err;

	if (!guest || !guest->managed.running)
		return false;
	if (below(yard, 2) == 0)
		return hn_operation_cancel(&guest->managed, "stopped by an operator", &err) == 0;
	assert_int_equal(hn_operation_pause(&guest->managed, !guest->managed.operation.paused, &err), 0);
	return true;
}

static int only_node(const struct scene_guest *guest)
{
	for (int i = 0; i < NODES; i++)
		if (guest->memory->on_node[i] == memory_of(guest))
			return i;
	return -1;
}

static bool swap(struct yard *yard)
{
	HN_AUTO(hn_swap) struct hn_swap *swap = calloc(1, sizeof(*swap));
	struct hn_managed *guests[2];
	struct scene_guest *both[2];
	size_t index;
	struct hn_error err;

	for (size_t i = 0; i < 2; i++) {
		both[i] = any_guest(yard, &index);
		if (!both[i] || both[i]->managed.running || only_node(both[i]) < 0 ||
		    node_of(yard, (size_t)only_node(both[i]))->draining)
			return false;
		guests[i] = &both[i]->managed;
	}
	if (only_node(both[0]) == only_node(both[1]))
		return false;
	swap->turn_count = 2;
	swap->turns = calloc(2, sizeof(*swap->turns));
	for (size_t i = 0; i < 2; i++) {
		swap->plans[i] = scene_plan_to(both[i], only_node(both[1 - i]), 1, memory_of(both[i]));
		swap->turns[i] = (struct hn_plan_turn){i, 1};
	}
	assert_int_equal(hn_exchange_begin(guests, swap, &err), 0);
	return true;
}

static const struct {
	bool (*carry_out)(struct yard *yard); /* false: there is nothing to do it to */
	unsigned weight;
} kinds[] = {{start, 4},   {stop, 2},    {look, 6},       {rebalance, 6}, {drain, 1},
	     {undrain, 2}, {hotplug, 3}, {kill_mover, 3}, {interfere, 4}, {swap, 4}};

static void do_one(struct yard *yard)
{
	uint64_t sum = 0, drawn;
	size_t kind = 0;

	for (size_t i = 0; i < HN_COUNT(kinds); i++)
		sum += kinds[i].weight;
	for (drawn = below(yard, sum); drawn >= kinds[kind].weight; kind++)
		drawn -= kinds[kind].weight;
	yard->done[kind] += kinds[kind].carry_out(yard);
	check(yard);
}

/* ---------------------------------------------------------------- the test */

static void reserve(struct scene *scene)
{
	struct hn_guest *promised_guest = hn_guest_new("promised");
	struct hn_placement *home = hn_placement_new(NODES, 1);
	struct hn_reservation *reservation;
	struct hn_error err;

	hn_guest_add_cell(promised_guest, 0)->memory_bytes = RESERVED_BYTES;
	home->cells[0].nodes = hn_set_of(0);
	home->cells[0].bytes[0] = RESERVED_BYTES;
	reservation = hn_reservation_new(promised_guest, home);
	assert_non_null(reservation);
	assert_int_equal(hn_reservations_put(&scene->service.reservations, reservation, &err), 0);
}

static unsigned all_done(const struct yard *yard)
{
	unsigned sum = 0;

	for (size_t i = 0; i < HN_COUNT(kinds); i++)
		sum += yard->done[i];
	return sum;
}

static void resume_all(struct yard *yard)
{
	struct hn_error err;

	for (size_t i = 0; i < SCENE_GUESTS; i++)
		if (yard->scene->guests[i] && yard->scene->guests[i]->managed.running)
			hn_operation_pause(&yard->scene->guests[i]->managed, false, &err);
}

static void fail_idle(struct yard *yard)
{
	for (size_t i = 0; i < SCENE_GUESTS; i++)
		if (yard->scene->guests[i] && yard->scene->guests[i]->managed.running)
			print_error("'%s': %s\n", yard->watched[i].name,
				    yard->scene->guests[i]->managed.operation.message);
	fail_msg("seed %" PRIu64 ": these never end", seed);
}

static void a_thousand_operations_leave_all_as_it_must_be(void **state)
{
	struct yard *yard = calloc(1, sizeof(*yard));
	uint64_t until;

	yard->scene = scene_new(NODES);
	yard->random.state = seed;
	reserve(yard->scene);
	while (all_done(yard) < operations) {
		do_one(yard);
		for (uint64_t turns = below(yard, 4); turns > 0; turns--)
			turn(yard);
	}
	/* who waits for room on its node may have it */
	hn_reservations_drop(&yard->scene->service.reservations,
			     TAILQ_FIRST(&yard->scene->service.reservations.list)->reservation);
	for (until = hn_now_ns() + 20 * HN_NS_PER_S; !scene_is_idle(yard->scene);) {
		resume_all(yard);
		turn(yard);
		if (hn_now_ns() > until)
			fail_idle(yard);
	}
	for (size_t i = 0; i < HN_COUNT(kinds); i++)
		assert_true(yard->done[i] > 0); /* else it has shown nothing */
	assert_true(yard->moved > 0);
	assert_true(TAILQ_EMPTY(&yard->scene->service.migrations));
	print_message("%u operations of guests ended well, %u of them with memory moved\n", yard->ended,
		      yard->moved);
	scene_free(yard->scene);
	free(yard);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_thousand_operations_leave_all_as_it_must_be)};

	if (argc > 1)
		seed = strtoull(argv[1], NULL, 10);
	if (argc > 2)
		operations = (unsigned)strtoul(argv[2], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
