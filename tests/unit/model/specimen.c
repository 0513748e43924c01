#include "specimen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "model/check.h"
#include "model/codec.h"

static uint64_t below(struct hn_random *random, uint64_t bound)
{
	return hn_random_below(random, bound);
}

/* Small, large and the largest. */
static uint64_t number(struct hn_random *random)
{
	switch (below(random, 8)) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX;
	default:
		return hn_random_next(random) >> below(random, 60);
	}
}

static int integer(struct hn_random *random)
{
	switch (below(random, 8)) {
	case 0:
		return INT_MIN;
	case 1:
		return INT_MAX;
	default:
		return (int)below(random, 3000) - 1;
	}
}

static double share(struct hn_random *random)
{
	return (double)(hn_random_next(random) >> 11) / 9007199254740992.0;
}

static bool coin(struct hn_random *random)
{
	return below(random, 2);
}

/* Letters, quotes, controls and two-byte letters; fills the buffer now and then. */
static void text(struct hn_random *random, char *buffer, size_t size)
{
	static const char *const pieces[] = {"a",  "Z",    "9",        "\"", "\\", "/",
					     "\n", "\x01", "\xc3\xa4", " ",  "%s", "\x7f"};
	size_t length = below(random, 4) ? below(random, 12) : size;

	*buffer = '\0';
	for (;;) {
		const char *piece = pieces[below(random, HN_COUNT(pieces))];

		if (strlen(buffer) + strlen(piece) >= size || strlen(buffer) >= length)
			return;
		strcat(buffer, piece);
	}
}

static struct hn_set set(struct hn_random *random)
{
	struct hn_set numbers = {0};
	int count = (int)below(random, 6), first;

	for (int i = 0; i < count; i++) {
		first = (int)below(random, HN_SET_MAX);
		for (int j = 0; j <= (int)below(random, 5); j++)
			hn_set_add(&numbers, first + j);
	}
	return numbers;
}

static void draw_performance(struct hn_random *random, struct hn_host *host)
{
	assert_int_equal(hn_host_add_performance(host), 0);
	for (size_t i = 0; i < host->node_count * host->node_count; i++) {
		host->bandwidths[i] = (uint32_t)number(random);
		host->latencies[i] = (uint32_t)number(random);
	}
}

static void draw_device(struct hn_random *random, struct hn_host *host)
{
	struct hn_device *device;
	char name[32];

	text(random, name, sizeof(name));
	device = hn_host_add_device(host, name);
	assert_non_null(device);
	text(random, device->kind, sizeof(device->kind));
	device->node = integer(random);
}

struct hn_host *specimen_host(struct hn_random *random)
{
	size_t nodes = below(random, 7), cpus = below(random, 40);
	int id = 0;
	char name[60];
	struct hn_host *host;

	text(random, name, sizeof(name));
	host = hn_host_new(name, nodes, cpus);
	assert_non_null(host);
	for (size_t i = 0; i < nodes; i++) {
		struct hn_node *node = &host->nodes[i];

		id += 1 + (int)below(random, 30);
		*node = (struct hn_node){.id = id,
					 .cpus = set(random),
					 .memory_bytes = number(random),
					 .free_bytes = number(random),
					 .reserved_bytes = number(random),
					 .watermark_bytes = number(random),
					 .memory_kind =
						 (enum hn_memory_kind)below(random, HN_MEMORY_KIND_COUNT),
					 .pool_count = below(random, HN_POOLS_MAX + 1),
					 .draining = below(random, 2)};
		for (size_t j = 0; j < node->pool_count; j++)
			node->pools[j] =
				(struct hn_page_pool){number(random), number(random), number(random)};
		for (size_t j = 0; j < nodes; j++)
			host->distances[i * nodes + j] = (uint16_t)(10 + below(random, 246));
	}
	id = -1;
	for (size_t i = 0; i < cpus; i++) {
		id += 1 + (int)below(random, 50);
		host->cpus[i] = (struct hn_cpu){.id = id,
						.node = integer(random),
						.core = integer(random),
						.llc = integer(random),
						.package = integer(random),
						.isolated = coin(random),
						.reserved = coin(random)};
	}
	if (coin(random))
		draw_performance(random, host);
	for (uint64_t i = below(random, 4); i > 0; i--)
		draw_device(random, host);
	host->distances_known = coin(random);
	host->kernel_balancing = coin(random);
	host->fifo_hazard = coin(random);
	return host;
}

static void draw_backend(struct hn_random *random, struct hn_backend *backend)
{
	backend->cell = integer(random);
	backend->host_address = number(random);
	backend->bytes = number(random);
	backend->page_bytes = number(random);
	backend->shared = coin(random);
	backend->prealloc = coin(random);
	backend->dimm = coin(random);
	text(random, backend->policy, sizeof(backend->policy));
	backend->host_nodes = set(random);
	backend->movability = (enum hn_movability)below(random, HN_MOVABILITY_COUNT);
	backend->backing = (enum hn_backing)below(random, HN_BACKING_COUNT);
	backend->looked_inside = coin(random);
	if (backend->looked_inside) {
		backend->huge_share = share(random);
		backend->merged_share = share(random);
	}
}

static void draw_hold(struct hn_random *random, struct hn_hold *hold)
{
	if (coin(random))
		return;
	hold->known = true;
	hold->pins = (unsigned)below(random, 1u << HN_PIN_COUNT);
	hold->pinned_bytes = number(random);
	hold->locked_bytes = number(random);
	hold->page_table_bytes = number(random);
	hold->own_bytes = number(random);
}

static void draw_wishes(struct hn_random *random, struct hn_guest *guest)
{
	char name[32];

	guest->allowed_nodes = set(random);
	guest->window_open = hn_random_below(random, 2);
	text(random, guest->near, sizeof(guest->near));
	text(random, guest->apart, sizeof(guest->apart));
	guest->iothread_count = (unsigned)number(random);
	for (uint64_t i = below(random, 4); i > 0; i--) {
		text(random, name, sizeof(name));
		assert_int_equal(hn_guest_add_device(guest, name), 0);
	}
}

struct hn_guest *specimen_guest(struct hn_random *random)
{
	char name[HN_NAME_MAX];
	struct hn_guest *guest;

