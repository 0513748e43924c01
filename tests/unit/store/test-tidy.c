/* Thinning out: what an old span says is what its looks said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "scene.h"
#include "store/ladder.h"

#define MINUTE_NS (60 * HN_NS_PER_S)
#define HOUR_NS (60 * MINUTE_NS)
#define DAY_NS (24 * HOUR_NS)
#define YEAR_NS (365 * DAY_NS)
/* the first full hour after 1700000000 s, so that all spans begin here */
#define START_NS (UINT64_C(78703) * 6 * HOUR_NS)

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

static void tidy_up_at(struct hn_database *database, uint64_t wall_ns, uint64_t uptime_ns)
{
	struct hn_moment now = {.wall_ns = wall_ns, .uptime_ns = uptime_ns};
	struct hn_error err = {0};
	int r;

	while ((r = hn_database_tidy(database, &now, &err)) > 0)
		;
	if (r < 0)
		fail_msg("%s", err.message);
}

static void tidy_up(struct hn_database *database, uint64_t now_ns)
{
	tidy_up_at(database, now_ns, now_ns);
}

/* A look with all its memory on one node. */
static void look(struct hn_database *database, int cell, uint64_t at_ns, double value, double busy, int node)
{
	struct hn_record *record = hn_record_new_sample("g", "u", cell, 2);

	record->time_ns = at_ns - START_NS; /* a wall clock that was set back long ago */
	record->sample.locality_known = value >= 0;
	if (value >= 0)
		record->sample.locality = (struct hn_interval){value - 0.125, value, value + 0.125};
	record->sample.busy = busy;
	if (node >= 0)
		record->sample.memory_share[node] = 1;
	scene_write(database, record, at_ns);
}

static void a_minute_of_looks_becomes_one(void **state)
{
	HN_AUTO(hn_database) struct hn_database *database = scene_open(*state, START_NS);
	HN_AUTO(hn_history) struct hn_history *history = NULL;
	const struct hn_sample_record *sample;

	look(database, -1, START_NS + 1, 0.25, 0.5, 0);
	look(database, 0, START_NS + 2, 0.875, 0.25, 1);
	look(database, -1, START_NS + 10 * HN_NS_PER_S, 0.5, 1, 0);
	look(database, -1, START_NS + 20 * HN_NS_PER_S, -1, 0, -1); /* nothing was known */
	look(database, -1, START_NS + 59 * HN_NS_PER_S, 0.75, 0.5, 1);
	look(database, -1, START_NS + 60 * HN_NS_PER_S, 0.5, 0, 0); /* the next minute */
	tidy_up(database, START_NS + HOUR_NS + MINUTE_NS - 1);
	history = scene_ask(database, START_NS + HOUR_NS);
	assert_int_equal(history->count, 6); /* not yet */
	hn_history_free(hn_steal(history));
	tidy_up(database, START_NS + HOUR_NS + MINUTE_NS);
	history = scene_ask(database, START_NS + HOUR_NS);
	assert_int_equal(history->count, 3);
	assert_int_equal(history->records[0]->sample.looks, 1);
	sample = &history->records[1]->sample;
	assert_int_equal(sample->cell, -1);
	assert_int_equal(sample->looks, 4);
	assert_int_equal(history->records[1]->time_ns, 59 * HN_NS_PER_S); /* of the last */
	assert_true(sample->locality_known);
	assert_true(sample->locality.low == 0.125 && sample->locality.value == 0.5 &&
		    sample->locality.high == 0.875);
	assert_true(sample->busy == 0.5);
	assert_float_equal(sample->memory_share[0], 2.0 / 3, 1e-4);
	assert_float_equal(sample->memory_share[1], 1.0 / 3, 1e-4);
	sample = &history->records[2]->sample;
	assert_int_equal(sample->cell, 0);
	assert_true(sample->looks == 1 && sample->locality.value == 0.875 && sample->memory_share[1] == 1);
}

