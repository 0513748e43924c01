/*
 * homenode drain, undrain - empties a node of guests, and gives it back to them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/explanation.h"
#include "cli/option.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "model/codec.h"

#define POLL_NS 500000000L
#define UNSURE_POLLS 180 /* a sample gets old while a page of 1 GiB moves on a busy host */

struct options {
	bool dry_run, wait;
	char path[64];
};

/* A guest that has something on the node, as the API tells. */
struct leaving {
	const char *guest;
	uint64_t memory_bytes, fixed_bytes, threads, operation;
	double price;
	bool given_up;
	struct hn_plan *plan;
};

static int read_leaving(json_object *json, struct leaving *ret, struct hn_error *err)
{
	json_object *plan;
	int r;

	*ret = (struct leaving){0};
	if ((r = hn_json_get_string(json, "guest", &ret->guest, err)) < 0 ||
	    (r = hn_json_get_u64(json, "memory_bytes", &ret->memory_bytes, err)) < 0 ||
	    (r = hn_json_get_u64(json, "fixed_bytes", &ret->fixed_bytes, err)) < 0 ||
	    (r = hn_json_get_u64(json, "threads", &ret->threads, err)) < 0 ||
	    (r = hn_json_get_u64(json, "operation", &ret->operation, err)) < 0 ||
	    (r = hn_json_get_double(json, "price", &ret->price, err)) < 0 ||
	    (r = hn_json_get_bool(json, "given_up", &ret->given_up, err)) < 0 ||
	    (r = hn_json_get_object(json, "plan", &plan, err)) < 0)
		return r;
	return hn_plan_decode(plan, &ret->plan, err);
}

/* Whether more will be done about it without anybody's asking. */
enum outlook {
	RESTS,
	UNSURE, /* it has to be looked at first */
	GOES_ON,
};

static enum outlook outlook_of(const struct leaving *leaving)
{
	enum hn_verdict verdict = leaving->plan->verdict;

	if (leaving->operation)
		return GOES_ON;
	if (leaving->given_up)
		return RESTS;
	if (verdict == HN_VERDICT_UNKNOWN)
		return UNSURE;
	return verdict == HN_VERDICT_ACT || verdict == HN_VERDICT_WAIT ? GOES_ON : RESTS;
}

static void add_row(struct hn_table *table, const struct leaving *leaving)
{
	bool leaves = leaving->plan->verdict == HN_VERDICT_ACT || leaving->operation;
	char bytes[HN_UNITS_TEXT_MAX], text[64] = "-";
	struct hn_set home = {0};

	if (leaving->plan->home)
		home = hn_placement_nodes(leaving->plan->home);
	hn_table_row(table);
	hn_table_cell(table, HN_TONE_PLAIN, "%s", leaving->guest);
	hn_table_cell(table, HN_TONE_PLAIN, "%s",
		      hn_bytes_format(leaving->memory_bytes, bytes, sizeof(bytes)));
	hn_table_cell(table, HN_TONE_PLAIN, "%llu", (unsigned long long)leaving->threads);
	hn_table_cell(table, leaves ? HN_TONE_GOOD : HN_TONE_BAD, "%s",
		      leaves && leaving->plan->home ? hn_set_format(&home, text, sizeof(text)) : "-");
	if (leaves && !leaving->operation)
		hn_table_cell(table, HN_TONE_PLAIN, "%.3g", leaving->price);
	else
		hn_table_cell(table, HN_TONE_FAINT, "-");
	hn_table_cell(table, leaves ? HN_TONE_PLAIN : HN_TONE_MIDDLING, "%s", leaving->plan->reason);
}

static void print_head(json_object *json, size_t count, bool empty)
{
	char bytes[HN_UNITS_TEXT_MAX];
	uint64_t memory = 0;
	bool draining = false;
	int node = 0;

	hn_json_get_int(json, "node", &node, NULL);
	hn_json_get_u64(json, "memory_bytes", &memory, NULL);
	hn_json_get_bool(json, "draining", &draining, NULL);
	if (count == 0 && empty)
		printf("node %d %s: nothing of any guest is there\n", node,
		       draining ? "is drained" : "is empty");
	else if (count == 0)
		printf("node %d%s: the last of what was there is on its way\n", node,
		       draining ? " is being drained" : "");
	else
		printf("node %d%s: %zu guest%s with %s of memory there\n", node,
		       draining ? " is being drained" : "", count, count == 1 ? "" : "s",
		       hn_bytes_format(memory, bytes, sizeof(bytes)));
}

