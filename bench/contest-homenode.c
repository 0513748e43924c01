/*
 * homenode: hn_solve(), or hn_admit() where guests may move.
 */
#include <errno.h>

#include "bench/contestant.h"
#include "policy/admit.h"
#include "policy/cpus.h"
#include "policy/solver.h"

#define MOVERS_MAX 4

static const struct hn_solver_limits limits = {.steps = 200000};

HN_CLEANUP_DEFINE(hn_admission, struct hn_admission *, hn_admission_done);

/* With CPUs of its own for every vCPU: the solver only counts them. */
static int settle(struct hn_snapshot *snapshot, size_t guest, struct hn_placement **home,
		  struct hn_error *err)
{
	int r = hn_cpus_choose(snapshot, guest, *home, err);

	return r < 0 ? r : bench_guest_settle(snapshot, guest, hn_steal(*home));
}

/* A placement that has no room breaks a rule; the guest counts as refused. */
static int place_alone(struct bench_contestant *contestant, size_t guest, struct hn_error *err)
{
	HN_AUTO(hn_placement) struct hn_placement *home = NULL;
	int r = hn_solve(contestant->snapshot, guest, &limits, &home, err);

	if (r < 0)
		return r;
	r = settle(contestant->snapshot, guest, &home, err);
	contestant->impossible += r == -ENOSPC;
	return r;
}

/* All leave before any arrives: two may swap. When it turns out not to be possible, all go back. */
static int carry_out(struct bench_contestant *contestant, struct hn_admission *admission,
		     struct hn_error *err)
{
	struct hn_placement *before[1 + MOVERS_MAX] = {NULL};
	int r = 0;

	for (size_t i = 0; i < admission->count; i++) {
		before[i] = hn_steal(contestant->snapshot->guests[admission->guests[i].guest].home);
		contestant->snapshot->guests[admission->guests[i].guest].home =
			before[i] ? hn_placement_copy(before[i]) : NULL;
		bench_guest_unsettle(contestant->snapshot, admission->guests[i].guest);
	}
	for (size_t i = 0; i < admission->count && r == 0; i++)
		r = settle(contestant->snapshot, admission->guests[i].guest, &admission->guests[i].placement,
			   err);
	for (size_t i = 0; i < admission->count && r < 0; i++)
		bench_guest_unsettle(contestant->snapshot, admission->guests[i].guest);
	for (size_t i = 0; i < admission->count; i++) {
		if (r < 0 && before[i])
			bench_guest_settle(contestant->snapshot, admission->guests[i].guest, before[i]);
		else
			hn_placement_free(before[i]);
	}
	contestant->impossible += r == -ENOSPC;
	contestant->move_bytes += r == 0 ? admission->move_bytes : 0;
	return r;
}

static int place_among_movers(struct bench_contestant *contestant, size_t guest, struct hn_error *err)
{
	struct hn_admission admission = {.count = 0};
	HN_AUTO(hn_admission) struct hn_admission *admitted = &admission;
	int r = hn_admit(contestant->snapshot, guest, &limits, contestant->movers, admitted, err);

	return r < 0 ? r : carry_out(contestant, admitted, err);
}

static int arrive(struct bench_contestant *contestant, long number, const struct bench_size *size,
		  struct bench_place *ret, struct hn_error *err)
{
	int guest = bench_contestant_add(contestant, number, size, err), r;

	if (guest < 0)
		return guest;
	r = contestant->movers ? place_among_movers(contestant, (size_t)guest, err)
			       : place_alone(contestant, (size_t)guest, err);
	if (r == 0) {
		*ret = bench_contestant_place(contestant, (size_t)guest);
		return 1;
	}
	bench_guest_remove(contestant->snapshot, (size_t)guest);
	return r == -ENOSPC ? 0 : r;
}

const struct bench_contest bench_contest_homenode = {
	.begin = bench_contestant_begin,
	.arrive = arrive,
	.leave = bench_contestant_leave,
};
