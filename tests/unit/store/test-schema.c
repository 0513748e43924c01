/* Files of earlier, of later and of other programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/units.h"
#include "scene.h"
#include "store/schema.h"

#define NOW_NS (UINT64_C(1700001000) * HN_NS_PER_S)

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

/* Makes a file with these statements, and leaves it as a program that is killed would when dirty. */
static void make_file(const char *path, const char *text)
{
	sqlite3 *db = NULL;
	char *message = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s", message);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Version 1 as it was, by hand: a guest with a look at it, a decision and a move. */
static const char version_1[] =
	"PRAGMA journal_mode = wal; PRAGMA application_id = 1752066163; PRAGMA user_version = 1;"
	"CREATE TABLE guests (id INTEGER PRIMARY KEY, uuid TEXT NOT NULL, name TEXT NOT NULL,"
	" UNIQUE (uuid, name));"
	"CREATE TABLE boots (id INTEGER PRIMARY KEY, boot TEXT NOT NULL UNIQUE);"
	"CREATE TABLE samples (seq INTEGER PRIMARY KEY, guest INTEGER NOT NULL, boot INTEGER NOT NULL,"
	" at INTEGER NOT NULL, time INTEGER NOT NULL, rung INTEGER NOT NULL, cell INTEGER NOT NULL,"
	" looks INTEGER NOT NULL, low REAL, value REAL, high REAL, busy REAL NOT NULL, shares BLOB NOT NULL);"
	"CREATE INDEX samples_by_guest ON samples (guest); CREATE INDEX samples_by_rung ON samples (rung);"
	"CREATE TABLE decisions (seq INTEGER PRIMARY KEY, guest INTEGER NOT NULL, boot INTEGER NOT NULL,"
	" at INTEGER NOT NULL, time INTEGER NOT NULL, verdict TEXT NOT NULL, changed INTEGER NOT NULL,"
	" reason TEXT NOT NULL, home TEXT NOT NULL);"
	"CREATE TABLE moves (seq INTEGER PRIMARY KEY, guest INTEGER NOT NULL, boot INTEGER NOT NULL,"
	" at INTEGER NOT NULL, time INTEGER NOT NULL, operation INTEGER NOT NULL, price REAL NOT NULL,"
	" predicted_bytes INTEGER NOT NULL, moved_bytes INTEGER NOT NULL, stayed_bytes INTEGER NOT NULL,"
	" cpu_ns INTEGER NOT NULL, elapsed_ns INTEGER NOT NULL, outcome TEXT NOT NULL, message TEXT NOT "
	"NULL);"
	"INSERT INTO boots VALUES (1, 'old-boot'); INSERT INTO guests VALUES (1, 'u', 'g');"
	"INSERT INTO samples VALUES (4, 1, 1, 1700000000000000000, 1700000000000000001, 0, -1, 1, 0.25, 0.5,"
	" 0.75, 0.125, x'ffff0000');"
	"INSERT INTO decisions VALUES (5, 1, 1, 1700000001000000000, 1700000001000000001, 'act', 3, 'why',"
	" '0:0-1 2:3');"
	"INSERT INTO moves VALUES (6, 1, 1, 1700000002000000000, 1700000002000000001, 77, 1.5, 100, 90, 10,"
	" 5, 6, 'failed', 'no');";

static void check_old_records(const struct hn_history *history)
{
	const struct hn_move_record *move = &history->records[0]->move;
	const struct hn_decision_record *decision = &history->records[1]->decision;
	const struct hn_sample_record *sample = &history->records[2]->sample;

	assert_int_equal(history->records[0]->sequence, 6);
	assert_string_equal(history->records[0]->boot, "old-boot");
	assert_int_equal(move->operation, 77);
	assert_int_equal(move->outcome, HN_OPERATION_FAILED);
	assert_true(move->price == 1.5 && move->predicted_gain == 0);
	assert_string_equal(move->message, "no");
	assert_int_equal(decision->verdict, HN_VERDICT_ACT);
	assert_true(decision->verdict_changed && decision->home_changed);
	assert_int_equal(decision->cell_count, 2);
	assert_int_equal(decision->home[1].cell, 2);
	assert_true(hn_set_has(&decision->home[0].nodes, 1) && hn_set_has(&decision->home[1].nodes, 3));
	assert_int_equal(history->records[2]->time_ns, UINT64_C(1700000000000000001));
	assert_int_equal(sample->node_count, 2);
	assert_true(sample->locality_known && sample->locality.value == 0.5 && sample->busy == 0.125);
	assert_true(sample->memory_share[0] == 1 && sample->memory_share[1] == 0);
}

static void a_file_of_version_1_becomes_one_of_now(void **state)
{
	const struct scene *scene = *state;
	const struct hn_database_options options = {
		.path = scene->path, .boot = "boot-1", .now = {NOW_NS, NOW_NS}, .check = true};
	HN_AUTO(hn_database) struct hn_database *database = NULL;
	HN_AUTO(hn_history) struct hn_history *history = NULL, *after = NULL;
	struct hn_error err = {0};
	int from = -1;

	make_file(scene->path, version_1);
	if (hn_database_open(&options, &database, &from, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(from, 1);
	history = scene_ask(database, NOW_NS);
	assert_int_equal(history->count, 3);
	check_old_records(history);
	/* and it is written to as any other, behind what was there */
	scene_write(database, scene_record(HN_RECORD_MOVE, 8), NOW_NS);
	after = scene_ask(database, NOW_NS);
	assert_int_equal(after->count, 4);
	scene_check(after->records[0], 8);
	assert_int_equal(after->records[0]->sequence, 7);
	hn_database_close(hn_steal(database));
	assert_int_equal(hn_database_open(&options, &database, &from, &err), 0);
	assert_int_equal(from, HN_SCHEMA_VERSION);
}

/* A new file and one that was brought up have the same tables. */
static void both_ways_lead_to_the_same_tables(void **state)
{
	const struct scene *scene = *state;
	char *texts[2] = {NULL, NULL};

	for (int i = 0; i < 2; i++) {
		struct hn_database *database;
		sqlite3_stmt *statement;
		sqlite3 *db;

		if (i)
			make_file(scene->path, version_1);
		database = scene_open(scene, NOW_NS);
		hn_database_close(database);
		assert_int_equal(sqlite3_open(scene->path, &db), SQLITE_OK);
		assert_int_equal(sqlite3_prepare_v2(db,
						    "SELECT group_concat(sql, ';') FROM (SELECT sql FROM "
						    "sqlite_schema ORDER BY name)",
						    -1, &statement, NULL),
				 SQLITE_OK);
		assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
		texts[i] = strdup((const char *)sqlite3_column_text(statement, 0));
		sqlite3_finalize(statement);
		sqlite3_close(db);
		unlink(scene->path);
	}
	assert_string_equal(texts[0], texts[1]);
	free(texts[0]);
	free(texts[1]);
}

/* The whole file. */
static char *read_file(const char *path, size_t *ret_size)
{
	HN_AUTO(file) FILE *file = fopen(path, "r");
	struct stat status;
	char *bytes;

	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &status), 0);
	bytes = malloc((size_t)status.st_size + 1);
	assert_int_equal(fread(bytes, 1, (size_t)status.st_size, file), (size_t)status.st_size);
	*ret_size = (size_t)status.st_size;
	return bytes;
}

static void assert_refused_untouched(const struct scene *scene, const char *says)
{
	const struct hn_database_options options = {
		.path = scene->path, .boot = "boot-1", .now = {NOW_NS, NOW_NS}, .check = true};
	struct hn_database *database = NULL;
	struct hn_error err = {0};
	size_t before_size, after_size;
	char *before = read_file(scene->path, &before_size), *after;
	int from;

	assert_int_equal(hn_database_open(&options, &database, &from, &err), -EPROTONOSUPPORT);
	assert_non_null(strstr(err.message, scene->path));
	assert_non_null(strstr(err.message, says));
	after = read_file(scene->path, &after_size);
	assert_int_equal(after_size, before_size);
	assert_memory_equal(after, before, before_size);
	free(before);
	free(after);
}

static void a_newer_schema_is_refused_and_not_touched(void **state)
{
	make_file(((struct scene *)*state)->path,
		  "PRAGMA journal_mode = wal; PRAGMA application_id = 1752066163; CREATE TABLE future (x);"
		  "PRAGMA user_version = 3;");
	assert_refused_untouched(*state, "schema 3");
}

/* The newer one was killed before its log was carried over: the file itself still looks old. */
static void a_newer_schema_in_the_log_is_refused_and_not_touched(void **state)
{
	const struct scene *scene = *state;
	size_t log_before, log_after;
	char log[200], *bytes;
	sqlite3 *db;
	int one = 1;

	make_file(scene->path, version_1);
	assert_int_equal(sqlite3_open(scene->path, &db), SQLITE_OK);
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &one);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 9", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	snprintf(log, sizeof(log), "%s-wal", scene->path);
	free(read_file(log, &log_before));
	assert_true(log_before > 0);
	assert_refused_untouched(scene, "schema 9");
	bytes = read_file(log, &log_after);
	free(bytes);
	assert_int_equal(log_after, log_before);
}

static void a_database_of_something_else_is_refused_and_not_touched(void **state)
{
	const struct scene *scene = *state;

	make_file(scene->path, "CREATE TABLE bookmarks (url TEXT); INSERT INTO bookmarks VALUES ('x');");
	assert_refused_untouched(scene, "something else");
	unlink(scene->path);
	make_file(scene->path, "PRAGMA application_id = 5; PRAGMA user_version = 1; CREATE TABLE a (b);");
	assert_refused_untouched(scene, "something else");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_of_version_1_becomes_one_of_now, set_up, tear_down),
		cmocka_unit_test_setup_teardown(both_ways_lead_to_the_same_tables, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_newer_schema_is_refused_and_not_touched, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_newer_schema_in_the_log_is_refused_and_not_touched, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_database_of_something_else_is_refused_and_not_touched,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
