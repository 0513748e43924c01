#include "sim/generator.h"

#include <errno.h>

#include "base/random.h"
#include "base/units.h"
#include "sim/enliven.h"

#define DEDICATED_ONE_IN 16
#define LONGEST_SECONDS 86400
#define CENSUS 20000 /* guests drawn to learn what one asks for in the mean */

/* How long guests live, and how large those that live so long are: shifts towards larger sizes. */
static const struct {
	unsigned percent;
	double mean_seconds;
	unsigned shift;
} lives[] = {{60, 300, 0}, {28, 1800, 0}, {10, 2 * 3600, 1}, {2, LONGEST_SECONDS, 2}};

static const struct {
	unsigned percent, vcpus;
} sizes[] = {{48, 1}, {28, 2}, {13, 4}, {7, 8}, {3, 16}, {1, 32}};

static const unsigned mib_a_vcpu[] = {1024, 2048, 2048, 4096, 4096, 4096, 8192};

struct drawn {
	struct hn_request request;
	double seconds;
};

static size_t pick(struct hn_random *random, const unsigned *percents, size_t stride, size_t count)
{
	uint64_t at = hn_random_below(random, 100);
	size_t i = 0;

	for (; i + 1 < count; i++) {
		unsigned percent = percents[i * stride];

		if (at < percent)
			break;
		at -= percent;
	}
	return i;
}

unsigned hn_cells_for(const struct hn_host *host, unsigned vcpus, uint64_t memory_bytes)
{
	uint64_t cpus = 1, bytes = 1, by_cpu, by_bytes, cells;

	for (size_t i = 0; i < host->node_count; i++) {
		uint64_t here = (uint64_t)hn_set_count(&host->nodes[i].cpus);

		if (here == 0)
			continue;
		cpus = here > cpus ? here : cpus;
		bytes = host->nodes[i].memory_bytes > bytes ? host->nodes[i].memory_bytes : bytes;
	}
	by_cpu = (vcpus + cpus - 1) / cpus;
	by_bytes = memory_bytes / bytes + 1; /* a node is never empty: one that would fill it is two */
	cells = by_cpu > by_bytes ? by_cpu : by_bytes;
	return cells > vcpus ? vcpus : (unsigned)cells;
}

static void draw_guest(struct hn_random *random, const struct hn_host *host, struct drawn *ret)
{
	size_t life = pick(random, &lives[0].percent, sizeof(lives[0]) / sizeof(unsigned), HN_COUNT(lives));
	size_t size = pick(random, &sizes[0].percent, sizeof(sizes[0]) / sizeof(unsigned), HN_COUNT(sizes));
	unsigned cpus = host->cpu_count ? (unsigned)host->cpu_count : 1;

	size += lives[life].shift;
	if (size >= HN_COUNT(sizes))
		size = HN_COUNT(sizes) - 1;
	ret->request = (struct hn_request){.vcpus = sizes[size].vcpus};
	if (ret->request.vcpus > cpus)
		ret->request.vcpus = cpus;
	ret->request.memory_bytes =
		ret->request.vcpus * HN_MIB * mib_a_vcpu[hn_random_below(random, HN_COUNT(mib_a_vcpu))];
	ret->request.cells = hn_cells_for(host, ret->request.vcpus, ret->request.memory_bytes);
	if (hn_random_below(random, DEDICATED_ONE_IN) == 0)
		ret->request.class = HN_CLASS_DEDICATED;
	ret->seconds = hn_draw_exponential(random, lives[life].mean_seconds);
}

/* What all guests drawn would hold at a time if one came every second, over what the host has. */
static double demand_of_one(const struct hn_generator *generator, const struct hn_host *host)
{
	struct hn_random random = {generator->seed ^ UINT64_C(0x5bd1e995)};
	double bytes = 0, cpus = 0, all_bytes = 0;

	for (size_t i = 0; i < host->node_count; i++)
		all_bytes += (double)host->nodes[i].memory_bytes;
	for (int i = 0; i < CENSUS; i++) {
		struct drawn drawn;

		draw_guest(&random, host, &drawn);
		bytes += (double)drawn.request.memory_bytes * drawn.seconds;
		cpus += drawn.request.vcpus * drawn.seconds;
	}
	bytes /= CENSUS * all_bytes;
	cpus /= CENSUS * (double)host->cpu_count;
	return bytes > cpus ? bytes : cpus;
}

