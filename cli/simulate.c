/*
 * homenode simulate - plays guests coming, going and straying to a modelled host under a policy. Needs no
 * homenoded.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/units.h"
#include "cli/azure-trace.h"
#include "cli/command.h"
#include "cli/host-file.h"
#include "cli/option.h"
#include "cli/progress.h"
#include "cli/score.h"
#include "cli/words.h"
#include "policy/policies.h"
#include "sim/enliven.h"
#include "sim/generator.h"
#include "sim/simulation.h"

#define QUIET_NS (2 * HN_NS_PER_S) /* what takes no longer needs no progress bar */
#define REDRAW_NS (HN_NS_PER_S / 5)

struct options {
	const char *trace, *host;
	uint64_t nodes, cpus, memory_bytes; /* of a host without a file */
	uint64_t seed, ticks, tick_ns, stray_ns;
	double load;
	bool all;
	struct hn_world_options world;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * HN_NS_PER_S + (uint64_t)now.tv_nsec;
}

static int take_number(const char *name, const char *text, uint64_t most, uint64_t *ret, struct hn_error *err)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || *ret > most)
		return hn_fail(err, -EINVAL, "--%s: '%s' is no number from 0 to %llu", name, text,
			       (unsigned long long)most);
	return 0;
}

static int take_load(const char *text, double *ret, struct hn_error *err)
{
	char *end;

	*ret = strtod(text, &end);
	if (end == text || *end || !(*ret >= 0.01 && *ret <= 10))
		return hn_fail(err, -EINVAL, "--load: '%s' is not within 0.01 and 10", text);
	return 0;
}

static int take_tick(const char *text, uint64_t *ret, struct hn_error *err)
{
	int r = hn_duration_parse(text, ret, err);

	if (r < 0)
		return hn_error_prefix(err, "--tick");
	if (*ret < HN_NS_PER_S / 10 || *ret > 3600 * HN_NS_PER_S)
		return hn_fail(err, -EINVAL, "--tick: '%s' is not within 100ms and 1h", text);
	return 0;
}

/* Those that must be something: 1 when the option is unknown. */
static int take_option(int option, struct options *options, struct hn_error *err)
{
	int r;

	switch (option) {
	case 't':
		options->trace = optarg;
		return 0;
	case 'g':
		options->trace = NULL;
		return 0;
	case 's':
		return take_number("seed", optarg, UINT64_MAX, &options->seed, err);
	case 'H':
		options->host = optarg;
		return 0;
	case 'n':
		return take_number("nodes", optarg, 256, &options->nodes, err);
	case 'c':
		return take_number("cpus", optarg, HN_SET_MAX, &options->cpus, err);
	case 'm':
		r = hn_bytes_parse(optarg, &options->memory_bytes, err);
		return r < 0 ? hn_error_prefix(err, "--memory") : 0;
	case 'p':
		options->world.policy = optarg;
		return hn_policy_find(optarg, err) ? 0 : -EINVAL;
	case 'a':
		options->all = true;
		return 0;
	case 'k':
		return take_number("ticks", optarg, UINT64_C(1) << 40, &options->ticks, err);
	case 'i':
		return take_tick(optarg, &options->tick_ns, err);
	case 'r':
		r = hn_bytes_parse(optarg, &options->world.bytes_per_second, err);
		return r < 0 ? hn_error_prefix(err, "--rate") : 0;
	case 'y':
		r = hn_duration_parse(optarg, &options->stray_ns, err);
		return r < 0 ? hn_error_prefix(err, "--stray") : 0;
	case 'l':
		return take_load(optarg, &options->load, err);
	default:
		return 1;
	}
}

static int parse_options(const struct hn_invocation *invocation, struct options *options)
{
	static const struct option longs[] = {{"trace", required_argument, NULL, 't'},
					      {"generate", no_argument, NULL, 'g'},
					      {"seed", required_argument, NULL, 's'},
					      {"host", required_argument, NULL, 'H'},
					      {"nodes", required_argument, NULL, 'n'},
					      {"cpus", required_argument, NULL, 'c'},
					      {"memory", required_argument, NULL, 'm'},
					      {"policy", required_argument, NULL, 'p'},
					      {"all-policies", no_argument, NULL, 'a'},
					      {"ticks", required_argument, NULL, 'k'},
					      {"tick", required_argument, NULL, 'i'},
					      {"load", required_argument, NULL, 'l'},
					      {"rate", required_argument, NULL, 'r'},
					      {"stray", required_argument, NULL, 'y'},
					      {0}};
	struct hn_error err = {0};
	int option, r;

	optind = 0;
	while ((option = hn_option_next(invocation, "t:gs:n:p:a", longs)) != -1) {
		r = take_option(option, options, &err);
		if (r < 0)
			fprintf(stderr, "homenode: %s\n", err.message);
		if (r != 0)
			return -1;
	}
	if (optind != invocation->argc || options->ticks == 0) {
		fprintf(stderr, "homenode: simulate takes options only, and one tick at least\n");
		return -1;
	}
	return 0;
}

static int load_host(const struct options *options, struct hn_snapshot **ret, struct hn_error *err)
{
	struct hn_host *host = NULL;
	int r;

	if (options->host)
		return hn_host_file_load(options->host, ret, err);
	r = hn_host_make((unsigned)options->nodes, (unsigned)options->cpus, options->memory_bytes, &host,
			 err);
	if (r < 0)
		return r;
	*ret = hn_snapshot_new(host);
	return *ret ? 0 : hn_oom(err);
}

