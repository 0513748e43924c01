#include "policy/problem.h"

#include <errno.h>
#include <string.h>

#include "base/units.h"

void hn_problem_free(struct hn_problem *problem)
{
	if (!problem)
		return;
	hn_capacity_free(problem->capacity);
	free(problem->nodes);
	free(problem->cells);
	free(problem->pulls);
	free(problem->bars);
	free(problem->distances);
	free(problem);
}

static const struct hn_guest *guest_of(const struct hn_problem *problem, size_t index)
{
	return problem->snapshot->guests[problem->guests[index]].guest;
}

bool hn_problem_allows(const struct hn_problem *problem, size_t cell, size_t node)
{
	const struct hn_problem_cell *model = &problem->cells[cell];

	if (model->barred[node])
		return false;
	if (model->tie >= 0)
		return model->tie == (int)node;
	return problem->nodes[node].home && problem->nodes[node].seats[model->class] > 0;
}

bool hn_problem_apart(const struct hn_problem *problem, size_t guest, size_t other)
{
	const char *group = guest_of(problem, guest)->apart;

	return guest != other && *group && strcmp(group, guest_of(problem, other)->apart) == 0;
}

struct hn_room_size hn_problem_size(const struct hn_problem *problem, unsigned free_cpus, uint64_t free_bytes)
{
	struct hn_room_size size = {0};

	if (problem->most_cpus)
		size.by_cpus = (unsigned)(1024 * (uint64_t)free_cpus / problem->most_cpus);
	if (problem->most_bytes)
		size.by_bytes = (unsigned)(1024.0 * (double)free_bytes / (double)problem->most_bytes);
	return size;
}

/* The kind of a page size, which is added where it is new; -1 when there are too many. */
static int page_kind(struct hn_problem *problem, uint64_t page_bytes)
{
	for (size_t i = 0; i < problem->page_kind_count; i++)
		if (problem->page_bytes[i] == page_bytes)
			return (int)i;
	if (problem->page_kind_count == HN_PAGE_KINDS_MAX)
		return -1;
	problem->page_bytes[problem->page_kind_count] = page_bytes;
	return (int)problem->page_kind_count++;
}

static void fill_node(struct hn_problem *problem, size_t node)
{
	const struct hn_node *model = &problem->host->nodes[node];
	const struct hn_node_capacity *capacity = &problem->capacity->nodes[node];
	struct hn_problem_node *ret = &problem->nodes[node];
	unsigned cpus = (unsigned)hn_set_count(&model->cpus);

	ret->home = cpus > 0 && model->memory_bytes > 0 && model->memory_kind != HN_MEMORY_GPU;
	for (size_t kind = 0; kind < problem->page_kind_count; kind++)
		ret->room[kind] = hn_capacity_room(problem->capacity, problem->host, node,
						   problem->page_bytes[kind], &ret->short_bytes[kind]);
	memcpy(ret->seats, capacity->seats, sizeof(ret->seats));
	ret->core_cpus = capacity->core_cpus;
	ret->others_vcpus = capacity->others_vcpus;
	ret->others_bandwidth_mib = capacity->others_bandwidth / HN_MIB;
	if (problem->host->bandwidths)
		ret->bandwidth_mib = problem->host->bandwidths[node * problem->node_count + node];
	ret->free_bytes = capacity->room_bytes;
	for (size_t pool = 0; pool < model->pool_count; pool++)
		ret->free_bytes += capacity->pool_room[pool];
	if (cpus > problem->most_cpus)
		problem->most_cpus = cpus;
	if (model->memory_bytes > problem->most_bytes)
		problem->most_bytes = model->memory_bytes;
}

static void fill_distances(struct hn_problem *problem)
{
	size_t nodes = problem->node_count;

	for (size_t a = 0; a < nodes; a++)
		for (size_t b = 0; b < nodes; b++) {
			unsigned there = hn_host_distance(problem->host, a, b);
			unsigned back = hn_host_distance(problem->host, b, a);
			unsigned longer = there > back ? there : back;

			problem->distances[a * nodes + b] =
				(uint16_t)(longer > HN_DISTANCE_LOCAL ? longer - HN_DISTANCE_LOCAL : 0);
		}
}

static bool same_group(const char *a, const char *b)
{
	return *a && strcmp(a, b) == 0;
}

/* The clique of a guest: that of an earlier one of its affinity group, or its own. */
static size_t clique_of(struct hn_problem *problem, size_t guest)
{
	for (size_t i = 0; i < problem->cell_count; i++)
		if (same_group(guest_of(problem, guest)->near,
			       guest_of(problem, problem->cells[i].guest)->near))
			return problem->cells[i].clique;
	return problem->clique_count++;
}

/* Mean distance from a node to a home, rounded up. */
static uint32_t distance_to(const struct hn_problem *problem, size_t node, const struct hn_set *home)
{
	uint32_t sum = 0, count = 0;

	for (size_t other = 0; other < problem->node_count; other++)
		if (hn_set_has(home, problem->host->nodes[other].id)) {
			sum += hn_problem_distance(problem, node, other);
			count++;
		}
	return count ? (sum + count - 1) / count : 0;
}

static void pull_to_devices(const struct hn_problem *problem, const struct hn_guest *guest,
			    struct hn_problem_cell *cell)
{
	for (size_t i = 0; i < guest->device_count; i++) {
		const struct hn_device *device = hn_host_device(problem->host, guest->devices[i]);
		int at = device ? hn_host_node_index(problem->host, device->node) : -1;

		for (size_t node = 0; node < problem->node_count && at >= 0; node++)
			cell->pull[node] += hn_problem_distance(problem, node, (size_t)at);
	}
}

