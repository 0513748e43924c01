/*
 * homenode events - what happens to guests, as it happens.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/option.h"
#include "cli/table.h"

#define LINE_MAX_BYTES 65536

/* The event that is being read, line by line. */
struct reading {
	const struct hn_invocation *invocation;
	char line[LINE_MAX_BYTES];
	size_t length;
	char type[40];
	char id[40];   /* of the event being read, "" none */
	char last[40]; /* of the latest that was printed */
	char data[LINE_MAX_BYTES];
};

static enum hn_tone tone_of(const char *type)
{
	if (strcmp(type, "operation-failed") == 0 || strcmp(type, "gap") == 0)
		return HN_TONE_BAD;
	if (strcmp(type, "problem") == 0)
		return HN_TONE_MIDDLING;
	return strcmp(type, "operation-done") == 0 ? HN_TONE_GOOD : HN_TONE_PLAIN;
}

static const char *text_of(json_object *json, const char *key)
{
	const char *text = "";

	(void)hn_json_get_string(json, key, &text, NULL);
	return text;
}

/* What there is to say besides the guest, in one line. */
static void print_details(json_object *json)
{
	static const char *const keys[] = {"state",   "before",  "nodes",  "outcome",
					   "message", "problem", "reason", "mode"};
	bool any = false;

	for (size_t i = 0; i < HN_COUNT(keys); i++) {
		const char *text = text_of(json, keys[i]);

		if (!*text)
			continue;
		printf("%s%s %s", any ? ", " : "  ", keys[i], text);
		any = true;
	}
	putchar('\n');
}

static void print_event(const struct reading *reading, json_object *json)
{
	const char *type = reading->type;
	uint64_t time_ns = 0;
	char clock[32] = "--:--:--", whose[32] = "";
	int node;
	struct tm local;
	time_t at;

	if (hn_json_get_u64(json, "time_ns", &time_ns, NULL) == 0) {
		at = (time_t)(time_ns / HN_NS_PER_S);
		strftime(clock, sizeof(clock), "%F %H:%M:%S", localtime_r(&at, &local));
	}
	if (hn_json_get_int(json, "node", &node, NULL) == 0)
		snprintf(whose, sizeof(whose), "node %d", node);
	printf("%s  %s%s%s  %s", clock, hn_tone_code(reading->invocation->colour, tone_of(type)), type,
	       hn_tone_code(reading->invocation->colour, HN_TONE_PLAIN),
	       *whose ? whose : text_of(json, "guest"));
	print_details(json);
}

static void print_json(const struct reading *reading, json_object *data)
{
	HN_AUTO(json) json_object *json = json_object_new_object();
	uint64_t id = strtoull(reading->id, NULL, 10);

	if (!json || (reading->id[0] && hn_json_add_u64(json, "id", id) < 0) ||
	    hn_json_add_string(json, "event", reading->type) < 0 ||
	    hn_json_add(json, "data", json_object_get(data)) < 0)
		return;
	puts(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* An empty line ends an event. What is not understood is passed over. */
static void end_event(struct reading *reading)
{
	HN_AUTO(json) json_object *json = NULL;

	if (reading->data[0] &&
	    hn_json_parse(reading->data, strlen(reading->data), "the event", &json, NULL) == 0) {
		if (reading->invocation->json)
			print_json(reading, json);
		else
			print_event(reading, json);
		fflush(stdout);
		if (reading->id[0])
			strcpy(reading->last, reading->id);
	}
	reading->type[0] = reading->id[0] = reading->data[0] = '\0';
}

static void take_line(struct reading *reading)
{
	const char *line = reading->line;

	if (line[0] == '\0')
		end_event(reading);
	else if (strncmp(line, "id: ", 4) == 0)
		snprintf(reading->id, sizeof(reading->id), "%s", line + 4);
	else if (strncmp(line, "event: ", 7) == 0)
		snprintf(reading->type, sizeof(reading->type), "%s", line + 7);
	else if (strncmp(line, "data: ", 6) == 0)
		snprintf(reading->data, sizeof(reading->data), "%s", line + 6);
}

static bool take_bytes(const char *data, size_t length, void *context)
{
	struct reading *reading = context;

	for (size_t i = 0; i < length; i++) {
		if (data[i] == '\n') {
			reading->line[reading->length] = '\0';
			take_line(reading);
			reading->length = 0;
		} else if (reading->length + 1 < sizeof(reading->line)) {
			reading->line[reading->length++] = data[i];
		}
	}
	return !ferror(stdout);
}

static int parse_options(const struct hn_invocation *invocation, char *path, size_t size)
{
	static const struct option longs[] = {{"since", required_argument, NULL, 's'}, {0}};
	int option;

	snprintf(path, size, "/v1/events");
	optind = 0;
	while ((option = hn_option_next(invocation, "s:", longs)) != -1) {
		if (option != 's')
			return -1;
		if (!*optarg || strspn(optarg, "0123456789") != strlen(optarg) || strlen(optarg) > 20) {
			fprintf(stderr,
				"homenode: --since takes an event's id, or 0 for all that are kept, not "
				"'%s'\n",
				optarg);
			return -1;
		}
		snprintf(path, size, "/v1/events?since=%s", optarg);
	}
	if (optind < invocation->argc) {
		fprintf(stderr, "homenode: events takes no arguments but --since\n");
		return -1;
	}
	return 0;
}

static enum hn_exit run_events(const struct hn_invocation *invocation)
{
	HN_AUTO(memory) struct reading *reading = calloc(1, sizeof(*reading));
	struct hn_error err = {0};
	enum hn_exit code;
	char path[80];

	if (parse_options(invocation, path, sizeof(path)) < 0)
		return HN_EXIT_USAGE;
	if (!reading) {
		hn_oom(&err);
		return hn_report_error(&err);
	}
	reading->invocation = invocation;
	if (hn_client_follow(invocation->client, path, take_bytes, reading, &err) == 0)
		return HN_EXIT_OK;
	code = hn_report_error(&err);
	if (reading->last[0])
		fprintf(stderr, "homenode: to go on from here: homenode events --since %s\n", reading->last);
	return code;
}

const struct hn_command hn_command_events = {
	.name = "events",
	.arguments = "[--since ID]",
	.summary = "what happens to guests, as it happens",
	.options = "  -s, --since ID   first what came after that event, 0 for all that are kept (1024)\n"
		   "With --json, one object a line: id, event, data.\n",
	.run = run_events,
};