	text(random, name, sizeof(name));
	guest = hn_guest_new(name);
	assert_non_null(guest);
	text(random, guest->uuid, sizeof(guest->uuid));
	text(random, guest->policy, sizeof(guest->policy));
	guest->pid = integer(random);
	guest->start_ticks = number(random);
	guest->mode = (enum hn_mode)below(random, HN_MODE_COUNT);
	guest->class = (enum hn_class)below(random, HN_CLASS_COUNT);
	guest->state = (enum hn_run_state)below(random, HN_RUN_COUNT);
	for (uint64_t i = below(random, 5); i > 0; i--) {
		struct hn_cell *cell = hn_guest_add_cell(guest, integer(random));

		assert_non_null(cell);
		cell->memory_bytes = number(random);
		cell->vcpus = set(random);
		cell->page_bytes = number(random);
		cell->bandwidth_bytes = number(random);
		cell->allowed_nodes = set(random);
	}
	draw_wishes(random, guest);
	draw_hold(random, &guest->hold);
	for (uint64_t i = below(random, 6); i > 0; i--) {
		struct hn_thread *thread = hn_guest_add_thread(
			guest, integer(random), (enum hn_thread_kind)below(random, HN_THREAD_KIND_COUNT));

		assert_non_null(thread);
		thread->vcpu = integer(random);
		thread->cell = integer(random);
		text(random, thread->name, sizeof(thread->name));
		thread->kept = coin(random);
		thread->ours = coin(random);
	}
	for (uint64_t i = below(random, 4); i > 0; i--) {
		struct hn_backend *backend;

		text(random, name, sizeof(name));
		backend = hn_guest_add_backend(guest, name);
		assert_non_null(backend);
		draw_backend(random, backend);
	}
	return guest;
}

struct hn_sample *specimen_sample(struct hn_random *random, size_t nodes, size_t cells, size_t threads)
{
	struct hn_sample *sample = hn_sample_new(nodes, cells, threads);
	struct hn_set cpus;

	assert_non_null(sample);
	sample->taken_ns = number(random);
	sample->cost_ns = number(random);
	sample->exhaustive = coin(random);
	for (size_t i = 0; i < cells; i++) {
		struct hn_cell_sample *cell = &sample->cells[i];

		cell->cell = integer(random);
		cell->absent = below(random, 5000);
		cell->unknown = below(random, 5000);
		cell->sampled = cell->absent + cell->unknown;
		for (size_t j = 0; j < nodes; j++)
			cell->sampled += cell->on_node[j] =
				below(random, UINT64_C(1) << (1 + below(random, 40)));
	}
	for (size_t i = 0; i < threads; i++) {
		struct hn_thread_sample *thread = &sample->threads[i];

		thread->tid = integer(random);
		thread->last_cpu = integer(random);
		thread->last_node = integer(random);
		thread->cpu_ns = number(random);
		thread->busy = share(random);
		cpus = set(random);
		assert_int_equal(hn_sample_allow(sample, i, &cpus), 0);
		thread->scheduler = (enum hn_scheduler)below(random, HN_SCHEDULER_COUNT);
		for (size_t j = 0; j < nodes; j++)
			thread->residency[j] = coin(random) ? share(random) : (double)coin(random);
	}
	return sample;
}

struct hn_placement *specimen_placement(struct hn_random *random, size_t nodes, size_t cells)
{
	struct hn_placement *placement = hn_placement_new(nodes, cells);

	assert_non_null(placement);
	placement->proven = coin(random);
	for (size_t i = 0; i < HN_COST_PARTS; i++)
		placement->cost.parts[i] = number(random);
	for (size_t i = 0; i < HN_COST_PARTS; i++)
		placement->bound.parts[i] = number(random);
	placement->other_cpus = set(random);
	assert_int_equal(hn_placement_set_vcpus(placement, below(random, 5)), 0);
	for (size_t i = 0; i < placement->vcpu_count; i++) {
		placement->vcpus[i].vcpu = (int)(7 * i + below(random, 7));
		placement->vcpus[i].cpus = set(random);
	}
	for (size_t i = 0; i < cells; i++) {
		placement->cells[i].cell = integer(random);
		placement->cells[i].nodes = set(random);
		for (size_t j = 0; j < nodes; j++)
			placement->cells[i].bytes[j] = number(random);
		for (size_t j = 0; j < nodes && coin(random); j++)
			placement->cells[i].vcpus[j] = number(random);
	}
	return placement;
}

struct hn_plan *specimen_plan(struct hn_random *random)
{
	struct hn_plan *plan = hn_plan_new();
	char note[HN_REASON_MAX];

	assert_non_null(plan);
	plan->verdict = (enum hn_verdict)below(random, HN_VERDICT_COUNT);
	text(random, plan->reason, sizeof(plan->reason));
	if (coin(random))
		plan->home = specimen_placement(random, below(random, 5), below(random, 4));
	for (uint64_t i = below(random, 5); i > 0; i--) {
		struct hn_action *action =
			hn_plan_add_action(plan, (enum hn_action_kind)below(random, HN_ACTION_KIND_COUNT));

		assert_non_null(action);
		text(random, action->reason, sizeof(action->reason));
		if (action->kind == HN_ACTION_BIND) {
			action->tid = integer(random);
			action->cpus = set(random);
			action->nodes = set(random);
		} else {
			action->cell = integer(random);
			action->to_node = integer(random);
			action->bytes = number(random) >> 3; /* so that the sum of all does not overflow */
			action->limit_bytes = number(random);
		}
	}
	for (uint64_t i = below(random, 4); i > 0; i--) {
		text(random, note, sizeof(note));
		assert_int_equal(hn_plan_add_note(plan, "%s", note), 0);
	}
	return plan;
}

static void draw_operation(struct hn_random *random, struct hn_operation *operation)
{
	operation->id = number(random);
	operation->state = (enum hn_operation_state)below(random, HN_OPERATION_COUNT);
	operation->elapsed_ns = number(random);
	operation->to_move_bytes = number(random);
	operation->moved_bytes = number(random);
	operation->stayed_bytes = number(random);
	operation->bytes_per_second = number(random);
	operation->cpu_ns = number(random);
	operation->stall_ns = number(random);
	operation->paused = coin(random);
	operation->threads_bound = (unsigned)number(random);
	operation->cell = integer(random);
	operation->to_node = integer(random);
	text(random, operation->message, sizeof(operation->message));
}

static struct hn_interval interval(struct hn_random *random)
{
	return (struct hn_interval){share(random), share(random), share(random)};
}

struct hn_reported *specimen_reported(struct hn_random *random)
{
	struct hn_reported *reported = hn_reported_new();

