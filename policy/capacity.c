#include "policy/capacity.h"

#include <stdlib.h>
#include <string.h>

#include "policy/seated.h"

static bool has_isolated(const struct hn_host *host)
{
	for (size_t i = 0; i < host->cpu_count; i++)
		if (host->cpus[i].isolated)
			return true;
	return false;
}

enum hn_class hn_seated_class(const struct hn_host *host, enum hn_class class)
{
	return class == HN_CLASS_REALTIME && !has_isolated(host) ? HN_CLASS_DEDICATED : class;
}

static bool is_usable(const struct hn_cpu *cpu, enum hn_class class, bool any_isolated)
{
	bool wants_isolated = class == HN_CLASS_REALTIME && any_isolated;

	return !cpu->reserved && cpu->isolated == wants_isolated;
}

struct hn_set hn_usable_cpus(const struct hn_host *host, size_t node, enum hn_class class)
{
	bool any_isolated = class == HN_CLASS_REALTIME && has_isolated(host);
	struct hn_set cpus = host->nodes[node].cpus;

	for (size_t i = 0; i < host->cpu_count; i++)
		if (!is_usable(&host->cpus[i], class, any_isolated))
			hn_set_remove(&cpus, host->cpus[i].id);
	return cpus;
}

/* value x part / whole without rounding in between: a cell that is wholly on a node has all its bytes there.
 */
static uint64_t scale(uint64_t value, uint64_t part, uint64_t whole)
{
	if (part == whole) /* nearly always, and a division of 128 bits is dear */
		return whole ? value : 0;
	return whole ? (uint64_t)((unsigned __int128)value * part / whole) : 0;
}

uint64_t hn_cell_bytes_present(const struct hn_guest *guest, const struct hn_sample *sample, size_t cell)
{
	const struct hn_cell_sample *pages = &sample->cells[cell];

	return scale(guest->cells[cell].memory_bytes, pages->sampled - pages->absent, pages->sampled);
}

uint64_t hn_cell_bytes_on(const struct hn_guest *guest, const struct hn_sample *sample, size_t cell,
			  size_t node)
{
	const struct hn_cell_sample *pages = &sample->cells[cell];

	if (pages->on_node[node] == 0)
		return 0;
	return scale(hn_cell_bytes_present(guest, sample, cell), pages->on_node[node],
		     hn_cell_sample_present(pages, sample->node_count));
}

static uint64_t guest_bytes_on(const struct hn_guest_state *state, size_t cell, size_t node)
{
	return state->sample ? hn_cell_bytes_on(state->guest, state->sample, cell, node) : 0;
}

/* One from before nodes or cells came or went counts no more. */
static bool has_valid_home(const struct hn_guest_state *state, size_t node_count)
{
	return state->home && state->home->node_count == node_count &&
	       state->home->cell_count == state->guest->cell_count;
}

/* Only a home that somebody brings the guest to counts; in the other modes it is a mere opinion. */
static bool goes_home(const struct hn_guest_state *state, size_t node_count)
{
	return has_valid_home(state, node_count) && (state->guest->mode == HN_MODE_ENFORCE || state->moving ||
						     (state->promised && !state->sample));
}

/* But who was placed by a home will touch the rest of its memory there, whatever its mode. */
static bool grows_at_home(const struct hn_guest_state *state, size_t node_count)
{
	return state->promised && has_valid_home(state, node_count);
}

static bool has_own_cpus(const struct hn_guest *guest)
{
	return guest->class != HN_CLASS_SHARED;
}

static bool is_among(size_t guest, const size_t *guests, size_t guest_count)
{
	for (size_t i = 0; i < guest_count; i++)
		if (guests[i] == guest)
			return true;
	return false;
}

/* cores is NULL for a guest of which nothing has been seen. */
static void add_owned(const struct hn_guest_state *other, size_t node_count, const struct hn_cores *cores,
		      struct hn_set *owned)
{
	struct hn_set pinned = {0};

	if (cores)
		pinned = hn_seated_add(cores, other, owned);
	if (!goes_home(other, node_count) && !grows_at_home(other, node_count))
		return;
	for (size_t i = 0; i < other->home->vcpu_count; i++)
		if (!hn_set_has(&pinned, other->home->vcpus[i].vcpu))
			hn_set_or(owned, &other->home->vcpus[i].cpus);
}

