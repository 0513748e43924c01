/*
 * homenode history - a guest's past: how local it was, what was decided, what was moved and what came of it.
 */
#include <errno.h>
#include <inttypes.h>
#include <langinfo.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/fetch.h"
#include "cli/option.h"
#include "cli/spark.h"
#include "cli/table.h"
#include "cli/words.h"

#define SINCE_DEFAULT_NS (3600 * HN_NS_PER_S)
#define SINCE_MOST_NS (UINT64_C(36500) * 86400 * HN_NS_PER_S)

struct options {
	const char *guest;
	uint64_t since_ns;
	const char *kind; /* NULL: a line of samples, and decisions and moves together */
};

static int parse_since(const char *text, uint64_t *ret_ns, struct hn_error *err)
{
	int r = hn_duration_parse(text, ret_ns, err);

	if (r == 0 && *ret_ns < HN_NS_PER_S)
		return hn_fail(err, -EINVAL, "'%.40s' is less than a second", text);
	if (r == 0 && *ret_ns > SINCE_MOST_NS)
		return hn_fail(err, -EINVAL, "'%.40s' is more than 36500 days", text);
	return r;
}

static int parse_options(const struct hn_invocation *invocation, struct options *options)
{
	static const struct option longs[] = {
		{"since", required_argument, NULL, 's'}, {"kind", required_argument, NULL, 'k'}, {0}};
	enum hn_record_kind kind;
	struct hn_error err = {0};
	int option, r = 0;

	optind = 0;
	while ((option = hn_option_next(invocation, "s:k:", longs)) != -1) {
		if (option == 's' && (r = parse_since(optarg, &options->since_ns, &err)) < 0)
			hn_error_prefix(&err, "--since");
		else if (option == 'k' && (r = hn_record_kind_parse(optarg, &kind, &err)) < 0)
			hn_error_prefix(&err, "--kind");
		else if (option == 'k')
			options->kind = optarg;
		else if (option != 's')
			return -1;
		if (r < 0) {
			hn_report_error(&err);
			return -1;
		}
	}
	if (optind + 1 != invocation->argc) {
		fprintf(stderr, "homenode: history takes one guest; homenode guests lists them\n");
		return -1;
	}
	options->guest = invocation->argv[optind];
	return 0;
}

/* Local time: of today the time alone. */
static const char *say_time(uint64_t time_ns, char *buffer, size_t size)
{
	time_t when = (time_t)(time_ns / HN_NS_PER_S), now = time(NULL);
	struct tm local, today;

	localtime_r(&when, &local);
	localtime_r(&now, &today);
	strftime(buffer, size,
		 local.tm_yday == today.tm_yday && local.tm_year == today.tm_year ? "%H:%M:%S"
										  : "%Y-%m-%d %H:%M:%S",
		 &local);
	return buffer;
}

static void add_time(struct hn_table *table, const struct hn_record *record)
{
	char text[64];

	hn_table_row(table);
	hn_table_cell(table, HN_TONE_PLAIN, "%s", say_time(record->time_ns, text, sizeof(text)));
}

/* "0: 97 %  2: 3 %" */
static const char *say_memory(const struct hn_host *host, const struct hn_sample_record *sample, char *text,
			      size_t size)
{
	size_t used = 0;

	snprintf(text, size, "-");
	for (size_t node = 0; node < sample->node_count && node < host->node_count && used < size; node++)
		if (sample->memory_share[node] >= 0.005)
			used += (size_t)snprintf(text + used, size - used, "%s%d: %.0f %%", used ? "  " : "",
						 host->nodes[node].id, 100 * sample->memory_share[node]);
	return text;
}

static void add_sample(struct hn_table *table, const struct hn_host *host, const struct hn_record *record)
{
	const struct hn_sample_record *sample = &record->sample;
	char text[400];

	add_time(table, record);
	if (sample->locality_known) {
		hn_table_cell(table, hn_tone_of_share(sample->locality.value), "%.0f %%",
			      100 * sample->locality.value);
		hn_table_cell(table, HN_TONE_PLAIN, "%.0f-%.0f %%", 100 * sample->locality.low,
			      100 * sample->locality.high);
	} else {
		hn_table_cell(table, HN_TONE_FAINT, "-");
		hn_table_cell(table, HN_TONE_FAINT, "-");
	}
	hn_table_cell(table, HN_TONE_PLAIN, "%.0f %%", 100 * sample->busy);
	hn_table_cell(table, HN_TONE_PLAIN, "%u", sample->looks);
	hn_table_cell(table, HN_TONE_PLAIN, "%s", say_memory(host, sample, text, sizeof(text)));
}

