#include "policy/candidates.h"

#include <errno.h>
#include <string.h>

#include "base/units.h"

/* Everything finding the places of one cell needs. */
struct quest {
	const struct hn_host *host;
	const struct hn_capacity *capacity;
	const uint64_t *here; /* the cell's bytes now, by node */
	uint64_t bytes;
	unsigned vcpus;
	unsigned cpu_multiple;
	int fixed_node; /* index; -1: free */
};

static uint64_t to_mib(uint64_t bytes)
{
	return (bytes + HN_MIB - 1) / HN_MIB;
}

static bool usable(const struct quest *quest, size_t node)
{
	if (quest->fixed_node >= 0)
		return (int)node == quest->fixed_node;
	return quest->capacity->nodes[node].cpus > 0 && quest->host->nodes[node].memory_bytes > 0;
}

static unsigned cpu_room(const struct quest *quest, size_t node)
{
	return quest->capacity->nodes[node].cpus * quest->cpu_multiple;
}

/* But for strays. */
static bool is_there(const struct quest *quest, size_t node)
{
	return quest->here[node] > 0 && quest->here[node] >= quest->bytes - quest->bytes / HN_STRAY_FRACTION;
}

/* How much of the cell the node could hold: what is there may stay, what arrives needs what must stay free as
 * well. */
static uint64_t byte_room(const struct quest *quest, size_t node)
{
	const struct hn_node_capacity *capacity = &quest->capacity->nodes[node];
	uint64_t room = capacity->room_bytes > capacity->short_bytes
				? capacity->room_bytes - capacity->short_bytes
				: 0;

	return room > quest->here[node] ? room : quest->here[node];
}

static bool fits_alone(const struct quest *quest, size_t node)
{
	if (quest->fixed_node >= 0)
		return true; /* it is there already */
	return (is_there(quest, node) || byte_room(quest, node) >= quest->bytes) &&
	       cpu_room(quest, node) >= quest->vcpus;
}

/* What is present and would have to come from elsewhere. */
static uint64_t bytes_to_migrate(const struct quest *quest, const struct hn_candidate *candidate)
{
	uint64_t elsewhere = 0;

	for (size_t node = 0; node < quest->capacity->node_count; node++) {
		uint64_t leaves = quest->here[node];

		for (size_t i = 0; i < candidate->share_count; i++)
			if (candidate->shares[i].node == node)
				leaves = 0;
		elsewhere += leaves;
	}
	return elsewhere;
}

static struct hn_candidate *add_candidate(struct hn_candidates *list, size_t share_count)
{
	struct hn_candidate *grown = reallocarray(list->items, list->count + 1, sizeof(*grown));
	struct hn_share *shares = calloc(share_count, sizeof(*shares));

	if (grown)
		list->items = grown;
	if (!grown || !shares) {
		free(shares);
		return NULL;
	}
	grown += list->count++;
	*grown = (struct hn_candidate){.share_count = share_count, .shares = shares};
	return grown;
}

/* Strays come if they find room; none is set aside for them. */
static void book_room(const struct quest *quest, struct hn_candidate *candidate)
{
	for (size_t i = 0; i < candidate->share_count; i++) {
		struct hn_share *share = &candidate->shares[i];
		uint64_t here = quest->here[share->node];

		share->taking = share->bytes;
		if (here < share->bytes && share->bytes == quest->bytes && is_there(quest, share->node))
			share->taking = here;
		share->arriving = share->taking > here ? share->taking - here : 0;
	}
}

static int find_single(const struct quest *quest, struct hn_candidates *ret)
{
	for (size_t node = 0; node < quest->capacity->node_count; node++) {
		struct hn_candidate *candidate;

		if (!usable(quest, node) || !fits_alone(quest, node))
			continue;
		candidate = add_candidate(ret, 1);
		if (!candidate)
			return -ENOMEM;
		candidate->shares[0] =
			(struct hn_share){.node = node, .bytes = quest->bytes, .vcpus = quest->vcpus};
		if (quest->fixed_node >= 0)
			candidate->shares[0].bytes = quest->here[node]; /* the rest cannot come either */
		else
			book_room(quest, candidate);
		candidate->migrate_mib = to_mib(bytes_to_migrate(quest, candidate));
	}
	return 0;
}

