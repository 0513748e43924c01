#include "policy/admit.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/capacity.h"
#include "policy/movers.h"

/* Ways that are tried at most: a refusal should not take longer than a boot. */
#define TRIES_MAX 48

struct quest {
	const struct hn_snapshot *snapshot;
	size_t guest;
	const struct hn_solver_limits *limits;
	struct hn_admission *best;
};

void hn_admission_done(struct hn_admission *admission)
{
	for (size_t i = 0; i < admission->count; i++)
		hn_placement_free(admission->guests[i].placement);
	free(admission->guests);
	*admission = (struct hn_admission){0};
}

/* Bytes of the guest that its new home wants elsewhere than they are, or than the old one has them. */
static uint64_t bytes_to_move(const struct hn_guest_state *state, const struct hn_placement *to)
{
	uint64_t bytes = 0;

	for (size_t cell = 0; cell < to->cell_count; cell++)
		for (size_t node = 0; node < to->node_count; node++) {
			uint64_t here = state->sample
						? hn_cell_bytes_on(state->guest, state->sample, cell, node)
						: state->home->cells[cell].bytes[node];

			if (to->cells[cell].bytes[node] > here)
				bytes += to->cells[cell].bytes[node] - here;
		}
	return bytes;
}

static bool is_split(const struct hn_placement *placement)
{
	for (size_t cell = 0; cell < placement->cell_count; cell++)
		if (hn_set_count(&placement->cells[cell].nodes) > 1)
			return true;
	return false;
}

/* Takes the placements over when they move fewer bytes than the best so far; else frees them. */
static int keep_better(struct quest *quest, const size_t *guests, size_t count,
		       struct hn_placement **placements)
{
	struct hn_admission found = {.guests = calloc(count, sizeof(*found.guests))};
	bool split = count > 1 && is_split(placements[0]);

	for (size_t i = 0; i < count; i++) {
		if (found.guests)
			found.guests[found.count++] = (struct hn_admitted){guests[i], placements[i]};
		else
			hn_placement_free(placements[i]);
		if (i > 0 && found.guests)
			found.move_bytes += bytes_to_move(&quest->snapshot->guests[guests[i]], placements[i]);
	}
	if (!found.guests)
		return -ENOMEM;
	if (!split && (quest->best->count == 0 || found.move_bytes < quest->best->move_bytes)) {
		hn_admission_done(quest->best);
		*quest->best = found;
	} else {
		hn_admission_done(&found);
	}
	return 0;
}

/* The newcomer and these movers, placed together. 0 whether they fit or not, or -ENOMEM. */
static int try_with(struct quest *quest, const struct hn_movers *movers)
{
	size_t guests[1 + HN_MOVERS_MAX] = {quest->guest};
	struct hn_placement *placements[1 + HN_MOVERS_MAX];
	struct hn_error why = {0};
	int r;

	for (size_t i = 0; i < movers->count; i++)
		guests[1 + i] = movers->guests[i];
	r = hn_solve_together(quest->snapshot, guests, 1 + movers->count, quest->limits, placements, &why);
	if (r == 0)
		r = keep_better(quest, guests, 1 + movers->count, placements);
	return r == -ENOMEM ? r : 0;
}

/* Sets come in order of what they have: one that has twice the bytes of the best way is not worth a try. */
static int try_movers(struct quest *quest, unsigned movers_max)
{
	struct hn_movers sets[TRIES_MAX];
	size_t count;
	int r = hn_movers_find(quest->snapshot, quest->guest, quest->limits, movers_max, sets, TRIES_MAX,
			       &count);

	for (size_t i = 0; i < count && r == 0; i++) {
		if (quest->best->count > 0 && sets[i].bytes >= 2 * quest->best->move_bytes)
			break;
		r = try_with(quest, &sets[i]);
	}
	return r;
}

int hn_admit(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
	     unsigned movers_max, struct hn_admission *ret, struct hn_error *err)
{
	struct hn_solver_limits each = {.keep_free_bytes = limits->keep_free_bytes,
					.steps = limits->steps / 16 + 1,
					.strays_count = true};
	struct quest quest = {.snapshot = snapshot, .guest = guest, .limits = &each, .best = ret};
	struct hn_placement *placement = NULL;
	int r;

	*ret = (struct hn_admission){0};
	r = hn_solve(snapshot, guest, limits, &placement, err);
	if (r == 0 ? is_split(placement) : r == -ENOSPC)
		r = try_movers(&quest, movers_max) ? -ENOMEM : r;
	if (r == 0 && ret->count == 0)
		r = keep_better(&quest, &guest, 1, &placement);
	else
		hn_placement_free(placement);
	if (ret->count > 0)
		return 0;
	return r == -ENOMEM ? hn_oom(err) : r; /* err says why it does not fit as it is */
}
