/*
 * homenode explain - why a guest is where it is, what would be done about it, and why not the other nodes.
 */
#include <stdio.h>

#include "base/json.h"
#include "cli/command.h"
#include "cli/decision.h"
#include "cli/fetch.h"

static enum hn_exit run_explain(const struct hn_invocation *invocation)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = NULL;
	HN_AUTO(json) json_object *json = NULL;
	struct hn_decide_options options;
	struct hn_error err = {0};
	int guest;

	if (invocation->argc != 2) {
		fprintf(stderr, "homenode: explain takes one guest; homenode guests lists them\n");
		return HN_EXIT_USAGE;
	}
	if (hn_fetch_snapshot(invocation->client, &snapshot, &options, &err) < 0 ||
	    (guest = hn_snapshot_find(snapshot, invocation->argv[1], &err)) < 0 ||
	    hn_decision_print(invocation, snapshot, (size_t)guest, &options, &json, &err) < 0)
		return hn_report_error(&err);
	if (invocation->json)
		hn_print_json(invocation, json);
	return HN_EXIT_OK;
}

const struct hn_command hn_command_explain = {
	.name = "explain",
	.arguments = "GUEST",
	.summary = "why a guest belongs where it does, and why not on the other nodes",
	.options = "",
	.run = run_explain,
};
