/* The file: what goes in comes out, in order, whatever the clock does; damage is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "base/units.h"
#include "scene.h"

#define START_NS (UINT64_C(1700000000) * HN_NS_PER_S)

static int set_up(void **state)
{
	struct scene *scene = malloc(sizeof(*scene));

	scene_make(scene);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	scene_remove(*state);
	free(*state);
	return 0;
}

static void what_is_written_is_read_back(void **state)
{
	HN_AUTO(hn_database) struct hn_database *database = scene_open(*state, START_NS);
	HN_AUTO(hn_history) struct hn_history *history = NULL;

	for (unsigned i = 0; i < 300; i++) {
		struct hn_record *record = scene_record((enum hn_record_kind)(i % 3), i);

		record->time_ns = START_NS + 7 * i;
		scene_write(database, record, START_NS + i);
	}
	history = scene_ask(database, START_NS + 300);
	assert_int_equal(history->count, 300);
	assert_false(history->more);
	for (unsigned i = 0; i < 300; i++) {
		const struct hn_record *record = history->records[299 - i];

		assert_int_equal(record->kind, i % 3);
		assert_int_equal(record->time_ns, START_NS + 7 * i);
		assert_string_equal(record->boot, "boot-1");
		scene_check(record, i);
	}
}

/* Of samples 0..9 of three cells, with decisions and moves among them. */
static size_t count(struct hn_database *database, const struct hn_question *question, bool *ret_more,
		    uint64_t *ret_newest)
{
	HN_AUTO(hn_history) struct hn_history *history = NULL;
	struct hn_error err = {0};

	assert_int_equal(hn_database_ask(database, question, START_NS + 30 * HN_NS_PER_S, &history, &err), 0);
	*ret_more = history->more;
	*ret_newest = history->count ? history->records[0]->sequence : 0;
	for (size_t i = 1; i < history->count; i++)
		assert_true(history->records[i]->sequence < history->records[i - 1]->sequence);
	return history->count;
}

static void questions_are_heeded(void **state)
{
	HN_AUTO(hn_database) struct hn_database *database = scene_open(*state, START_NS);
	struct hn_question question = scene_question();
	uint64_t newest, last;
	bool more;

	for (unsigned i = 0; i < 30; i++)
		scene_write(database, scene_record((enum hn_record_kind)(i % 3), i / 3),
			    START_NS + i * HN_NS_PER_S);
	assert_int_equal(count(database, &question, &more, &last), 30);
	question.limit = 30;
	assert_int_equal(count(database, &question, &more, &newest), 30);
	assert_false(more);
	question.limit = 4;
	assert_int_equal(count(database, &question, &more, &newest), 4);
	assert_true(more);
	assert_int_equal(newest, last);
	question.limit = 100;
	question.since_ns = 10 * HN_NS_PER_S;
	assert_int_equal(count(database, &question, &more, &newest), 10);
	question.since_ns = 0;
	question.kinds[HN_RECORD_DECISION] = question.kinds[HN_RECORD_MOVE] = false;
	assert_int_equal(count(database, &question, &more, &newest), 10);
	question.cell = -1; /* numbers 0, 3, 6, 9 */
	assert_int_equal(count(database, &question, &more, &newest), 4);
	question.cell = 1;
	assert_int_equal(count(database, &question, &more, &newest), 3);
}

static void guests_are_told_apart_by_uuid_and_else_by_name(void **state)
{
	static const struct {
		const char *name, *uuid;
	} guests[] = {{"web", "u-1"}, {"web", "u-2"}, {"web", ""}, {"renamed", "u-1"}, {"other", "u-3"}};
	static const struct {
		const char *name, *uuid;
		size_t count;
	} questions[] = {
		{"web", "u-1", 3}, /* itself, under its new name, and from before its uuid was known */
		{"web", "u-2", 2}, {"web", "", 3},       {"renamed", "u-1", 2},
		{"nobody", "", 0}, {"nobody", "u-9", 0}, {"' OR 1 --", "", 0}};
	HN_AUTO(hn_database) struct hn_database *database = scene_open(*state, START_NS);

	for (size_t i = 0; i < HN_COUNT(guests); i++)
		scene_write(database, hn_record_new_move(guests[i].name, guests[i].uuid), START_NS + i);
	for (size_t i = 0; i < HN_COUNT(questions); i++) {
		struct hn_question question = scene_question();
		uint64_t newest;
		bool more;

		strcpy(question.guest, questions[i].name);
		strcpy(question.uuid, questions[i].uuid);
		assert_int_equal(count(database, &question, &more, &newest), questions[i].count);
	}
}

