/*
 * homenode pause, resume, cancel - steer the operation that is under way on a guest.
 */
#include <stdio.h>

#include "base/json.h"
#include "cli/command.h"
#include "cli/follow.h"
#include "cli/option.h"

struct order {
	const char *verb, *said, *guest;
	bool wait;
};

static int parse_options(const struct hn_invocation *invocation, struct order *order)
{
	static const struct option longs[] = {{"wait", no_argument, NULL, 'w'}, {0}};
	int option;

	optind = 0;
	while ((option = hn_option_next(invocation, "w", longs)) != -1) {
		if (option != 'w')
			return -1;
		order->wait = true;
	}
	if (optind + 1 != invocation->argc) {
		fprintf(stderr, "homenode: %s takes one guest; homenode guests lists them\n", order->verb);
		return -1;
	}
	order->guest = invocation->argv[optind];
	return 0;
}

static enum hn_exit run(const struct hn_invocation *invocation, struct order *order)
{
	__attribute__((cleanup(hn_cleanup_memory))) char *path = NULL;
	HN_AUTO(json) json_object *json = NULL;
	struct hn_error err = {0};
	char tail[32];
	uint64_t id;

	if (parse_options(invocation, order) < 0)
		return HN_EXIT_USAGE;
	snprintf(tail, sizeof(tail), "/operation/%s", order->verb);
	path = hn_client_guest_path(invocation->client, order->guest, tail);
	if ((path ? hn_client_call(invocation->client, path, "", &json, &err) : hn_oom(&err)) < 0 ||
	    hn_json_get_u64(json, "operation", &id, &err) < 0)
		return hn_report_error(&err);
	if (order->wait)
		return hn_follow(invocation, order->guest, id, UINT64_MAX, json);
	if (invocation->json)
		hn_print_json(invocation, json);
	else
		printf("operation %llu of '%s' %s\n", (unsigned long long)id, order->guest, order->said);
	return HN_EXIT_OK;
}

static enum hn_exit run_pause(const struct hn_invocation *invocation)
{
	return run(invocation, &(struct order){.verb = "pause", .said = "is paused"});
}

static enum hn_exit run_resume(const struct hn_invocation *invocation)
{
	return run(invocation, &(struct order){.verb = "resume", .said = "goes on"});
}

static enum hn_exit run_cancel(const struct hn_invocation *invocation)
{
	return run(invocation, &(struct order){.verb = "cancel", .said = "is being stopped"});
}

#define WAIT_OPTION "  -w, --wait   follow it to its end\n"

const struct hn_command hn_command_pause = {
	.name = "pause",
	.arguments = "[--wait] GUEST",
	.summary = "hold what is being moved for a guest, within a tenth of a second",
	.options = WAIT_OPTION,
	.run = run_pause,
};

const struct hn_command hn_command_resume = {
	.name = "resume",
	.arguments = "[--wait] GUEST",
	.summary = "go on with what was paused",
	.options = WAIT_OPTION,
	.run = run_resume,
};

const struct hn_command hn_command_cancel = {
	.name = "cancel",
	.arguments = "[--wait] GUEST",
	.summary = "stop what is being moved for a guest; what has moved stays there",
	.options = WAIT_OPTION,
	.run = run_cancel,
};
