/* Memory traffic in a resctrl made up: whose a group is, and what its files say or do not. */
#include "host/bandwidth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/evidence.h"
#include "tree.h"

static const struct hn_process QEMU = {.pid = 100, .start_ticks = 1};

struct scene {
	struct tree tree;
	struct hn_thread_reading threads[3]; /* 100, 101, 102 */
	struct hn_counters counters;
};

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	if (!scene)
		return -1;
	tree_init(&scene->tree);
	for (int i = 0; i < 3; i++)
		scene->threads[i].tid = 100 + i;
	tree_write(&scene->tree, "sys/fs/resctrl/mon_data/mon_L3_00/mbm_total_bytes", "999999\n");
	tree_write(&scene->tree, "sys/fs/resctrl/mon_data/mon_L3_00/mbm_local_bytes", "999999\n");
	tree_write(&scene->tree, "sys/fs/resctrl/tasks", "1\n100\n101\n102\n");
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	tree_done(&scene->tree);
	free(scene);
	return 0;
}

static void put_thread(const struct scene *scene, int tid, const char *res, const char *mon)
{
	char path[128];

	snprintf(path, sizeof(path), "proc/100/task/%d/cpu_resctrl_groups", tid);
	tree_write(&scene->tree, path, "res:%s\nmon:%s\n", res, mon);
}

static void write_group(const struct scene *scene, const char *group, const char *tasks)
{
	char path[256];

	snprintf(path, sizeof(path), "sys/fs/resctrl/%s/tasks", group);
	tree_write(&scene->tree, path, "%s", tasks);
}

static void write_cache(const struct scene *scene, const char *group, int cache, const char *total,
			const char *local)
{
	char path[256];

	snprintf(path, sizeof(path), "sys/fs/resctrl/%s/mon_data/mon_L3_%02d/mbm_total_bytes", group, cache);
	tree_write(&scene->tree, path, "%s\n", total);
	snprintf(path, sizeof(path), "sys/fs/resctrl/%s/mon_data/mon_L3_%02d/mbm_local_bytes", group, cache);
	tree_write(&scene->tree, path, "%s\n", local);
}

static void read_all(struct scene *scene)
{
	for (int i = 0; i < 3; i++)
		scene->threads[i].monitored = false;
	hn_bandwidth_read(scene->tree.root, &QEMU, scene->threads, 3, &scene->counters);
}

static void assert_read(struct scene *scene, uint64_t total, uint64_t local)
{
	read_all(scene);
	assert_int_equal(scene->counters.known, 3);
	assert_int_equal(scene->counters.values[HN_BANDWIDTH_TOTAL], total);
	assert_int_equal(scene->counters.values[HN_BANDWIDTH_LOCAL], local);
}

static void a_group_is_summed_over_its_caches(void **state)
{
	struct scene *scene = *state;

	put_thread(scene, 101, "/", "m");
	put_thread(scene, 102, "/", "m");
	put_thread(scene, 100, "/", "");
	write_group(scene, "mon_groups/m", "101\n102\n");
	write_cache(scene, "mon_groups/m", 0, "1000", "700");
	write_cache(scene, "mon_groups/m", 1, "500", "20");
	assert_read(scene, 1500, 720);
	assert_false(scene->threads[0].monitored);
	assert_true(scene->threads[1].monitored && scene->threads[2].monitored);
	assert_int_equal(scene->counters.family, HN_COUNTERS_BANDWIDTH);
}

/* A control group's figures hold those of its monitoring groups. */
static void groups_within_an_own_group_are_not_counted_twice(void **state)
{
	struct scene *scene = *state;

	put_thread(scene, 100, "g", "");
	put_thread(scene, 101, "g", "m");
	put_thread(scene, 102, "/", "n");
	write_group(scene, "g", "100\n101\n");
	write_group(scene, "g/mon_groups/m", "101\n");
	write_group(scene, "mon_groups/n", "102\n");
	write_cache(scene, "g", 0, "1000", "10");
	write_cache(scene, "g/mon_groups/m", 0, "400", "4");
	write_cache(scene, "mon_groups/n", 0, "30", "3");
	assert_read(scene, 1030, 13);
	write_group(scene, "g", "100\n101\n7\n"); /* shared with another: its part alone counts */
	assert_read(scene, 430, 7);
	assert_false(scene->threads[0].monitored);
	assert_true(scene->threads[1].monitored && scene->threads[2].monitored);
}

