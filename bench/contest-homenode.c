/*
 * homenode: hn_solve(), or hn_admit() where guests may move.
 */
#include <errno.h>

#include "bench/contestant.h"
#include "policy/admit.h"
#include "policy/cpus.h"
#include "policy/solver.h"

static const struct hn_solver_limits limits = {.steps = 200000};

HN_CLEANUP_DEFINE(hn_admission, struct hn_admission *, hn_admission_done);

/* With CPUs of its own for every vCPU: the solver only counts them. */
static int settle(struct hn_snapshot *snapshot, size_t guest, struct hn_placement **home,
		  struct hn_error *err)
{
	int r = hn_cpus_choose(snapshot, guest, *home, err);

	if (r == 0)
		r = bench_guest_settle(snapshot, guest, hn_steal(*home));
	return r < 0 ? hn_fail(err, r == -ENOSPC ? -EPROTO : r,
			       "homenode places a guest where there is no room")
		     : 0;
}

static int place_alone(struct hn_snapshot *snapshot, size_t guest, struct hn_error *err)
{
	HN_AUTO(hn_placement) struct hn_placement *home = NULL;
	int r = hn_solve(snapshot, guest, &limits, &home, err);

	return r < 0 ? r : settle(snapshot, guest, &home, err);
}

/* All leave before any arrives: two may swap. */
static int place_among_movers(struct bench_contestant *contestant, size_t guest, struct hn_error *err)
{
	struct hn_admission admission = {.count = 0};
	HN_AUTO(hn_admission) struct hn_admission *admitted = &admission;
	int r = hn_admit(contestant->snapshot, guest, &limits, contestant->movers, admitted, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < admission.count; i++)
		bench_guest_unsettle(contestant->snapshot, admission.guests[i].guest);
	for (size_t i = 0; i < admission.count && r == 0; i++)
		r = settle(contestant->snapshot, admission.guests[i].guest, &admission.guests[i].placement,
			   err);
	contestant->move_bytes += admission.move_bytes;
	return r;
}

static int arrive(struct bench_contestant *contestant, long number, const struct bench_size *size,
		  struct bench_place *ret, struct hn_error *err)
{
	int guest = bench_contestant_add(contestant, number, size, err), r;

	if (guest < 0)
		return guest;
	r = contestant->movers ? place_among_movers(contestant, (size_t)guest, err)
			       : place_alone(contestant->snapshot, (size_t)guest, err);
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
