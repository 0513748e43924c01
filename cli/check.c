/*
 * homenode check - what this host is like for homenode and its guests, or for one of them, why it matters,
 * and what mends it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/command.h"
#include "cli/table.h"
#include "model/codec.h"

/* Which checks to show, and of whom. */
struct choice {
	const char *guest; /* NULL: of the host */
	bool surely;       /* a guest: it was said to be one */
	bool all, wanted[HN_CHECK_COUNT];
};

static enum hn_tone tone_of(enum hn_finding_verdict verdict)
{
	static const enum hn_tone tones[HN_FINDING_VERDICT_COUNT] = {
		[HN_FINDING_OK] = HN_TONE_GOOD,          [HN_FINDING_NOTE] = HN_TONE_PLAIN,
		[HN_FINDING_WARNING] = HN_TONE_MIDDLING, [HN_FINDING_FAIL] = HN_TONE_BAD,
		[HN_FINDING_UNKNOWN] = HN_TONE_FAINT,
	};

	return tones[verdict];
}

/* Each check with what it looks at and why, in Markdown: the table of docs/checks.md. */
static void print_list(void)
{
	for (unsigned i = 0; i < HN_CHECK_COUNT; i++) {
		if (i == 0 || i == HN_CHECK_OF_GUEST)
			printf("%s| check | looks at | why it matters |\n|---|---|---|\n",
			       i ? "\nOf a guest:\n\n" : "");
		printf("| `%s` | %s | %s |\n", hn_check_name((enum hn_check)i),
		       hn_check_subject((enum hn_check)i), hn_check_why((enum hn_check)i));
	}
}

static bool is_shown(const struct choice *choice, const struct hn_finding *finding)
{
	return choice->all || choice->wanted[finding->check];
}

/* Behind the table: of all that is not well, why it matters and what mends it. */
static void print_remedies(const struct hn_checkup *checkup, const struct choice *choice, bool colour)
{
	for (size_t i = 0; i < checkup->count; i++) {
		const struct hn_finding *finding = &checkup->findings[i];

		if (!is_shown(choice, finding) || finding->verdict == HN_FINDING_OK)
			continue;
		printf("\n%s%s%s: %s\n", hn_tone_code(colour, tone_of(finding->verdict)),
		       hn_check_name(finding->check), hn_tone_code(colour, HN_TONE_PLAIN),
		       hn_check_why(finding->check));
		if (finding->remedy[0])
			printf("    %s\n", finding->remedy);
	}
}

static int print_checkup(const struct hn_checkup *checkup, const struct choice *choice, bool colour)
{
	struct hn_table *table = hn_table_new(colour);
	int r;

	hn_table_column(table, "CHECK", false);
	hn_table_column(table, "VERDICT", false);
	hn_table_column(table, "FOUND", false);
	for (size_t i = 0; i < checkup->count; i++) {
		const struct hn_finding *finding = &checkup->findings[i];

		if (!is_shown(choice, finding))
			continue;
		hn_table_row(table);
		hn_table_cell(table, HN_TONE_PLAIN, "%s", hn_check_name(finding->check));
		hn_table_cell(table, tone_of(finding->verdict), "%s",
			      hn_finding_verdict_name(finding->verdict));
		hn_table_cell(table, HN_TONE_PLAIN, "%s", finding->found);
	}
	r = hn_table_print(table, 0, stdout);
	hn_table_free(table);
	if (r == 0)
		print_remedies(checkup, choice, colour);
	return r;
}

/* Takes the findings that were not asked for out. */
static void keep_chosen(struct hn_checkup *checkup, const struct choice *choice)
{
	size_t kept = 0;

	for (size_t i = 0; i < checkup->count; i++)
		if (is_shown(choice, &checkup->findings[i]))
			checkup->findings[kept++] = checkup->findings[i];
	checkup->count = kept;
}

static enum hn_exit exit_code(const struct hn_checkup *checkup)
{
	enum hn_exit code = HN_EXIT_OK;

	for (size_t i = 0; i < checkup->count; i++) {
		if (checkup->findings[i].verdict == HN_FINDING_FAIL)
			return HN_EXIT_CHECK_FAILED;
		if (checkup->findings[i].verdict == HN_FINDING_WARNING)
			code = HN_EXIT_CHECK_WARNED;
	}
	return code;
}