/* A day goes back on the wall clock, with the file open and while it is closed. */
static void a_clock_set_back_changes_no_order(void **state)
{
	const uint64_t day = 86400 * HN_NS_PER_S;
	struct hn_database *database = scene_open(*state, START_NS);
	HN_AUTO(hn_history) struct hn_history *history = NULL, *recent = NULL;
	struct hn_question question = scene_question();
	struct hn_error err = {0};

	for (unsigned i = 0; i < 6; i++) {
		struct hn_record *record = scene_record(HN_RECORD_MOVE, i);

		record->time_ns = START_NS - (i > 1 ? day : 0) + i;
		if (i == 4) {
			hn_database_close(database);
			database = scene_open(*state, START_NS - day);
		}
		scene_write(database, record, i < 4 ? START_NS + i : START_NS - day + i);
	}
	history = scene_ask(database, START_NS - day + 6);
	assert_int_equal(history->count, 6);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(scene_number(history->records[5 - i]), i);
		assert_int_equal(history->records[5 - i]->time_ns, START_NS - (i > 1 ? day : 0) + i);
	}
	/* all is from within the last second: nothing is hidden in the future */
	question.since_ns = HN_NS_PER_S;
	assert_int_equal(hn_database_ask(database, &question, START_NS - day + 6, &recent, &err), 0);
	assert_int_equal(recent->count, 6);
	hn_database_close(database);
}

static void write_into(const char *path, off_t place, const char *text, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, text, size, place), (ssize_t)size);
	close(fd);
}

static int try_open(const char *path, struct hn_error *err)
{
	const struct hn_database_options options = {
		.path = path, .boot = "boot-2", .now = {START_NS, START_NS}, .check = true};
	struct hn_database *database = NULL;
	int from, r = hn_database_open(&options, &database, &from, err);

	hn_database_close(database);
	return r;
}

static void damage_is_found_and_set_aside(void **state)
{
	const struct scene *scene = *state;
	struct hn_database *database = scene_open(scene, START_NS);
	char garbage[3 * 4096], path[200];
	struct hn_random random = {1};
	struct hn_error err = {0};
	struct stat status;

	for (unsigned i = 0; i < 2000; i++)
		scene_write(database, scene_record(HN_RECORD_MOVE, i), START_NS + i);
	hn_database_close(database);
	for (size_t i = 0; i < sizeof(garbage); i++)
		garbage[i] = (char)hn_random_next(&random);
	write_into(scene->path, 20 * 4096, garbage, sizeof(garbage));
	snprintf(path, sizeof(path), "%s-wal", scene->path);
	write_into(path, 0, "wal", 3);
	assert_int_equal(try_open(scene->path, &err), -EUCLEAN);
	assert_non_null(strstr(err.message, scene->path));
	write_into(path, 0, "wal", 3);
	assert_int_equal(hn_database_set_aside(scene->path, &err), 0);
	assert_int_equal(access(scene->path, F_OK), -1);
	snprintf(path, sizeof(path), "%s.bad", scene->path);
	assert_int_equal(stat(path, &status), 0);
	assert_true(status.st_size > 23 * 4096);
	snprintf(path, sizeof(path), "%s.bad-wal", scene->path);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(try_open(scene->path, &err), 0);
	/* a later one takes its place, and what belonged to it goes */
	write_into(scene->path, 0,
		   "no database at all, and longer than a header would be: hello hello hello "
		   "hello hello hello hello",
		   97);
	assert_int_equal(try_open(scene->path, &err), -EUCLEAN);
	snprintf(path, sizeof(path), "%s-wal", scene->path);
	unlink(path);
	assert_int_equal(hn_database_set_aside(scene->path, &err), 0);
	snprintf(path, sizeof(path), "%s.bad-wal", scene->path);
	assert_int_equal(access(path, F_OK), -1);
}

static void what_cannot_be_a_history_is_refused_with_its_path(void **state)
{
	const struct scene *scene = *state;
	struct hn_error err = {0};
	char path[200];

	assert_int_equal(try_open(scene->folder, &err), -EPROTONOSUPPORT);
	assert_non_null(strstr(err.message, scene->folder));
	snprintf(path, sizeof(path), "%s/no/such/folder.db", scene->folder);
	assert_int_equal(try_open(path, &err), -EACCES);
	assert_non_null(strstr(err.message, "no"));
	snprintf(path, sizeof(path), "%s/pipe", scene->folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(try_open(path, &err), -EPROTONOSUPPORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_written_is_read_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(questions_are_heeded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(guests_are_told_apart_by_uuid_and_else_by_name, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_clock_set_back_changes_no_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(damage_is_found_and_set_aside, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_cannot_be_a_history_is_refused_with_its_path, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