	assert_non_null(reported);
	reported->started_ns = number(random);
	reported->taken_ns = number(random);
	reported->vcpu_ns = number(random);
	reported->vcpu_taken_ns = number(random);
	for (size_t i = below(random, 4); i > 0; i--) {
		struct hn_reported_node *node = hn_reported_add_node(reported, (int)below(random, 9));

		*node = (struct hn_reported_node){node->node,     number(random), number(random),
						  number(random), number(random), number(random),
						  number(random), number(random), number(random)};
	}
	for (size_t i = below(random, 4); i > 0; i--) {
		struct hn_reported_cpu *cpu = hn_reported_add_cpu(reported, (int)below(random, 9));

		*cpu = (struct hn_reported_cpu){cpu->cpu, number(random), number(random), number(random)};
	}
	reported->hint_faults = number(random);
	reported->hint_faults_local = number(random);
	reported->pages_migrated = number(random);
	reported->migrate_success = number(random);
	reported->balloon = (struct hn_reported_balloon){number(random), number(random), number(random),
							 number(random), number(random)};
	for (size_t left = below(random, HN_REPORTED_NOTES_MAX + 1); left > 0; left--) {
		char note[HN_REASON_MAX];

		text(random, note, sizeof(note));
		assert_int_equal(hn_reported_add_note(reported, note), 0);
	}
	return reported;
}

struct hn_access *specimen_access(struct hn_random *random)
{
	size_t uses = below(random, 4);
	struct hn_access *access = hn_access_new(uses);

	assert_non_null(access);
	access->doubt = (enum hn_doubt)below(random, HN_DOUBT_COUNT);
	text(random, access->reason, sizeof(access->reason));
	access->age_ns = number(random);
	access->span_ns = number(random);
	if ((access->remote_known = coin(random)))
		access->remote = interval(random);
	if ((access->faults_known = coin(random)))
		access->remote_faults = interval(random);
	access->migrated_per_second = share(random);
	access->use_count = uses;
	for (size_t i = 0; i < uses; i++)
		access->uses[i] =
			(struct hn_use){integer(random), integer(random), interval(random), share(random)};
	return access;
}

static void draw_care(struct hn_random *random, struct hn_report *report)
{
	report->device_count = below(random, 4);
	report->devices = calloc(report->device_count + 1, sizeof(*report->devices));
	assert_non_null(report->devices);
	for (size_t i = 0; i < report->device_count; i++) {
		struct hn_device_place *place = &report->devices[i];

		text(random, place->name, sizeof(place->name));
		text(random, place->kind, sizeof(place->kind));
		place->node = integer(random);
		place->shared = coin(random);
		place->far = coin(random);
		place->distance = (unsigned)below(random, 255);
	}
	for (size_t i = 0; i < HN_CALL_KIND_COUNT; i++)
		report->calls.made[i] = number(random);
	report->calls.refused = number(random);
	report->window_left_ns = number(random);
}

static void draw_stall(struct hn_random *random, struct hn_stall *stall)
{
	stall->some_known = coin(random);
	stall->full_known = coin(random);
	if (stall->some_known) {
		stall->some_avg10 = 100 * share(random);
		stall->some_ns = number(random);
	}
	if (stall->full_known) {
		stall->full_avg10 = 100 * share(random);
		stall->full_ns = number(random);
	}
}

struct hn_activity *specimen_activity(struct hn_random *random)
{
	struct hn_activity *activity = hn_activity_new(below(random, 5));

	assert_non_null(activity);
	activity->age_ns = number(random);
	activity->over_ns = number(random);
	text(random, activity->refused, sizeof(activity->refused));
	for (size_t i = 0; i < HN_RESOURCE_COUNT; i++)
		draw_stall(random, &activity->stalls[i]);
	for (size_t i = 0; i < activity->rates_count; i++) {
		struct hn_rates *rates = &activity->rates[i];

		rates->family = (enum hn_counter_family)below(random, HN_COUNTER_FAMILY_COUNT);
		rates->node = integer(random);
		for (size_t j = 0; j < hn_counter_count(rates->family); j++)
			if (coin(random)) {
				rates->known |= UINT64_C(1) << j;
				rates->values[j] = 1e6 * share(random);
			}
	}
	return activity;
}

struct hn_checkup *specimen_checkup(struct hn_random *random)
{
	struct hn_checkup *checkup = calloc(1, sizeof(*checkup));

	assert_non_null(checkup);
	for (int i = 0; i < HN_CHECK_COUNT; i++) {
		struct hn_finding *finding;

		if (coin(random))
			continue;
		finding = hn_checkup_put(checkup, (enum hn_check)i,
					 (enum hn_finding_verdict)below(random, HN_FINDING_VERDICT_COUNT),
					 "%s", "");
		text(random, finding->found, sizeof(finding->found));
		text(random, finding->remedy, sizeof(finding->remedy));
	}
	return checkup;
}

struct hn_report *specimen_report(struct hn_random *random)
{
	struct hn_report *report = hn_report_new();
	size_t nodes = below(random, 5);

	assert_non_null(report);
	report->guest = specimen_guest(random);
	report->locality_known = coin(random);
	if (report->locality_known) {
		report->locality = interval(random);
		assert_int_equal(hn_report_add_cell_localities(report, report->guest->cell_count), 0);
		for (size_t i = 0; i < report->guest->cell_count; i++) {
			report->cell_locality[i] = interval(random);
			report->cell_trend[i] = (enum hn_trend)below(random, HN_TREND_COUNT);
		}
	}
	report->age_ns = number(random);
	if (coin(random))
		report->sample = specimen_sample(random, nodes, report->guest->cell_count, below(random, 5));
	if (coin(random))
		report->home = specimen_placement(random, nodes, report->guest->cell_count);
	if (coin(random))
		report->plan = specimen_plan(random);
	report->trend = (enum hn_trend)below(random, HN_TREND_COUNT);
	report->remote_cost_known = coin(random);
	if (report->remote_cost_known) {
		report->remote_cost = interval(random);
		report->remote_cost_estimated = coin(random);
	}
	if (coin(random))
		report->reported = specimen_reported(random);
	if (coin(random))
		report->access = specimen_access(random);
	if (coin(random))
		report->activity = specimen_activity(random);
	text(random, report->inside, sizeof(report->inside));
	draw_care(random, report);
	draw_operation(random, &report->operation);
	text(random, report->problem, sizeof(report->problem));
	return report;
}