/* The steps of each, and what stays. */
static void print_steps(const struct leaving *leaving, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (leaving[i].plan->verdict != HN_VERDICT_ACT)
			continue;
		printf("\n%s: ", leaving[i].guest);
		hn_print_plan(leaving[i].plan);
	}
}

static int print_drain(const struct hn_invocation *invocation, json_object *json, bool empty,
		       const struct leaving *leaving, size_t count, bool with_steps)
{
	static const char *const titles[] = {"GUEST", "MEMORY", "THREADS", "GOES TO", "PRICE", "WHY"};
	struct hn_table *table;
	int r;

	print_head(json, count, empty);
	if (count == 0)
		return 0;
	table = hn_table_new(invocation->colour);
	for (size_t i = 0; i < HN_COUNT(titles); i++)
		hn_table_column(table, titles[i], i == 1 || i == 2 || i == 4);
	for (size_t i = 0; i < count; i++)
		add_row(table, &leaving[i]);
	r = hn_table_print(table, 2, stdout);
	hn_table_free(table);
	if (with_steps)
		print_steps(leaving, count);
	return r;
}

/* What to do with an answer. */
enum use {
	PRINT,
	PRINT_STEPS,
	LOOK_ONLY,
};

/* The outlook of the one of which most is expected; RESTS when the node is empty, too: *ret_empty. */
static int use_answer(const struct hn_invocation *invocation, json_object *json, enum use use,
		      bool *ret_empty, struct hn_error *err)
{
	HN_AUTO(memory) struct leaving *leaving = NULL;
	json_object *guests;
	size_t count = 0;
	enum outlook best = RESTS, outlook;
	int r = hn_json_get_array(json, "guests", &guests, err);

	if (r == 0)
		r = hn_json_get_bool(json, "empty", ret_empty, err);
	if (r < 0)
		return r;
	if (json_object_array_length(guests) == 0 && !*ret_empty)
		best = GOES_ON;
	leaving = calloc(json_object_array_length(guests) + 1, sizeof(*leaving));
	if (!leaving)
		return hn_oom(err);
	while (count < json_object_array_length(guests) && r == 0) {
		r = read_leaving(json_object_array_get_idx(guests, count), &leaving[count], err);
		if (r == 0 && (outlook = outlook_of(&leaving[count++])) > best)
			best = outlook;
	}
	if (r == 0 && use != LOOK_ONLY && !invocation->json &&
	    print_drain(invocation, json, *ret_empty, leaving, count, use == PRINT_STEPS) < 0)
		r = hn_oom(err);
	for (size_t i = 0; i < count; i++)
		hn_plan_free(leaving[i].plan);
	return r < 0 ? r : (int)best;
}

static void draw_progress(json_object *json)
{
	char bytes[HN_UNITS_TEXT_MAX], line[HN_UNITS_TEXT_MAX + 8];
	uint64_t memory;

	if (hn_json_get_u64(json, "memory_bytes", &memory, NULL) < 0)
		return;
	snprintf(line, sizeof(line), "%s left", hn_bytes_format(memory, bytes, sizeof(bytes)));
	hn_progress_draw(stdout, line);
}

/* Until the node is empty, or nothing more is done about what is left there. */
static enum hn_exit follow(const struct hn_invocation *invocation, const struct options *options)
{
	const struct timespec pause = {.tv_nsec = POLL_NS};
	bool drawn = invocation->tty && !invocation->json;
	struct hn_error err = {0};
	unsigned unsure = 0;

