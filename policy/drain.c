#include "policy/drain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "policy/actions.h"
#include "policy/capacity.h"
#include "policy/look.h"
#include "policy/rehome.h"

struct quest {
	struct hn_snapshot snapshot;      /* its guests are a copy: homes are those that were found */
	struct hn_decide_options options; /* a single page that is left is one too many */
	const struct hn_set *nodes;
	struct hn_drain *drain;
	struct hn_rehoming rehoming; /* by guest of the drain */
};

void hn_drain_done(struct hn_drain *drain)
{
	for (size_t i = 0; i < drain->count; i++)
		hn_plan_free(drain->guests[i].plan);
	free(drain->guests);
	*drain = (struct hn_drain){0};
}

static unsigned count_threads(const struct hn_host *host, const struct hn_sample *sample,
			      const struct hn_set *nodes)
{
	unsigned count = 0;
	struct hn_set cpus = {0};

	for (size_t node = 0; node < host->node_count; node++)
		if (hn_set_has(nodes, host->nodes[node].id))
			hn_set_or(&cpus, &host->nodes[node].cpus);
	for (size_t i = 0; i < sample->thread_count; i++) {
		struct hn_set common = *sample->threads[i].allowed;

		hn_set_and(&common, &cpus);
		count += !hn_set_empty(&common);
	}
	return count;
}

static bool belongs_there(const struct hn_guest_state *state, const struct hn_set *nodes)
{
	struct hn_set home = {0};

	if (state->home)
		home = hn_placement_nodes(state->home);
	hn_set_and(&home, nodes);
	return !hn_set_empty(&home);
}

bool hn_drain_lingers(const struct hn_host *host, const struct hn_guest_state *state,
		      const struct hn_set *nodes, struct hn_lingering *ret)
{
	*ret = (struct hn_lingering){0};
	if (!state->sample)
		return state->home ? belongs_there(state, nodes) : state->guest->pid > 0;
	for (size_t cell = 0; cell < state->guest->cell_count; cell++)
		for (size_t node = 0; node < host->node_count; node++) {
			uint64_t bytes;

			if (!hn_set_has(nodes, host->nodes[node].id))
				continue;
			bytes = hn_cell_bytes_on(state->guest, state->sample, cell, node);
			ret->bytes += bytes;
			ret->fixed_bytes += hn_guest_cell_movable(state->guest, cell) ? 0 : bytes;
		}
	ret->threads = count_threads(host, state->sample, nodes);
	return ret->bytes > 0 || ret->threads > 0;
}

static uint64_t present_bytes(const struct hn_look *look)
{
	uint64_t bytes = 0;

	for (size_t cell = 0; look->sample && cell < look->guest->cell_count; cell++)
		bytes += hn_cell_bytes_present(look->guest, look->sample, cell);
	return bytes;
}

static struct hn_look look_of(struct quest *quest, size_t place)
{
	const struct hn_leaving *leaving = &quest->drain->guests[place];
	const struct hn_guest_state *state = &quest->snapshot.guests[leaving->guest];

	return (struct hn_look){&quest->snapshot, leaving->guest,  state,        state->guest,
				state->sample,    &quest->options, leaving->plan};
}

static const char *why_fixed(const struct hn_guest *guest, int cell)
{
	for (size_t i = 0; i < guest->backend_count; i++) {
		enum hn_movability movability = guest->backends[i].movability;

		if (guest->backends[i].cell == cell && movability != HN_MOVABLE)
			return movability == HN_IMMOVABLE_UNKNOWN ? "nothing has shown yet that it can"
			       : movability == HN_IMMOVABLE_LARGE_PAGES
				       ? "its pages are too large, see longest_gap"
				       : hn_movability_name(movability);
	}
	return "";
}

/* A note for each cell whose memory stays. */
static int note_fixed(const struct hn_look *look, const struct hn_set *nodes)
{
	const struct hn_host *host = look->snapshot->host;
	int r = 0;

	for (size_t cell = 0; cell < look->guest->cell_count; cell++)
		for (size_t node = 0; node < host->node_count && r == 0; node++) {
			uint64_t bytes = hn_cell_bytes_on(look->guest, look->sample, cell, node);
			int id = look->guest->cells[cell].id;
			char text[HN_UNITS_TEXT_MAX];

			if (bytes > 0 && hn_set_has(nodes, host->nodes[node].id) &&
			    !hn_guest_cell_movable(look->guest, cell))
				r = hn_plan_add_note(
					look->plan,
					"cell %d: %s stay on node %d: its memory cannot be moved (%s)", id,
					hn_bytes_format(bytes, text, sizeof(text)), host->nodes[node].id,
					why_fixed(look->guest, id));
		}
	return r;
}

static void conclude(const struct hn_look *look, const struct hn_lingering *lingering,
		     const struct hn_set *nodes)
{
	struct hn_set home = hn_placement_nodes(look->plan->home);
	char from[64], to[64], bytes[HN_UNITS_TEXT_MAX];

	hn_set_format(nodes, from, sizeof(from));
	if (look->plan->action_count > 0)
		hn_look_conclude(look->plan, HN_VERDICT_ACT,
				 "node %s is being drained: %s to move, to node %s", from,
				 hn_bytes_format(hn_plan_migrate_bytes(look->plan), bytes, sizeof(bytes)),
				 hn_set_format(&home, to, sizeof(to)));
	else if (lingering->fixed_bytes > 0)
		hn_look_conclude(look->plan, HN_VERDICT_BLOCKED, "%s cannot leave node %s: %s",
				 hn_bytes_format(lingering->fixed_bytes, bytes, sizeof(bytes)), from,
				 look->plan->note_count ? look->plan->notes[0]
							: "its memory cannot be moved");
	else
		hn_look_conclude(look->plan, HN_VERDICT_BLOCKED,
				 "nothing more of it can be brought away from node %s", from);
}