static int load_trace(const struct options *options, const struct hn_host *host, struct hn_trace **ret,
		      struct hn_error *err)
{
	struct hn_generator generator = {.seed = options->seed,
					 .ticks = options->ticks,
					 .tick_ns = options->tick_ns,
					 .stray_ns = options->stray_ns,
					 .load = options->load};
	struct hn_azure_options azure = {.seed = options->seed,
					 .ticks = options->ticks,
					 .tick_ns = options->tick_ns,
					 .stray_ns = options->stray_ns,
					 .load = options->load};

	return options->trace ? hn_azure_trace_load(options->trace, &azure, host, ret, err)
			      : hn_generate(&generator, host, ret, err);
}

struct bar {
	const char *policy;
	uint64_t started_ns, drawn_ns;
	bool drawn;
};

static void on_progress(uint64_t tick, uint64_t ticks, void *context)
{
	struct bar *bar = context;
	uint64_t now = now_ns();
	char text[64], line[160];

	if (now - bar->started_ns < QUIET_NS || now - bar->drawn_ns < REDRAW_NS)
		return;
	bar->drawn_ns = now;
	bar->drawn = true;
	snprintf(line, sizeof(line), "%s %s %.0f %%", bar->policy,
		 hn_say_bar((double)tick / (double)ticks, 30, text, sizeof(text)),
		 100 * (double)tick / (double)ticks);
	hn_progress_draw(stderr, line);
}

static int run_policy(const struct options *options, const struct hn_trace *trace, const struct hn_host *host,
		      struct hn_run *run, struct hn_error *err)
{
	struct hn_world_options world = options->world;
	struct bar bar = {.policy = run->policy->name, .started_ns = now_ns()};
	int r;

	world.policy = run->policy->name;
	r = hn_simulate(trace, host, &world, isatty(STDERR_FILENO) ? on_progress : NULL, &bar, &run->score,
			err);
	run->seconds = (double)(now_ns() - bar.started_ns) / (double)HN_NS_PER_S;
	if (bar.drawn)
		hn_progress_clear(stderr);
	return r;
}

static int print_json(const struct hn_invocation *invocation, const struct options *options,
		      const struct hn_host *host, const struct hn_run *runs, size_t count)
{
	HN_AUTO(json) json_object *json = json_object_new_object();
	json_object *items = json_object_new_array();
	int failed = !json || !items;

	for (size_t i = 0; i < count && !failed; i++) {
		json_object *item = hn_run_encode(&runs[i]);

		failed = !item || json_object_array_add(items, item);
	}
	if (failed || hn_json_add(json, "runs", items)) {
		if (failed)
			json_object_put(items);
		return -ENOMEM;
	}
	if (hn_json_add_string(json, "host", host->name) || hn_json_add_u64(json, "seed", options->seed) ||
	    hn_json_add_u64(json, "tick_ns", options->tick_ns))
		return -ENOMEM;
	hn_print_json(invocation, json);
	return 0;
}

static int simulate(const struct hn_invocation *invocation, const struct options *options,
		    struct hn_error *err)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = NULL;
	HN_AUTO(hn_trace) struct hn_trace *trace = NULL;
	struct hn_run runs[32] = {{0}};
	size_t count = 0;
	int r = load_host(options, &snapshot, err);

	if (r == 0)
		r = load_trace(options, snapshot->host, &trace, err);
	if (r < 0)
		return r;
	if (options->all)
		for (const struct hn_policy *policy = hn_policies(); policy->name; policy++)
			runs[count < HN_COUNT(runs) ? count++ : count - 1].policy = policy;
	else
		runs[count++].policy = hn_policy_find(options->world.policy, err);
	for (size_t i = 0; i < count && r == 0; i++)
		r = run_policy(options, trace, snapshot->host, &runs[i], err);
	if (r < 0)
		return r;
	r = invocation->json ? print_json(invocation, options, snapshot->host, runs, count)
			     : hn_print_runs(runs, count, snapshot->host, invocation->colour);
	return r < 0 ? hn_oom(err) : 0;
}

static enum hn_exit run_simulate(const struct hn_invocation *invocation)
{
	struct options options = {.nodes = 4,
				  .cpus = 32,
				  .memory_bytes = 128 * HN_GIB,
				  .seed = 1,
				  .ticks = 8640,
				  .tick_ns = 10 * HN_NS_PER_S,
				  .stray_ns = HN_STRAY_NS,
				  .load = 0.9,
				  .world = hn_world_defaults()};
	struct hn_error err = {0};

	if (parse_options(invocation, &options) < 0)
		return HN_EXIT_USAGE;
	return simulate(invocation, &options, &err) < 0 ? hn_report_error(&err) : HN_EXIT_OK;
}

const struct hn_command hn_command_simulate = {
	.name = "simulate",
	.arguments = "[OPTION]...",
	.summary = "play guests coming, going and straying to a modelled host under a policy",
	.options =
		"  -g, --generate       draw the guests from a seed, shaped like a public cloud's (default)\n"
		"  -t, --trace FILE     take them from a packing trace in Azure's SQLite schema\n"
		"  -s, --seed N         of all that is drawn (default 1)\n"
		"      --load X         asked for in the mean, over what the host has (default 0.9)\n"
		"      --host PATH      hwloc's XML, a folder with sys/ and proc/, or JSON\n"
		"  -n, --nodes N        or so many nodes (default 4)\n"
		"      --cpus N         with that many CPUs each (default 32)\n"
		"      --memory SIZE    and that much memory each (default 128G)\n"
		"  -p, --policy NAME    that all guests are under\n"
		"  -a, --all-policies   one after the other\n"
		"      --ticks N        how long (default 8640, a day)\n"
		"      --tick TIME      what a tick stands for (default 10s)\n"
		"      --stray TIME     between two strays of a guest, in the mean (default 30m; 0: never)\n"
		"      --rate SIZE      moved a second, by one guest at a time (default 2G)\n",
	.run = run_simulate,
};
