#include "cli/follow.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "base/json.h"
#include "base/units.h"
#include "cli/fetch.h"
#include "cli/progress.h"
#include "cli/words.h"
#include "model/codec.h"

#define POLL_NS 250000000L

static void draw_progress(const struct hn_operation *operation)
{
	char bar[64], moved[HN_UNITS_TEXT_MAX], all[HN_UNITS_TEXT_MAX], left[HN_UNITS_TEXT_MAX + 8];
	char line[HN_REASON_MAX + 128];
	double share = operation->to_move_bytes
			       ? (double)operation->moved_bytes / (double)operation->to_move_bytes
			       : 0;

	snprintf(line, sizeof(line), "%s %3.0f %%  %s of %s  %s", hn_say_bar(share, 30, bar, sizeof(bar)),
		 100 * fmin(1, share), hn_bytes_format(operation->moved_bytes, moved, sizeof(moved)),
		 hn_bytes_format(operation->to_move_bytes, all, sizeof(all)),
		 operation->message[0] ? operation->message : hn_say_left(operation, left, sizeof(left)));
	hn_progress_draw(stdout, line);
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
		printf("%s: %s\n", hn_operation_state_name(operation->state), operation->message);
	}
	return operation->state == HN_OPERATION_DONE ? HN_EXIT_OK : HN_EXIT_NOT_HOME;
}

/* The guest tells of its last operation only: another has begun between two looks, or homenoded anew. How
 * the one that was followed did is not known here, so neither "done" nor "not at home" would be true. */
static enum hn_exit tell_lost(const struct hn_invocation *invocation, json_object *asked, const char *guest,
			      uint64_t id)
{
	struct hn_error err = {0};

	if (invocation->json)
		hn_print_json(invocation, asked);
	hn_fail(&err, -ESTALE,
		"operation %" PRIu64
		" of '%s' has ended and is no longer told of; what came of it: homenode history %s",
		id, guest, guest);
	return hn_report_error(&err);
}

enum hn_exit hn_follow(const struct hn_invocation *invocation, const char *guest, uint64_t id,
		       uint64_t limit_ns, json_object *asked)
{
	const struct timespec pause = {.tv_nsec = POLL_NS};
	bool drawn = invocation->tty && !invocation->json;
	uint64_t began = now_ns();
	struct hn_error err = {0};

	for (;;) {
		HN_AUTO(hn_report) struct hn_report *report = NULL;
		int r = hn_fetch_guest(invocation->client, guest, &report, &err);
		bool running = r == 0 && report->operation.id == id &&
			       report->operation.state == HN_OPERATION_RUNNING && now_ns() - began < limit_ns;

		if (drawn && !running)
			hn_progress_clear(stdout);
		if (r < 0)
			return hn_report_error(&err);
		if (report->operation.id != id)
			return tell_lost(invocation, asked, guest, id);
		if (!running)
			return tell_end(invocation, asked, &report->operation);
		if (drawn)
			draw_progress(&report->operation);
		nanosleep(&pause, NULL);
	}
}