struct hn_set hn_owned_cpus(const struct hn_snapshot *snapshot, const size_t *guests, size_t guest_count)
{
	struct hn_set owned = {0};
	struct hn_cores cores;
	bool known = false;

	for (size_t i = 0; i < snapshot->guest_count; i++) {
		const struct hn_guest_state *other = &snapshot->guests[i];

		if (!has_own_cpus(other->guest) || is_among(i, guests, guest_count))
			continue;
		if (other->sample && !known) {
			hn_cores_fill(snapshot->host, &cores);
			known = true;
		}
		add_owned(other, snapshot->host->node_count, other->sample ? &cores : NULL, &owned);
	}
	return owned;
}

/* What is taken of each node by others. */
struct taken {
	double shared_vcpus, unseated_vcpus; /* unseated: of guests that will get CPUs of their own */
	uint64_t bytes, pool_bytes[HN_POOLS_MAX];
};

static int pool_index(const struct hn_node *node, uint64_t page_bytes)
{
	for (size_t i = 0; i < node->pool_count; i++)
		if (node->pools[i].page_bytes == page_bytes)
			return (int)i;
	return -1;
}

static void take_bytes(const struct hn_node *node, uint64_t page_bytes, uint64_t bytes, struct taken *ret)
{
	int pool = page_bytes ? pool_index(node, page_bytes) : -1;

	if (page_bytes == 0)
		ret->bytes += bytes;
	else if (pool >= 0)
		ret->pool_bytes[pool] += bytes;
}

/* What a cell on its way home has still to receive on a node is promised to it, so much at most; here: vCPUs
 * that go there. */
static void take_there(const struct hn_guest_state *other, const struct hn_host *host, size_t cell,
		       size_t node, double here, uint64_t most, struct taken *taken)
{
	uint64_t wanted = other->home->cells[cell].bytes[node], there;

	if (!has_own_cpus(other->guest))
		taken->shared_vcpus += here;
	else if (other->home->vcpu_count == 0)
		taken->unseated_vcpus += here;
	if (wanted == 0)
		return;
	there = guest_bytes_on(other, cell, node);
	if (wanted <= there)
		return;
	take_bytes(&host->nodes[node], other->guest->cells[cell].page_bytes,
		   wanted - there < most ? wanted - there : most, taken);
}

/* What of a cell is on no node of its home yet: what lies on one of them stays there. */
static uint64_t bytes_outside(const struct hn_guest_state *other, const struct hn_host *host, size_t cell)
{
	const struct hn_cell_home *home = &other->home->cells[cell];
	uint64_t wanted = 0, there = 0;

	for (size_t node = 0; node < host->node_count; node++) {
		wanted += home->bytes[node];
		if (hn_set_has(&home->nodes, host->nodes[node].id))
			there += guest_bytes_on(other, cell, node);
	}
	return wanted > there ? wanted - there : 0;
}

/* The only node that has bytes of the home, by index; -1 when there are several, or none. */
static int only_node(const struct hn_cell_home *home, size_t node_count)
{
	int only = -1;

	for (size_t node = 0; node < node_count; node++)
		if (home->bytes[node] > 0) {
			if (only >= 0)
				return -1;
			only = (int)node;
		}
	return only >= 0 && hn_set_count(&home->nodes) == 1 ? only : -1;
}

/* vCPUs are where the home says, else spread over its nodes by memory, evenly where it has none. */
static void take_for_cell(const struct hn_guest_state *other, const struct hn_host *host, size_t cell,
			  struct taken *by_node)
{
	const struct hn_cell_home *home = &other->home->cells[cell];
	int vcpus = hn_set_count(&other->guest->cells[cell].vcpus), nodes = 0;
	int only = only_node(home, host->node_count);
	bool seats_known;
	uint64_t total = 0, outside;

	if (only >= 0) { /* nearly all */
		take_there(other, host, cell, (size_t)only, vcpus, UINT64_MAX, &by_node[only]);
		return;
	}
	outside = bytes_outside(other, host, cell);
	seats_known = hn_placement_seats_known(other->home, cell, (unsigned)vcpus);
	for (size_t node = 0; node < host->node_count; node++)
		total += home->bytes[node];
	if (total == 0)
		nodes = hn_set_count(&home->nodes);
	for (size_t node = 0; node < host->node_count; node++) {
		double here = 0;

		if (seats_known)
			here = (double)home->vcpus[node];
		else if (total > 0)
			here = vcpus * (double)home->bytes[node] / (double)total;
		else if (hn_set_has(&home->nodes, host->nodes[node].id))
			here = vcpus / (double)nodes;
		take_there(other, host, cell, node, here, outside, &by_node[node]);
	}
}