static void later_rungs_weigh_by_looks(void **state)
{
	HN_AUTO(hn_database) struct hn_database *database = scene_open(*state, START_NS);
	HN_AUTO(hn_history) struct hn_history *history = NULL;

	/* three looks in the first minute, one in the second: the mean of four, not of two */
	for (unsigned i = 0; i < 3; i++)
		look(database, -1, START_NS + i * HN_NS_PER_S, 0.5, 0, 0);
	look(database, -1, START_NS + MINUTE_NS, 0.9375, 1, 1);
	tidy_up(database, START_NS + 2 * HOUR_NS);
	tidy_up(database, START_NS + 2 * DAY_NS);
	history = scene_ask(database, START_NS + 2 * DAY_NS);
	assert_int_equal(history->count, 1);
	assert_int_equal(history->records[0]->sample.looks, 4);
	assert_float_equal(history->records[0]->sample.locality.value, (3 * 0.5 + 0.9375) / 4, 1e-12);
	assert_float_equal(history->records[0]->sample.memory_share[0], 0.75, 1e-4);
	assert_true(history->records[0]->sample.busy == 0.25);
}

static void looks_of_which_nothing_is_known_stay_so(void **state)
{
	HN_AUTO(hn_database) struct hn_database *database = scene_open(*state, START_NS);
	HN_AUTO(hn_history) struct hn_history *history = NULL;

	look(database, -1, START_NS, -1, 0, -1);
	look(database, -1, START_NS + 1, -1, 0, -1);
	tidy_up(database, START_NS + 2 * HOUR_NS);
	history = scene_ask(database, START_NS);
	assert_int_equal(history->count, 1);
	assert_int_equal(history->records[0]->sample.looks, 2);
	assert_false(history->records[0]->sample.locality_known);
	assert_true(history->records[0]->sample.memory_share[0] == 0);
}

/* Three months of a look every ten minutes, tidied every hour: counted against the ladder's promise. */
static void months_shrink_to_what_the_ladder_promises(void **state)
{
	HN_AUTO(hn_database) struct hn_database *database = scene_open(*state, START_NS);
	HN_AUTO(hn_history) struct hn_history *history = NULL;
	const uint64_t end = START_NS + 90 * DAY_NS;
	uint64_t looks = 0, at;
	struct hn_error err = {0};

	for (at = START_NS; at < end; at += HOUR_NS) {
		struct hn_entry entries[6], *pointers[6];

		for (size_t i = 0; i < 6; i++) {
			entries[i] = (struct hn_entry){.record = hn_record_new_sample("g", "u", -1, 2),
						       .uptime_ns = at + i * 10 * MINUTE_NS};
			pointers[i] = &entries[i];
		}
		assert_int_equal(hn_database_write(database, pointers, 6, &err), 0);
		for (size_t i = 0; i < 6; i++)
			hn_record_free(entries[i].record);
		if (at % (12 * HOUR_NS) == 0)
			tidy_up(database, at + HOUR_NS);
	}
	tidy_up(database, end);
	history = scene_ask(database, end);
	/* a day of single looks, 29 days of quarters of an hour with one or two each, 60 days of 6 hours; a
	 * span that is not due as a whole waits: 24 quarters, two looks */
	assert_in_range(history->count, 24 * 6 + 29 * 96 + 60 * 4, 24 * 6 + 29 * 96 + 60 * 4 + 24 + 2);
	for (size_t i = 0; i < history->count; i++)
		looks += history->records[i]->sample.looks;
	assert_int_equal(looks, 90 * 24 * 6);
	assert_int_equal(history->records[history->count - 1]->sample.looks, 36);
}

static void what_is_older_than_the_last_rung_is_forgotten(void **state)
{
	HN_AUTO(hn_database) struct hn_database *database = scene_open(*state, START_NS);
	HN_AUTO(hn_history) struct hn_history *history = NULL;

	look(database, -1, START_NS, 0.5, 0, 0);
	scene_write(database, scene_record(HN_RECORD_MOVE, 1), START_NS + 1);
	scene_write(database, scene_record(HN_RECORD_DECISION, 2), START_NS + 2);
	scene_write(database, scene_record(HN_RECORD_MOVE, 3), START_NS + 100 * DAY_NS);
	tidy_up(database, START_NS + 729 * DAY_NS);
	history = scene_ask(database, START_NS + 729 * DAY_NS);
	assert_int_equal(history->count, 4);
	hn_history_free(hn_steal(history));
	tidy_up(database, START_NS + 731 * DAY_NS);
	history = scene_ask(database, START_NS + 731 * DAY_NS);
	assert_int_equal(history->count, 1);
	assert_int_equal(scene_number(history->records[0]), 3);
}