/* Makes of a wild host one that can be: see model/check.h. */
static void make_host_possible(struct hn_random *random, struct hn_host *host)
{
	size_t nodes = host->node_count;
	char note[100];

	for (size_t i = 0; i < nodes; i++) {
		struct hn_node *node = &host->nodes[i];

		hn_set_clear(&node->cpus);
		node->memory_bytes = HN_MIB + (hn_random_next(random) >> 20);
		node->free_bytes = below(random, node->memory_bytes + 1);
		node->reserved_bytes = below(random, node->memory_bytes + 1);
		node->watermark_bytes = below(random, node->memory_bytes + 1);
		for (size_t j = 0; j < node->pool_count; j++)
			node->pools[j] =
				(struct hn_page_pool){UINT64_C(4096) << j, 40 + j, below(random, 40)};
	}
	host->nodes[0].memory_kind = HN_MEMORY_DRAM;
	for (size_t i = 0; i < host->cpu_count; i++) {
		struct hn_node *node = &host->nodes[i ? below(random, nodes) : 0];

		hn_set_add(&node->cpus, host->cpus[i].id);
		host->cpus[i].node = node->id;
	}
	for (size_t i = 0; i < host->device_count; i++) {
		struct hn_device *device = &host->devices[i];

		snprintf(device->name, sizeof(device->name), "0000:%02x:00.%d", (unsigned)(10 + i),
			 (int)below(random, 8));
		device->node = coin(random) ? -1 : host->nodes[below(random, nodes)].id;
	}
	hn_host_mend(host, note, sizeof(note));
}

static int any_cell(struct hn_random *random, const struct hn_guest *guest)
{
	return coin(random) ? -1 : guest->cells[below(random, guest->cell_count)].id;
}

static void make_guest_possible(struct hn_random *random, const struct hn_host *host, size_t number,
				struct hn_guest *guest)
{
	int vcpu = 0, id = (int)below(random, 3);

	snprintf(guest->name, sizeof(guest->name), "guest-%zu", number);
	snprintf(guest->uuid, sizeof(guest->uuid), "%08zx-0000", number);
	for (size_t i = 0; i < guest->cell_count; i++) {
		struct hn_cell *cell = &guest->cells[i];

		cell->id = id += 1 + (int)below(random, 3);
		cell->page_bytes = coin(random) ? 0 : UINT64_C(4096) << below(random, 20);
		cell->memory_bytes = (1 + below(random, 1000)) * (cell->page_bytes ? cell->page_bytes : 1);
		cell->allowed_nodes = coin(random) ? hn_set_of(host->nodes[0].id) : (struct hn_set){0};
		hn_set_clear(&cell->vcpus);
		for (int j = 0; j <= (int)below(random, 4); j++)
			hn_set_add(&cell->vcpus, vcpu++);
	}
	for (size_t i = 0; i < guest->thread_count; i++)
		guest->threads[i].cell = any_cell(random, guest);
	for (size_t i = 0; i < guest->backend_count; i++) {
		guest->backends[i].cell = any_cell(random, guest);
		guest->backends[i].bytes = below(random, 1 << 30);
		guest->backends[i].page_bytes = coin(random) ? 0 : 4096;
	}
	hn_set_clear(&guest->allowed_nodes);
	if (coin(random))
		hn_set_add(&guest->allowed_nodes, host->nodes[0].id);
	snprintf(guest->near, sizeof(guest->near), "near");
	for (size_t i = 0; i < guest->device_count; i++)
		snprintf(guest->devices[i], sizeof(guest->devices[i]), "device-%zu", i);
}

static void draw_state(struct hn_random *random, const struct hn_host *host, struct hn_guest_state *state)
{
	struct hn_guest *guest = state->guest;
	size_t nodes = host->node_count;

	if (coin(random)) {
		state->sample = specimen_sample(random, nodes, guest->cell_count, guest->thread_count);
		for (size_t i = 0; i < guest->thread_count; i++)
			state->sample->threads[i].last_node = (int)below(random, nodes + 1) - 1;
	}
	if (coin(random)) {
		state->home = specimen_placement(random, nodes, guest->cell_count);
		for (size_t i = 0; i < guest->cell_count; i++) {
			state->home->cells[i].cell = guest->cells[i].id;
			state->home->cells[i].nodes = hn_set_of(host->nodes[below(random, nodes)].id);
			for (size_t j = 0; j < nodes; j++) {
				state->home->cells[i].bytes[j] =
					below(random, guest->cells[i].memory_bytes + 1);
				state->home->cells[i].vcpus[j] = below(random, HN_SET_MAX + 1);
			}
		}
	}
	if (coin(random)) {
		state->regret = hn_regret_new(guest->cell_count, nodes);
		assert_non_null(state->regret);
		state->regret->taken_ns = number(random);
		for (size_t i = 0; i < guest->cell_count * nodes; i++)
			state->regret->seconds[i] = 1000 * share(random);
	}
	state->looks = (struct hn_looks){(unsigned)number(random),
					 (unsigned)number(random),
					 number(random),
					 coin(random) ? 0 : 1 + 63 * share(random),
					 share(random),
					 share(random),
					 (unsigned)number(random)};
	state->moving = coin(random);
	state->promised = coin(random);
}

struct hn_snapshot *specimen_snapshot(struct hn_random *random)
{
	struct hn_host *host = NULL;
	struct hn_snapshot *snapshot;

	for (; !host || host->node_count == 0 || host->cpu_count == 0; host = specimen_host(random))
		hn_host_free(host);
	make_host_possible(random, host);
	snapshot = hn_snapshot_new(host);
	assert_non_null(snapshot);
	snapshot->now_ns = number(random);
	snapshot->calibration = (struct hn_calibration){(double)(hn_random_next(random) >> 20), share(random),
							(unsigned)number(random)};
	for (uint64_t i = below(random, 4); i > 0; i--) {
		struct hn_guest_state *state = hn_snapshot_add(snapshot);

		assert_non_null(state);
		for (; !state->guest || state->guest->cell_count == 0; state->guest = specimen_guest(random))
			hn_guest_free(state->guest);
		make_guest_possible(random, host, (size_t)i, state->guest);
		draw_state(random, host, state);
	}
	return snapshot;
}

static bool same_performance(const struct hn_host *a, const struct hn_host *b)
{
	size_t pairs = a->node_count * a->node_count;

	if (!a->bandwidths || !b->bandwidths)
		return a->bandwidths == b->bandwidths && a->latencies == b->latencies;
	for (size_t i = 0; i < pairs; i++)
		if (a->bandwidths[i] != b->bandwidths[i] || a->latencies[i] != b->latencies[i])
			return false;
	return true;
}

static bool same_devices(const struct hn_host *a, const struct hn_host *b)
{
	if (a->device_count != b->device_count)
		return false;
	for (size_t i = 0; i < a->device_count; i++)
		if (strcmp(a->devices[i].name, b->devices[i].name) != 0 ||
		    strcmp(a->devices[i].kind, b->devices[i].kind) != 0 ||
		    a->devices[i].node != b->devices[i].node)
			return false;
	return true;
}

