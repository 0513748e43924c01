#include "cli/follow.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#include "base/json.h"
#include "base/units.h"
#include "cli/fetch.h"
#include "cli/words.h"
#include "model/codec.h"

#define POLL_NS 250000000L

static void print_progress(const struct hn_operation *operation, bool tty)
{
	char bar[64], moved[HN_UNITS_TEXT_MAX], all[HN_UNITS_TEXT_MAX], left[HN_UNITS_TEXT_MAX + 8];
	double share = operation->to_move_bytes
			       ? (double)operation->moved_bytes / (double)operation->to_move_bytes
			       : 0;

	if (!tty)
		return;
	printf("\r\033[K%s %3.0f %%  %s of %s  %.120s", hn_say_bar(share, 30, bar, sizeof(bar)),
	       100 * fmin(1, share), hn_bytes_format(operation->moved_bytes, moved, sizeof(moved)),
	       hn_bytes_format(operation->to_move_bytes, all, sizeof(all)),
	       operation->message[0] ? operation->message : hn_say_left(operation, left, sizeof(left)));
	fflush(stdout);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * HN_NS_PER_S + (uint64_t)now.tv_nsec;
}

static enum hn_exit tell_end(const struct hn_invocation *invocation, json_object *asked,
			     const struct hn_operation *operation)
{
	if (invocation->json) {
		hn_json_add(asked, "ended", hn_operation_encode(operation));
		hn_print_json(invocation, asked);
	} else {
		printf("%s%s: %s\n", invocation->tty ? "\r\033[K" : "",
		       hn_operation_state_name(operation->state), operation->message);
	}
	return operation->state == HN_OPERATION_DONE ? HN_EXIT_OK : HN_EXIT_NOT_HOME;
}

enum hn_exit hn_follow(const struct hn_invocation *invocation, const char *guest, uint64_t id,
		       uint64_t limit_ns, json_object *asked)
{
	const struct timespec pause = {.tv_nsec = POLL_NS};
	uint64_t began = now_ns();
	struct hn_error err = {0};

	for (;;) {
		HN_AUTO(hn_report) struct hn_report *report = NULL;
		const struct hn_operation *operation;

		if (hn_fetch_guest(invocation->client, guest, &report, &err) < 0)
			return hn_report_error(&err);
		operation = &report->operation;
		if (operation->id != id || operation->state != HN_OPERATION_RUNNING ||
		    now_ns() - began >= limit_ns)
			return tell_end(invocation, asked, operation);
		print_progress(operation, invocation->tty && !invocation->json);
		nanosleep(&pause, NULL);
	}
}
