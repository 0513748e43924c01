#include "sim/simulation.h"

#define PROGRESS_TICKS 64

struct mean {
	double sum;
	uint64_t count;
};

static void add(struct mean *mean, double value)
{
	mean->sum += value;
	mean->count++;
}

static double value_of(const struct mean *mean, double none)
{
	return mean->count ? mean->sum / (double)mean->count : none;
}

static double filled_share(const struct hn_host *host)
{
	double free_bytes = 0, bytes = 0;

	for (size_t i = 0; i < host->node_count; i++) {
		free_bytes += (double)host->nodes[i].free_bytes;
		bytes += (double)host->nodes[i].memory_bytes;
	}
	return bytes > 0 ? 1 - free_bytes / bytes : 0;
}

static double kept_share(const struct hn_world_counts *counts)
{
	double lost = counts->remote_s + counts->stalled_s + counts->crowded_s;

	return counts->busy_s > 0 ? 1 - lost / counts->busy_s : -1;
}

/* Plays the events of one tick, from *next on, and the tick itself. */
static int play_tick(struct hn_world *world, const struct hn_trace *trace, uint64_t tick, size_t *next,
		     struct hn_error *err)
{
	int r = 0;

	for (; r == 0 && *next < trace->count && trace->events[*next].tick <= tick; (*next)++)
		r = hn_world_apply(world, &trace->events[*next], err);
	return r < 0 ? r : hn_world_tick(world, err);
}

int hn_simulate(const struct hn_trace *trace, const struct hn_host *host,
		const struct hn_world_options *options, hn_progress progress, void *context,
		struct hn_score *ret, struct hn_error *err)
{
	HN_AUTO(hn_world) struct hn_world *world = NULL;
	struct hn_world_options with = *options;
	struct mean whole = {0}, filled = {0}, parts[HN_COURSE] = {{0}};
	size_t next = 0;
	int r;

	with.tick_ns = trace->tick_ns;
	if (with.look_ns < with.tick_ns)
		with.look_ns = with.tick_ns;
	r = hn_world_new(host, &with, &world, err);
	*ret = (struct hn_score){.ticks = trace->ticks};
	for (uint64_t tick = 0; r == 0 && tick < trace->ticks; tick++) {
		const struct hn_snapshot *now = hn_world_snapshot(world);
		double locality;

		r = play_tick(world, trace, tick, &next, err);
		if (now->guest_count > ret->most_guests)
			ret->most_guests = now->guest_count;
		add(&filled, filled_share(now->host));
		if (hn_world_locality(world, &locality)) {
			add(&whole, locality);
			add(&parts[tick * HN_COURSE / trace->ticks], locality);
		}
		if (progress && tick % PROGRESS_TICKS == 0)
			progress(tick, trace->ticks, context);
	}
	if (r < 0)
		return r;
	ret->counts = *hn_world_counts(world);
	ret->locality = value_of(&whole, -1);
	ret->kept = kept_share(&ret->counts);
	ret->filled = value_of(&filled, 0);
	for (size_t i = 0; i < HN_COURSE; i++)
		ret->course[i] = value_of(&parts[i], -1);
	return 0;
}
