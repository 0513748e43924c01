#include "policy/traffic.h"

#include <stdio.h>

/* Whether pages of the cell that lie on one node belong in a home on the other. */
static bool goes(const struct hn_host *host, const struct hn_sample *sample, const struct hn_placement *home,
		 size_t cell, size_t from, size_t to)
{
	const struct hn_set *nodes = &home->cells[cell].nodes;

	return sample->cells[cell].on_node[from] > 0 && !hn_set_has(nodes, host->nodes[from].id) &&
	       hn_set_has(nodes, host->nodes[to].id);
}

static bool guest_uses(const struct hn_host *host, const struct hn_guest_state *state, size_t a, size_t b)
{
	if (!state->moving || !state->home || !state->sample ||
	    state->home->cell_count != state->sample->cell_count ||
	    state->sample->node_count != host->node_count)
		return false;
	for (size_t cell = 0; cell < state->home->cell_count; cell++)
		if (goes(host, state->sample, state->home, cell, a, b) ||
		    goes(host, state->sample, state->home, cell, b, a))
			return true;
	return false;
}

/* The guest whose operation uses the pair, or NULL. */
static const struct hn_guest *user_of(const struct hn_look *look, size_t a, size_t b)
{
	for (size_t i = 0; i < look->snapshot->guest_count; i++)
		if (i != look->index && guest_uses(look->snapshot->host, &look->snapshot->guests[i], a, b))
			return look->snapshot->guests[i].guest;
	return NULL;
}

bool hn_traffic_is_in_the_way(const struct hn_look *look, char *reason, size_t size)
{
	const struct hn_host *host = look->snapshot->host;

	for (size_t i = 0; i < look->plan->action_count; i++) {
		const struct hn_action *action = &look->plan->actions[i];
		int cell = hn_guest_cell_index(look->guest, action->cell);
		int to = hn_host_node_index(host, action->to_node);

		for (size_t from = 0;
		     action->kind == HN_ACTION_MIGRATE && cell >= 0 && to >= 0 && from < host->node_count;
		     from++) {
			const struct hn_guest *user;

			if (!goes(host, look->sample, look->plan->home, (size_t)cell, from, (size_t)to) ||
			    !(user = user_of(look, from, (size_t)to)))
				continue;
			snprintf(reason, size, "guest '%.80s' is being moved between nodes %d and %d",
				 user->name, host->nodes[from].id, action->to_node);
			return true;
		}
	}
	return false;
}
