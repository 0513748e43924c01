#include "policy/candidates.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

/* Everything finding the places of one cell needs. */
struct quest {
	const struct hn_problem *problem;
	const struct hn_problem_cell *cell;
	const struct hn_search_rules *rules;
};

static uint64_t to_mib(uint64_t bytes)
{
	return (bytes + HN_MIB - 1) / HN_MIB;
}

static bool usable(const struct quest *quest, size_t node)
{
	if (quest->cell->tie >= 0)
		return (int)node == quest->cell->tie;
	return quest->problem->nodes[node].seats[quest->cell->class] > 0 &&
	       quest->problem->nodes[node].home && !quest->cell->barred[node];
}

static unsigned cpu_room(const struct quest *quest, size_t node)
{
	unsigned seats = quest->problem->nodes[node].seats[quest->cell->class];

	return quest->cell->class == HN_CLASS_SHARED ? seats * quest->rules->cpu_multiple : seats;
}

/* But for strays. */
static bool is_there(const struct quest *quest, size_t node)
{
	uint64_t here = quest->cell->here[node], bytes = quest->cell->bytes;

	return here > 0 && here >= bytes - bytes / HN_STRAY_FRACTION;
}

/* How much of the cell the node could hold: what is there may stay, what arrives needs what must stay free as
 * well. */
static uint64_t byte_room(const struct quest *quest, size_t node)
{
	const struct hn_problem_node *capacity = &quest->problem->nodes[node];
	uint64_t room = capacity->room[quest->cell->page_kind];
	uint64_t less = capacity->short_bytes[quest->cell->page_kind], here = quest->cell->here[node];

	if (quest->rules->any_memory)
		return UINT64_MAX / 4096;
	room = room > less ? room - less : 0;
	return room > here ? room : here;
}

static bool fits_alone(const struct quest *quest, size_t node)
{
	if (quest->cell->tie >= 0)
		return true; /* it is there already */
	return (is_there(quest, node) || byte_room(quest, node) >= quest->cell->bytes) &&
	       cpu_room(quest, node) >= quest->cell->vcpus;
}

/* What is present and would have to come from elsewhere. */
static uint64_t bytes_to_migrate(const struct quest *quest, const struct hn_candidate *candidate)
{
	uint64_t elsewhere = 0;

	for (size_t node = 0; node < quest->problem->node_count; node++) {
		uint64_t leaves = quest->cell->here[node];

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
		uint64_t here = quest->cell->here[share->node];

		share->taking = share->bytes;
		if (here < share->bytes && share->bytes == quest->cell->bytes && is_there(quest, share->node))
			share->taking = here;
		share->arriving = share->taking > here ? share->taking - here : 0;
	}
}

static void measure_set(const struct quest *quest, struct hn_candidate *candidate)
{
	for (size_t i = 0; i < candidate->share_count; i++)
		for (size_t j = 0; j < i; j++)
			candidate->inner_distance += hn_problem_distance(
				quest->problem, candidate->shares[i].node, candidate->shares[j].node);
	for (size_t i = 0; i < candidate->share_count && quest->cell->bandwidth_mib > 0; i++)
		candidate->shares[i].bandwidth_mib =
			quest->cell->bytes
				? (uint64_t)((double)quest->cell->bandwidth_mib *
					     (double)candidate->shares[i].bytes / (double)quest->cell->bytes)
				: quest->cell->bandwidth_mib / candidate->share_count;
	candidate->migrate_mib = to_mib(bytes_to_migrate(quest, candidate));
}

static int find_single(const struct quest *quest, struct hn_candidates *ret)
{
	for (size_t node = 0; node < quest->problem->node_count; node++) {
		struct hn_candidate *candidate;

		if (!usable(quest, node) || !fits_alone(quest, node))
			continue;
		candidate = add_candidate(ret, 1);
		if (!candidate)
			return -ENOMEM;
		candidate->shares[0] = (struct hn_share){
			.node = node, .bytes = quest->cell->bytes, .vcpus = quest->cell->vcpus};
		if (quest->cell->tie >= 0)
			candidate->shares[0].bytes =
				quest->cell->here[node]; /* the rest cannot come either */
		else
			book_room(quest, candidate);
		measure_set(quest, candidate);
	}
	return 0;
}

