/* The file stays within its size, whatever comes; the oldest goes, and decisions and moves last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/units.h"
#include "scene.h"

#define START_NS (UINT64_C(1700000000) * HN_NS_PER_S)
#define BATCH 1000

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

static struct hn_database *open_of_size(const struct scene *scene, uint64_t bytes)
{
	const struct hn_database_options options = {
		.path = scene->path, .size_bytes = bytes, .boot = "b", .now = {START_NS, START_NS}};
	struct hn_database *database = NULL;
	struct hn_error err = {0};
	int from;

	if (hn_database_open(&options, &database, &from, &err) < 0)
		fail_msg("%s", err.message);
	return database;
}

static void write_batch(struct hn_database *database, enum hn_record_kind kind, unsigned first)
{
	struct hn_entry entries[BATCH], *pointers[BATCH];
	struct hn_error err = {0};

	for (unsigned i = 0; i < BATCH; i++) {
		entries[i] = (struct hn_entry){.record = scene_record(kind, first + i),
					       .uptime_ns = START_NS + first + i};
		pointers[i] = &entries[i];
	}
	if (hn_database_write(database, pointers, BATCH, &err) < 0)
		fail_msg("%s", err.message);
	for (unsigned i = 0; i < BATCH; i++)
		hn_record_free(entries[i].record);
}

static uint64_t size_of(const struct scene *scene, const char *tail)
{
	struct stat status;
	char path[200];

	snprintf(path, sizeof(path), "%s%s", scene->path, tail);
	return stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
}

static size_t count_kind(struct hn_database *database, enum hn_record_kind kind, uint64_t *ret_oldest)
{
	HN_AUTO(hn_history) struct hn_history *history = NULL;
	struct hn_question question = scene_question();
	struct hn_error err = {0};

	memset(question.kinds, 0, sizeof(question.kinds));
	question.kinds[kind] = true;
	assert_int_equal(hn_database_ask(database, &question, START_NS, &history, &err), 0);
	if (ret_oldest)
		*ret_oldest = history->count ? history->records[history->count - 1]->sequence : 0;
	return history->count;
}

static void samples_without_end_stay_within_the_size(void **state)
{
	HN_AUTO(hn_database) struct hn_database *database = open_of_size(*state, 4 * HN_MIB);
	HN_AUTO(hn_history) struct hn_history *history = NULL;

	write_batch(database, HN_RECORD_MOVE, 0);
	for (unsigned i = 1; i < 150; i++) {
		write_batch(database, HN_RECORD_SAMPLE, i * BATCH);
		assert_true(size_of(*state, "") <= 4 * HN_MIB);
		assert_true(size_of(*state, "-wal") <= 4 * HN_MIB);
	}
	/* it is used, and the newest is there, and no move has gone */
	assert_true(size_of(*state, "") > 3 * HN_MIB);
	assert_int_equal(count_kind(database, HN_RECORD_MOVE, NULL), BATCH);
	history = scene_ask(database, START_NS);
	assert_int_equal(history->records[0]->sequence, 150 * BATCH);
	scene_check(history->records[0], 150 * BATCH - 1);
}

static void decisions_without_end_stay_within_the_size(void **state)
{
	HN_AUTO(hn_database) struct hn_database *database = open_of_size(*state, 4 * HN_MIB);
	uint64_t oldest;

	write_batch(database, HN_RECORD_SAMPLE, 0);
	write_batch(database, HN_RECORD_MOVE, 0);
	for (unsigned i = 2; i < 50; i++) {
		write_batch(database, HN_RECORD_DECISION, i * BATCH);
		assert_true(size_of(*state, "") <= 4 * HN_MIB);
	}
	/* they gave way among themselves */
	assert_int_equal(count_kind(database, HN_RECORD_SAMPLE, NULL), BATCH);
	assert_int_equal(count_kind(database, HN_RECORD_MOVE, NULL), BATCH);
	assert_in_range(count_kind(database, HN_RECORD_DECISION, &oldest), BATCH, 40 * BATCH);
}

static void a_smaller_size_shrinks_the_file(void **state)
{
	struct hn_database *database = open_of_size(*state, 64 * HN_MIB);

	for (unsigned i = 0; i < 150; i++)
		write_batch(database, HN_RECORD_SAMPLE, i * BATCH);
	hn_database_close(database);
	assert_true(size_of(*state, "") > 6 * HN_MIB);
	database = open_of_size(*state, 4 * HN_MIB);
	write_batch(database, HN_RECORD_SAMPLE, 150 * BATCH);
	assert_true(size_of(*state, "") <= 4 * HN_MIB);
	for (unsigned i = 151; i < 200; i++) {
		write_batch(database, HN_RECORD_SAMPLE, i * BATCH);
		assert_true(size_of(*state, "") <= 4 * HN_MIB);
	}
	hn_database_close(database);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(samples_without_end_stay_within_the_size, set_up, tear_down),
		cmocka_unit_test_setup_teardown(decisions_without_end_stay_within_the_size, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_smaller_size_shrinks_the_file, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