bool same_host(const struct hn_host *a, const struct hn_host *b)
{
	if (!a || !b)
		return a == b;
	if (strcmp(a->name, b->name) != 0 || a->node_count != b->node_count || a->cpu_count != b->cpu_count ||
	    a->distances_known != b->distances_known || a->kernel_balancing != b->kernel_balancing ||
	    a->fifo_hazard != b->fifo_hazard)
		return false;
	for (size_t i = 0; i < a->node_count; i++) {
		const struct hn_node *x = &a->nodes[i], *y = &b->nodes[i];

		if (x->id != y->id || !hn_set_equal(&x->cpus, &y->cpus) ||
		    x->memory_bytes != y->memory_bytes || x->free_bytes != y->free_bytes ||
		    x->reserved_bytes != y->reserved_bytes || x->watermark_bytes != y->watermark_bytes ||
		    x->memory_kind != y->memory_kind || x->pool_count != y->pool_count ||
		    x->draining != y->draining)
			return false;
		for (size_t j = 0; j < x->pool_count; j++)
			if (x->pools[j].page_bytes != y->pools[j].page_bytes ||
			    x->pools[j].total_pages != y->pools[j].total_pages ||
			    x->pools[j].free_pages != y->pools[j].free_pages)
				return false;
		for (size_t j = 0; j < a->node_count; j++)
			if (hn_host_distance(a, i, j) != hn_host_distance(b, i, j))
				return false;
	}
	for (size_t i = 0; i < a->cpu_count; i++) {
		const struct hn_cpu *x = &a->cpus[i], *y = &b->cpus[i];

		if (x->id != y->id || x->node != y->node || x->core != y->core || x->llc != y->llc ||
		    x->package != y->package || x->isolated != y->isolated || x->reserved != y->reserved)
			return false;
	}
	return same_performance(a, b) && same_devices(a, b);
}

static bool same_backend(const struct hn_backend *a, const struct hn_backend *b)
{
	return strcmp(a->id, b->id) == 0 && a->cell == b->cell && a->host_address == b->host_address &&
	       a->bytes == b->bytes && a->page_bytes == b->page_bytes && a->shared == b->shared &&
	       a->prealloc == b->prealloc && a->dimm == b->dimm && strcmp(a->policy, b->policy) == 0 &&
	       hn_set_equal(&a->host_nodes, &b->host_nodes) && a->movability == b->movability &&
	       a->backing == b->backing && a->looked_inside == b->looked_inside &&
	       a->huge_share == b->huge_share && a->merged_share == b->merged_share;
}

static bool same_hold(const struct hn_hold *a, const struct hn_hold *b)
{
	return a->known == b->known && a->pins == b->pins && a->pinned_bytes == b->pinned_bytes &&
	       a->locked_bytes == b->locked_bytes && a->page_table_bytes == b->page_table_bytes &&
	       a->own_bytes == b->own_bytes;
}

static bool same_wishes(const struct hn_guest *a, const struct hn_guest *b)
{
	if (!hn_set_equal(&a->allowed_nodes, &b->allowed_nodes) || strcmp(a->near, b->near) != 0 ||
	    strcmp(a->apart, b->apart) != 0 || a->iothread_count != b->iothread_count ||
	    a->device_count != b->device_count || a->window_open != b->window_open)
		return false;
	for (size_t i = 0; i < a->device_count; i++)
		if (strcmp(a->devices[i], b->devices[i]) != 0)
			return false;
	return true;
}

bool same_guest(const struct hn_guest *a, const struct hn_guest *b)
{
	if (!a || !b)
		return a == b;
	if (strcmp(a->name, b->name) != 0 || strcmp(a->uuid, b->uuid) != 0 || a->pid != b->pid ||
	    a->start_ticks != b->start_ticks || a->mode != b->mode || a->class != b->class ||
	    a->state != b->state || strcmp(a->policy, b->policy) != 0 || a->cell_count != b->cell_count ||
	    a->thread_count != b->thread_count || a->backend_count != b->backend_count ||
	    !same_wishes(a, b) || !same_hold(&a->hold, &b->hold))
		return false;
	for (size_t i = 0; i < a->cell_count; i++)
		if (a->cells[i].id != b->cells[i].id ||
		    a->cells[i].memory_bytes != b->cells[i].memory_bytes ||
		    !hn_set_equal(&a->cells[i].vcpus, &b->cells[i].vcpus) ||
		    a->cells[i].page_bytes != b->cells[i].page_bytes ||
		    a->cells[i].bandwidth_bytes != b->cells[i].bandwidth_bytes ||
		    !hn_set_equal(&a->cells[i].allowed_nodes, &b->cells[i].allowed_nodes))
			return false;
	for (size_t i = 0; i < a->thread_count; i++)
		if (a->threads[i].tid != b->threads[i].tid || a->threads[i].kind != b->threads[i].kind ||
		    a->threads[i].vcpu != b->threads[i].vcpu || a->threads[i].cell != b->threads[i].cell ||
		    strcmp(a->threads[i].name, b->threads[i].name) != 0 ||
		    a->threads[i].kept != b->threads[i].kept || a->threads[i].ours != b->threads[i].ours)
			return false;
	for (size_t i = 0; i < a->backend_count; i++)
		if (!same_backend(&a->backends[i], &b->backends[i]))
			return false;
	return true;
}

bool same_sample(const struct hn_sample *a, const struct hn_sample *b)
{
	if (!a || !b)
		return a == b;
	if (a->taken_ns != b->taken_ns || a->cost_ns != b->cost_ns || a->exhaustive != b->exhaustive ||
	    a->node_count != b->node_count || a->cell_count != b->cell_count ||
	    a->thread_count != b->thread_count)
		return false;
	for (size_t i = 0; i < a->cell_count; i++) {
		const struct hn_cell_sample *x = &a->cells[i], *y = &b->cells[i];

		if (x->cell != y->cell || x->sampled != y->sampled || x->absent != y->absent ||
		    x->unknown != y->unknown ||
		    memcmp(x->on_node, y->on_node, a->node_count * sizeof(*x->on_node)) != 0)
			return false;
	}
	for (size_t i = 0; i < a->thread_count; i++) {
		const struct hn_thread_sample *x = &a->threads[i], *y = &b->threads[i];

		if (x->tid != y->tid || x->last_cpu != y->last_cpu || x->last_node != y->last_node ||
		    x->cpu_ns != y->cpu_ns || x->busy != y->busy || !hn_set_equal(x->allowed, y->allowed) ||
		    x->scheduler != y->scheduler)
			return false;
		for (size_t j = 0; j < a->node_count; j++)
			if (x->residency[j] != y->residency[j])
				return false;
	}
	return true;
}

