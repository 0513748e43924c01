#include "policy/explain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "policy/capacity.h"
#include "policy/explain-words.h"

/*
 * The rules and the cost are the solver's own (hn_solver_cost): an explanation cannot say otherwise than what
 * the decision was made by. Here is only what is tried and how it is said.
 */

struct trial {
	const struct hn_snapshot *snapshot;
	size_t guest;
	const struct hn_solver_limits *limits;
	const struct hn_capacity *capacity;
	struct hn_placement *home; /* the home itself, altered while something is tried */
	struct hn_cost cost;       /* of the home */
	unsigned *swaps_left;      /* exchanges that may still be tried, of all cells */
};

/* One cell's home, to be put back. */
struct kept {
	struct hn_set nodes;
	uint64_t *bytes;
};

static int cost_of(const struct trial *trial, struct hn_cost *ret, struct hn_error *err)
{
	return hn_solver_cost(trial->snapshot, trial->guest, trial->limits, trial->home, ret, err);
}

static const struct hn_guest *guest_of(const struct trial *trial)
{
	return trial->snapshot->guests[trial->guest].guest;
}

/* Puts a cell wholly on one node; what was is kept and put back by put_back(). -ENOMEM. */
static int put_on(const struct trial *trial, size_t cell, size_t node, struct kept *kept)
{
	struct hn_cell_home *home = &trial->home->cells[cell];
	size_t size = trial->home->node_count * sizeof(*home->bytes);

	kept->bytes = malloc(size + 1);
	if (!kept->bytes)
		return -ENOMEM;
	memcpy(kept->bytes, home->bytes, size);
	kept->nodes = home->nodes;
	memset(home->bytes, 0, size);
	home->bytes[node] = guest_of(trial)->cells[cell].memory_bytes;
	home->nodes = hn_set_of(trial->snapshot->host->nodes[node].id);
	return 0;
}

static void put_back(const struct trial *trial, size_t cell, struct kept *kept)
{
	struct hn_cell_home *home = &trial->home->cells[cell];

	memcpy(home->bytes, kept->bytes, trial->home->node_count * sizeof(*home->bytes));
	home->nodes = kept->nodes;
	free(kept->bytes);
	kept->bytes = NULL;
}

static void judge(const struct trial *trial, size_t cell, size_t node, const struct hn_cost *cost,
		  struct hn_choice *choice)
{
	int order = hn_cost_compare(cost, &trial->cost);
	char distances[HN_REASON_MAX] = "";

	for (size_t i = 0; i < HN_COST_PARTS; i++)
		choice->more[i] = (int64_t)(cost->parts[i] - trial->cost.parts[i]);
	choice->kind = order == 0 ? HN_CHOICE_EQUAL : order > 0 ? HN_CHOICE_WORSE : HN_CHOICE_BETTER;
	if (choice->swap >= 0)
		hn_say(choice->sentence, sizeof(choice->sentence), "changing places with cell %d ",
		       choice->swap);
	if (order == 0) {
		hn_say(choice->sentence, sizeof(choice->sentence), "would be as good");
		return;
	}
	if (choice->swap < 0)
		hn_say_distances(trial->snapshot->host, guest_of(trial), trial->home, cell, node, distances,
				 sizeof(distances));
	hn_say(choice->sentence, sizeof(choice->sentence), "would cost %s:", order > 0 ? "more" : "less");
	hn_say_parts(choice->more, distances, choice->sentence, sizeof(choice->sentence));
}

/* Whether a cell could be exchanged with another that has that node for itself. */
static bool may_swap(const struct trial *trial, size_t cell, size_t other, size_t node)
{
	struct hn_set there = hn_set_of(trial->snapshot->host->nodes[node].id);

	return other != cell && hn_set_count(&trial->home->cells[cell].nodes) == 1 &&
	       hn_set_equal(&trial->home->cells[other].nodes, &there);
}

/* What it would cost if the cell were on that node, and the other on its, by index. As hn_solver_cost(). */
static int cost_of_swap(const struct trial *trial, size_t cell, size_t node, size_t other, size_t home,
			struct hn_cost *ret, struct hn_error *err)
{
	struct kept mine = {0}, its = {0};
	int r;

	if (put_on(trial, cell, node, &mine) < 0)
		return hn_oom(err);
	r = put_on(trial, other, home, &its) < 0 ? hn_oom(err) : cost_of(trial, ret, err);
	if (its.bytes)
		put_back(trial, other, &its);
	put_back(trial, cell, &mine);
	return r;
}

