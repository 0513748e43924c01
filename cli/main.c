/*
 * homenode - the operator's command. Subcommands are one file each, behind one table.
 */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "cli/command.h"

static const struct hn_command *const commands[] = {
	&hn_command_host,     &hn_command_guests,   &hn_command_show,    &hn_command_rebalance,
	&hn_command_watch,    &hn_command_top,      &hn_command_explain, &hn_command_history,
	&hn_command_fit,      &hn_command_xml,      &hn_command_set,     &hn_command_window,
	&hn_command_replay,   &hn_command_simulate, &hn_command_check,   &hn_command_events,
	&hn_command_topology, &hn_command_pause,    &hn_command_resume,  &hn_command_cancel,
	&hn_command_drain,    &hn_command_undrain,
};

struct options {
	const char *socket;
	const char *colour; /* "auto", "always", "never" */
	bool json;
};

enum hn_exit hn_report_error(const struct hn_error *err)
{
	fprintf(stderr, "homenode: %s\n", err->message);
	switch (err->code) {
	case -ECONNREFUSED:
		return HN_EXIT_UNREACHABLE;
	case -ENOENT:
		return HN_EXIT_NOT_FOUND;
	default:
		return HN_EXIT_FAILED;
	}
}

void hn_print_json(const struct hn_invocation *invocation, json_object *json)
{
	puts(json_object_to_json_string_ext(
		json, JSON_C_TO_STRING_NOSLASHESCAPE |
			      (invocation->tty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED
					       : JSON_C_TO_STRING_PLAIN)));
}

static void print_help(FILE *out)
{
	fputs("Usage: homenode [OPTION]... COMMAND [ARGUMENT]...\n"
	      "Shows and steers where this host's guests run and where their memory lies.\n\n",
	      out);
	for (size_t i = 0; i < HN_COUNT(commands); i++)
		fprintf(out, "  %-12s%s\n", commands[i]->name, commands[i]->summary);
	fputs("\n"
	      "  -s, --socket PATH    homenoded's socket (default $HOMENODE_SOCKET or "
	      "/run/homenode/homenode.sock)\n"
	      "  -j, --json           print JSON\n"
	      "      --color WHEN     auto (on a terminal), always or never; NO_COLOR is heeded\n"
	      "  -h, --help           this text; homenode COMMAND --help tells of one command\n"
	      "  -V, --version        the version\n"
	      "\n"
	      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 homenoded cannot be reached, 4 no such guest "
	      "or node,\n"
	      "5 the guest is not at home, 6 it does not fit.  See homenode(1).\n",
	      out);
}

static void print_command_help(const struct hn_command *command)
{
	printf("Usage: homenode %s %s\n%c%s.\n", command->name, command->arguments,
	       command->summary[0] >= 'a' ? command->summary[0] - 'a' + 'A' : command->summary[0],
	       command->summary + 1);
	if (command->options[0])
		printf("\n%s", command->options);
}

/* "--name VALUE" or "--name=VALUE": the value, and *index on what was taken. NULL when argv[*index] is
 * neither. */
static const char *option_value(char **argv, int argc, int *index, const char *short_name,
				const char *long_name)
{
	size_t length = strlen(long_name);
	const char *argument = argv[*index];

	if (strncmp(argument, long_name, length) == 0 && argument[length] == '=')
		return argument + length + 1;
	if ((strcmp(argument, long_name) == 0 || (short_name && strcmp(argument, short_name) == 0)) &&
	    *index + 1 < argc)
		return argv[++*index];
	return NULL;
}

/* The options before the command; its index in argv, or -1 - exit code. */
static int parse_options(int argc, char **argv, struct options *options)
{
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		const char *value;

		if (strcmp(argv[i], "-j") == 0 || strcmp(argv[i], "--json") == 0) {
			options->json = true;
		} else if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0) {
			print_help(stdout);
			return -1 - HN_EXIT_OK;
		} else if (strcmp(argv[i], "-V") == 0 || strcmp(argv[i], "--version") == 0) {
			puts("homenode " HOMENODE_VERSION);
			return -1 - HN_EXIT_OK;
		} else if ((value = option_value(argv, argc, &i, "-s", "--socket"))) {
			options->socket = value;
		} else if ((value = option_value(argv, argc, &i, NULL, "--color"))) {
			options->colour = value;
		} else {
			fprintf(stderr,
				"homenode: unknown option or missing value: %s; see homenode --help\n",
				argv[i]);
			return -1 - HN_EXIT_USAGE;
		}
	}
	return i;
}

static int want_colour(const struct options *options, bool tty, bool *ret)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (strcmp(options->colour, "always") == 0)
		*ret = true;
	else if (strcmp(options->colour, "never") == 0)
		*ret = false;
	else if (strcmp(options->colour, "auto") == 0)
		*ret = tty && !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0);
	else
		return -1;
	return 0;
}

static enum hn_exit run_command(const struct hn_command *command, const struct options *options, int argc,
				char **argv)
{
	struct hn_invocation invocation = {
		.json = options->json, .tty = isatty(STDOUT_FILENO), .argc = argc, .argv = argv};
	struct hn_error err = {0};
	enum hn_exit code;

	/* --json and --help are also understood behind the command */
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			print_command_help(command);
			return HN_EXIT_OK;
		}
		if (strcmp(argv[i], "--json") == 0 || strcmp(argv[i], "-j") == 0) {
			invocation.json = true;
			memmove(&argv[i], &argv[i + 1], (size_t)(argc - i) * sizeof(*argv));
			invocation.argc = --argc;
			i--;
		}
	}
	if (want_colour(options, invocation.tty, &invocation.colour) < 0) {
		fprintf(stderr, "homenode: --color takes auto, always or never, not '%s'\n", options->colour);
		return HN_EXIT_USAGE;
	}
	if (hn_client_new(options->socket, &invocation.client, &err) < 0)
		return hn_report_error(&err);
	code = command->run(&invocation);
	hn_client_free(invocation.client);
	return code;
}

static int run(int argc, char **argv)
{
	struct options options = {.colour = "auto"};
	int at = parse_options(argc, argv, &options);

	if (at < 0)
		return -1 - at;
	if (at == argc) {
		print_help(stderr);
		return HN_EXIT_USAGE;
	}
	for (size_t i = 0; i < HN_COUNT(commands); i++)
		if (strcmp(commands[i]->name, argv[at]) == 0)
			return run_command(commands[i], &options, argc - at, argv + at);
	fprintf(stderr, "homenode: unknown command '%s'; see homenode --help\n", argv[at]);
	return HN_EXIT_USAGE;
}

/* What could not be written, to a full disk for one, has not been done. */
static int finish_output(int code)
{
	int r = fflush(stdout);

	if (r == 0 && !ferror(stdout))
		return code;
	fprintf(stderr, "homenode: cannot write the output%s%s\n", r ? ": " : "", r ? strerror(errno) : "");
	return code == HN_EXIT_OK ? HN_EXIT_FAILED : code;
}

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "");
	return finish_output(run(argc, argv));
}