static bool is_placed_here(const struct hn_problem *problem, size_t guest)
{
	for (size_t i = 0; i < problem->guest_count; i++)
		if (problem->guests[i] == guest)
			return true;
	return false;
}

/* Guests of its groups that are not being placed draw it near or bar their nodes. */
static void heed_others(const struct hn_problem *problem, const struct hn_guest *guest,
			struct hn_problem_cell *cell)
{
	if (!*guest->near && !*guest->apart)
		return;
	for (size_t i = 0; i < problem->snapshot->guest_count; i++) {
		const struct hn_guest_state *other = &problem->snapshot->guests[i];

		if (is_placed_here(problem, i) || !other->home)
			continue;
		for (size_t c = 0; c < other->home->cell_count; c++) {
			const struct hn_set *home = &other->home->cells[c].nodes;

			for (size_t node = 0; node < problem->node_count; node++) {
				if (same_group(guest->near, other->guest->near))
					cell->pull[node] += distance_to(problem, node, home);
				if (same_group(guest->apart, other->guest->apart) &&
				    hn_set_has(home, problem->host->nodes[node].id))
					cell->barred[node] = true;
			}
		}
	}
}

static int add_cell(struct hn_problem *problem, size_t guest, size_t index, size_t clique, uint64_t *here,
		    struct hn_error *err)
{
	const struct hn_guest *model = guest_of(problem, guest);
	const struct hn_cell *cell = &model->cells[index];
	size_t place = problem->cell_count, nodes = problem->node_count;
	bool anywhere = hn_set_empty(&model->allowed_nodes) && hn_set_empty(&cell->allowed_nodes);
	struct hn_problem_cell *ret = &problem->cells[place];
	int kind = page_kind(problem, cell->page_bytes);

	if (kind < 0)
		return hn_fail(err, -EINVAL, "guest '%s' has memory in more page sizes than a node can have",
			       model->name);
	*ret = (struct hn_problem_cell){.guest = guest,
					.cell = index,
					.id = cell->id,
					.class = hn_seated_class(problem->host, model->class),
					.bytes = cell->memory_bytes,
					.page_kind = (size_t)kind,
					.vcpus = (unsigned)hn_set_count(&cell->vcpus),
					.bandwidth_mib = cell->bandwidth_bytes / HN_MIB,
					.clique = clique,
					.tie = -1,
					.here = here,
					.pull = problem->pulls + place * nodes,
					.barred = problem->bars + place * nodes};
	for (size_t node = 0; node < nodes; node++) {
		ret->barred[node] =
			!anywhere && !hn_guest_allows(model, index, problem->host->nodes[node].id);
		problem->counts_fragments = problem->counts_fragments && here[node] == 0;
		if (here[node] > 0 && (ret->tie < 0 || here[node] > here[ret->tie]))
			ret->tie = (int)node;
	}
	if (hn_guest_cell_movable(model, index))
		ret->tie = -1;
	for (size_t node = 0; node < nodes; node++)
		if (problem->host->nodes[node].draining && ret->tie != (int)node)
			ret->barred[node] = true;
	pull_to_devices(problem, model, ret);
	heed_others(problem, model, ret);
	problem->cell_count++;
	return 0;
}

static int add_cells(struct hn_problem *problem, struct hn_error *err)
{
	uint64_t *here = problem->capacity->cell_bytes;
	int r = 0;

	problem->counts_fragments = true;
	for (size_t i = 0; i < problem->guest_count; i++) {
		size_t clique = clique_of(problem, i);

		for (size_t j = 0; j < i; j++)
			problem->keeps_apart = problem->keeps_apart || hn_problem_apart(problem, i, j);
		for (size_t cell = 0; cell < guest_of(problem, i)->cell_count && r == 0; cell++) {
			r = add_cell(problem, i, cell, clique, here, err);
			here += problem->node_count;
		}
	}
	return r;
}

int hn_problem_new(const struct hn_snapshot *snapshot, const size_t *guests, size_t guest_count,
		   uint64_t keep_free_bytes, struct hn_problem **ret, struct hn_error *err)
{
	HN_AUTO(hn_problem) struct hn_problem *problem = calloc(1, sizeof(*problem));
	size_t cells = 0, nodes = snapshot->host->node_count;
	int r;

	if (!problem)
		return hn_oom(err);
	for (size_t i = 0; i < guest_count; i++) {
		const struct hn_guest *guest = snapshot->guests[guests[i]].guest;

		if (guest->cell_count == 0)
			return hn_fail(err, -EINVAL, "guest '%s' has no cells", guest->name);
		cells += guest->cell_count;
	}
	problem->snapshot = snapshot;
	problem->host = snapshot->host;
	problem->guests = guests;
	problem->guest_count = guest_count;
	problem->node_count = nodes;
	problem->capacity = hn_capacity_new_for(snapshot, guests, guest_count, keep_free_bytes);
	problem->nodes = calloc(nodes + 1, sizeof(*problem->nodes));
	problem->cells = calloc(cells, sizeof(*problem->cells));
	problem->pulls = calloc(cells * nodes + 1, sizeof(*problem->pulls));
	problem->bars = calloc(cells * nodes + 1, sizeof(*problem->bars));
	problem->distances = calloc(nodes * nodes + 1, sizeof(*problem->distances));
	if (!problem->capacity || !problem->nodes || !problem->cells || !problem->pulls || !problem->bars ||
	    !problem->distances)
		return hn_oom(err);
	fill_distances(problem);
	r = add_cells(problem, err);
	for (size_t node = 0; node < nodes; node++)
		fill_node(problem, node);
	if (r == 0)
		*ret = hn_steal(problem);
	return r;
}