/* The unused node nearest to those taken, the roomier on a tie; -1 when none is left. */
static int nearest_node(const struct quest *quest, const size_t *taken, size_t count, const bool *used)
{
	uint64_t best_distance = UINT64_MAX;
	int best = -1;

	for (size_t node = 0; node < quest->capacity->node_count; node++) {
		uint64_t distance = 0;

		if (used[node] || !usable(quest, node) || byte_room(quest, node) == 0)
			continue;
		for (size_t i = 0; i < count; i++)
			distance += hn_host_distance(quest->host, taken[i], node);
		if (best < 0 || distance < best_distance ||
		    (distance == best_distance && byte_room(quest, node) > byte_room(quest, (size_t)best))) {
			best = (int)node;
			best_distance = distance;
		}
	}
	return best;
}

/* Spreads bytes over the nodes as evenly as their room allows. */
static void pour(const struct quest *quest, struct hn_candidate *candidate)
{
	uint64_t left = quest->bytes;

	while (left > 0) { /* a round fills a node or is the last: there is room for all of it */
		uint64_t open = 0, even;

		for (size_t i = 0; i < candidate->share_count; i++)
			open += candidate->shares[i].bytes < byte_room(quest, candidate->shares[i].node);
		even = left / open + 1;
		for (size_t i = 0; i < candidate->share_count && left > 0; i++) {
			struct hn_share *share = &candidate->shares[i];
			uint64_t room = byte_room(quest, share->node) - share->bytes;
			uint64_t take = even < room ? even : room;

			take = take < left ? take : left;
			share->bytes += take;
			left -= take;
		}
	}
}

/* vCPUs in proportion to bytes as far as CPUs reach, the rest one by one to where most CPUs are left. */
static void seat(const struct quest *quest, struct hn_candidate *candidate)
{
	unsigned left = quest->vcpus;

	for (size_t i = 0; i < candidate->share_count && quest->bytes > 0; i++) {
		struct hn_share *share = &candidate->shares[i];
		unsigned room = cpu_room(quest, share->node);

		share->vcpus = (unsigned)((double)quest->vcpus * (double)share->bytes / (double)quest->bytes);
		share->vcpus = share->vcpus < room ? share->vcpus : room;
		left -= share->vcpus;
	}
	for (; left > 0; left--) {
		struct hn_share *best = &candidate->shares[0];

		for (size_t i = 1; i < candidate->share_count; i++)
			if (cpu_room(quest, candidate->shares[i].node) - candidate->shares[i].vcpus >
			    cpu_room(quest, best->node) - best->vcpus)
				best = &candidate->shares[i];
		best->vcpus++;
	}
}

static void measure_set(const struct quest *quest, struct hn_candidate *candidate)
{
	for (size_t i = 0; i < candidate->share_count; i++)
		for (size_t j = 0; j < i; j++)
			candidate->inner_distance += hn_host_distance(quest->host, candidate->shares[i].node,
								      candidate->shares[j].node) -
						     HN_DISTANCE_LOCAL;
	candidate->migrate_mib = to_mib(bytes_to_migrate(quest, candidate));
}

/* Grows a set from one node by its nearest neighbours until the cell fits. 1 added, 0 cannot, -ENOMEM. */
static int grow_from(const struct quest *quest, size_t start, struct hn_candidates *ret)
{
	size_t nodes = quest->capacity->node_count, count = 0;
	__attribute__((cleanup(hn_cleanup_memory))) size_t *taken = calloc(nodes, sizeof(*taken));
	__attribute__((cleanup(hn_cleanup_memory))) bool *used = calloc(nodes, sizeof(*used));
	struct hn_candidate *candidate;
	uint64_t room = 0, cpus = 0;

	if (!taken || !used)
		return -ENOMEM;
	for (int node = (int)start; node >= 0; node = nearest_node(quest, taken, count, used)) {
		taken[count++] = (size_t)node;
		used[node] = true;
		room += byte_room(quest, (size_t)node);
		cpus += cpu_room(quest, (size_t)node);
		if (room >= quest->bytes && cpus >= quest->vcpus)
			break;
	}
	if (room < quest->bytes || cpus < quest->vcpus)
		return 0;
	candidate = add_candidate(ret, count);
	if (!candidate)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		candidate->shares[i].node = taken[i];
	pour(quest, candidate);
	book_room(quest, candidate);
	seat(quest, candidate);
	measure_set(quest, candidate);
	return 1;
}