static int add_drawn(struct hn_trace *trace, const struct drawn *drawn, double at_seconds, double for_seconds,
		     struct hn_random *random)
{
	double tick = (double)HN_NS_PER_S / (double)trace->tick_ns;
	double arrives = at_seconds * tick, departs = (at_seconds + for_seconds) * tick;

	if (departs >= (double)trace->ticks)
		departs = (double)trace->ticks;
	return hn_trace_add_guest(trace, (uint64_t)arrives, (uint64_t)departs, &drawn->request,
				  hn_draw_load(random));
}

/*
 * Who is there at the start: guests met at a random moment of their lives, the long-lived met more often.
 */
static int add_residents(struct hn_trace *trace, const struct hn_host *host, double load,
			 struct hn_random *random)
{
	double bytes = 0, cpus = 0, all_bytes = 0;

	for (size_t i = 0; i < host->node_count; i++)
		all_bytes += (double)host->nodes[i].memory_bytes;
	load = load < 1 ? load : 1;
	while (bytes < load * all_bytes && cpus < load * (double)host->cpu_count) {
		struct drawn drawn;

		draw_guest(random, host, &drawn);
		if (hn_random_below(random, 1000) >= drawn.seconds / (4 * LONGEST_SECONDS) * 1000)
			continue;
		bytes += (double)drawn.request.memory_bytes;
		cpus += drawn.request.vcpus;
		drawn.seconds *= (double)hn_random_below(random, 1 << 20) / (1 << 20);
		if (add_drawn(trace, &drawn, 0, drawn.seconds, random) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int check(const struct hn_generator *generator, const struct hn_host *host, struct hn_error *err)
{
	struct hn_set homes = hn_host_home_nodes(host);

	if (!(generator->load >= 0.01 && generator->load <= 10))
		return hn_fail(err, -EINVAL, "load: %g is not within 0.01 and 10", generator->load);
	if (generator->ticks == 0 || generator->ticks > UINT64_C(1) << 40)
		return hn_fail(err, -EINVAL, "ticks: %llu is not within 1 and 2^40",
			       (unsigned long long)generator->ticks);
	if (generator->tick_ns == 0)
		return hn_fail(err, -EINVAL, "a tick lasts no time");
	if (hn_set_empty(&homes))
		return hn_fail(err, -EINVAL, "host '%s': no node has both CPUs and memory", host->name);
	return 0;
}

int hn_generate(const struct hn_generator *generator, const struct hn_host *host, struct hn_trace **ret,
		struct hn_error *err)
{
	HN_AUTO(hn_trace) struct hn_trace *trace = NULL;
	struct hn_random random = {generator->seed};
	double end, at = 0, between;
	int r = check(generator, host, err);

	if (r < 0)
		return r;
	trace = hn_trace_new(generator->ticks, generator->tick_ns);
	if (!trace || add_residents(trace, host, generator->load, &random) < 0)
		return hn_oom(err);
	between = demand_of_one(generator, host) / generator->load;
	end = (double)generator->ticks * (double)generator->tick_ns / (double)HN_NS_PER_S;
	for (;;) {
		struct drawn drawn;

		at += hn_draw_exponential(&random, between);
		if (at >= end)
			break;
		draw_guest(&random, host, &drawn);
		if (add_drawn(trace, &drawn, at, drawn.seconds, &random) < 0)
			return hn_oom(err);
	}
	if (hn_trace_enliven(trace, generator->seed, generator->stray_ns) < 0)
		return hn_oom(err);
	*ret = hn_steal(trace);
	return 0;
}