	for (;;) {
		HN_AUTO(json) json_object *json = NULL;
		bool empty = false;
		int r;

		if (hn_client_call(invocation->client, options->path, NULL, &json, &err) < 0 ||
		    (r = use_answer(invocation, json, LOOK_ONLY, &empty, &err)) < 0) {
			if (drawn)
				hn_progress_clear(stdout);
			return hn_report_error(&err);
		}
		if (drawn)
			draw_progress(json);
		unsure = r == UNSURE ? unsure + 1 : 0;
		if (r == GOES_ON || (r == UNSURE && unsure < UNSURE_POLLS)) {
			nanosleep(&pause, NULL);
			continue;
		}
		if (drawn)
			hn_progress_clear(stdout);
		if (invocation->json)
			hn_print_json(invocation, json);
		else if (use_answer(invocation, json, PRINT, &empty, &err) < 0)
			return hn_report_error(&err);
		return empty ? HN_EXIT_OK : HN_EXIT_NOT_HOME;
	}
}

static int parse_node(const struct hn_invocation *invocation, const char *verb, char *path, size_t size)
{
	const char *node = optind + 1 == invocation->argc ? invocation->argv[optind] : "";

	if (!*node || strspn(node, "0123456789") != strlen(node) || strlen(node) > 9) {
		fprintf(stderr, "homenode: %s takes one node's number; homenode host lists them\n", verb);
		return -1;
	}
	snprintf(path, size, "/v1/nodes/%s/%s", node, verb);
	return 0;
}

static int parse_options(const struct hn_invocation *invocation, struct options *options)
{
	static const struct option longs[] = {
		{"dry-run", no_argument, NULL, 'n'}, {"wait", no_argument, NULL, 'w'}, {0}};
	int option;

	optind = 0;
	while ((option = hn_option_next(invocation, "nw", longs)) != -1) {
		if (option == 'n')
			options->dry_run = true;
		else if (option == 'w')
			options->wait = true;
		else
			return -1;
	}
	if (options->dry_run && options->wait) {
		fprintf(stderr, "homenode: --dry-run and --wait both\n");
		return -1;
	}
	return parse_node(invocation, "drain", options->path, sizeof(options->path));
}

static enum hn_exit run_drain(const struct hn_invocation *invocation)
{
	struct options options = {0};
	HN_AUTO(json) json_object *json = NULL;
	struct hn_error err = {0};
	bool empty = false;

	if (parse_options(invocation, &options) < 0)
		return HN_EXIT_USAGE;
	if (hn_client_call(invocation->client, options.path, options.dry_run ? "{\"dry_run\": true}" : "{}",
			   &json, &err) < 0 ||
	    use_answer(invocation, json, options.dry_run ? PRINT_STEPS : PRINT, &empty, &err) < 0)
		return hn_report_error(&err);
	if (options.wait)
		return follow(invocation, &options);
	if (invocation->json)
		hn_print_json(invocation, json);
	return HN_EXIT_OK;
}

static enum hn_exit run_undrain(const struct hn_invocation *invocation)
{
	HN_AUTO(json) json_object *json = NULL;
	struct hn_error err = {0};
	char path[64];
	int node;

	optind = 1;
	if (parse_node(invocation, "undrain", path, sizeof(path)) < 0)
		return HN_EXIT_USAGE;
	if (hn_client_call(invocation->client, path, "{}", &json, &err) < 0 ||
	    hn_json_get_int(json, "node", &node, &err) < 0)
		return hn_report_error(&err);
	if (invocation->json)
		hn_print_json(invocation, json);
	else
		printf("guests may live on node %d again\n", node);
	return HN_EXIT_OK;
}

const struct hn_command hn_command_drain = {
	.name = "drain",
	.arguments = "[--dry-run | --wait] NODE",
	.summary = "bring all guests' memory and threads away from a node, and keep it empty",
	.options = "  -n, --dry-run   print what would leave, where to, at which price, and what would stay\n"
		   "  -w, --wait      wait until it is empty; exit code 5 when something stays\n",
	.run = run_drain,
};

const struct hn_command hn_command_undrain = {
	.name = "undrain",
	.arguments = "NODE",
	.summary = "let guests live on a node again",
	.options = "",
	.run = run_undrain,
};
