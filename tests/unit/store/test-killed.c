/*
 * A writer that is killed at 200 random points: what it was told is on disk is there, nothing is there twice
 * or in part, and what follows goes on behind it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "scene.h"
#include "store/store.h"
#include "tests/unit/child.h"

#define KILLS 200
#define FLUSH_EVERY 12

struct writer {
	struct hn_store *store;
	unsigned next;  /* number to write */
	unsigned asked; /* of the flush that is under way: all below */
	int pipe;
};

static void write_more(struct writer *writer);

static void on_flushed(void *history, const struct hn_error *err, void *context)
{
	struct writer *writer = context;

	if (err || write(writer->pipe, &writer->asked, sizeof(writer->asked)) != sizeof(writer->asked))
		_exit(3);
	write_more(writer);
}

static void write_more(struct writer *writer)
{
	struct hn_error err = {0};

	for (unsigned i = 0; i < FLUSH_EVERY; i++, writer->next++) {
		hn_store_add(writer->store, scene_record(HN_RECORD_MOVE, writer->next));
		hn_store_add(writer->store, scene_record(HN_RECORD_SAMPLE, writer->next));
		hn_store_add(writer->store, scene_record(HN_RECORD_DECISION, writer->next));
	}
	writer->asked = writer->next;
	if (hn_store_flush(writer->store, on_flushed, writer, &err) < 0)
		_exit(4);
}

static void run_writer(const char *path, unsigned first, int pipe)
{
	const struct hn_store_listener listener = {0};
	struct event_base *base = event_base_new();
	struct writer writer = {.next = first, .pipe = pipe};
	struct hn_error err = {0};

	if (hn_store_new(base, path, 256 << 20, &listener, &writer.store, &err) < 0)
		_exit(2);
	write_more(&writer);
	event_base_dispatch(base);
	_exit(5);
}

/* Runs one until so many acknowledgements have come, and for a while longer; the first number that was not
 * acknowledged. */
static unsigned run_and_kill(const struct scene *scene, unsigned first, unsigned answers, useconds_t us)
{
	unsigned acknowledged = first, number;
	int ends[2], status;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = child_fork();
	assert_true(pid >= 0);
	if (pid == 0)
		run_writer(scene->path, first, ends[1]);
	close(ends[1]);
	while (answers-- > 0) {
		struct pollfd wait = {.fd = ends[0], .events = POLLIN};

		assert_int_equal(poll(&wait, 1, 20000), 1);
		assert_int_equal(read(ends[0], &acknowledged, sizeof(acknowledged)), sizeof(acknowledged));
	}
	usleep(us);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	while (read(ends[0], &number, sizeof(number)) == sizeof(number))
		acknowledged = number;
	close(ends[0]);
	return acknowledged;
}

struct tally {
	unsigned char *seen; /* by number, of one kind */
	unsigned size;
	unsigned end; /* one behind the highest number */
};

/* All of a kind that is in the file, page by page from the newest. */
static void count_kind(struct hn_database *database, enum hn_record_kind kind, unsigned limit,
		       struct tally *tally)
{
	HN_AUTO(hn_history) struct hn_history *history = NULL;
	struct hn_question question = scene_question();
	struct hn_error err = {0};

	memset(question.kinds, 0, sizeof(question.kinds));
	question.kinds[kind] = true;
	question.limit = limit;
	if (hn_database_ask(database, &question, 0, &history, &err) < 0)
		fail_msg("%s", err.message);
	assert_false(history->more);
	for (size_t i = 0; i < history->count; i++) {
		unsigned number = scene_number(history->records[i]);

		assert_true(number < tally->size);
		scene_check(history->records[i], number);
		assert_int_equal(tally->seen[number], 0);
		tally->seen[number] = 1;
		tally->end = number >= tally->end ? number + 1 : tally->end;
	}
}

/* What is in the file: every number up to an end, once; that end, which is behind all acknowledged ones. */
static unsigned check_file(const struct scene *scene, unsigned acknowledged)
{
	HN_AUTO(hn_database) struct hn_database *database = scene_open(scene, 1); /* looked through, too */
	unsigned ends[2];

	for (int i = 0; i < 2; i++) {
		struct tally tally = {.size = acknowledged + 100000};

		tally.seen = calloc(tally.size, 1);
		count_kind(database, i ? HN_RECORD_DECISION : HN_RECORD_MOVE, 1000000, &tally);
		for (unsigned number = 0; number < tally.end; number++)
			assert_int_equal(tally.seen[number], 1);
		free(tally.seen);
		ends[i] = tally.end;
	}
	/* those of one batch come together */
	assert_int_equal(ends[0], ends[1]);
	assert_true(ends[0] >= acknowledged);
	return ends[0];
}

static void nothing_acknowledged_is_lost(void **state)
{
	struct hn_random random = {77};
	unsigned next = 0, acknowledged, with_answers = 0, cut_short = 0, written = 0;
	struct scene scene;

	scene_make(&scene);
	for (int i = 0; i < KILLS; i++) {
		unsigned first = next;

		/* every other one at any moment from its first on */
		acknowledged =
			i % 2 ? run_and_kill(&scene, first, 0, (useconds_t)hn_random_below(&random, 30000))
			      : run_and_kill(&scene, first, 1 + (unsigned)hn_random_below(&random, 12),
					     (useconds_t)hn_random_below(&random, 3000));
		with_answers += acknowledged > first;
		next = check_file(&scene, acknowledged);
		cut_short += next > acknowledged;
		written += next - first;
		/* files are made anew now and then: that is a time to be killed at, too */
		if (i % 19 == 18) {
			scene_remove(&scene);
			scene_make(&scene);
			next = 0;
		}
	}
	print_message(
		"%d kills, %u of them after an acknowledgement, %u with more on disk than that; %u moves "
		"and decisions\n",
		KILLS, with_answers, cut_short, written);
	assert_true(with_answers >= KILLS / 2);
	scene_remove(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_acknowledged_is_lost)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
