/* The writer thread from the loop's side: acknowledgement, answers, damage, refusal, the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "scene.h"
#include "store/store.h"

struct stage {
	struct scene scene;
	struct event_base *base;
	struct hn_store *store;
	char said[2000]; /* all sentences, a line each */
	unsigned answers;
	int code;                   /* of the latest answer, 0 without an error */
	struct hn_history *history; /* of the latest answer */
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
	assert_true(!err || err->message[0]);
}

static void open_store(struct stage *stage)
{
	const struct hn_store_listener listener = {on_said, stage};
	struct hn_error err = {0};

	assert_int_equal(
		hn_store_new(stage->base, stage->scene.path, 64 << 20, &listener, &stage->store, &err), 0);
}

static int set_up(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));

	scene_make(&stage->scene);
	stage->base = event_base_new();
	*state = stage;
	return 0;
}

static int tear_down(void **state)
{
	struct stage *stage = *state;

	hn_store_free(stage->store);
	hn_history_free(stage->history);
	event_base_free(stage->base);
	scene_remove(&stage->scene);
	free(stage);
	return 0;
}

/* Turns the loop until that many answers are there. */
static void await_answers(struct stage *stage, unsigned count)
{
	time_t end = time(NULL) + 20;

	while (stage->answers < count && time(NULL) < end) {
		struct timeval pause = {.tv_usec = 20000};

		event_base_loopexit(stage->base, &pause);
		event_base_dispatch(stage->base);
	}
	assert_int_equal(stage->answers, count);
}

static void flush(struct stage *stage)
{
	struct hn_error err = {0};

	assert_int_equal(hn_store_flush(stage->store, on_answer, stage, &err), 0);
	await_answers(stage, stage->answers + 1);
}

static void ask(struct stage *stage)
{
	struct hn_question question = scene_question();
	struct hn_error err = {0};

	assert_int_equal(hn_store_ask(stage->store, &question, NULL, on_answer, stage, &err), 0);
	await_answers(stage, stage->answers + 1);
}

static void an_answer_holds_all_that_was_added_before(void **state)
{
	struct stage *stage = *state;
	struct hn_moment before = hn_moment_now();

	open_store(stage);
	for (unsigned i = 0; i < 500; i++)
		hn_store_add(stage->store, scene_record((enum hn_record_kind)(i % 3), i));
	ask(stage);
	assert_int_equal(stage->code, 0);
	assert_int_equal(stage->history->count, 500);
	assert_string_equal(stage->history->problem, "");
	assert_int_equal(stage->history->lost, 0);
	for (unsigned i = 0; i < 500; i++) {
		const struct hn_record *record = stage->history->records[499 - i];

		scene_check(record, i);
		assert_in_range(record->time_ns, before.wall_ns, hn_moment_now().wall_ns);
		assert_int_equal(strlen(record->boot), 36);
	}
	assert_string_equal(stage->said, "");
}

/* Where the digest was made, and of how much. */
struct made {
	pthread_t thread;
	size_t count;
};
static unsigned made_count, dropped_count;

static void *make(struct hn_history *history)
{
	struct made *made = calloc(1, sizeof(*made));

	made->thread = pthread_self();
	made->count = history->count;
	hn_history_free(history);
	made_count++;
	return made;
}

static void drop(void *made)
{
	dropped_count++;
	free(made);
}

static const struct hn_store_digest digest = {make, drop};

static void on_digest(void *answer, const struct hn_error *err, void *context)
{
	struct stage *stage = context;
	struct made *made = answer;

	stage->answers++;
	stage->code = err ? err->code : 0;
	if (made)
		assert_int_equal(made->count, 300);
	if (made)
		assert_false(pthread_equal(made->thread, pthread_self()));
	free(made);
}