static bool same_vcpus(const struct hn_placement *a, const struct hn_placement *b)
{
	if (a->vcpu_count != b->vcpu_count || !hn_set_equal(&a->other_cpus, &b->other_cpus))
		return false;
	for (size_t i = 0; i < a->vcpu_count; i++)
		if (a->vcpus[i].vcpu != b->vcpus[i].vcpu ||
		    !hn_set_equal(&a->vcpus[i].cpus, &b->vcpus[i].cpus))
			return false;
	return true;
}

bool same_placement(const struct hn_placement *a, const struct hn_placement *b)
{
	if (!a || !b)
		return a == b;
	if (a->node_count != b->node_count || a->cell_count != b->cell_count || a->proven != b->proven)
		return false;
	for (size_t i = 0; i < HN_COST_PARTS; i++)
		if (a->cost.parts[i] != b->cost.parts[i] || a->bound.parts[i] != b->bound.parts[i])
			return false;
	if (!same_vcpus(a, b))
		return false;
	for (size_t i = 0; i < a->cell_count; i++) {
		const struct hn_cell_home *x = &a->cells[i], *y = &b->cells[i];

		if (x->cell != y->cell || !hn_set_equal(&x->nodes, &y->nodes) ||
		    memcmp(x->bytes, y->bytes, a->node_count * sizeof(*x->bytes)) != 0 ||
		    memcmp(x->vcpus, y->vcpus, a->node_count * sizeof(*x->vcpus)) != 0)
			return false;
	}
	return true;
}

bool same_plan(const struct hn_plan *a, const struct hn_plan *b)
{
	if (!a || !b)
		return a == b;
	if (a->verdict != b->verdict || strcmp(a->reason, b->reason) != 0 ||
	    !same_placement(a->home, b->home) || a->action_count != b->action_count ||
	    a->note_count != b->note_count)
		return false;
	for (size_t i = 0; i < a->action_count; i++) {
		const struct hn_action *x = &a->actions[i], *y = &b->actions[i];

		if (x->kind != y->kind || x->tid != y->tid || !hn_set_equal(&x->cpus, &y->cpus) ||
		    !hn_set_equal(&x->nodes, &y->nodes) || x->cell != y->cell || x->to_node != y->to_node ||
		    x->bytes != y->bytes || x->limit_bytes != y->limit_bytes ||
		    strcmp(x->reason, y->reason) != 0)
			return false;
	}
	for (size_t i = 0; i < a->note_count; i++)
		if (strcmp(a->notes[i], b->notes[i]) != 0)
			return false;
	return true;
}

static bool same_interval(const struct hn_interval *a, const struct hn_interval *b)
{
	return a->low == b->low && a->value == b->value && a->high == b->high;
}

static bool same_operation(const struct hn_operation *a, const struct hn_operation *b)
{
	return a->id == b->id && a->state == b->state && a->elapsed_ns == b->elapsed_ns &&
	       a->to_move_bytes == b->to_move_bytes && a->moved_bytes == b->moved_bytes &&
	       a->stayed_bytes == b->stayed_bytes && a->bytes_per_second == b->bytes_per_second &&
	       a->cpu_ns == b->cpu_ns && a->stall_ns == b->stall_ns && a->paused == b->paused &&
	       a->threads_bound == b->threads_bound && a->cell == b->cell && a->to_node == b->to_node &&
	       strcmp(a->message, b->message) == 0;
}

bool same_reported(const struct hn_reported *a, const struct hn_reported *b)
{
	if (!a || !b)
		return a == b;
	if (a->started_ns != b->started_ns || a->taken_ns != b->taken_ns || a->vcpu_ns != b->vcpu_ns ||
	    a->vcpu_taken_ns != b->vcpu_taken_ns || a->node_count != b->node_count ||
	    a->cpu_count != b->cpu_count || a->hint_faults != b->hint_faults ||
	    a->hint_faults_local != b->hint_faults_local || a->pages_migrated != b->pages_migrated ||
	    a->migrate_success != b->migrate_success || a->note_count != b->note_count ||
	    memcmp(&a->balloon, &b->balloon, sizeof(a->balloon)) != 0)
		return false;
	for (size_t i = 0; i < a->node_count; i++) {
		const struct hn_reported_node *m = &a->nodes[i], *n = &b->nodes[i];

		if (m->node != n->node || m->hit != n->hit || m->miss != n->miss ||
		    m->foreign != n->foreign || m->interleave != n->interleave || m->local != n->local ||
		    m->other != n->other || m->total_bytes != n->total_bytes ||
		    m->free_bytes != n->free_bytes)
			return false;
	}
	for (size_t i = 0; i < a->cpu_count; i++)
		if (a->cpus[i].cpu != b->cpus[i].cpu || a->cpus[i].busy_ns != b->cpus[i].busy_ns ||
		    a->cpus[i].idle_ns != b->cpus[i].idle_ns || a->cpus[i].steal_ns != b->cpus[i].steal_ns)
			return false;
	for (size_t i = 0; i < a->note_count; i++)
		if (strcmp(a->notes[i], b->notes[i]) != 0)
			return false;
	return true;
}

bool same_access(const struct hn_access *a, const struct hn_access *b)
{
	if (!a || !b)
		return a == b;
	if (a->doubt != b->doubt || strcmp(a->reason, b->reason) != 0 || a->age_ns != b->age_ns ||
	    a->span_ns != b->span_ns || a->remote_known != b->remote_known ||
	    a->faults_known != b->faults_known || !same_interval(&a->remote, &b->remote) ||
	    !same_interval(&a->remote_faults, &b->remote_faults) ||
	    a->migrated_per_second != b->migrated_per_second || a->use_count != b->use_count)
		return false;
	for (size_t i = 0; i < a->use_count; i++)
		if (a->uses[i].cpus_of != b->uses[i].cpus_of ||
		    a->uses[i].memory_of != b->uses[i].memory_of ||
		    !same_interval(&a->uses[i].share, &b->uses[i].share) ||
		    a->uses[i].per_second != b->uses[i].per_second)
			return false;
	return true;
}

static bool same_care(const struct hn_report *a, const struct hn_report *b)
{
	if (a->device_count != b->device_count || a->window_left_ns != b->window_left_ns ||
	    memcmp(&a->calls, &b->calls, sizeof(a->calls)) != 0)
		return false;
	for (size_t i = 0; i < a->device_count; i++)
		if (strcmp(a->devices[i].name, b->devices[i].name) != 0 ||
		    strcmp(a->devices[i].kind, b->devices[i].kind) != 0 ||
		    a->devices[i].node != b->devices[i].node || a->devices[i].far != b->devices[i].far ||
		    a->devices[i].shared != b->devices[i].shared ||
		    a->devices[i].distance != b->devices[i].distance)
			return false;
	return true;
}

