/*
 * homenode rebalance - asks for a guest to be brought home now, and follows it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/explanation.h"
#include "cli/follow.h"
#include "cli/option.h"
#include "model/codec.h"

struct options {
	bool dry_run;
	bool no_wait;
	bool waits;
	uint64_t wait_ns; /* at most, with waits */
	const char *guest;
};

static int take_wait(const char *text, struct options *options)
{
	struct hn_error err;

	options->waits = true;
	if (hn_duration_parse(text, &options->wait_ns, &err) == 0)
		return 0;
	fprintf(stderr, "homenode: --wait: %s\n", err.message);
	return -1;
}

static int parse_options(const struct hn_invocation *invocation, struct options *options)
{
	static const struct option longs[] = {{"dry-run", no_argument, NULL, 'n'},
					      {"wait", required_argument, NULL, 'w'},
					      {"no-wait", no_argument, NULL, 'W'},
					      {0}};
	int option;

	optind = 0;
	while ((option = hn_option_next(invocation, "nw:", longs)) != -1) {
		if (option == 'n')
			options->dry_run = true;
		else if (option == 'W')
			options->no_wait = true;
		else if (option != 'w' || take_wait(optarg, options) < 0)
			return -1;
	}
	if (options->waits && options->no_wait) {
		fprintf(stderr, "homenode: --wait and --no-wait both\n");
		return -1;
	}
	if (optind + 1 != invocation->argc) {
		fprintf(stderr, "homenode: rebalance takes one guest; homenode guests lists them\n");
		return -1;
	}
	options->guest = invocation->argv[optind];
	return 0;
}

static enum hn_exit run_rebalance(const struct hn_invocation *invocation)
{
	struct options options = {0};
	__attribute__((cleanup(hn_cleanup_memory))) char *path = NULL;
	HN_AUTO(json) json_object *json = NULL;
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL;
	struct hn_error err = {0};
	json_object *part;
	uint64_t id;

	if (parse_options(invocation, &options) < 0)
		return HN_EXIT_USAGE;
	path = hn_client_guest_path(invocation->client, options.guest, "/rebalance");
	if ((path ? hn_client_call(invocation->client, path, options.dry_run ? "{\"dry_run\": true}" : "{}",
				   &json, &err)
		  : hn_oom(&err)) < 0)
		return hn_report_error(&err);
	if (hn_json_get_object(json, "plan", &part, &err) < 0 || hn_plan_decode(part, &plan, &err) < 0 ||
	    hn_json_get_u64(json, "operation", &id, &err) < 0)
		return hn_report_error(&err);
	if (!invocation->json)
		hn_print_plan(plan);
	if (id && !options.no_wait && (!invocation->json || options.waits))
		return hn_follow(invocation, options.guest, id, options.waits ? options.wait_ns : UINT64_MAX,
				 json);
	if (invocation->json)
		hn_print_json(invocation, json);
	return plan->verdict == HN_VERDICT_BLOCKED ? HN_EXIT_NOT_HOME : HN_EXIT_OK;
}

const struct hn_command hn_command_rebalance = {
	.name = "rebalance",
	.arguments = "[--dry-run] [--wait TIME | --no-wait] GUEST",
	.summary = "bring a guest home now, whatever its mode, and follow it",
	.options = "  -n, --dry-run   print the plan with its reasons and do nothing\n"
		   "  -w, --wait TIME wait for its end that long at most, with --json as well; exit code 5 "
		   "after it\n"
		   "      --no-wait   return as soon as the operation has begun\n",
	.run = run_rebalance,
};