static void an_answer_is_digested_by_the_writer(void **state)
{
	struct stage *stage = *state;
	struct hn_question question = scene_question();
	struct hn_error err = {0};

	open_store(stage);
	made_count = dropped_count = 0;
	for (unsigned i = 0; i < 300; i++)
		hn_store_add(stage->store, scene_record(HN_RECORD_SAMPLE, i));
	assert_int_equal(hn_store_ask(stage->store, &question, &digest, on_digest, stage, &err), 0);
	await_answers(stage, 1);
	assert_int_equal(stage->code, 0);
	assert_int_equal(made_count, 1);
	assert_int_equal(dropped_count, 0);
	/* those of the end are told, too */
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(hn_store_ask(stage->store, &question, &digest, on_digest, stage, &err), 0);
	hn_store_free(hn_steal(stage->store));
	assert_int_equal(stage->answers, 6);
	assert_int_equal(made_count, 6);
}

static void what_is_flushed_is_on_disk(void **state)
{
	struct stage *stage = *state;
	HN_AUTO(hn_database) struct hn_database *database = NULL;
	HN_AUTO(hn_history) struct hn_history *history = NULL;

	open_store(stage);
	hn_store_add(stage->store, scene_record(HN_RECORD_MOVE, 1));
	flush(stage);
	assert_int_equal(stage->code, 0);
	database = scene_open(&stage->scene, 1); /* beside the writer */
	history = scene_ask(database, 1);
	assert_int_equal(history->count, 1);
}

static void the_end_writes_what_is_queued_and_answers_everybody(void **state)
{
	struct stage *stage = *state;
	HN_AUTO(hn_database) struct hn_database *database = NULL;
	HN_AUTO(hn_history) struct hn_history *history = NULL;
	struct hn_question question = scene_question();
	struct hn_error err = {0};

	open_store(stage);
	flush(stage);
	stage->answers = 0;
	for (unsigned i = 0; i < 2000; i++)
		hn_store_add(stage->store, scene_record(HN_RECORD_DECISION, i));
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(hn_store_ask(stage->store, &question, NULL, on_answer, stage, &err), 0);
	hn_store_free(hn_steal(stage->store));
	assert_int_equal(stage->answers, 10);
	database = scene_open(&stage->scene, 1);
	history = scene_ask(database, 1);
	assert_int_equal(history->count, 2000);
}

static void more_questions_than_can_wait_are_refused(void **state)
{
	struct stage *stage = *state;
	struct hn_question question = scene_question();
	struct hn_error err = {0};
	unsigned taken = 0;
	int r = 0;

	open_store(stage);
	/* none is taken back before the loop turns */
	while (taken < 1000 && (r = hn_store_ask(stage->store, &question, NULL, on_answer, stage, &err)) == 0)
		taken++;
	assert_int_equal(r, -EAGAIN);
	assert_int_equal(taken, 64);
	await_answers(stage, taken);
	ask(stage);
	assert_int_equal(stage->code, 0);
}

static void overwrite(const struct scene *scene, off_t from, size_t size)
{
	int fd = open(scene->path, O_WRONLY);
	char zeros[4096] = "not what was here";

	assert_true(fd >= 0);
	for (size_t i = 0; i < size; i += sizeof(zeros))
		assert_int_equal(pwrite(fd, zeros, sizeof(zeros), from + (off_t)i), (ssize_t)sizeof(zeros));
	close(fd);
}

static void a_damaged_file_is_set_aside_and_another_begun(void **state)
{
	struct stage *stage = *state;
	char path[200];

	open_store(stage);
	for (unsigned i = 0; i < 3000; i++)
		hn_store_add(stage->store, scene_record(HN_RECORD_MOVE, i));
	flush(stage);
	hn_store_free(hn_steal(stage->store));
	overwrite(&stage->scene, 10 * 4096, 10 * 4096);
	open_store(stage);
	hn_store_add(stage->store, scene_record(HN_RECORD_MOVE, 7));
	ask(stage);
	assert_int_equal(stage->code, 0);
	assert_int_equal(stage->history->count, 1);
	scene_check(stage->history->records[0], 7);
	assert_non_null(strstr(stage->said, "warning: "));
	assert_non_null(strstr(stage->said, "history.db.bad, history begins afresh"));
	assert_ptr_equal(strstr(stage->said, "\n"), stage->said + strlen(stage->said) - 1); /* once */
	snprintf(path, sizeof(path), "%s.bad", stage->scene.path);
	assert_int_equal(access(path, F_OK), 0);
}

