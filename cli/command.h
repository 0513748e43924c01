#pragma once
/*
 * command - what every subcommand of homenode gets and gives back. The table of them is in main.c.
 */
#include <stdbool.h>

#include "base/error.h"
#include "cli/client.h"

/* Exit codes, as documented in homenode(1). */
enum hn_exit {
	HN_EXIT_OK = 0,
	HN_EXIT_FAILED = 1, /* refused, or it went wrong: the sentence says why */
	HN_EXIT_USAGE = 2,
	HN_EXIT_UNREACHABLE = 3,  /* homenoded does not answer; check: it could not be asked */
	HN_EXIT_NOT_FOUND = 4,    /* no such guest or node */
	HN_EXIT_NOT_HOME = 5,     /* rebalance ended, or watch timed out, and the guest is not at home; drain:
				     something stays */
	HN_EXIT_NO_FIT = 6,       /* fit, xml: there is no place for the guest */
	HN_EXIT_CHECK_WARNED = 1, /* check: the worst found is a warning */
	HN_EXIT_CHECK_FAILED = 2, /* check: the worst found is a failure */
};

struct hn_invocation {
	struct hn_client *client;
	bool json;   /* print what the API said, as JSON */
	bool colour; /* stdout may be coloured */
	bool tty;    /* stdout is a terminal */
	int argc;    /* the subcommand's own, argv[0] is its name */
	char **argv;
};

struct hn_command {
	const char *name;
	const char *arguments; /* "GUEST [--dry-run]" */
	const char *summary;   /* one line */
	const char *options;   /* lines of help on its own options, "" none */
	enum hn_exit (*run)(const struct hn_invocation *invocation);
};

extern const struct hn_command hn_command_host, hn_command_guests, hn_command_show, hn_command_rebalance,
	hn_command_watch, hn_command_top, hn_command_explain, hn_command_history, hn_command_fit,
	hn_command_replay, hn_command_simulate, hn_command_xml, hn_command_set, hn_command_check,
	hn_command_events, hn_command_window, hn_command_topology, hn_command_pause, hn_command_resume,
	hn_command_cancel, hn_command_drain, hn_command_undrain;

/* Prints "homenode: SENTENCE" and returns the exit code that goes with err. */
enum hn_exit hn_report_error(const struct hn_error *err);

/* Prints a document as --json does: indented on a terminal, one line elsewhere. */
void hn_print_json(const struct hn_invocation *invocation, json_object *json);