static void a_group_with_others_tells_nothing(void **state)
{
	struct scene *scene = *state;

	put_thread(scene, 101, "/", "m");
	write_group(scene, "mon_groups/m", "101\n555\n");
	write_cache(scene, "mon_groups/m", 0, "1000", "700");
	read_all(scene);
	assert_int_equal(scene->counters.known, 0);
	assert_false(scene->threads[1].monitored);
	write_group(scene, "mon_groups/m", "");
	read_all(scene);
	assert_int_equal(scene->counters.known, 0);
}

static void what_is_no_number_is_unknown(void **state)
{
	static const char *const texts[] = {"Unavailable", "Error", "Unassigned",          "",
					    "-1",          "12x",   "18446744073709551616"};
	struct scene *scene = *state;

	put_thread(scene, 101, "/", "m");
	write_group(scene, "mon_groups/m", "101\n");
	for (size_t i = 0; i < 2 * HN_COUNT(texts); i++) {
		bool total = i % 2;

		write_cache(scene, "mon_groups/m", 0, "1000", "700");
		write_cache(scene, "mon_groups/m", 1, total ? texts[i / 2] : "10",
			    total ? "10" : texts[i / 2]);
		write_cache(scene, "mon_groups/m", 2, "1000", "700");
		read_all(scene);
		assert_int_equal(hn_counter_known(&scene->counters, HN_BANDWIDTH_TOTAL), !total);
		assert_int_equal(hn_counter_known(&scene->counters, HN_BANDWIDTH_LOCAL), total);
	}
	write_cache(scene, "mon_groups/m", 1, "18446744073709551615", "1");
	read_all(scene); /* a sum that does not fit is none */
	assert_false(hn_counter_known(&scene->counters, HN_BANDWIDTH_TOTAL));
}

static void groups_that_come_or_go_are_another_source(void **state)
{
	struct scene *scene = *state;
	uint64_t before;

	put_thread(scene, 101, "/", "m");
	write_group(scene, "mon_groups/m", "101\n");
	write_cache(scene, "mon_groups/m", 0, "1000", "700");
	assert_read(scene, 1000, 700);
	before = scene->counters.source;
	assert_read(scene, 1000, 700);
	assert_true(scene->counters.source == before);
	put_thread(scene, 102, "/", "n");
	write_group(scene, "mon_groups/n", "102\n");
	write_cache(scene, "mon_groups/n", 0, "5", "5");
	assert_read(scene, 1005, 705);
	assert_true(scene->counters.source != before);
}

/* Names from a file do not lead out of the folder. */
static void strange_names_are_not_followed(void **state)
{
	static const char *const names[][2] = {{"../x", ""}, {"/", "../../x"}, {"/x", ""},
					       {"", ""},     {"a/b", ""},      {"..", ""}};
	struct scene *scene = *state;

	tree_write(&scene->tree, "sys/fs/x/tasks", "101\n");
	tree_write(&scene->tree, "sys/fs/x/mon_data/mon_L3_00/mbm_total_bytes", "5\n");
	tree_write(&scene->tree, "sys/fs/tasks", "101\n");
	tree_write(&scene->tree, "sys/fs/mon_data/mon_L3_00/mbm_total_bytes", "5\n");
	for (size_t i = 0; i < HN_COUNT(names); i++) {
		put_thread(scene, 101, names[i][0], names[i][1]);
		read_all(scene);
		if (scene->counters.known)
			fail_msg("res:%s mon:%s is followed", names[i][0], names[i][1]);
	}
}

static void without_resctrl_or_unasked_it_is_unknown(void **state)
{
	struct hn_counters counters[HN_GUEST_COUNTERS];
	struct hn_stall stalls[HN_RESOURCE_COUNT];
	struct scene *scene = *state;

	put_thread(scene, 101, "/", "m");
	write_group(scene, "mon_groups/m", "101\n");
	write_cache(scene, "mon_groups/m", 0, "1000", "700");
	hn_guest_evidence_read(scene->tree.root, &QEMU, scene->threads, 3, false, stalls, counters);
	assert_int_equal(counters[1].family, HN_COUNTERS_BANDWIDTH);
	assert_int_equal(counters[1].known, 0);
	hn_guest_evidence_read(scene->tree.root, &QEMU, scene->threads, 3, true, stalls, counters);
	assert_int_equal(counters[1].values[HN_BANDWIDTH_TOTAL], 1000);
	tree_remove(&scene->tree, "sys/fs/resctrl/mon_data");
	read_all(scene);
	assert_int_equal(scene->counters.known, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_group_is_summed_over_its_caches),
		TEST(groups_within_an_own_group_are_not_counted_twice),
		TEST(a_group_with_others_tells_nothing),
		TEST(what_is_no_number_is_unknown),
		TEST(groups_that_come_or_go_are_another_source),
		TEST(strange_names_are_not_followed),
		TEST(without_resctrl_or_unasked_it_is_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
