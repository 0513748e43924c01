/*
 * Disks that are full or read-only: the store runs on, says so once, holds what it can, and goes on when the
 * disk does. With a small tmpfs as root; else with a limit on the size of files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "scene.h"
#include "store/store.h"

static bool can_mount; /* in a mount namespace of our own */

struct stage {
	struct scene scene;
	struct event_base *base;
	struct hn_store *store;
	char said[4000];
	unsigned answers;
	int code;
	struct hn_history *history;
};

static void on_said(enum hn_log_level level, const char *sentence, void *context)
{
	struct stage *stage = context;
	size_t used = strlen(stage->said);

	snprintf(stage->said + used, sizeof(stage->said) - used, "%s: %s\n", hn_log_level_name(level),
		 sentence);
}

static void on_answer(void *history, const struct hn_error *err, void *context)
{
	struct stage *stage = context;

	hn_history_free(stage->history);
	stage->history = history;
	stage->code = err ? err->code : 0;
	stage->answers++;
}

static void await_answer(struct stage *stage, unsigned before)
{
	time_t end = time(NULL) + 30;

	while (stage->answers == before && time(NULL) < end)
		event_base_loop(stage->base, EVLOOP_ONCE);
	assert_int_equal(stage->answers, before + 1);
}

static void flush(struct stage *stage)
{
	unsigned before = stage->answers;
	struct hn_error err = {0};

	assert_int_equal(hn_store_flush(stage->store, on_answer, stage, &err), 0);
	await_answer(stage, before);
}

static void ask(struct stage *stage, enum hn_record_kind kind)
{
	struct hn_question question = scene_question();
	unsigned before = stage->answers;
	struct hn_error err = {0};

	memset(question.kinds, 0, sizeof(question.kinds));
	question.kinds[kind] = true;
	assert_int_equal(hn_store_ask(stage->store, &question, NULL, on_answer, stage, &err), 0);
	await_answer(stage, before);
}

/* Until what is added is on disk again. */
static void await_recovery(struct stage *stage)
{
	for (int i = 0; i < 100 && !strstr(stage->said, "written again"); i++) {
		usleep(100000);
		flush(stage);
	}
	assert_non_null(strstr(stage->said, "history is written again"));
}

static unsigned count_lines(const char *text)
{
	unsigned count = 0;

	for (; (text = strchr(text, '\n')); text++)
		count++;
	return count;
}

/* Until it has said so many sentences by itself. */
static void await_lines(struct stage *stage, unsigned lines)
{
	for (int i = 0; i < 200 && count_lines(stage->said) < lines; i++) {
		event_base_loop(stage->base, EVLOOP_NONBLOCK);
		usleep(100000);
	}
	assert_int_equal(count_lines(stage->said), lines);
}

static int set_up(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));
	const struct hn_store_listener listener = {on_said, stage};
	struct hn_error err = {0};

	scene_make(&stage->scene);
	if (can_mount && mount("tmpfs", stage->scene.folder, "tmpfs", 0, "size=1m") < 0)
		can_mount = false;
	stage->base = event_base_new();
	*state = stage;
	return hn_store_new(stage->base, stage->scene.path, 256 << 20, &listener, &stage->store, &err);
}

static int tear_down(void **state)
{
	struct stage *stage = *state;

	hn_store_free(stage->store);
	hn_history_free(stage->history);
	event_base_free(stage->base);
	if (can_mount)
		umount(stage->scene.folder);
	scene_remove(&stage->scene);
	free(stage);
	return 0;
}

/* Writes moves until they do not reach the disk; how many were acknowledged. */
static unsigned fill(struct stage *stage)
{
	unsigned next = 0, acknowledged = 0;

	while (acknowledged == next && next < 100000) {
		for (unsigned i = 0; i < 100; i++)
			hn_store_add(stage->store, scene_record(HN_RECORD_MOVE, next++));
		flush(stage);
		if (stage->code == 0)
			acknowledged = next;
	}
	assert_int_equal(stage->code, -ENOSPC);
	assert_int_equal(acknowledged + 100, next);
	return acknowledged;
}

/* Everything from 0 up to end, once, newest first as far as an answer reaches. */
static void assert_all_there(struct stage *stage, unsigned end)
{
	ask(stage, HN_RECORD_MOVE);
	assert_int_equal(stage->code, 0);
	assert_int_equal(stage->history->count, end < HN_ANSWER_MAX ? end : HN_ANSWER_MAX);
	for (unsigned i = 0; i < stage->history->count; i++)
		scene_check(stage->history->records[i], end - 1 - i);
}