#define GIVEN_UP 2

/* The cheapest exchange of the cell with one on that node, of those that may be tried. 1 and the choice
 * judged, 0 when there is none, GIVEN_UP when none was found and some were not tried. */
static int try_swaps(const struct trial *trial, size_t cell, size_t node, struct hn_choice *choice,
		     struct hn_error *err)
{
	int here = hn_set_next(&trial->home->cells[cell].nodes, 0);
	int home = hn_host_node_index(trial->snapshot->host, here);
	struct hn_cost best = {{0}}, cost;
	bool given_up = false;

	for (size_t other = 0; other < trial->home->cell_count && home >= 0 && !given_up; other++) {
		int r;

		if (!may_swap(trial, cell, other, node))
			continue;
		given_up = *trial->swaps_left == 0;
		if (given_up)
			continue;
		--*trial->swaps_left;
		r = cost_of_swap(trial, cell, node, other, (size_t)home, &cost, err);
		if (r < 0 && r != -ENOSPC)
			return r;
		if (r == 0 && (choice->swap < 0 || hn_cost_compare(&cost, &best) < 0)) {
			best = cost;
			choice->swap = trial->home->cells[other].cell;
		}
	}
	if (choice->swap < 0)
		return given_up ? GIVEN_UP : 0;
	judge(trial, cell, node, &best, choice);
	return 1;
}

/* Memory that the placement as it is tried wants of the node in pages of that size. */
static uint64_t bytes_wanted(const struct trial *trial, size_t node, uint64_t page_bytes)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < trial->home->cell_count; i++)
		if (guest_of(trial)->cells[i].page_bytes == page_bytes)
			bytes += trial->home->cells[i].bytes[node];
	return bytes;
}

static unsigned vcpus_wanted(const struct trial *trial, size_t node)
{
	int id = trial->snapshot->host->nodes[node].id, vcpus = 0;

	for (size_t i = 0; i < trial->home->cell_count; i++)
		if (hn_set_has(&trial->home->cells[i].nodes, id))
			vcpus += hn_set_count(&guest_of(trial)->cells[i].vcpus) /
				 hn_set_count(&trial->home->cells[i].nodes);
	return (unsigned)vcpus;
}

/*
 * Which rule the placement as it is tried breaks on the node, with numbers where it is one of room; else the
 * solver's own words.
 */
static void say_broken(const struct trial *trial, size_t cell, size_t node, const char *why,
		       struct hn_choice *choice)
{
	const struct hn_host *host = trial->snapshot->host;
	uint64_t page = guest_of(trial)->cells[cell].page_bytes, ignored;
	uint64_t room = hn_capacity_room(trial->capacity, host, node, page, &ignored);
	uint64_t bytes = bytes_wanted(trial, node, page);
	unsigned cpus = trial->capacity->nodes[node].cpus, vcpus = vcpus_wanted(trial, node);
	char have[HN_UNITS_TEXT_MAX], need[HN_UNITS_TEXT_MAX], size[HN_UNITS_TEXT_MAX];

	choice->kind = HN_CHOICE_REFUSED;
	if (hn_set_empty(&host->nodes[node].cpus))
		hn_say(choice->sentence, sizeof(choice->sentence), "has no CPUs");
	else if (host->nodes[node].draining)
		hn_say(choice->sentence, sizeof(choice->sentence), "is being drained");
	else if (bytes > room)
		hn_say(choice->sentence, sizeof(choice->sentence), "%s%s%s free of %s needed",
		       hn_bytes_format(room, have, sizeof(have)), page ? " in pages of " : "",
		       page ? hn_bytes_format(page, size, sizeof(size)) : "",
		       hn_bytes_format(bytes, need, sizeof(need)));
	else if (vcpus > cpus)
		hn_say(choice->sentence, sizeof(choice->sentence), "%u CPUs, %u vCPUs", cpus, vcpus);
	else
		hn_say(choice->sentence, sizeof(choice->sentence), "%s", why);
}

static int try_node(const struct trial *trial, size_t cell, size_t node, struct hn_choice *choice,
		    struct hn_error *err)
{
	struct hn_choice broken = *choice;
	struct hn_error why = {0};
	struct hn_cost cost;
	struct kept kept;
	int r;