/* What a cell has never touched, over the nodes of its home as these share it. */
static void take_cell_untouched(const struct hn_guest_state *other, const struct hn_host *host, size_t cell,
				struct taken *by_node)
{
	const struct hn_cell_home *home = &other->home->cells[cell];
	const struct hn_cell *what = &other->guest->cells[cell];
	uint64_t present = hn_cell_bytes_present(other->guest, other->sample, cell), total = 0;

	for (size_t node = 0; node < host->node_count; node++)
		total += home->bytes[node];
	for (size_t node = 0; node < host->node_count; node++)
		take_bytes(&host->nodes[node], what->page_bytes,
			   scale(what->memory_bytes - present, home->bytes[node], total), &by_node[node]);
}

static void take_untouched(const struct hn_guest_state *other, const struct hn_host *host,
			   struct taken *by_node)
{
	if (!grows_at_home(other, host->node_count))
		return;
	for (size_t cell = 0; cell < other->guest->cell_count; cell++)
		take_cell_untouched(other, host, cell, by_node);
}

/* A thread on CPUs that nobody shares with it. */
static bool is_alone(const struct hn_guest_state *state, size_t thread, const struct hn_set *owned)
{
	const struct hn_set *allowed = state->sample->threads[thread].allowed;

	return has_own_cpus(state->guest) && !hn_set_empty(allowed) && hn_set_inside(allowed, owned);
}

static void take_where_seen(const struct hn_guest_state *other, const struct hn_set *owned,
			    struct taken *by_node)
{
	for (size_t i = 0; i < other->guest->thread_count && other->sample; i++)
		if (other->guest->threads[i].kind == HN_THREAD_VCPU &&
		    other->sample->threads[i].last_node >= 0 && !is_alone(other, i, owned))
			by_node[other->sample->threads[i].last_node].shared_vcpus++;
}

static void take_bandwidth(const struct hn_guest_state *other, const struct hn_host *host,
			   struct hn_capacity *capacity)
{
	for (size_t cell = 0; cell < other->guest->cell_count; cell++) {
		uint64_t used = other->guest->cells[cell].bandwidth_bytes;
		int nodes = used ? hn_set_count(&other->home->cells[cell].nodes) : 0;

		for (size_t node = 0; node < host->node_count && nodes > 0; node++)
			if (hn_set_has(&other->home->cells[cell].nodes, host->nodes[node].id))
				capacity->nodes[node].others_bandwidth += used / (unsigned)nodes;
	}
}

static void take_for_others(const struct hn_snapshot *snapshot, const size_t *guests, size_t guest_count,
			    const struct hn_set *owned, struct taken *by_node, struct hn_capacity *capacity)
{
	for (size_t i = 0; i < snapshot->guest_count; i++) {
		const struct hn_guest_state *other = &snapshot->guests[i];

		if (other->guest->mode == HN_MODE_OFF || is_among(i, guests, guest_count))
			continue;
		if (!goes_home(other, snapshot->host->node_count)) {
			take_where_seen(other, owned, by_node);
			take_untouched(other, snapshot->host, by_node);
			continue;
		}
		for (size_t cell = 0; cell < other->home->cell_count; cell++)
			take_for_cell(other, snapshot->host, cell, by_node);
		take_bandwidth(other, snapshot->host, capacity);
	}
}

void hn_cpu_nodes_fill(const struct hn_host *host, struct hn_cpu_nodes *ret)
{
	for (size_t cpu = 0; cpu < HN_SET_MAX; cpu++)
		ret->node[cpu] = -1;
	for (size_t node = 0; node < host->node_count; node++)
		HN_SET_FOREACH (cpu, &host->nodes[node].cpus)
			ret->node[cpu] = (int16_t)node;
}

/* A core of the host. */
struct core {
	bool known;
	int number, node;
	unsigned siblings, usable[HN_CLASS_COUNT];
};