/* Another boot, at that moment of the wall clock. */
static struct hn_database *boot_at(const struct scene *scene, uint64_t wall_ns)
{
	const struct hn_database_options options = {
		.path = scene->path, .size_bytes = 64 << 20, .boot = "boot-2", .now = {wall_ns, 0}};
	struct hn_database *database = NULL;
	int from;

	assert_int_equal(hn_database_open(&options, &database, &from, NULL), 0);
	return database;
}

/* A file with a sample and a decision from START_NS. */
static void make_past(const struct scene *scene)
{
	HN_AUTO(hn_database) struct hn_database *database = scene_open(scene, START_NS);

	look(database, -1, START_NS + 1, 0.5, 0, 0);
	scene_write(database, scene_record(HN_RECORD_DECISION, 1), START_NS + 2);
}

static size_t count_all(struct hn_database *database, uint64_t uptime_ns)
{
	HN_AUTO(hn_history) struct hn_history *history = scene_ask(database, uptime_ns);

	return history->count;
}

static void a_clock_that_was_not_set_yet_erases_nothing(void **state)
{
	struct hn_database *database;

	make_past(*state);
	database = boot_at(*state, START_NS + 3 * YEAR_NS);
	scene_write(database, scene_record(HN_RECORD_DECISION, 2), HOUR_NS);
	tidy_up_at(database, START_NS + 3 * YEAR_NS + HOUR_NS, HOUR_NS);
	assert_int_equal(count_all(database, HOUR_NS), 3);
	/* NTP is there: a day has passed since the past */
	tidy_up_at(database, START_NS + DAY_NS, 2 * HOUR_NS);
	scene_write(database, scene_record(HN_RECORD_DECISION, 3), 3 * HOUR_NS);
	hn_database_close(database);
	database = boot_at(*state, START_NS + 2 * DAY_NS);
	tidy_up_at(database, START_NS + 2 * DAY_NS, 0);
	assert_int_equal(count_all(database, 0), 4);
	tidy_up_at(database, START_NS + 600 * DAY_NS, 598 * DAY_NS);
	assert_int_equal(count_all(database, 598 * DAY_NS), 4);
	/* as old as they are, all of them */
	tidy_up_at(database, START_NS + 740 * DAY_NS, 738 * DAY_NS);
	assert_int_equal(count_all(database, 738 * DAY_NS), 0);
	hn_database_close(database);
}

static void records_from_ahead_of_a_clock_that_was_set_meanwhile(void **state)
{
	struct hn_database *database;

	make_past(*state);
	database = boot_at(*state, START_NS + 3 * YEAR_NS);
	scene_write(database, scene_record(HN_RECORD_DECISION, 2), HOUR_NS);
	hn_database_close(database);
	database = boot_at(*state, START_NS + DAY_NS);
	tidy_up_at(database, START_NS + DAY_NS + 23 * HOUR_NS, 23 * HOUR_NS);
	assert_int_equal(count_all(database, 23 * HOUR_NS), 3);
	tidy_up_at(database, START_NS + 2 * DAY_NS, 24 * HOUR_NS);
	assert_int_equal(count_all(database, 24 * HOUR_NS), 3);
	hn_database_close(database);
	database = boot_at(*state, START_NS + 3 * DAY_NS);
	tidy_up_at(database, START_NS + 3 * DAY_NS, 0);
	assert_int_equal(count_all(database, 0), 3);
	hn_database_close(database);
}

static void a_long_absence_is_believed_after_a_day(void **state)
{
	HN_AUTO(hn_database) struct hn_database *database = NULL;

	make_past(*state);
	database = boot_at(*state, START_NS + 3 * YEAR_NS);
	tidy_up_at(database, START_NS + 3 * YEAR_NS + 23 * HOUR_NS, 23 * HOUR_NS);
	assert_int_equal(count_all(database, 23 * HOUR_NS), 2);
	tidy_up_at(database, START_NS + 3 * YEAR_NS + 24 * HOUR_NS, 24 * HOUR_NS);
	assert_int_equal(count_all(database, 24 * HOUR_NS), 0);
}