/* The first that is no check is a guest. */
static int parse_names(const struct hn_invocation *invocation, struct choice *choice)
{
	struct hn_error err = {0};

	choice->all = true;
	for (int i = 1; i < invocation->argc; i++) {
		enum hn_check check = HN_CHECK_COUNT;

		if (strcmp(invocation->argv[i], "--guest") == 0 && i + 1 < invocation->argc) {
			choice->guest = invocation->argv[++i];
			choice->surely = true;
			continue;
		}
		if (invocation->argv[i][0] == '-') {
			fprintf(stderr,
				"homenode: check takes a guest or names of checks, not '%s'; see homenode "
				"check "
				"--help\n",
				invocation->argv[i]);
			return -1;
		}
		if (hn_check_parse(invocation->argv[i], &check, &err) == 0) {
			choice->wanted[check] = true;
			choice->all = false;
		} else if (!choice->guest) {
			choice->guest = invocation->argv[i];
		} else {
			hn_report_error(&err);
			return -1;
		}
	}
	return 0;
}

/* A name of a check that is not looked at here would show nothing. */
static int check_names(const struct choice *choice)
{
	for (unsigned i = 0; i < HN_CHECK_COUNT; i++) {
		if (!choice->wanted[i] || hn_check_is_of_guest((enum hn_check)i) == (choice->guest != NULL))
			continue;
		fprintf(stderr, "homenode: %s is looked at for %s; see homenode check --help\n",
			hn_check_name((enum hn_check)i),
			choice->guest ? "the host, not a guest" : "a guest: name one");
		return -1;
	}
	return 0;
}

static int ask(const struct hn_invocation *invocation, const struct choice *choice, json_object **ret,
	       struct hn_error *err)
{
	__attribute__((cleanup(hn_cleanup_memory))) char *path = NULL;
	int r;

	if (!choice->guest)
		return hn_client_call(invocation->client, "/v1/checks", NULL, ret, err);
	path = hn_client_guest_path(invocation->client, choice->guest, "/checks");
	r = path ? hn_client_call(invocation->client, path, NULL, ret, err) : hn_oom(err);
	if (r == -ENOENT && !choice->surely)
		r = hn_fail(err, -ENOENT,
			    "'%s' is neither a check nor a guest: homenode check --list tells which checks "
			    "there are",
			    choice->guest);
	return r;
}

/* 1 and 2 tell what was found: nothing else may look like that. */
static enum hn_exit report_unasked(const struct hn_error *err)
{
	enum hn_exit code = hn_report_error(err);

	return code == HN_EXIT_FAILED ? HN_EXIT_UNREACHABLE : code;
}

static enum hn_exit run_check(const struct hn_invocation *invocation)
{
	HN_AUTO(json) json_object *json = NULL, *shown = NULL;
	struct hn_checkup checkup;
	struct choice choice = {0};
	struct hn_error err = {0};
	int r;

	if (invocation->argc == 2 && strcmp(invocation->argv[1], "--list") == 0) {
		print_list();
		return HN_EXIT_OK;
	}
	if (parse_names(invocation, &choice) < 0 || check_names(&choice) < 0)
		return HN_EXIT_USAGE;
	r = ask(invocation, &choice, &json, &err);
	if (r < 0)
		return report_unasked(&err);
	if (hn_checkup_decode(json, &checkup, &err) < 0) {
		hn_error_prefix(&err, "homenoded's answer is not understood (is it of another version?)");
		return report_unasked(&err);
	}
	keep_chosen(&checkup, &choice);
	if (invocation->json && (shown = hn_checkup_encode(&checkup)))
		hn_print_json(invocation, shown);
	else if (invocation->json || print_checkup(&checkup, &choice, invocation->colour) < 0)
		hn_oom(&err);
	return err.code ? report_unasked(&err) : exit_code(&checkup);
}

const struct hn_command hn_command_check = {
	.name = "check",
	.arguments = "[[--guest] GUEST] [NAME]...",
	.summary = "is this host, or a guest on it, set up well: what was found, why, what mends it",
	.options = "  --list         the checks there are, what each looks at and why it matters\n"
		   "  --guest GUEST  a guest, should it be called like a check\n"
		   "Exit codes: 0 all is well, or notes only; 1 a warning; 2 a failure, or wrong usage; 3 it "
		   "could "
		   "not be asked;\n4 no such guest.\n",
	.run = run_check,
};