/* "cell 0 on 0-1, cell 1 on 2"; a single cell needs no name */
static const char *say_home(const struct hn_decision_record *decision, char *text, size_t size)
{
	size_t used = 0;

	snprintf(text, size, "-");
	for (size_t i = 0; i < decision->cell_count && used < size; i++) {
		char nodes[HN_SET_TEXT_MAX];

		hn_set_format(&decision->home[i].nodes, nodes, sizeof(nodes));
		if (decision->cell_count > 1)
			used += (size_t)snprintf(text + used, size - used, "%scell %d on %s",
						 used ? ", " : "", decision->home[i].cell, nodes);
		else
			used += (size_t)snprintf(text + used, size - used, "%s", nodes);
	}
	return text;
}

static enum hn_tone tone_of_verdict(enum hn_verdict verdict)
{
	return verdict == HN_VERDICT_AT_HOME   ? HN_TONE_GOOD
	       : verdict == HN_VERDICT_ACT     ? HN_TONE_MIDDLING
	       : verdict == HN_VERDICT_BLOCKED ? HN_TONE_BAD
					       : HN_TONE_PLAIN;
}

static enum hn_tone tone_of_outcome(enum hn_operation_state outcome)
{
	return outcome == HN_OPERATION_DONE     ? HN_TONE_GOOD
	       : outcome == HN_OPERATION_FAILED ? HN_TONE_BAD
						: HN_TONE_MIDDLING;
}

static void add_decision(struct hn_table *table, const struct hn_host *host, const struct hn_record *record)
{
	const struct hn_decision_record *decision = &record->decision;
	char text[300];

	add_time(table, record);
	hn_table_cell(table, tone_of_verdict(decision->verdict), "%s", hn_verdict_name(decision->verdict));
	hn_table_cell(table, decision->home_changed ? HN_TONE_MIDDLING : HN_TONE_PLAIN, "%s%s",
		      say_home(decision, text, sizeof(text)), decision->home_changed ? " (new)" : "");
	hn_table_cell(table, HN_TONE_PLAIN, "%s", decision->reason);
}

/* "4.7 GiB of 4.9 GiB" */
static const char *say_moved(const struct hn_move_record *move, char *text, size_t size)
{
	char moved[HN_UNITS_TEXT_MAX], predicted[HN_UNITS_TEXT_MAX];

	snprintf(text, size, "%s of %s", hn_bytes_format(move->moved_bytes, moved, sizeof(moved)),
		 hn_bytes_format(move->predicted_bytes, predicted, sizeof(predicted)));
	return text;
}

static void add_move(struct hn_table *table, const struct hn_host *host, const struct hn_record *record)
{
	const struct hn_move_record *move = &record->move;
	char text[100];

	add_time(table, record);
	hn_table_cell(table, HN_TONE_PLAIN, "%" PRIu64, move->operation);
	hn_table_cell(table, tone_of_outcome(move->outcome), "%s", hn_operation_state_name(move->outcome));
	hn_table_cell(table, HN_TONE_PLAIN, "%s", say_moved(move, text, sizeof(text)));
	hn_table_cell(table, move->stayed_bytes ? HN_TONE_MIDDLING : HN_TONE_PLAIN, "%s",
		      hn_bytes_format(move->stayed_bytes, text, sizeof(text)));
	hn_table_cell(table, HN_TONE_PLAIN, "%s", hn_duration_format(move->elapsed_ns, text, sizeof(text)));
	hn_table_cell(table, HN_TONE_PLAIN, "%s", hn_duration_format(move->cpu_ns, text, sizeof(text)));
	hn_table_cell(table, HN_TONE_PLAIN, "%.3g s", move->price);
	if (move->predicted_gain > 0)
		hn_table_cell(table, HN_TONE_PLAIN, "%.2g %%", 100 * move->predicted_gain);
	else
		hn_table_cell(table, HN_TONE_FAINT, "-");
	hn_table_cell(table, HN_TONE_PLAIN, "%s", move->message);
}

