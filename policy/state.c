#include "policy/state.h"

/* Whether a cell from that depth on could still get something of the node, going by the least any of them
 * wants. */
static bool is_open(const struct hn_search *search, size_t node, size_t depth)
{
	const struct hn_problem_node *model = &search->problem->nodes[node];
	const struct hn_node_use *use = &search->assignment->nodes[node];
	const struct hn_rest *rest = &search->rest[depth];
	unsigned used = 0;

	for (size_t kind = 0; kind < HN_CLASS_COUNT; kind++)
		used += use->vcpus[kind];
	if (rest->least_vcpus > 0 && used + rest->least_vcpus > search->most_seats[node])
		return false;
	for (size_t kind = 0; kind < search->problem->page_kind_count && !search->rules.any_memory; kind++)
		if (use->taking[kind] + rest->least_taking[kind] <= model->room[kind])
			return true;
	return search->rules.any_memory;
}

enum key_kind { KEY_DEPTH, KEY_PLACE, KEY_WIDE, KEY_CLOSED, KEY_ROOM, KEY_FIRST };

static bool clique_goes_on(const struct hn_search *search, size_t clique, size_t depth)
{
	for (; depth < search->problem->cell_count; depth++)
		if (search->problem->cells[search->order[depth]].clique == clique)
			return true;
	return false;
}

/* Where the cells are that later ones are drawn to. */
static void key_add_places(const struct hn_search *search, size_t depth, struct hn_state_key *key)
{
	for (size_t i = 0; i < depth; i++) {
		size_t cell = search->order[i], clique = search->problem->cells[cell].clique;
		const struct hn_candidate *candidate = search->assignment->chosen[cell];

		if (!clique_goes_on(search, clique, depth))
			continue;
		if (candidate->share_count == 1)
			hn_state_key_add(key, KEY_PLACE, clique, candidate->shares[0].node);
		else
			hn_state_key_add(key, KEY_WIDE, cell,
					 (uint64_t)(candidate - search->candidates[cell].items));
	}
}

/* What has been taken of the nodes that later cells may still go to, and which they may not. */
static void key_add_rooms(const struct hn_search *search, size_t depth, struct hn_state_key *key)
{
	const struct hn_problem *problem = search->problem;

	for (size_t node = 0; node < problem->node_count; node++) {
		const struct hn_node_use *use = &search->assignment->nodes[node];
		uint64_t seats = use->bandwidth_mib;

		if (use->cells == 0)
			continue;
		if (!is_open(search, node, depth)) {
			hn_state_key_add(key, KEY_CLOSED, node, 0);
			continue;
		}
		for (size_t kind = 0; kind < HN_CLASS_COUNT; kind++)
			seats = seats << 16 ^ use->vcpus[kind];
		for (size_t kind = 0; kind < problem->page_kind_count; kind++)
			hn_state_key_add(key,
					 KEY_ROOM | kind << 8 | (uint64_t)(use->arriving[kind] > 0) << 16 |
						 (uint64_t)node << 32,
					 use->taking[kind], kind == 0 ? seats : 0);
	}
}

bool hn_state_was_reached(struct hn_search *search, size_t depth, size_t first_node)
{
	const struct hn_cost nothing = {{0}};
	struct hn_state_key key = {0};

	if (search->problem->keeps_apart)
		return false;
	hn_state_key_add(&key, KEY_DEPTH, depth, search->round);
	if (first_node > 0)
		hn_state_key_add(&key, KEY_FIRST, first_node, 0);
	key_add_places(search, depth, &key);
	key_add_rooms(search, depth, &key);
	return hn_memo_is_known(search->memo, &key, search->any ? &nothing : &search->assignment->cost);
}