	if (put_on(trial, cell, node, &kept) < 0)
		return hn_oom(err);
	r = cost_of(trial, &cost, &why);
	if (r == -ENOSPC)
		say_broken(trial, cell, node, why.message, &broken);
	put_back(trial, cell, &kept);
	if (r == 0) {
		judge(trial, cell, node, &cost, choice);
		return 0;
	}
	if (r != -ENOSPC)
		return hn_fail(err, r, "%s", why.message);
	r = try_swaps(trial, cell, node, choice, err);
	if (r == 0 || r == GIVEN_UP)
		*choice = broken;
	if (r == GIVEN_UP)
		hn_say(choice->sentence, sizeof(choice->sentence),
		       "; not all cells there were tried for an exchange");
	return r < 0 ? r : 0;
}

static void say_chosen(const struct trial *trial, size_t cell, size_t node, struct hn_choice *choice)
{
	const struct hn_cell_home *home = &trial->home->cells[cell];
	uint64_t bytes = guest_of(trial)->cells[cell].memory_bytes;

	choice->kind = HN_CHOICE_CHOSEN;
	if (hn_set_count(&home->nodes) > 1 && bytes > 0)
		hn_say(choice->sentence, sizeof(choice->sentence), "chosen for %.0f %% of it",
		       100 * (double)home->bytes[node] / (double)bytes);
	else
		hn_say(choice->sentence, sizeof(choice->sentence), "chosen");
}

static int explain_cells(const struct trial *trial, struct hn_explanation *explanation, struct hn_error *err)
{
	const struct hn_host *host = trial->snapshot->host;
	int r = 0;

	for (size_t cell = 0; cell < trial->home->cell_count; cell++) {
		struct hn_cell_explanation *what = &explanation->cells[cell];

		what->cell = trial->home->cells[cell].cell;
		what->nodes = trial->home->cells[cell].nodes;
		for (size_t node = 0; node < host->node_count && r == 0; node++) {
			what->choices[node].node = host->nodes[node].id;
			if (hn_set_has(&what->nodes, host->nodes[node].id))
				say_chosen(trial, cell, node, &what->choices[node]);
			else
				r = try_node(trial, cell, node, &what->choices[node], err);
		}
	}
	return r;
}

static void say_home(const struct hn_placement *home, char *text, size_t size)
{
	for (size_t i = 0; i < home->cell_count; i++) {
		char nodes[64];

		hn_say(text, size, "%scell %d on node %s", i ? ", " : "", home->cells[i].cell,
		       hn_set_format(&home->cells[i].nodes, nodes, sizeof(nodes)));
	}
}

static int explain_home(const struct hn_snapshot *snapshot, size_t guest,
			const struct hn_solver_limits *limits, const struct hn_placement *home,
			struct hn_explanation *explanation, struct hn_error *err)
{
	HN_AUTO(hn_placement) struct hn_placement *copy = hn_placement_copy(home);
	HN_AUTO(hn_capacity)
	struct hn_capacity *capacity = hn_capacity_new(snapshot, guest, limits->keep_free_bytes);
	unsigned swaps_left = HN_EXPLAIN_SWAPS_MAX;
	struct hn_solver_limits known = *limits;
	struct trial trial = {snapshot, guest, &known, capacity, copy, home->cost, &swaps_left};
	struct hn_error why = {0};
	struct hn_cost cost;
	int r;

	if (!copy || !capacity || hn_placement_set_vcpus(copy, 0) < 0) /* CPUs are chosen after the nodes */
		return hn_oom(err);
	r = hn_solver_multiple(snapshot, guest, limits, &known.cpu_multiple, &why);
	if (r == 0)
		r = cost_of(&trial, &cost, &why);
	if (r == 0)
		trial.cost = cost;
	else if (r != -ENOSPC)
		return hn_fail(err, r, "%s", why.message);
	explanation->fits = true;
	explanation->cost = trial.cost;
	explanation->bound = home->bound;
	explanation->proven = home->proven;
	explanation->gap = hn_placement_gap(home);
	say_home(home, explanation->sentence, sizeof(explanation->sentence));
	if (r == -ENOSPC)
		hn_say(explanation->sentence, sizeof(explanation->sentence),
		       "; there is no room any more: %.120s", why.message);
	return explain_cells(&trial, explanation, err);
}