static int find_sets(const struct quest *quest, struct hn_candidates *ret)
{
	int r = 0;

	for (size_t node = 0; node < quest->capacity->node_count && r >= 0; node++)
		if (usable(quest, node) && byte_room(quest, node) > 0)
			r = grow_from(quest, node, ret);
	ret->wide = ret->count > 0;
	return r < 0 ? r : 0;
}

static int by_migration(const void *a, const void *b)
{
	const struct hn_candidate *left = a, *right = b;

	if (left->migrate_mib != right->migrate_mib)
		return left->migrate_mib < right->migrate_mib ? -1 : 1;
	return left->shares[0].node < right->shares[0].node ? -1
							    : left->shares[0].node > right->shares[0].node;
}

static int fail_no_place(const struct quest *quest, int cell_id, struct hn_error *err)
{
	char need[HN_UNITS_TEXT_MAX], most[HN_UNITS_TEXT_MAX];
	uint64_t total = 0;
	int roomiest = -1;

	for (size_t node = 0; node < quest->capacity->node_count; node++) {
		if (!usable(quest, node))
			continue;
		total += byte_room(quest, node);
		if (roomiest < 0 || byte_room(quest, node) > byte_room(quest, (size_t)roomiest))
			roomiest = (int)node;
	}
	if (roomiest < 0)
		return hn_fail(err, -ENOSPC, "no node has both CPUs and memory for cell %d", cell_id);
	hn_bytes_format(quest->bytes, need, sizeof(need));
	hn_bytes_format(byte_room(quest, (size_t)roomiest), most, sizeof(most));
	if (total < quest->bytes)
		return hn_fail(err, -ENOSPC,
			       "memory: cell %d needs %s, and all nodes together cannot take it (the "
			       "roomiest, node %d: %s)",
			       cell_id, need, quest->host->nodes[roomiest].id, most);
	return hn_fail(
		err, -ENOSPC,
		"CPUs: cell %d has %u vCPUs, more than %u times the CPUs of the nodes that could hold it",
		cell_id, quest->vcpus, quest->cpu_multiple);
}

int hn_candidates_find(const struct hn_snapshot *snapshot, size_t guest, size_t cell,
		       const struct hn_capacity *capacity, unsigned cpu_multiple, struct hn_candidates *ret,
		       struct hn_error *err)
{
	const struct hn_guest *model = snapshot->guests[guest].guest;
	const uint64_t *here = &capacity->cell_bytes[cell * capacity->node_count];
	struct quest quest = {
		.host = snapshot->host,
		.capacity = capacity,
		.here = here,
		.bytes = model->cells[cell].memory_bytes,
		.vcpus = (unsigned)hn_set_count(&model->cells[cell].vcpus),
		.cpu_multiple = cpu_multiple,
		.fixed_node = hn_capacity_tie(capacity, model, cell),
	};
	int r;

	memset(ret, 0, sizeof(*ret));
	if (quest.fixed_node >= 0 && quest.vcpus > 0 && capacity->nodes[quest.fixed_node].cpus == 0)
		return hn_fail(err, -ENOSPC, "cell %d cannot be moved from node %d, which has no CPUs for it",
			       model->cells[cell].id, snapshot->host->nodes[quest.fixed_node].id);
	r = find_single(&quest, ret);
	if (r == 0 && ret->count == 0)
		r = find_sets(&quest, ret);
	if (r < 0) {
		hn_candidates_done(ret);
		return hn_oom(err);
	}
	if (ret->count == 0)
		return fail_no_place(&quest, model->cells[cell].id, err);
	qsort(ret->items, ret->count, sizeof(*ret->items), by_migration);
	return 0;
}

void hn_candidates_done(struct hn_candidates *candidates)
{
	for (size_t i = 0; i < candidates->count; i++)
		free(candidates->items[i].shares);
	free(candidates->items);
	memset(candidates, 0, sizeof(*candidates));
}