/* Decisions that are not older than that. */
static size_t count_since(struct hn_database *database, uint64_t since_ns, uint64_t uptime_ns)
{
	HN_AUTO(hn_history) struct hn_history *history = NULL;
	struct hn_question question = scene_question();

	question.since_ns = since_ns;
	assert_int_equal(hn_database_ask(database, &question, uptime_ns, &history, NULL), 0);
	return history->count;
}

/* The very first start, of a machine whose clock says 1971 until NTP is there. */
static void the_first_clock_was_not_set_yet(void **state)
{
	struct hn_database *database = boot_at(*state, YEAR_NS);

	scene_write(database, scene_record(HN_RECORD_DECISION, 1), MINUTE_NS);
	tidy_up_at(database, YEAR_NS + 2 * MINUTE_NS, 2 * MINUTE_NS);
	tidy_up_at(database, START_NS + HOUR_NS, HOUR_NS);
	scene_write(database, scene_record(HN_RECORD_DECISION, 2), 2 * HOUR_NS);
	assert_int_equal(count_since(database, 2 * HOUR_NS, 2 * HOUR_NS), 2);
	assert_int_equal(count_since(database, HOUR_NS, 2 * HOUR_NS), 1);
	hn_database_close(database);
	/* two months later they are two months old, and not fifty years */
	database = boot_at(*state, START_NS + 60 * DAY_NS);
	tidy_up_at(database, START_NS + 62 * DAY_NS, 2 * DAY_NS);
	assert_int_equal(count_all(database, 2 * DAY_NS), 2);
	assert_int_equal(count_since(database, 61 * DAY_NS, 2 * DAY_NS), 0);
	tidy_up_at(database, START_NS + 740 * DAY_NS, 680 * DAY_NS);
	assert_int_equal(count_all(database, 680 * DAY_NS), 0);
	hn_database_close(database);
}

/* A start with a clock that says 1971, in a file with a past. */
static void only_what_is_new_goes_ahead(void **state)
{
	struct hn_database *database;

	make_past(*state);
	database = boot_at(*state, YEAR_NS);
	scene_write(database, scene_record(HN_RECORD_DECISION, 2), MINUTE_NS);
	tidy_up_at(database, START_NS + 10 * DAY_NS, HOUR_NS);
	assert_int_equal(count_since(database, 5 * DAY_NS, HOUR_NS), 1);
	assert_int_equal(count_all(database, HOUR_NS), 3);
	hn_database_close(database);
}

/* Who sets the clock wrong on the first day and right again finds the history as it was. */
static void there_and_back_on_the_first_day(void **state)
{
	struct hn_database *database = boot_at(*state, START_NS);

	scene_write(database, scene_record(HN_RECORD_DECISION, 1), MINUTE_NS);
	tidy_up_at(database, START_NS + 30 * YEAR_NS, HOUR_NS);
	tidy_up_at(database, START_NS + 2 * HOUR_NS, 2 * HOUR_NS);
	hn_database_close(database);
	database = boot_at(*state, START_NS + 3 * HOUR_NS);
	tidy_up_at(database, START_NS + 3 * HOUR_NS, 0);
	assert_int_equal(count_since(database, 4 * HOUR_NS, 0), 1);
	hn_database_close(database);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_minute_of_looks_becomes_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(later_rungs_weigh_by_looks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(looks_of_which_nothing_is_known_stay_so, set_up, tear_down),
		cmocka_unit_test_setup_teardown(months_shrink_to_what_the_ladder_promises, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_older_than_the_last_rung_is_forgotten, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_clock_that_was_not_set_yet_erases_nothing, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(records_from_ahead_of_a_clock_that_was_set_meanwhile, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_long_absence_is_believed_after_a_day, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_first_clock_was_not_set_yet, set_up, tear_down),
		cmocka_unit_test_setup_teardown(only_what_is_new_goes_ahead, set_up, tear_down),
		cmocka_unit_test_setup_teardown(there_and_back_on_the_first_day, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