/* What brings it to the home that was found. */
static int plan_actions(struct quest *quest, size_t place, struct hn_error *err)
{
	const struct hn_look look = look_of(quest, place);
	HN_AUTO(memory) unsigned *sides = calloc(look.guest->cell_count + 1, sizeof(*sides));
	int r;

	if (!sides || !(look.plan->home = hn_placement_copy(quest->rehoming.items[place].home)))
		return hn_oom(err);
	for (size_t cell = 0; cell < look.guest->cell_count; cell++)
		sides[cell] = HN_SIDE_VCPUS | HN_SIDE_MEMORY;
	if ((r = hn_look_choose_cpus(&look, err)) < 0)
		return r;
	if (note_fixed(&look, quest->nodes) < 0 || hn_actions_plan(&look, sides) < 0)
		return hn_oom(err);
	conclude(&look, &quest->drain->guests[place].lingering, quest->nodes);
	return 0;
}

/* Who is to get a home elsewhere; the verdict on the others is given. */
static void pick(struct quest *quest)
{
	for (size_t i = 0; i < quest->drain->count; i++) {
		const struct hn_look look = look_of(quest, i);
		struct hn_rehomed *item = &quest->rehoming.items[i];

		item->guest = look.index;
		item->stays_mostly = 2 * quest->drain->guests[i].lingering.bytes < present_bytes(&look);
		item->open = !hn_look_is_moot(&look) && !look.state->moving;
		if (look.state->moving)
			hn_look_conclude(look.plan, HN_VERDICT_WAIT, "an operation on it is under way");
	}
}

static int plan_all(struct quest *quest, struct hn_error *err)
{
	int r;

	pick(quest);
	r = hn_rehome(&quest->rehoming, err);
	for (size_t i = 0; i < quest->drain->count && r == 0; i++) {
		const struct hn_rehomed *item = &quest->rehoming.items[i];

		if (item->home)
			r = plan_actions(quest, i, err);
		else if (item->why[0])
			hn_look_conclude(quest->drain->guests[i].plan, HN_VERDICT_BLOCKED,
					 "does not fit elsewhere: %.200s", item->why);
	}
	return r;
}

/* only: the index of a guest that is asked for alone; SIZE_MAX: all. */
static int find_lingering(const struct quest *quest, size_t only)
{
	const struct hn_snapshot *snapshot = &quest->snapshot;
	struct hn_drain *drain = quest->drain;

	drain->guests = calloc(snapshot->guest_count + 1, sizeof(*drain->guests));
	if (!drain->guests)
		return -ENOMEM;
	for (size_t i = 0; i < snapshot->guest_count; i++) {
		struct hn_leaving leaving = {.guest = i};

		if ((only != SIZE_MAX && only != i) ||
		    !hn_drain_lingers(snapshot->host, &snapshot->guests[i], quest->nodes, &leaving.lingering))
			continue;
		if (!(leaving.plan = hn_plan_new()))
			return -ENOMEM;
		drain->guests[drain->count++] = leaving;
	}
	return 0;
}

static int plan(const struct hn_snapshot *snapshot, const struct hn_set *nodes, size_t only,
		const struct hn_decide_options *options, struct hn_drain *ret, struct hn_error *err)
{
	HN_AUTO(memory)
	struct hn_guest_state *states = calloc(snapshot->guest_count + 1, sizeof(*states));
	struct quest quest = {.snapshot = *snapshot, .options = *options, .nodes = nodes, .drain = ret};
	int r = states ? 0 : hn_oom(err);

	*ret = (struct hn_drain){0};
	quest.snapshot.guests = states;
	quest.options.home_share = 1;
	if (r == 0) {
		memcpy(states, snapshot->guests, snapshot->guest_count * sizeof(*states));
		r = find_lingering(&quest, only) < 0 ? hn_oom(err) : 0;
	}
	quest.rehoming = (struct hn_rehoming){.snapshot = &quest.snapshot,
					      .limits = &options->solver,
					      .count = ret->count,
					      .items = calloc(ret->count + 1, sizeof(struct hn_rehomed))};
	if (r == 0)
		r = quest.rehoming.items ? plan_all(&quest, err) : hn_oom(err);
	hn_rehoming_done(&quest.rehoming);
	if (r < 0)
		hn_drain_done(ret);
	return r;
}

int hn_drain_plan(const struct hn_snapshot *snapshot, const struct hn_set *nodes,
		  const struct hn_decide_options *options, struct hn_drain *ret, struct hn_error *err)
{
	return plan(snapshot, nodes, SIZE_MAX, options, ret, err);
}

int hn_drain_plan_guest(const struct hn_snapshot *snapshot, size_t guest, const struct hn_set *nodes,
			const struct hn_decide_options *options, struct hn_plan **ret, struct hn_error *err)
{
	struct hn_drain drain;
	int r = plan(snapshot, nodes, guest, options, &drain, err);

	*ret = NULL;
	if (r == 0 && drain.count > 0)
		*ret = hn_steal(drain.guests[0].plan);
	hn_drain_done(&drain);
	return r;
}
