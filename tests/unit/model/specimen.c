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
					 .memory_kind =
						 (enum hn_memory_kind)below(random, HN_MEMORY_KIND_COUNT),
					 .pool_count = below(random, HN_POOLS_MAX + 1)};
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
}

static void draw_wishes(struct hn_random *random, struct hn_guest *guest)
{
	char name[32];

	guest->allowed_nodes = set(random);
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
	}
	draw_wishes(random, guest);
	for (uint64_t i = below(random, 6); i > 0; i--) {
		struct hn_thread *thread = hn_guest_add_thread(
			guest, integer(random), (enum hn_thread_kind)below(random, HN_THREAD_KIND_COUNT));

		assert_non_null(thread);
		thread->vcpu = integer(random);
		thread->cell = integer(random);
		text(random, thread->name, sizeof(thread->name));
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
		thread->allowed = set(random);
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
	operation->threads_bound = (unsigned)number(random);
	operation->cell = integer(random);
	operation->to_node = integer(random);
	text(random, operation->message, sizeof(operation->message));
}

static struct hn_interval interval(struct hn_random *random)
{
	return (struct hn_interval){share(random), share(random), share(random)};
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
		report->cell_locality = calloc(report->guest->cell_count + 1, sizeof(*report->cell_locality));
		assert_non_null(report->cell_locality);
		for (size_t i = 0; i < report->guest->cell_count; i++)
			report->cell_locality[i] = interval(random);
	}
	report->age_ns = number(random);
	if (coin(random))
		report->sample = specimen_sample(random, nodes, report->guest->cell_count, below(random, 5));
	if (coin(random))
		report->home = specimen_placement(random, nodes, report->guest->cell_count);
	if (coin(random))
		report->plan = specimen_plan(random);
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
			for (size_t j = 0; j < nodes; j++)
				state->home->cells[i].bytes[j] =
					below(random, guest->cells[i].memory_bytes + 1);
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
					 share(random)};
	state->moving = coin(random);
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
		    x->reserved_bytes != y->reserved_bytes || x->memory_kind != y->memory_kind ||
		    x->pool_count != y->pool_count)
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
	       hn_set_equal(&a->host_nodes, &b->host_nodes) && a->movability == b->movability;
}

static bool same_wishes(const struct hn_guest *a, const struct hn_guest *b)
{
	if (!hn_set_equal(&a->allowed_nodes, &b->allowed_nodes) || strcmp(a->near, b->near) != 0 ||
	    strcmp(a->apart, b->apart) != 0 || a->iothread_count != b->iothread_count ||
	    a->device_count != b->device_count)
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
	    a->thread_count != b->thread_count || a->backend_count != b->backend_count || !same_wishes(a, b))
		return false;
	for (size_t i = 0; i < a->cell_count; i++)
		if (a->cells[i].id != b->cells[i].id ||
		    a->cells[i].memory_bytes != b->cells[i].memory_bytes ||
		    !hn_set_equal(&a->cells[i].vcpus, &b->cells[i].vcpus) ||
		    a->cells[i].page_bytes != b->cells[i].page_bytes ||
		    a->cells[i].bandwidth_bytes != b->cells[i].bandwidth_bytes)
			return false;
	for (size_t i = 0; i < a->thread_count; i++)
		if (a->threads[i].tid != b->threads[i].tid || a->threads[i].kind != b->threads[i].kind ||
		    a->threads[i].vcpu != b->threads[i].vcpu || a->threads[i].cell != b->threads[i].cell ||
		    strcmp(a->threads[i].name, b->threads[i].name) != 0)
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
		    x->cpu_ns != y->cpu_ns || x->busy != y->busy || !hn_set_equal(&x->allowed, &y->allowed))
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
		    memcmp(x->bytes, y->bytes, a->node_count * sizeof(*x->bytes)) != 0)
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
	       a->cpu_ns == b->cpu_ns && a->threads_bound == b->threads_bound && a->cell == b->cell &&
	       a->to_node == b->to_node && strcmp(a->message, b->message) == 0;
}

bool same_report(const struct hn_report *a, const struct hn_report *b)
{
	if (!a || !b)
		return a == b;
	if (!same_guest(a->guest, b->guest) || a->locality_known != b->locality_known ||
	    !same_interval(&a->locality, &b->locality) || a->age_ns != b->age_ns ||
	    !same_sample(a->sample, b->sample) || !same_placement(a->home, b->home) ||
	    !same_plan(a->plan, b->plan) || !same_operation(&a->operation, &b->operation) ||
	    strcmp(a->problem, b->problem) != 0)
		return false;
	for (size_t i = 0; a->locality_known && i < a->guest->cell_count; i++)
		if (!same_interval(&a->cell_locality[i], &b->cell_locality[i]))
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
		    x->looks.fruitless != y->looks.fruitless ||
		    x->looks.settle_until_ns != y->looks.settle_until_ns || x->moving != y->moving ||
		    x->looks.distrust != y->looks.distrust || x->looks.lost_share != y->looks.lost_share ||
		    x->looks.promised_share != y->looks.promised_share || !same_regret(x->regret, y->regret))
			return false;
	}
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
DEFINE_DOCUMENT(snapshot, specimen_snapshot)

static struct hn_sample *specimen_any_sample(struct hn_random *random)
{
	return specimen_sample(random, below(random, 5), below(random, 4), below(random, 5));
}

static struct hn_placement *specimen_any_placement(struct hn_random *random)
{
	return specimen_placement(random, below(random, 5), below(random, 4));
}

DEFINE_DOCUMENT(sample, specimen_any_sample)
DEFINE_DOCUMENT(placement, specimen_any_placement)

#define DOCUMENT(kind)                                                                      \
	{                                                                                   \
#kind, draw_##kind, encode_##kind, decode_##kind, free_##kind, alike_##kind \
	}

const struct document documents[DOCUMENT_COUNT] = {
	DOCUMENT(host), DOCUMENT(guest),  DOCUMENT(sample),   DOCUMENT(placement),
	DOCUMENT(plan), DOCUMENT(report), DOCUMENT(snapshot),
};
