#include "policy/candidates.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "policy/wide.h"

/* Everything finding the places of one cell needs. */
struct quest {
	const struct hn_problem *problem;
	const struct hn_problem_cell *cell;
	const struct hn_search_rules *rules;
	uint64_t present; /* bytes of the cell that are somewhere */
};

static struct quest quest_of(const struct hn_problem *problem, size_t cell,
			     const struct hn_search_rules *rules)
{
	struct quest quest = {.problem = problem, .cell = &problem->cells[cell], .rules = rules};

	for (size_t node = 0; node < problem->node_count; node++)
		quest.present += quest.cell->here[node];
	return quest;
}

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

/* What of the cell is taken for strays where the rest is. */
static uint64_t few_bytes(const struct quest *quest)
{
	return quest->cell->bytes / HN_STRAY_FRACTION;
}

/* But for strays, where these do not count. */
static bool is_there(const struct quest *quest, size_t node)
{
	uint64_t here = quest->cell->here[node];

	return here > 0 && !quest->rules->strays_count && here >= quest->cell->bytes - few_bytes(quest);
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

/* The same for a part of it. */
static uint64_t part_room(const struct quest *quest, size_t node)
{
	struct hn_wide wide = {.bytes = quest->cell->bytes,
			       .page_bytes = quest->problem->page_bytes[quest->cell->page_kind]};

	return hn_wide_room(&wide, byte_room(quest, node));
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
	uint64_t elsewhere = quest->present;

	for (size_t i = 0; i < candidate->share_count; i++)
		elsewhere -= quest->cell->here[candidate->shares[i].node];
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

/* What every set is grown with; its tables are memory of the caller's. */
static struct hn_wide wide_of(const struct quest *quest, uint64_t *rooms, unsigned *cpus, uint64_t *keys)
{
	struct hn_wide wide = {.bytes = quest->cell->bytes,
			       .page_bytes = quest->problem->page_bytes[quest->cell->page_kind],
			       .vcpus = quest->cell->vcpus,
			       .node_count = quest->problem->node_count,
			       .rooms = rooms,
			       .cpus = cpus,
			       .keys = keys,
			       .distances = quest->problem->distances};

	for (size_t node = 0; node < wide.node_count; node++) {
		cpus[node] = cpu_room(quest, node);
		rooms[node] = usable(quest, node) ? hn_wide_room(&wide, byte_room(quest, node)) : 0;
	}
	return wide;
}

static int add_set(const struct quest *quest, const struct hn_part *parts, size_t count,
		   struct hn_candidates *ret)
{
	struct hn_candidate *candidate = add_candidate(ret, count);

	if (!candidate)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		candidate->shares[i] = (struct hn_share){
			.node = parts[i].node, .bytes = parts[i].bytes, .vcpus = parts[i].vcpus};
	book_room(quest, candidate);
	measure_set(quest, candidate);
	return 0;
}

/* Sets grown from each node by its nearest neighbours until the cell fits. */
static int find_sets(const struct quest *quest, struct hn_candidates *ret)
{
	size_t nodes = quest->problem->node_count;
	HN_AUTO(memory) uint64_t *rooms = calloc(nodes + 1, sizeof(*rooms));
	HN_AUTO(memory) unsigned *cpus = calloc(nodes + 1, sizeof(*cpus));
	HN_AUTO(memory) uint64_t *keys = calloc(nodes + 1, sizeof(*keys));
	HN_AUTO(memory) struct hn_part *parts = calloc(nodes + 1, sizeof(*parts));
	struct hn_wide wide;
	int r = 0;

	if (!rooms || !cpus || !keys || !parts)
		return -ENOMEM;
	wide = wide_of(quest, rooms, cpus, keys);
	for (size_t node = 0; node < nodes && r == 0; node++) {
		size_t count = rooms[node] > 0 ? hn_wide_grow(&wide, node, parts) : 0;

		r = count > 0 ? add_set(quest, parts, count, ret) : 0;
	}
	ret->wide = ret->count > 0;
	return r;
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
	char text[HN_UNITS_TEXT_MAX];

	if (quest->problem->page_bytes[quest->cell->page_kind] == 0)
		return "memory";
	snprintf(buffer, size, "%s pages",
		 hn_bytes_format(quest->problem->page_bytes[quest->cell->page_kind], text, sizeof(text)));
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
		total += part_room(quest, node);
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
	if (quest->cell->class == HN_CLASS_REALTIME)
		return hn_fail(
			err, -ENOSPC,
			"CPUs: cell %d is realtime and wants %u isolated cores of one node, more than are "
			"left on any that could hold it",
			quest->cell->id, quest->cell->vcpus);
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
	struct quest quest = quest_of(problem, cell, rules);
	int tie = quest.cell->tie, r;

	memset(ret, 0, sizeof(*ret));
	if (tie >= 0 && quest.cell->vcpus > 0 && problem->nodes[tie].seats[quest.cell->class] == 0)
		return hn_fail(err, -ENOSPC, "cell %d cannot be moved from node %d, which has no CPUs for it",
			       quest.cell->id, problem->host->nodes[tie].id);
	r = find_single(&quest, ret);
	/* a realtime cell is never spread: its vCPUs would wait for each other over the nodes */
	if (r == 0 && ret->count == 0 && quest.cell->class != HN_CLASS_REALTIME)
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

/* Divides the vCPUs among shares whose bytes are known. */
static int seat(const struct quest *quest, struct hn_candidate *candidate)
{
	size_t nodes = quest->problem->node_count, count = candidate->share_count;
	HN_AUTO(memory) unsigned *cpus = calloc(nodes + 1, sizeof(*cpus));
	HN_AUTO(memory) struct hn_part *parts = calloc(count + 1, sizeof(*parts));
	struct hn_wide wide = {.bytes = quest->cell->bytes, .vcpus = quest->cell->vcpus, .cpus = cpus};

	if (!cpus || !parts)
		return -ENOMEM;
	for (size_t node = 0; node < nodes; node++)
		cpus[node] = cpu_room(quest, node);
	for (size_t i = 0; i < count; i++)
		parts[i] = (struct hn_part){.node = candidate->shares[i].node,
					    .bytes = candidate->shares[i].bytes};
	if (count > 0)
		hn_wide_seat(&wide, parts, count);
	for (size_t i = 0; i < count; i++)
		candidate->shares[i].vcpus = parts[i].vcpus;
	return 0;
}

struct hn_candidate *hn_candidates_add_home(const struct hn_problem *problem, size_t cell,
					    const struct hn_search_rules *rules,
					    const struct hn_placement *home, struct hn_candidates *candidates)
{
	struct quest quest = quest_of(problem, cell, rules);
	const struct hn_cell_home *own = &home->cells[quest.cell->cell];
	struct hn_candidate *candidate = add_candidate(candidates, (size_t)hn_set_count(&own->nodes));
	size_t share = 0;
	unsigned seated = 0;
	int r = 0;

	if (!candidate)
		return NULL;
	for (size_t node = 0; node < problem->node_count && share < candidate->share_count; node++)
		if (hn_set_has(&own->nodes, problem->host->nodes[node].id))
			candidate->shares[share++] = (struct hn_share){
				.node = node, .bytes = own->bytes[node], .vcpus = (unsigned)own->vcpus[node]};
	candidate->share_count = share;
	for (size_t i = 0; i < share; i++)
		seated += candidate->shares[i].vcpus;
	if (share == 1)
		candidate->shares[0].vcpus = quest.cell->vcpus;
	else if (!hn_placement_seats_known(home, quest.cell->cell, quest.cell->vcpus) ||
		 seated != quest.cell->vcpus) /* some are said to be on nodes that are none of its own */
		r = seat(&quest, candidate);
	if (r < 0)
		return NULL;
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