/* The unused node nearest to those taken, the roomier on a tie; -1 when none is left. */
static int nearest_node(const struct quest *quest, const size_t *taken, size_t count, const bool *used)
{
	uint64_t best_distance = UINT64_MAX;
	int best = -1;

	for (size_t node = 0; node < quest->problem->node_count; node++) {
		uint64_t distance = 0;

		if (used[node] || !usable(quest, node) || byte_room(quest, node) == 0)
			continue;
		for (size_t i = 0; i < count; i++)
			distance += hn_problem_distance(quest->problem, taken[i], node);
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
	uint64_t left = quest->cell->bytes;

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

static int seats_left(const struct quest *quest, const struct hn_share *share)
{
	return (int)cpu_room(quest, share->node) - (int)share->vcpus;
}

/* vCPUs in proportion to bytes as far as CPUs reach, the rest one by one to where most CPUs are left. */
static void seat(const struct quest *quest, struct hn_candidate *candidate)
{
	unsigned left = quest->cell->vcpus;

	for (size_t i = 0; i < candidate->share_count && quest->cell->bytes > 0; i++) {
		struct hn_share *share = &candidate->shares[i];
		unsigned room = cpu_room(quest, share->node);

		share->vcpus = (unsigned)((double)quest->cell->vcpus * (double)share->bytes /
						  (double)quest->cell->bytes +
					  0.5);
		share->vcpus = share->vcpus < room ? share->vcpus : room;
		share->vcpus = share->vcpus < left ? share->vcpus : left;
		left -= share->vcpus;
	}
	for (; left > 0; left--) {
		struct hn_share *best = &candidate->shares[0];

		for (size_t i = 1; i < candidate->share_count; i++)
			if (seats_left(quest, &candidate->shares[i]) > seats_left(quest, best))
				best = &candidate->shares[i];
		best->vcpus++;
	}
}

/* Grows a set from one node by its nearest neighbours until the cell fits. 1 added, 0 cannot, -ENOMEM. */
static int grow_from(const struct quest *quest, size_t start, struct hn_candidates *ret)
{
	size_t nodes = quest->problem->node_count, count = 0;
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
		if (room >= quest->cell->bytes && cpus >= quest->cell->vcpus)
			break;
	}
	if (room < quest->cell->bytes || cpus < quest->cell->vcpus)
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

	for (size_t node = 0; node < quest->problem->node_count && r >= 0; node++)
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

static const char *page_text(const struct quest *quest, char *buffer, size_t size)
{
	uint64_t page_bytes = quest->problem->page_bytes[quest->cell->page_kind];
	char text[HN_UNITS_TEXT_MAX];

	if (page_bytes == 0)
		return "memory";
	snprintf(buffer, size, "%s pages", hn_bytes_format(page_bytes, text, sizeof(text)));
	return buffer;
}

static int fail_no_place(const struct quest *quest, struct hn_error *err)
{
	char need[HN_UNITS_TEXT_MAX], most[HN_UNITS_TEXT_MAX], pages[HN_UNITS_TEXT_MAX + 8];
	uint64_t total = 0;
	bool barred = false;
	int roomiest = -1;

	for (size_t node = 0; node < quest->problem->node_count; node++) {
		barred = barred || (quest->cell->barred[node] && quest->problem->nodes[node].home);
		if (!usable(quest, node))
			continue;
		total += byte_room(quest, node);
		if (roomiest < 0 || byte_room(quest, node) > byte_room(quest, (size_t)roomiest))
			roomiest = (int)node;
	}
	if (roomiest < 0)
		return hn_fail(err, -ENOSPC, "no %snode has both %s and memory for cell %d",
			       barred ? "allowed " : "",
			       quest->cell->class == HN_CLASS_SHARED ? "CPUs" : "whole cores",
			       quest->cell->id);
	hn_bytes_format(quest->cell->bytes, need, sizeof(need));
	hn_bytes_format(byte_room(quest, (size_t)roomiest), most, sizeof(most));
	if (total < quest->cell->bytes)
		return hn_fail(err, -ENOSPC,
			       "%s: cell %d needs %s, and all nodes together cannot take it (the "
			       "roomiest, node %d: %s)",
			       page_text(quest, pages, sizeof(pages)), quest->cell->id, need,
			       quest->problem->host->nodes[roomiest].id, most);
	if (quest->cell->class != HN_CLASS_SHARED)
		return hn_fail(
			err, -ENOSPC,
			"CPUs: cell %d wants %u cores of its own, more than are left on the nodes that "
			"could hold it",
			quest->cell->id, quest->cell->vcpus);
	return hn_fail(
		err, -ENOSPC,
		"CPUs: cell %d has %u vCPUs, more than %u times the CPUs of the nodes that could hold it",
		quest->cell->id, quest->cell->vcpus, quest->rules->cpu_multiple);
}

int hn_candidates_find(const struct hn_problem *problem, size_t cell, const struct hn_search_rules *rules,
		       struct hn_candidates *ret, struct hn_error *err)
{
	struct quest quest = {.problem = problem, .cell = &problem->cells[cell], .rules = rules};
	int tie = quest.cell->tie, r;

	memset(ret, 0, sizeof(*ret));
	if (tie >= 0 && quest.cell->vcpus > 0 && problem->nodes[tie].seats[quest.cell->class] == 0)
		return hn_fail(err, -ENOSPC, "cell %d cannot be moved from node %d, which has no CPUs for it",
			       quest.cell->id, problem->host->nodes[tie].id);
	r = find_single(&quest, ret);
	if (r == 0 && ret->count == 0)
		r = find_sets(&quest, ret);
	if (r < 0) {
		hn_candidates_done(ret);
		return hn_oom(err);
	}
	if (ret->count == 0)
		return fail_no_place(&quest, err);
	qsort(ret->items, ret->count, sizeof(*ret->items), by_migration);
	return 0;
}

struct hn_candidate *hn_candidates_add_home(const struct hn_problem *problem, size_t cell,
					    const struct hn_search_rules *rules,
					    const struct hn_cell_home *home, struct hn_candidates *candidates)
{
	struct quest quest = {.problem = problem, .cell = &problem->cells[cell], .rules = rules};
	struct hn_candidate *candidate = add_candidate(candidates, (size_t)hn_set_count(&home->nodes));
	size_t share = 0;

	if (!candidate)
		return NULL;
	for (size_t node = 0; node < problem->node_count && share < candidate->share_count; node++)
		if (hn_set_has(&home->nodes, problem->host->nodes[node].id))
			candidate->shares[share++] =
				(struct hn_share){.node = node, .bytes = home->bytes[node]};
	candidate->share_count = share;
	if (share == 1)
		candidate->shares[0].vcpus = quest.cell->vcpus;
	else
		seat(&quest, candidate);
	book_room(&quest, candidate);
	if (quest.cell->tie >= 0)
		candidate->shares[0].taking = candidate->shares[0].arriving = 0;
	measure_set(&quest, candidate);
	return candidate;
}

void hn_candidates_done(struct hn_candidates *candidates)
{
	for (size_t i = 0; i < candidates->count; i++)
		free(candidates->items[i].shares);
	free(candidates->items);
	memset(candidates, 0, sizeof(*candidates));
}