static bool same_stall(const struct hn_stall *a, const struct hn_stall *b)
{
	return a->some_known == b->some_known && a->full_known == b->full_known &&
	       a->some_avg10 == b->some_avg10 && a->full_avg10 == b->full_avg10 && a->some_ns == b->some_ns &&
	       a->full_ns == b->full_ns;
}

bool same_activity(const struct hn_activity *a, const struct hn_activity *b)
{
	if (!a || !b)
		return a == b;
	if (a->age_ns != b->age_ns || a->over_ns != b->over_ns || a->rates_count != b->rates_count ||
	    strcmp(a->refused, b->refused) != 0)
		return false;
	for (size_t i = 0; i < HN_RESOURCE_COUNT; i++)
		if (!same_stall(&a->stalls[i], &b->stalls[i]))
			return false;
	for (size_t i = 0; i < a->rates_count; i++)
		if (a->rates[i].family != b->rates[i].family || a->rates[i].node != b->rates[i].node ||
		    a->rates[i].known != b->rates[i].known ||
		    memcmp(a->rates[i].values, b->rates[i].values, sizeof(a->rates[i].values)) != 0)
			return false;
	return true;
}

bool same_checkup(const struct hn_checkup *a, const struct hn_checkup *b)
{
	if (!a || !b || a->count != b->count)
		return a == b;
	for (size_t i = 0; i < a->count; i++)
		if (a->findings[i].check != b->findings[i].check ||
		    a->findings[i].verdict != b->findings[i].verdict ||
		    strcmp(a->findings[i].found, b->findings[i].found) != 0 ||
		    strcmp(a->findings[i].remedy, b->findings[i].remedy) != 0)
			return false;
	return true;
}

bool same_report(const struct hn_report *a, const struct hn_report *b)
{
	if (!a || !b)
		return a == b;
	if (!same_guest(a->guest, b->guest) || a->locality_known != b->locality_known ||
	    !same_interval(&a->locality, &b->locality) || a->age_ns != b->age_ns ||
	    !same_sample(a->sample, b->sample) || !same_placement(a->home, b->home) ||
	    !same_plan(a->plan, b->plan) || !same_operation(&a->operation, &b->operation) ||
	    a->trend != b->trend || a->remote_cost_known != b->remote_cost_known ||
	    a->remote_cost_estimated != b->remote_cost_estimated ||
	    !same_interval(&a->remote_cost, &b->remote_cost) || !same_reported(a->reported, b->reported) ||
	    !same_access(a->access, b->access) || !same_activity(a->activity, b->activity) ||
	    strcmp(a->inside, b->inside) != 0 || !same_care(a, b) || strcmp(a->problem, b->problem) != 0)
		return false;
	for (size_t i = 0; a->locality_known && i < a->guest->cell_count; i++)
		if (!same_interval(&a->cell_locality[i], &b->cell_locality[i]) ||
		    a->cell_trend[i] != b->cell_trend[i])
			return false;
	return true;
}

static bool same_regret(const struct hn_regret *a, const struct hn_regret *b)
{
	if (!a || !b)
		return a == b;
	return a->taken_ns == b->taken_ns && a->cell_count == b->cell_count &&
	       a->node_count == b->node_count &&
	       memcmp(a->seconds, b->seconds, a->cell_count * a->node_count * sizeof(*a->seconds)) == 0;
}

bool same_snapshot(const struct hn_snapshot *a, const struct hn_snapshot *b)
{
	if (!a || !b)
		return a == b;
	if (a->now_ns != b->now_ns || a->calibration.bytes_per_second != b->calibration.bytes_per_second ||
	    a->calibration.stall_share != b->calibration.stall_share ||
	    a->calibration.migrations != b->calibration.migrations || !same_host(a->host, b->host) ||
	    a->guest_count != b->guest_count)
		return false;
	for (size_t i = 0; i < a->guest_count; i++) {
		const struct hn_guest_state *x = &a->guests[i], *y = &b->guests[i];

		if (!same_guest(x->guest, y->guest) || !same_sample(x->sample, y->sample) ||
		    !same_placement(x->home, y->home) || x->looks.agreeing != y->looks.agreeing ||
		    x->looks.fruitless != y->looks.fruitless || x->looks.fetches != y->looks.fetches ||
		    x->looks.settle_until_ns != y->looks.settle_until_ns || x->moving != y->moving ||
		    x->promised != y->promised || x->looks.distrust != y->looks.distrust ||
		    x->looks.lost_share != y->looks.lost_share ||
		    x->looks.promised_share != y->looks.promised_share || !same_regret(x->regret, y->regret))
			return false;
	}
	return true;
}

static struct hn_record *draw_sample_record(struct hn_random *random)
{
	struct hn_record *record = hn_record_new_sample("", "", integer(random), below(random, 5));

	assert_non_null(record);
	record->sample.looks = (unsigned)below(random, UINT_MAX);
	record->sample.busy = share(random);
	record->sample.locality_known = coin(random);
	if (record->sample.locality_known)
		record->sample.locality = (struct hn_interval){
			.low = share(random), .value = share(random), .high = share(random)};
	for (size_t i = 0; i < record->sample.node_count; i++)
		record->sample.memory_share[i] = share(random);
	return record;
}

static struct hn_record *draw_decision_record(struct hn_random *random)
{
	struct hn_record *record = hn_record_new_decision("", "", below(random, 4));

	assert_non_null(record);
	record->decision.verdict = (enum hn_verdict)below(random, HN_VERDICT_COUNT);
	record->decision.verdict_changed = coin(random);
	record->decision.home_changed = coin(random);
	text(random, record->decision.reason, sizeof(record->decision.reason));
	for (size_t i = 0; i < record->decision.cell_count; i++)
		record->decision.home[i] = (struct hn_cell_nodes){integer(random), set(random)};
	return record;
}

static struct hn_record *draw_move_record(struct hn_random *random)
{
	struct hn_record *record = hn_record_new_move("", "");

	assert_non_null(record);
	record->move = (struct hn_move_record){
		.operation = number(random),
		.price = share(random),
		.predicted_bytes = number(random),
		.predicted_gain = share(random),
		.moved_bytes = number(random),
		.stayed_bytes = number(random),
		.cpu_ns = number(random),
		.elapsed_ns = number(random),
		.outcome = (enum hn_operation_state)below(random, HN_OPERATION_COUNT),
	};
	text(random, record->move.message, sizeof(record->move.message));
	return record;
}