/* Decisions and moves in one table. */
static void add_event(struct hn_table *table, const struct hn_host *host, const struct hn_record *record)
{
	char text[300];

	add_time(table, record);
	if (record->kind == HN_RECORD_DECISION) {
		const struct hn_decision_record *decision = &record->decision;

		hn_table_cell(table, tone_of_verdict(decision->verdict), "%s",
			      hn_verdict_name(decision->verdict));
		if (decision->home_changed)
			hn_table_cell(table, HN_TONE_PLAIN, "home is %s now: %s",
				      say_home(decision, text, sizeof(text)), decision->reason);
		else
			hn_table_cell(table, HN_TONE_PLAIN, "%s", decision->reason);
	} else {
		const struct hn_move_record *move = &record->move;

		hn_table_cell(table, tone_of_outcome(move->outcome), "move %s",
			      hn_operation_state_name(move->outcome));
		hn_table_cell(table, HN_TONE_PLAIN, "%s: %s", say_moved(move, text, sizeof(text)),
			      move->message);
	}
}

struct column {
	const char *title;
	bool right;
};

struct view {
	const char *kinds; /* as the API takes them */
	size_t count;
	struct column columns[10];
	void (*add)(struct hn_table *table, const struct hn_host *host, const struct hn_record *record);
};

static const struct view views[] = {
	{"samples",
	 6,
	 {{"TIME", false},
	  {"LOCAL", true},
	  {"BETWEEN", true},
	  {"BUSY", true},
	  {"LOOKS", true},
	  {"MEMORY", false}},
	 add_sample},
	{"decisions",
	 4,
	 {{"TIME", false}, {"VERDICT", false}, {"HOME", false}, {"REASON", false}},
	 add_decision},
	{"moves",
	 10,
	 {{"TIME", false},
	  {"ID", true},
	  {"OUTCOME", false},
	  {"MOVED", true},
	  {"STAYED", true},
	  {"TOOK", true},
	  {"CPU", true},
	  {"PRICE", true},
	  {"GAIN", true},
	  {"MESSAGE", false}},
	 add_move},
	{"decisions,moves", 3, {{"TIME", false}, {"WHAT", false}, {"WHY", false}}, add_event},
};

static const struct view *find_view(const char *kind)
{
	for (size_t i = 0; kind && i < HN_COUNT(views); i++)
		if (strcmp(views[i].kinds, kind) == 0)
			return &views[i];
	return &views[HN_COUNT(views) - 1];
}

static void say_more(const struct hn_history *history, const char *what)
{
	if (history->more)
		fprintf(stderr, "homenode: there are more than %zu %s; ask for a shorter time\n",
			history->count, what);
}

/* What is missing is said beside what is shown. */
static void say_gaps(const struct hn_history *history)
{
	if (history->problem[0])
		fprintf(stderr, "homenode: nothing new is kept for now: %s\n", history->problem);
	if (history->lost)
		fprintf(stderr, "homenode: %" PRIu64 " samples of this host's guests could not be kept\n",
			history->lost);
	say_more(history, "records");
}

static int print_view(const struct hn_invocation *invocation, const struct view *view,
		      const struct hn_history *history, const struct hn_host *host)
{
	struct hn_table *table = hn_table_new(invocation->colour);
	int r;

	for (size_t i = 0; i < view->count; i++)
		hn_table_column(table, view->columns[i].title, view->columns[i].right);
	for (size_t i = 0; i < history->count; i++)
		view->add(table, host, history->records[i]);
	r = history->count ? hn_table_print(table, 0, stdout) : 0;
	hn_table_free(table);
	return r;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * HN_NS_PER_S + (uint64_t)now.tv_nsec;
}

/* How far back the samples tell: as far as was asked, unless there are more than the API gives at once. */
static uint64_t told_span(const struct hn_history *samples, const struct options *options, uint64_t now)
{
	uint64_t oldest = samples->more && samples->count ? samples->records[samples->count - 1]->time_ns : 0;

	return oldest && oldest < now && now - oldest < options->since_ns ? now - oldest : options->since_ns;
}

