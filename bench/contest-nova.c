/*
 * Nova: its own function in its own process keeps the host's state; what it did is kept here as well, for the
 * rules.
 */
#include <errno.h>

#include "bench/contestant.h"

#define CALL_LIMIT_S 10

static int begin(struct bench_contestant *contestant, struct hn_host *host, struct hn_error *err)
{
	int r = bench_contestant_begin(contestant, host, err);

	return r < 0 ? r
		     : bench_nova_host(contestant->nova, contestant->snapshot, true, contestant->pack, err);
}

static int arrive(struct bench_contestant *contestant, long number, const struct bench_size *size,
		  struct bench_place *ret, struct hn_error *err)
{
	struct bench_nova_answer answer;
	int r = bench_nova_place(contestant->nova, number, size, CALL_LIMIT_S, &answer, err), guest;

	if (r < 0 || !answer.fits)
		return r;
	guest = bench_contestant_add(contestant, number, size, err);
	if (guest < 0)
		return guest;
	if (bench_guest_settle_on(contestant->snapshot, (size_t)guest, answer.node_of) < 0)
		return hn_fail(err, -EPROTO, "Nova places guests where there is no room");
	*ret = bench_contestant_place(contestant, (size_t)guest);
	return 1;
}

static int leave(struct bench_contestant *contestant, long number, struct hn_error *err)
{
	int r = bench_nova_leave(contestant->nova, number, err);

	return r < 0 ? r : bench_contestant_leave(contestant, number, err);
}

const struct bench_contest bench_contest_nova = {.begin = begin, .arrive = arrive, .leave = leave};
