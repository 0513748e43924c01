#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void scene_make(struct scene *scene)
{
	strcpy(scene->folder, "/tmp/homenode-store-XXXXXX");
	assert_non_null(mkdtemp(scene->folder));
	snprintf(scene->path, sizeof(scene->path), "%s/history.db", scene->folder);
}

void scene_remove(struct scene *scene)
{
	DIR *folder = opendir(scene->folder);
	struct dirent *item;

	while (folder && (item = readdir(folder))) {
		char path[sizeof(scene->folder) + sizeof(item->d_name) + 1];

		snprintf(path, sizeof(path), "%s/%s", scene->folder, item->d_name);
		unlink(path);
	}
	if (folder)
		closedir(folder);
	rmdir(scene->folder);
}

static struct hn_record *make_sample(unsigned number)
{
	struct hn_record *record = hn_record_new_sample("g", "u", (int)(number % 3) - 1, SCENE_NODES);

	assert_non_null(record);
	record->sample.locality_known = number % 5;
	if (record->sample.locality_known)
		record->sample.locality = (struct hn_interval){.low = number % 7 / 16.0,
							       .value = 0.5 + number % 4 / 16.0,
							       .high = 1 - number % 3 / 16.0};
	record->sample.busy = number % 9 / 8.0;
	record->sample.memory_share[number % SCENE_NODES] = 1;
	return record;
}

static struct hn_record *make_decision(unsigned number)
{
	struct hn_record *record = hn_record_new_decision("g", "u", number % 3);

	assert_non_null(record);
	record->decision.verdict = (enum hn_verdict)(number % HN_VERDICT_COUNT);
	record->decision.verdict_changed = number & 1;
	record->decision.home_changed = number & 2;
	snprintf(record->decision.reason, sizeof(record->decision.reason), "reason %u, %0*u", number,
		 1 + (int)(number % 150), number);
	for (size_t i = 0; i < record->decision.cell_count; i++) {
		record->decision.home[i].cell = (int)(i * 3);
		hn_set_add(&record->decision.home[i].nodes, (int)(number % 100));
		hn_set_add(&record->decision.home[i].nodes, (int)(number % 100 + 2 + i));
	}
	return record;
}

static struct hn_record *make_move(unsigned number)
{
	struct hn_record *record = hn_record_new_move("g", "u");

	assert_non_null(record);
	record->move = (struct hn_move_record){
		.operation = number,
		.price = number / 4.0,
		.predicted_bytes = number + 1,
		.predicted_gain = number % 8 / 8.0,
		.moved_bytes = number + 2,
		.stayed_bytes = number + 3,
		.cpu_ns = number + 4,
		.elapsed_ns = number + UINT64_C(5000000000),
		.outcome = (enum hn_operation_state)(number % HN_OPERATION_COUNT),
	};
	snprintf(record->move.message, sizeof(record->move.message), "message '%0*u'",
		 1 + (int)(number % 200), number);
	return record;
}

struct hn_record *scene_record(enum hn_record_kind kind, unsigned number)
{
	return kind == HN_RECORD_SAMPLE     ? make_sample(number)
	       : kind == HN_RECORD_DECISION ? make_decision(number)
					    : make_move(number);
}

unsigned scene_number(const struct hn_record *record)
{
	unsigned number = 0;

	if (record->kind == HN_RECORD_MOVE)
		return (unsigned)record->move.operation;
	assert_int_equal(sscanf(record->decision.reason, "reason %u", &number), 1);
	return number;
}

static void check_sample(const struct hn_sample_record *is, const struct hn_sample_record *should)
{
	assert_int_equal(is->cell, should->cell);
	assert_int_equal(is->looks, should->looks);
	assert_int_equal(is->locality_known, should->locality_known);
	assert_memory_equal(&is->locality, &should->locality, sizeof(is->locality));
	assert_true(is->busy == should->busy);
	assert_int_equal(is->node_count, should->node_count);
	for (size_t i = 0; i < is->node_count; i++)
		assert_true(is->memory_share[i] == should->memory_share[i]);
}

static void check_decision(const struct hn_decision_record *is, const struct hn_decision_record *should)
{
	assert_int_equal(is->verdict, should->verdict);
	assert_int_equal(is->verdict_changed, should->verdict_changed);
	assert_int_equal(is->home_changed, should->home_changed);
	assert_string_equal(is->reason, should->reason);
	assert_int_equal(is->cell_count, should->cell_count);
	for (size_t i = 0; i < is->cell_count; i++) {
		assert_int_equal(is->home[i].cell, should->home[i].cell);
		assert_true(hn_set_equal(&is->home[i].nodes, &should->home[i].nodes));
	}
}

static void check_move(const struct hn_move_record *is, const struct hn_move_record *should)
{
	assert_int_equal(is->operation, should->operation);
	assert_true(is->price == should->price && is->predicted_gain == should->predicted_gain);
	assert_int_equal(is->predicted_bytes, should->predicted_bytes);
	assert_int_equal(is->moved_bytes, should->moved_bytes);
	assert_int_equal(is->stayed_bytes, should->stayed_bytes);
	assert_int_equal(is->cpu_ns, should->cpu_ns);
	assert_int_equal(is->elapsed_ns, should->elapsed_ns);
	assert_int_equal(is->outcome, should->outcome);
	assert_string_equal(is->message, should->message);
}

void scene_check(const struct hn_record *record, unsigned number)
{
	HN_AUTO(hn_record) struct hn_record *should = scene_record(record->kind, number);

	assert_string_equal(record->guest, should->guest);
	assert_string_equal(record->uuid, should->uuid);
	assert_int_not_equal(record->sequence, 0);
	if (record->kind == HN_RECORD_SAMPLE)
		check_sample(&record->sample, &should->sample);
	else if (record->kind == HN_RECORD_DECISION)
		check_decision(&record->decision, &should->decision);
	else
		check_move(&record->move, &should->move);
}

struct hn_database *scene_open(const struct scene *scene, uint64_t now_ns)
{
	const struct hn_database_options options = {.path = scene->path,
						    .size_bytes = 64 << 20,
						    .boot = "boot-1",
						    .now = {now_ns, now_ns},
						    .check = true};
	struct hn_database *database = NULL;
	struct hn_error err = {0};
	int from;

	if (hn_database_open(&options, &database, &from, &err) < 0)
		fail_msg("%s", err.message);
	return database;
}

void scene_write(struct hn_database *database, struct hn_record *record, uint64_t uptime_ns)
{
	struct hn_entry entry = {.record = record, .uptime_ns = uptime_ns}, *entries[] = {&entry};
	struct hn_error err = {0};

	if (hn_database_write(database, entries, 1, &err) < 0)
		fail_msg("%s", err.message);
	hn_record_free(record);
}

struct hn_question scene_question(void)
{
	return (struct hn_question){.guest = "g",
				    .uuid = "u",
				    .kinds = {true, true, true},
				    .cell = HN_CELL_ANY,
				    .limit = HN_ANSWER_MAX};
}

struct hn_history *scene_ask(struct hn_database *database, uint64_t uptime_ns)
{
	struct hn_question question = scene_question();
	struct hn_history *history = NULL;
	struct hn_error err = {0};

	if (hn_database_ask(database, &question, uptime_ns, &history, &err) < 0)
		fail_msg("%s", err.message);
	return history;
}