/* Damage that comes while the file is open is met by a question. */
static void damage_under_way_is_survived(void **state)
{
	struct stage *stage = *state;
	struct hn_question question = scene_question();
	struct hn_error err = {0};
	struct stat status;

	open_store(stage);
	/* moves, and more decisions than are held in memory */
	for (unsigned i = 0; i < 24000; i++) {
		hn_store_add(stage->store, scene_record(i < 4000 ? HN_RECORD_MOVE : HN_RECORD_DECISION, i));
		if (i % 4000 == 3999)
			flush(stage);
	}
	assert_int_equal(stage->code, 0);
	assert_int_equal(stat(stage->scene.path, &status), 0);
	assert_true(status.st_size > 2 << 20); /* carried over from the log */
	overwrite(&stage->scene, 0, (size_t)status.st_size);
	question.kinds[HN_RECORD_DECISION] = question.kinds[HN_RECORD_SAMPLE] = false;
	assert_int_equal(hn_store_ask(stage->store, &question, NULL, on_answer, stage, &err), 0);
	await_answers(stage, stage->answers + 1);
	assert_int_equal(stage->code, -EUCLEAN);
	assert_non_null(strstr(stage->said, "history begins afresh"));
	hn_store_add(stage->store, scene_record(HN_RECORD_MOVE, 7));
	flush(stage);
	assert_int_equal(stage->code, 0);
	ask(stage);
	assert_int_equal(stage->code, 0);
	scene_check(stage->history->records[0], 7);
}

static void a_file_that_is_not_to_be_touched_is_left_alone(void **state)
{
	struct stage *stage = *state;

	assert_int_equal(mkdir(stage->scene.path, 0700), 0); /* not even a file */
	open_store(stage);
	hn_store_add(stage->store, scene_record(HN_RECORD_MOVE, 1));
	flush(stage);
	assert_int_equal(stage->code, -EPROTONOSUPPORT);
	ask(stage);
	assert_int_equal(stage->code, -EPROTONOSUPPORT);
	assert_non_null(strstr(stage->said, "error: no history is kept: "));
	assert_non_null(strstr(stage->said, stage->scene.path));
	hn_store_free(hn_steal(stage->store));
	assert_ptr_equal(strstr(stage->said, "\n"), stage->said + strlen(stage->said) - 1); /* once */
	rmdir(stage->scene.path);
}

static void a_folder_that_is_not_there_is_waited_for(void **state)
{
	struct stage *stage = *state;
	char folder[100];

	snprintf(folder, sizeof(folder), "%s/a", stage->scene.folder);
	snprintf(stage->scene.path, sizeof(stage->scene.path), "%s/b/history.db", folder);
	open_store(stage);
	hn_store_add(stage->store, scene_record(HN_RECORD_MOVE, 1));
	ask(stage);
	assert_int_equal(stage->code, -EAGAIN);
	flush(stage);
	assert_int_equal(stage->code, -EACCES);
	assert_non_null(strstr(stage->said, "cannot make"));
	assert_int_equal(mkdir(folder, 0700), 0);
	for (int i = 0; i < 100 && !strstr(stage->said, "written again"); i++) {
		usleep(100000);
		flush(stage);
	}
	assert_non_null(strstr(stage->said, "info: history is written again; 0 records were lost"));
	ask(stage);
	assert_int_equal(stage->history->count, 1);
	hn_store_free(hn_steal(stage->store));
	unlink(stage->scene.path);
	snprintf(stage->scene.path, sizeof(stage->scene.path), "%s/b", folder);
	rmdir(stage->scene.path);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_answer_holds_all_that_was_added_before, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_answer_is_digested_by_the_writer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_flushed_is_on_disk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_end_writes_what_is_queued_and_answers_everybody, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(more_questions_than_can_wait_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_damaged_file_is_set_aside_and_another_begun, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(damage_under_way_is_survived, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_file_that_is_not_to_be_touched_is_left_alone, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_folder_that_is_not_there_is_waited_for, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