static void a_full_disk_is_waited_for(void **state)
{
	struct stage *stage = *state;
	unsigned acknowledged;

	if (!can_mount)
		skip();
	acknowledged = fill(stage);
	assert_in_range(acknowledged, 100, 5000);
	/* it runs on: what is on disk can be read, with what is wrong */
	assert_all_there(stage, acknowledged);
	assert_non_null(strstr(stage->history->problem, "full"));
	for (unsigned i = 0; i < 50; i++) {
		hn_store_add(stage->store, scene_record(HN_RECORD_MOVE, acknowledged + 100 + i));
		flush(stage);
		assert_int_equal(stage->code, -ENOSPC);
	}
	assert_int_equal(count_lines(stage->said), 1);
	assert_ptr_equal(strstr(stage->said, "warning: history cannot be written"), stage->said);
	/* room is made */
	assert_int_equal(mount("tmpfs", stage->scene.folder, "tmpfs", MS_REMOUNT, "size=64m"), 0);
	await_recovery(stage);
	assert_all_there(stage, acknowledged + 150);
	assert_string_equal(stage->history->problem, "");
	assert_non_null(strstr(stage->said, "again; 0 records were lost"));
	assert_int_equal(count_lines(stage->said), 2);
}

static void what_does_not_fit_is_counted(void **state)
{
	struct stage *stage = *state;
	unsigned acknowledged;

	if (!can_mount)
		skip();
	acknowledged = fill(stage);
	for (unsigned i = 0; i < 2 * HN_STORE_QUEUE_MAX; i++)
		hn_store_add(stage->store, scene_record(HN_RECORD_SAMPLE, i));
	hn_store_add(stage->store, scene_record(HN_RECORD_MOVE, acknowledged + 100));
	flush(stage);
	assert_int_equal(stage->code, -ENOSPC);
	assert_int_equal(mount("tmpfs", stage->scene.folder, "tmpfs", MS_REMOUNT, "size=64m"), 0);
	await_recovery(stage);
	assert_all_there(stage, acknowledged + 101); /* no move was among them */
	assert_int_equal(stage->history->lost, HN_STORE_QUEUE_MAX + 101);
	ask(stage, HN_RECORD_SAMPLE);
	scene_check(stage->history->records[0], 2 * HN_STORE_QUEUE_MAX - 1);
}

static void a_read_only_disk_is_waited_for(void **state)
{
	struct stage *stage = *state;

	if (!can_mount)
		skip();
	hn_store_add(stage->store, scene_record(HN_RECORD_MOVE, 0));
	flush(stage);
	assert_int_equal(stage->code, 0);
	hn_store_free(hn_steal(stage->store));
	assert_int_equal(mount("tmpfs", stage->scene.folder, "tmpfs", MS_REMOUNT | MS_RDONLY, "size=1m"), 0);
	{
		const struct hn_store_listener listener = {on_said, stage};
		struct hn_error err = {0};

		assert_int_equal(hn_store_new(stage->base, stage->scene.path, 256 << 20, &listener,
					      &stage->store, &err),
				 0);
	}
	for (unsigned i = 1; i < 20; i++) {
		hn_store_add(stage->store, scene_record(HN_RECORD_MOVE, i));
		flush(stage);
		assert_true(stage->code < 0);
	}
	assert_int_equal(count_lines(stage->said), 1);
	assert_non_null(strstr(stage->said, stage->scene.path));
	assert_int_equal(mount("tmpfs", stage->scene.folder, "tmpfs", MS_REMOUNT, "size=1m"), 0);
	await_recovery(stage);
	assert_all_there(stage, 20);
}

/* Nothing is there to be written, neither before nor after: it is well again all the same. */
static void a_read_only_disk_without_records_is_waited_for(void **state)
{
	struct stage *stage = *state;
	const struct hn_store_listener listener = {on_said, stage};
	struct hn_error err = {0};

	if (!can_mount)
		skip();
	hn_store_free(hn_steal(stage->store));
	assert_int_equal(mount("tmpfs", stage->scene.folder, "tmpfs", MS_REMOUNT | MS_RDONLY, "size=1m"), 0);
	assert_int_equal(
		hn_store_new(stage->base, stage->scene.path, 256 << 20, &listener, &stage->store, &err), 0);
	await_lines(stage, 1);
	assert_int_equal(mount("tmpfs", stage->scene.folder, "tmpfs", MS_REMOUNT, "size=1m"), 0);
	await_lines(stage, 2);
	assert_non_null(strstr(stage->said, "history is written again"));
	ask(stage, HN_RECORD_MOVE);
	assert_string_equal(stage->history->problem, "");
}

/* The same without any rights: the process may not write beyond so much in a file. */
static void a_limit_on_files_is_waited_for(void **state)
{
	struct stage *stage = *state;
	struct rlimit limit, before;
	unsigned next = 0, acknowledged = 0;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){200 << 10, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	while (acknowledged == next && next < 100000) {
		for (unsigned i = 0; i < 50; i++)
			hn_store_add(stage->store, scene_record(HN_RECORD_MOVE, next++));
		flush(stage);
		if (stage->code == 0)
			acknowledged = next;
	}
	assert_true(stage->code < 0);
	assert_int_equal(count_lines(stage->said), 1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	await_recovery(stage);
	assert_all_there(stage, next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_full_disk_is_waited_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_does_not_fit_is_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_read_only_disk_is_waited_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_read_only_disk_without_records_is_waited_for, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_limit_on_files_is_waited_for, set_up, tear_down),
	};

	can_mount = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
