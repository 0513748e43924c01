/*
 * homenode watch - the guests, or one of them, redrawn as they change.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/units.h"
#include "cli/command.h"
#include "cli/fetch.h"
#include "cli/guests.h"
#include "cli/option.h"
#include "cli/show.h"

struct options {
	const char *guest; /* NULL: all */
	uint64_t interval_ns;
	uint64_t timeout_ns; /* 0: none */
	bool until_home;
};

static int parse_options(const struct hn_invocation *invocation, struct options *options)
{
	static const struct option longs[] = {{"interval", required_argument, NULL, 'i'},
					      {"timeout", required_argument, NULL, 't'},
					      {"until-home", no_argument, NULL, 'u'},
					      {0}};
	struct hn_error err = {0};
	int option, r = 0;

	optind = 0;
	while ((option = hn_option_next(invocation, "i:t:u", longs)) != -1) {
		if (option == 'i')
			r = hn_duration_parse(optarg, &options->interval_ns, &err);
		else if (option == 't')
			r = hn_duration_parse(optarg, &options->timeout_ns, &err);
		else if (option == 'u')
			options->until_home = true;
		else
			return -1;
		if (r < 0) {
			hn_report_error(&err);
			return -1;
		}
	}
	options->guest = invocation->argv[optind];
	if (optind + 1 < invocation->argc || (options->until_home && !options->guest)) {
		fprintf(stderr, "homenode: watch takes one guest at most, and --until-home needs one\n");
		return -1;
	}
	if (options->interval_ns < HN_NS_PER_S / 10)
		options->interval_ns = HN_NS_PER_S / 10;
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * HN_NS_PER_S + (uint64_t)now.tv_nsec;
}

/* A frame goes out in one piece, so that a slow terminal does not show half of one. */
static void begin_frame(bool tty)
{
	char clock[16];
	time_t now = time(NULL);
	struct tm local;

	strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&now, &local));
	printf("%s%s\n", tty ? "\033[H\033[J" : "\n", clock);
}

static bool is_home(const struct hn_report *report)
{
	return report->plan && report->plan->verdict == HN_VERDICT_AT_HOME &&
	       report->operation.state != HN_OPERATION_RUNNING;
}

static int draw_guest(const struct hn_invocation *invocation, const char *name, bool *ret_home,
		      struct hn_error *err)
{
	HN_AUTO(hn_report) struct hn_report *report = NULL;
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	int r;

	if ((r = hn_fetch_host(invocation->client, &host, err)) < 0 ||
	    (r = hn_fetch_guest(invocation->client, name, &report, err)) < 0)
		return r;
	begin_frame(invocation->tty);
	*ret_home = is_home(report);
	return hn_print_guest(host, report, invocation->colour) < 0 ? hn_oom(err) : 0;
}

static int draw_guests(const struct hn_invocation *invocation, struct hn_error *err)
{
	struct hn_report_list list;
	int r = hn_fetch_guests(invocation->client, &list, err);

	if (r < 0)
		return r;
	begin_frame(invocation->tty);
	r = hn_print_guests(&list, invocation->colour);
	hn_report_list_done(&list);
	return r < 0 ? hn_oom(err) : 0;
}

static enum hn_exit run_watch(const struct hn_invocation *invocation)
{
	struct options options = {.interval_ns = HN_NS_PER_S};
	uint64_t started = now_ns();
	struct hn_error err = {0};

	if (parse_options(invocation, &options) < 0)
		return HN_EXIT_USAGE;
	if (invocation->json) {
		fprintf(stderr,
			"homenode: watch draws for people; for programs, poll homenode --json guests\n");
		return HN_EXIT_USAGE;
	}
	for (;;) {
		struct timespec pause = {.tv_sec = (time_t)(options.interval_ns / HN_NS_PER_S),
					 .tv_nsec = (long)(options.interval_ns % HN_NS_PER_S)};
		bool home = false;
		int r = options.guest ? draw_guest(invocation, options.guest, &home, &err)
				      : draw_guests(invocation, &err);

		if (r < 0)
			return hn_report_error(&err);
		fflush(stdout);
		if (options.until_home && home)
			return HN_EXIT_OK;
		if (options.timeout_ns && now_ns() - started >= options.timeout_ns)
			return options.until_home ? HN_EXIT_NOT_HOME : HN_EXIT_OK;
		nanosleep(&pause, NULL);
	}
}

const struct hn_command hn_command_watch = {
	.name = "watch",
	.arguments = "[--interval TIME] [--timeout TIME] [--until-home] [GUEST]",
	.summary = "the guests, or one of them, redrawn as they change",
	.options = "  -i, --interval TIME   between two frames (default 1s)\n"
		   "  -t, --timeout TIME    end after that long\n"
		   "  -u, --until-home      end as soon as the guest is at home\n",
	.run = run_watch,
};