/* The course of its locality, and where that stands now. */
static void print_course(const struct hn_history *samples, const struct options *options)
{
	uint64_t now = now_ns(), span = told_span(samples, options, now);
	struct hn_spark spark;
	const struct hn_sample_record *last = NULL;
	char line[HN_SPARK_TEXT_MAX], since[HN_UNITS_TEXT_MAX], share[64];
	double least = 1;

	hn_spark_init(&spark, now > span ? now - span : 0, now);
	for (size_t i = 0; i < samples->count; i++) {
		const struct hn_sample_record *sample = &samples->records[i]->sample;

		if (!sample->locality_known)
			continue;
		last = last ? last : sample;
		least = sample->locality.value < least ? sample->locality.value : least;
		hn_spark_add(&spark, samples->records[i]->time_ns, sample->locality.value, sample->looks);
	}
	hn_duration_format(span, since, sizeof(since));
	if (!last) {
		printf("LOCAL  nothing known in the last %s\n", since);
		return;
	}
	printf("LOCAL  |%s|  %s, at least %.0f %% in the last %s\n",
	       hn_spark_format(&spark, strcmp(nl_langinfo(CODESET), "UTF-8") == 0, line, sizeof(line)),
	       hn_say_share(&last->locality, share, sizeof(share)), 100 * least, since);
}

static int show(const struct hn_invocation *invocation, const struct options *options, struct hn_error *err)
{
	HN_AUTO(hn_history) struct hn_history *history = NULL, *samples = NULL;
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	const struct view *view = find_view(options->kind);
	const struct hn_history *course;
	bool decisions = options->kind && strcmp(options->kind, "decisions") == 0;
	int r;

	if ((r = hn_fetch_host(invocation->client, &host, err)) < 0 ||
	    (r = hn_fetch_history(invocation->client, options->guest, view->kinds, options->since_ns,
				  &history, err)) < 0 ||
	    (r = options->kind ? 0
			       : hn_fetch_history(invocation->client, options->guest, "samples",
						  options->since_ns, &samples, err)) < 0)
		return r;
	course = samples ? samples : view->add == add_sample ? history : NULL;
	if (course)
		print_course(course, options);
	if (history->count == 0 && view->add != add_sample)
		printf("%s\n", !options->kind ? "Nothing was decided or moved."
			       : decisions    ? "Nothing was decided."
					      : "Nothing was moved.");
	if (print_view(invocation, view, history, host) < 0)
		return hn_oom(err);
	say_gaps(history);
	if (samples)
		say_more(samples, "samples");
	return 0;
}

/* What the API says, every cell's samples included. */
static int show_json(const struct hn_invocation *invocation, const struct options *options,
		     struct hn_error *err)
{
	__attribute__((cleanup(hn_cleanup_memory))) char *path = NULL;
	HN_AUTO(json) json_object *json = NULL;
	char tail[160];
	int r;

	snprintf(tail, sizeof(tail), "/history?since=%" PRIu64 "&kind=%s&limit=5000",
		 options->since_ns / HN_NS_PER_S, options->kind ? options->kind : "samples,decisions,moves");
	if (!(path = hn_client_guest_path(invocation->client, options->guest, tail)))
		return hn_oom(err);
	r = hn_client_call(invocation->client, path, NULL, &json, err);
	if (r == 0)
		hn_print_json(invocation, json);
	return r;
}

static enum hn_exit run_history(const struct hn_invocation *invocation)
{
	struct options options = {.since_ns = SINCE_DEFAULT_NS};
	struct hn_error err = {0};

	if (parse_options(invocation, &options) < 0)
		return HN_EXIT_USAGE;
	if ((invocation->json ? show_json(invocation, &options, &err) : show(invocation, &options, &err)) < 0)
		return hn_report_error(&err);
	return HN_EXIT_OK;
}

const struct hn_command hn_command_history = {
	.name = "history",
	.arguments = "[--since TIME] [--kind KIND] GUEST",
	.summary = "one guest's past: its locality over time, what was decided, what was moved",
	.options = "  -s, --since TIME   how far back, such as 10m, 6h or 30d (default 1h)\n"
		   "  -k, --kind KIND    samples, decisions or moves, with all that is known of each\n",
	.run = run_history,
};
