/*
 * homenode rebalance - asks for a guest to be brought home now, and follows it with a progress bar.
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/explanation.h"
#include "cli/fetch.h"
#include "cli/words.h"
#include "model/codec.h"

#define POLL_NS 250000000L

struct options {
	bool dry_run;
	bool no_wait;
	const char *guest;
};

static int parse_options(const struct hn_invocation *invocation, struct options *options)
{
	static const struct option longs[] = {
		{"dry-run", no_argument, NULL, 'n'}, {"no-wait", no_argument, NULL, 'w'}, {0}};
	int option;

	optind = 0;
	while ((option = getopt_long(invocation->argc, invocation->argv, "n", longs, NULL)) != -1) {
		if (option == 'n')
			options->dry_run = true;
		else if (option == 'w')
			options->no_wait = true;
		else
			return -1;
	}
	if (optind + 1 != invocation->argc) {
		fprintf(stderr, "homenode: rebalance takes one guest; homenode guests lists them\n");
		return -1;
	}
	options->guest = invocation->argv[optind];
	return 0;
}

static void print_progress(const struct hn_operation *operation, bool tty)
{
	char bar[64], moved[HN_UNITS_TEXT_MAX], all[HN_UNITS_TEXT_MAX], left[HN_UNITS_TEXT_MAX + 8];
	double share = operation->to_move_bytes
			       ? (double)operation->moved_bytes / (double)operation->to_move_bytes
			       : 0;

	if (!tty)
		return;
	printf("\r\033[K%s %3.0f %%  %s of %s  %s", hn_say_bar(share, 30, bar, sizeof(bar)),
	       100 * fmin(1, share), hn_bytes_format(operation->moved_bytes, moved, sizeof(moved)),
	       hn_bytes_format(operation->to_move_bytes, all, sizeof(all)),
	       hn_say_left(operation, left, sizeof(left)));
	fflush(stdout);
}

/* Until the operation has ended. */
static enum hn_exit follow(const struct hn_invocation *invocation, const char *guest, uint64_t id)
{
	const struct timespec pause = {.tv_nsec = POLL_NS};
	struct hn_error err = {0};

	for (;;) {
		HN_AUTO(hn_report) struct hn_report *report = NULL;
		const struct hn_operation *operation;

		if (hn_fetch_guest(invocation->client, guest, &report, &err) < 0)
			return hn_report_error(&err);
		operation = &report->operation;
		if (operation->id == id && operation->state == HN_OPERATION_RUNNING) {
			print_progress(operation, invocation->tty);
			nanosleep(&pause, NULL);
			continue;
		}
		if (invocation->tty)
			printf("\r\033[K");
		printf("%s: %s\n", hn_operation_state_name(operation->state), operation->message);
		return operation->state == HN_OPERATION_DONE ? HN_EXIT_OK : HN_EXIT_NOT_HOME;
	}
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
	if (invocation->json)
		hn_print_json(invocation, json);
	if (hn_json_get_object(json, "plan", &part, &err) < 0 || hn_plan_decode(part, &plan, &err) < 0 ||
	    hn_json_get_u64(json, "operation", &id, &err) < 0)
		return hn_report_error(&err);
	if (!invocation->json)
		hn_print_plan(plan);
	if (id == 0 || options.no_wait || invocation->json)
		return plan->verdict == HN_VERDICT_BLOCKED ? HN_EXIT_NOT_HOME : HN_EXIT_OK;
	return follow(invocation, options.guest, id);
}

const struct hn_command hn_command_rebalance = {
	.name = "rebalance",
	.arguments = "[--dry-run] [--no-wait] GUEST",
	.summary = "bring a guest home now, whatever its mode, and follow it",
	.options = "  -n, --dry-run   print the plan with its reasons and do nothing\n"
		   "      --no-wait   return as soon as the operation has begun\n",
	.run = run_rebalance,
};