/* The core's place in a table of a power of two, at most half full. */
static struct core *find_core(struct core *table, size_t slots, int number)
{
	size_t at = ((uint32_t)number * UINT32_C(2654435761) >> 8) & (slots - 1); /* Knuth, TAOCP 3, 6.4 */

	while (table[at].known && table[at].number != number)
		at = (at + 1) & (slots - 1);
	return &table[at];
}

static struct core *list_cores(const struct hn_host *host, const struct hn_set *owned, size_t *ret_slots)
{
	bool any_isolated = has_isolated(host);
	struct hn_cpu_nodes nodes;
	struct core *table;

	for (*ret_slots = 2; *ret_slots < 2 * host->cpu_count; *ret_slots *= 2)
		;
	table = calloc(*ret_slots, sizeof(*table));
	hn_cpu_nodes_fill(host, &nodes);
	for (size_t i = 0; i < host->cpu_count && table; i++) {
		const struct hn_cpu *cpu = &host->cpus[i];
		struct core *core = find_core(table, *ret_slots, cpu->core);

		core->known = true;
		core->number = cpu->core;
		core->node = nodes.node[cpu->id];
		core->siblings++;
		for (int kind = 0; kind < HN_CLASS_COUNT; kind++)
			core->usable[kind] += is_usable(cpu, (enum hn_class)kind, any_isolated) &&
					      !hn_set_has(owned, cpu->id);
	}
	return table;
}

/* Counts the seats of every node: CPUs, and cores all of whose CPUs are usable and nobody's own. */
static int count_seats(const struct hn_host *host, const struct hn_set *owned, struct hn_capacity *capacity)
{
	size_t slots;
	HN_AUTO(memory) struct core *cores = list_cores(host, owned, &slots);

	for (size_t i = 0; i < slots && cores; i++) {
		const struct core *core = &cores[i];
		struct hn_node_capacity *node;

		if (!core->known || core->node < 0)
			continue;
		node = &capacity->nodes[core->node];
		node->core_cpus = core->siblings > node->core_cpus ? core->siblings : node->core_cpus;
		node->seats[HN_CLASS_SHARED] += core->usable[HN_CLASS_SHARED];
		node->seats[HN_CLASS_DEDICATED] += core->usable[HN_CLASS_DEDICATED] == core->siblings;
		node->seats[HN_CLASS_REALTIME] += core->usable[HN_CLASS_REALTIME] == core->siblings;
	}
	return cores ? 0 : -1;
}

static unsigned less(unsigned a, unsigned b)
{
	return a > b ? a - b : 0;
}

/* What is there may stay until it is brought away; no memory comes. Its CPUs are those of what cannot leave.
 */
static void close_node(struct hn_node_capacity *ret)
{
	memset(ret->pool_room, 0, sizeof(ret->pool_room));
	memset(ret->pool_short, 0, sizeof(ret->pool_short));
	ret->room_bytes = ret->short_bytes = 0;
}

static void fill_node(const struct hn_host *host, size_t node, const struct taken *taken,
		      uint64_t keep_free_bytes, struct hn_node_capacity *ret)
{
	const struct hn_node *model = &host->nodes[node];
	unsigned unseated = (unsigned)(taken->unseated_vcpus + 0.5);
	uint64_t kept = keep_free_bytes > model->reserved_bytes ? keep_free_bytes : model->reserved_bytes;
	/* on top of what the kernel keeps, or a migration would be planned that is not admitted:
	 * policy/turn.h */
	uint64_t gone = taken->bytes + model->watermark_bytes + kept;

	ret->seats[HN_CLASS_SHARED] = less(ret->seats[HN_CLASS_SHARED], unseated * ret->core_cpus);
	ret->seats[HN_CLASS_DEDICATED] = less(ret->seats[HN_CLASS_DEDICATED], unseated);
	ret->seats[HN_CLASS_REALTIME] = less(ret->seats[HN_CLASS_REALTIME], unseated);
	ret->others_vcpus = (unsigned)(taken->shared_vcpus + 0.5);
	ret->room_bytes = ret->own_bytes + (model->free_bytes > gone ? model->free_bytes - gone : 0);
	ret->short_bytes = gone > model->free_bytes ? gone - model->free_bytes : 0;
	for (size_t i = 0; i < model->pool_count; i++) {
		uint64_t free_bytes = model->pools[i].free_pages * model->pools[i].page_bytes;
		uint64_t promised = taken->pool_bytes[i];

		ret->pool_room[i] += free_bytes > promised ? free_bytes - promised : 0;
		ret->pool_short[i] = promised > free_bytes ? promised - free_bytes : 0;
	}
	if (model->draining)
		close_node(ret);
}

