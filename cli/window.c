/*
 * homenode window - a time in which a realtime guest may be repaired; it closes by itself.
 */
#include <stdio.h>

#include "base/json.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/option.h"

#define DEFAULT_NS (60 * HN_NS_PER_S)

struct options {
	uint64_t ns; /* 0: to be closed */
	const char *guest;
};

static int parse_options(const struct hn_invocation *invocation, struct options *options)
{
	static const struct option longs[] = {
		{"for", required_argument, NULL, 'f'}, {"close", no_argument, NULL, 'c'}, {0}};
	struct hn_error err = {0};
	int option;

	optind = 0;
	while ((option = hn_option_next(invocation, "f:", longs)) != -1) {
		if (option == 'f' && hn_duration_parse(optarg, &options->ns, &err) < 0) {
			hn_report_error(&err);
			return -1;
		}
		if (option == 'c')
			options->ns = 0;
		else if (option != 'f')
			return -1;
	}
	if (optind + 1 != invocation->argc) {
		fprintf(stderr, "homenode: window takes one guest; homenode guests lists them\n");
		return -1;
	}
	options->guest = invocation->argv[optind];
	return 0;
}

static int print_window(const struct options *options, json_object *json, struct hn_error *err)
{
	char left[HN_UNITS_TEXT_MAX];
	double seconds;
	bool open;
	int r;

	if ((r = hn_json_get_bool(json, "open", &open, err)) < 0 ||
	    (r = hn_json_get_double(json, "seconds", &seconds, err)) < 0)
		return r;
	if (open)
		printf("%s: its window is open for %s, and closes by itself\n", options->guest,
		       hn_duration_format((uint64_t)(seconds * (double)HN_NS_PER_S), left, sizeof(left)));
	else
		printf("%s: no window is open\n", options->guest);
	return 0;
}

static enum hn_exit run_window(const struct hn_invocation *invocation)
{
	struct options options = {.ns = DEFAULT_NS};
	__attribute__((cleanup(hn_cleanup_memory))) char *path = NULL;
	HN_AUTO(json) json_object *json = NULL;
	struct hn_error err = {0};
	char body[64];

	if (parse_options(invocation, &options) < 0)
		return HN_EXIT_USAGE;
	snprintf(body, sizeof(body), "{\"seconds\": %.3f}", (double)options.ns / (double)HN_NS_PER_S);
	path = hn_client_guest_path(invocation->client, options.guest, "/window");
	if ((path ? hn_client_call(invocation->client, path, body, &json, &err) : hn_oom(&err)) < 0)
		return hn_report_error(&err);
	if (invocation->json)
		hn_print_json(invocation, json);
	else if (print_window(&options, json, &err) < 0)
		return hn_report_error(&err);
	return HN_EXIT_OK;
}

const struct hn_command hn_command_window = {
	.name = "window",
	.arguments = "[--for TIME | --close] GUEST",
	.summary = "let a realtime guest be moved for a while: what is not done by then is stopped",
	.options = "  -f, --for TIME  how long, 60s unless told, a day at most\n"
		   "      --close     close it now\n",
	.run = run_window,
};