/* The sample of one cell only, or NULL when out of memory. */
static struct hn_sample *sample_of_cell(const struct hn_sample *sample, size_t cell)
{
	struct hn_sample *one = hn_sample_copy(sample);
	struct hn_cell_sample first;

	if (!one)
		return NULL;
	first = one->cells[0];
	one->cells[0] = one->cells[cell];
	one->cells[cell] = first;
	for (; one->cell_count > 1; one->cell_count--)
		free(one->cells[one->cell_count - 1].on_node);
	return one;
}

/* Tries one cell as if it were the whole guest. */
static int try_alone(struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		     struct hn_cell_explanation *what, struct hn_error *err)
{
	const struct hn_host *host = snapshot->host;
	HN_AUTO(hn_placement) struct hn_placement *home = hn_placement_new(host->node_count, 1);
	HN_AUTO(hn_capacity)
	struct hn_capacity *capacity = hn_capacity_new(snapshot, guest, limits->keep_free_bytes);
	struct trial trial = {snapshot, guest, limits, capacity, home, {{0}}};

	if (!home || !capacity)
		return hn_oom(err);
	what->cell = home->cells[0].cell = guest_of(&trial)->cells[0].id;
	for (size_t node = 0; node < host->node_count; node++) {
		struct hn_choice *choice = &what->choices[node];
		struct hn_error why = {0};
		struct hn_cost cost;
		struct kept kept;
		int r;

		if (put_on(&trial, 0, node, &kept) < 0)
			return hn_oom(err);
		r = cost_of(&trial, &cost, &why);
		choice->node = host->nodes[node].id;
		choice->kind = HN_CHOICE_EQUAL;
		if (r == -ENOSPC)
			say_broken(&trial, 0, node, why.message, choice);
		else
			hn_say(choice->sentence, sizeof(choice->sentence), "would hold this cell alone");
		put_back(&trial, 0, &kept);
		if (r < 0 && r != -ENOSPC)
			return hn_fail(err, r, "%s", why.message);
	}
	return 0;
}

static int explain_cell_alone(const struct hn_snapshot *snapshot, size_t guest, size_t cell,
			      const struct hn_solver_limits *limits, struct hn_cell_explanation *what,
			      struct hn_error *err)
{
	const struct hn_guest_state *state = &snapshot->guests[guest];
	HN_AUTO(hn_guest) struct hn_guest *one = hn_guest_copy(state->guest);
	HN_AUTO(hn_sample) struct hn_sample *sample = NULL;
	struct hn_snapshot with = *snapshot;
	int r;

	if (!one || (state->sample && !(sample = sample_of_cell(state->sample, cell))))
		return hn_oom(err);
	one->cells[0] = one->cells[cell];
	one->cell_count = 1;
	with.guests = calloc(snapshot->guest_count, sizeof(*with.guests));
	if (!with.guests)
		return hn_oom(err);
	memcpy(with.guests, snapshot->guests, snapshot->guest_count * sizeof(*with.guests));
	with.guests[guest] = (struct hn_guest_state){.guest = one, .sample = sample};
	r = try_alone(&with, guest, limits, what, err);
	free(with.guests);
	return r;
}

int hn_explain(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
	       const struct hn_placement *home, const char *why, struct hn_explanation **ret,
	       struct hn_error *err)
{
	const struct hn_guest *model = snapshot->guests[guest].guest;
	HN_AUTO(hn_explanation) struct hn_explanation *explanation = NULL;
	int r = 0;

	if (home && (home->cell_count != model->cell_count || home->node_count != snapshot->host->node_count))
		return hn_fail(err, -EINVAL,
			       "guest '%s': the home does not fit its cells or the host's nodes",
			       model->name);
	explanation = hn_explanation_new(snapshot->host->node_count, model->cell_count);
	if (!explanation)
		return hn_oom(err);
	snprintf(explanation->guest, sizeof(explanation->guest), "%s", model->name);
	if (home) {
		r = explain_home(snapshot, guest, limits, home, explanation, err);
	} else {
		hn_say(explanation->sentence, sizeof(explanation->sentence), "it fits nowhere%s%s",
		       why ? ": " : "", why ? why : "");
		for (size_t cell = 0; cell < model->cell_count && r == 0; cell++)
			r = explain_cell_alone(snapshot, guest, cell, limits, &explanation->cells[cell], err);
	}
	if (r == 0)
		*ret = hn_steal(explanation);
	return r;
}
