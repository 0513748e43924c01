/*
 * homenode replay - decides again what a recorded snapshot was decided from. Needs no homenoded.
 */
#include <stdio.h>

#include "base/json.h"
#include "cli/command.h"
#include "cli/decision.h"
#include "cli/host-file.h"
#include "cli/option.h"
#include "policy/policies.h"

struct options {
	const char *file, *guest, *policy;
	bool now;
};

static int parse_options(const struct hn_invocation *invocation, struct options *options)
{
	static const struct option longs[] = {
		{"now", no_argument, NULL, 'n'}, {"policy", required_argument, NULL, 'p'}, {0}};
	int option;

	optind = 0;
	while ((option = hn_option_next(invocation, "np:", longs)) != -1) {
		if (option == 'n')
			options->now = true;
		else if (option == 'p')
			options->policy = optarg;
		else
			return -1;
	}
	if (optind >= invocation->argc || optind + 2 < invocation->argc) {
		fprintf(stderr, "homenode: replay takes a recorded snapshot, and a guest of it or none\n");
		return -1;
	}
	options->file = invocation->argv[optind];
	options->guest = invocation->argv[optind + 1]; /* argv ends in NULL */
	if (optind + 1 == invocation->argc)
		options->guest = NULL;
	return 0;
}

/* Puts all guests under another policy, which must exist. */
static int set_policy(struct hn_snapshot *snapshot, const char *policy, struct hn_error *err)
{
	if (!policy)
		return 0;
	if (!hn_policy_find(policy, err))
		return -1;
	for (size_t i = 0; i < snapshot->guest_count; i++)
		snprintf(snapshot->guests[i].guest->policy, sizeof(snapshot->guests[i].guest->policy), "%s",
			 policy);
	return 0;
}

static int replay(const struct hn_invocation *invocation, const struct hn_snapshot *snapshot, size_t guest,
		  const struct hn_decide_options *options, json_object *decisions, struct hn_error *err)
{
	json_object *decision = NULL;
	int r = hn_decision_print(invocation, snapshot, guest, options, &decision, err);

	if (r == 0 && decision && json_object_array_add(decisions, decision) < 0) {
		json_object_put(decision);
		return hn_oom(err);
	}
	return r;
}

static enum hn_exit run_replay(const struct hn_invocation *invocation)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = NULL;
	HN_AUTO(json) json_object *decisions = json_object_new_array();
	struct options options = {0};
	struct hn_decide_options decide;
	struct hn_error err = {0};
	int guest = -1, r;

	if (parse_options(invocation, &options) < 0)
		return HN_EXIT_USAGE;
	if (hn_snapshot_file_load(options.file, &snapshot, &decide, &err) < 0 ||
	    set_policy(snapshot, options.policy, &err) < 0 ||
	    (options.guest && (guest = hn_snapshot_find(snapshot, options.guest, &err)) < 0))
		return hn_report_error(&err);
	decide.now = options.now;
	r = decisions ? 0 : hn_oom(&err);
	for (size_t i = 0; r == 0 && i < snapshot->guest_count; i++) {
		if (guest >= 0 && (size_t)guest != i)
			continue;
		if (guest < 0 && i > 0 && !invocation->json)
			putchar('\n');
		r = replay(invocation, snapshot, i, &decide, decisions, &err);
	}
	if (r < 0)
		return hn_report_error(&err);
	if (invocation->json)
		hn_print_json(invocation, guest >= 0 ? json_object_array_get_idx(decisions, 0) : decisions);
	return HN_EXIT_OK;
}

const struct hn_command hn_command_replay = {
	.name = "replay",
	.arguments = "[--policy NAME] [--now] SNAPSHOT [GUEST]",
	.summary = "decide again what a recorded snapshot was decided from",
	.options = "  -p, --policy NAME   as if all guests were under that policy\n"
		   "  -n, --now           as if an operator asked: one look is enough\n",
	.run = run_replay,
};