/* What the guests themselves have on each node. */
static void fill_own(const struct hn_snapshot *snapshot, const size_t *guests, size_t guest_count,
		     struct hn_capacity *capacity)
{
	uint64_t *row = capacity->cell_bytes;

	for (size_t i = 0; i < guest_count; i++) {
		const struct hn_guest_state *own = &snapshot->guests[guests[i]];

		for (size_t cell = 0; cell < own->guest->cell_count; cell++, row += capacity->node_count) {
			bool movable = hn_guest_cell_movable(own->guest, cell);
			uint64_t page_bytes = own->guest->cells[cell].page_bytes;

			for (size_t node = 0; node < capacity->node_count; node++) {
				struct hn_node_capacity *ret = &capacity->nodes[node];
				int pool = page_bytes ? pool_index(&snapshot->host->nodes[node], page_bytes)
						      : -1;

				row[node] = guest_bytes_on(own, cell, node);
				if (movable && page_bytes == 0)
					ret->own_bytes += row[node];
				else if (movable && pool >= 0)
					ret->pool_room[pool] += row[node];
			}
		}
	}
}

struct hn_capacity *hn_capacity_new_for(const struct hn_snapshot *snapshot, const size_t *guests,
					size_t guest_count, uint64_t keep_free_bytes)
{
	size_t nodes = snapshot->host->node_count, cells = 0;
	struct hn_set owned = hn_owned_cpus(snapshot, guests, guest_count);
	HN_AUTO(hn_capacity)
	struct hn_capacity *capacity = calloc(1, sizeof(*capacity) + nodes * sizeof(capacity->nodes[0]));
	HN_AUTO(memory) struct taken *taken = calloc(nodes + 1, sizeof(*taken));

	if (!capacity || !taken)
		return NULL;
	capacity->node_count = nodes;
	for (size_t i = 0; i < guest_count; i++)
		cells += snapshot->guests[guests[i]].guest->cell_count;
	capacity->cell_bytes = calloc(nodes * cells + 1, sizeof(*capacity->cell_bytes));
	if (!capacity->cell_bytes || count_seats(snapshot->host, &owned, capacity))
		return NULL;
	take_for_others(snapshot, guests, guest_count, &owned, taken, capacity);
	fill_own(snapshot, guests, guest_count, capacity);
	for (size_t node = 0; node < nodes; node++) {
		fill_node(snapshot->host, node, &taken[node], keep_free_bytes, &capacity->nodes[node]);
		capacity->nodes[node].cpus =
			capacity->nodes[node].seats[snapshot->guests[guests[0]].guest->class];
	}
	return hn_steal(capacity);
}

struct hn_capacity *hn_capacity_new(const struct hn_snapshot *snapshot, size_t guest,
				    uint64_t keep_free_bytes)
{
	return hn_capacity_new_for(snapshot, &guest, 1, keep_free_bytes);
}

uint64_t hn_capacity_room(const struct hn_capacity *capacity, const struct hn_host *host, size_t node,
			  uint64_t page_bytes, uint64_t *ret_short)
{
	int pool = page_bytes ? pool_index(&host->nodes[node], page_bytes) : -1;

	*ret_short = 0;
	if (page_bytes == 0) {
		*ret_short = capacity->nodes[node].short_bytes;
		return capacity->nodes[node].room_bytes;
	}
	if (pool < 0)
		return 0;
	*ret_short = capacity->nodes[node].pool_short[pool];
	return capacity->nodes[node].pool_room[pool];
}

int hn_capacity_tie(const struct hn_capacity *capacity, const struct hn_guest *guest, size_t cell)
{
	const uint64_t *here = &capacity->cell_bytes[cell * capacity->node_count];
	size_t most = 0;

	for (size_t node = 1; node < capacity->node_count; node++)
		if (here[node] > here[most])
			most = node;
	return here[most] > 0 && !hn_guest_cell_movable(guest, cell) ? (int)most : -1;
}

void hn_capacity_free(struct hn_capacity *capacity)
{
	if (!capacity)
		return;
	free(capacity->cell_bytes);
	free(capacity);
}