struct hn_record *specimen_record(struct hn_random *random)
{
	static struct hn_record *(*const draw[HN_RECORD_KIND_COUNT])(struct hn_random *) = {
		draw_sample_record, draw_decision_record, draw_move_record};
	struct hn_record *record = draw[below(random, HN_RECORD_KIND_COUNT)](random);

	record->sequence = number(random);
	record->time_ns = number(random);
	text(random, record->boot, sizeof(record->boot));
	text(random, record->guest, sizeof(record->guest));
	text(random, record->uuid, sizeof(record->uuid));
	return record;
}

struct hn_history *specimen_history(struct hn_random *random)
{
	struct hn_history *history = hn_history_new();
	size_t count = below(random, 10);

	assert_non_null(history);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(hn_history_add(history, specimen_record(random)), 0);
	history->more = coin(random);
	history->lost = number(random);
	text(random, history->problem, sizeof(history->problem));
	return history;
}

static bool same_sample_record(const struct hn_sample_record *a, const struct hn_sample_record *b)
{
	return a->cell == b->cell && a->looks == b->looks && a->locality_known == b->locality_known &&
	       (!a->locality_known || same_interval(&a->locality, &b->locality)) && a->busy == b->busy &&
	       a->node_count == b->node_count &&
	       memcmp(a->memory_share, b->memory_share, a->node_count * sizeof(double)) == 0;
}

static bool same_decision_record(const struct hn_decision_record *a, const struct hn_decision_record *b)
{
	if (a->verdict != b->verdict || a->verdict_changed != b->verdict_changed ||
	    a->home_changed != b->home_changed || strcmp(a->reason, b->reason) != 0 ||
	    a->cell_count != b->cell_count)
		return false;
	for (size_t i = 0; i < a->cell_count; i++)
		if (a->home[i].cell != b->home[i].cell || !hn_set_equal(&a->home[i].nodes, &b->home[i].nodes))
			return false;
	return true;
}

static bool same_move_record(const struct hn_move_record *a, const struct hn_move_record *b)
{
	return a->operation == b->operation && a->price == b->price &&
	       a->predicted_bytes == b->predicted_bytes && a->predicted_gain == b->predicted_gain &&
	       a->moved_bytes == b->moved_bytes && a->stayed_bytes == b->stayed_bytes &&
	       a->cpu_ns == b->cpu_ns && a->elapsed_ns == b->elapsed_ns && a->outcome == b->outcome &&
	       strcmp(a->message, b->message) == 0;
}

bool same_record(const struct hn_record *a, const struct hn_record *b)
{
	if (a->kind != b->kind || a->sequence != b->sequence || a->time_ns != b->time_ns ||
	    strcmp(a->boot, b->boot) != 0 || strcmp(a->guest, b->guest) != 0 || strcmp(a->uuid, b->uuid) != 0)
		return false;
	if (a->kind == HN_RECORD_SAMPLE)
		return same_sample_record(&a->sample, &b->sample);
	if (a->kind == HN_RECORD_DECISION)
		return same_decision_record(&a->decision, &b->decision);
	return same_move_record(&a->move, &b->move);
}

bool same_history(const struct hn_history *a, const struct hn_history *b)
{
	if (a->count != b->count || a->more != b->more || a->lost != b->lost ||
	    strcmp(a->problem, b->problem) != 0)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!same_record(a->records[i], b->records[i]))
			return false;
	return true;
}

/* The same functions behind untyped pointers. */
#define DEFINE_DOCUMENT(kind, specimen)                                              \
	static void *draw_##kind(struct hn_random *random)                           \
	{                                                                            \
		return specimen(random);                                             \
	}                                                                            \
	static json_object *encode_##kind(const void *thing)                         \
	{                                                                            \
		return hn_##kind##_encode(thing);                                    \
	}                                                                            \
	static int decode_##kind(json_object *json, void *ret, struct hn_error *err) \
	{                                                                            \
		struct hn_##kind *thing = NULL;                                      \
		int r = hn_##kind##_decode(json, &thing, err);                       \
		memcpy(ret, &thing, sizeof(thing));                                  \
		return r;                                                            \
	}                                                                            \
	static void free_##kind(void *thing)                                         \
	{                                                                            \
		hn_##kind##_free(thing);                                             \
	}                                                                            \
	static bool alike_##kind(const void *a, const void *b)                       \
	{                                                                            \
		return same_##kind(a, b);                                            \
	}

DEFINE_DOCUMENT(host, specimen_host)
DEFINE_DOCUMENT(guest, specimen_guest)
DEFINE_DOCUMENT(plan, specimen_plan)
DEFINE_DOCUMENT(report, specimen_report)
DEFINE_DOCUMENT(reported, specimen_reported)
DEFINE_DOCUMENT(access, specimen_access)
DEFINE_DOCUMENT(snapshot, specimen_snapshot)
DEFINE_DOCUMENT(record, specimen_record)
DEFINE_DOCUMENT(history, specimen_history)

static struct hn_sample *specimen_any_sample(struct hn_random *random)
{
	return specimen_sample(random, below(random, 5), below(random, 4), below(random, 5));
}

static struct hn_placement *specimen_any_placement(struct hn_random *random)
{
	return specimen_placement(random, below(random, 5), below(random, 4));
}

/* A checkup belongs to no heap: it is read into one that does. */
static int hn_checkup_decode_new(json_object *json, struct hn_checkup **ret, struct hn_error *err)
{
	struct hn_checkup *checkup = calloc(1, sizeof(*checkup));
	int r = checkup ? hn_checkup_decode(json, checkup, err) : hn_oom(err);

	if (r == 0)
		*ret = checkup;
	else
		free(checkup);
	return r;
}

static void hn_checkup_free(struct hn_checkup *checkup)
{
	free(checkup);
}

DEFINE_DOCUMENT(activity, specimen_activity)
#define hn_checkup_decode hn_checkup_decode_new
DEFINE_DOCUMENT(checkup, specimen_checkup)
#undef hn_checkup_decode
DEFINE_DOCUMENT(sample, specimen_any_sample)
DEFINE_DOCUMENT(placement, specimen_any_placement)

#define DOCUMENT(kind)                                                                      \
	{                                                                                   \
#kind, draw_##kind, encode_##kind, decode_##kind, free_##kind, alike_##kind \
	}

const struct document documents[DOCUMENT_COUNT] = {
	DOCUMENT(host),     DOCUMENT(guest),    DOCUMENT(sample),  DOCUMENT(placement), DOCUMENT(plan),
	DOCUMENT(reported), DOCUMENT(access),   DOCUMENT(report),  DOCUMENT(snapshot),  DOCUMENT(record),
	DOCUMENT(history),  DOCUMENT(activity), DOCUMENT(checkup),
};
