/*
 * Documents that are wrong in one place, every place of them in turn: they are refused with -EPROTO and the
 * member's name, or what was read is what was written; nothing else, and nothing is lost on the way (the
 * sanitizer build sees to that).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "model/codec.h"
#include "specimen.h"

#define ROUNDS 2

struct trial {
	const struct document *document;
	json_object *root;
	const char *key; /* the nearest member's name */
	bool within;     /* the mistake lies within that member: its own members are named */
	size_t accepted, refused;
};

/* Without a locality the cells' are not read; why a check is made is read from its table. */
static bool is_read_back(const char *key)
{
	return strcmp(key, "locality") != 0 && strcmp(key, "cell_locality") != 0 && strcmp(key, "why") != 0;
}

static bool has(const json_object *json, const char *key)
{
	return json_object_object_get_ex(json, key, NULL);
}

static bool is_one_of(const char *key, const char *const *keys, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return false;
}

/* What a guest may keep to itself. */
static bool may_be_unsaid(const json_object *json, const char *key)
{
	static const char *const always[] = {"started_ns", "taken_ns", "vcpu_ns", "vcpu_taken_ns",
					     "nodes",      "node",     "cpus",    "notes"};

	if (has(json, "doubt") || has(json, "span_ns"))
		return strcmp(key, "remote") == 0 || strcmp(key, "remote_faults") == 0;
	return (has(json, "interleave") || has(json, "foreign") || has(json, "hint_faults") ||
		has(json, "pages_migrated")) &&
	       !is_one_of(key, always, HN_COUNT(always));
}

/* null, for readers alone, or not written by earlier versions */
static bool may_be_missing(const json_object *json, const char *key)
{
	static const char *const keys[] = {"sample",
					   "home",
					   "plan",
					   "locality",
					   "migrate_bytes",
					   "reserved_bytes",
					   "watermark_bytes",
					   "memory_kind",
					   "reserved",
					   "devices",
					   "page_bytes",
					   "bandwidth_bytes",
					   "allowed_nodes",
					   "window_open",
					   "near",
					   "apart",
					   "iothread_count",
					   "bandwidth",
					   "fragment",
					   "ours",
					   "other_cpus",
					   "distrust",
					   "regret",
					   "calibration",
					   "lost_share",
					   "promised_share",
					   "fetches",
					   "trend",
					   "remote_cost",
					   "reported",
					   "access",
					   "inside",
					   "activity",
					   "why",
					   "backing",
					   "hold",
					   "scheduler",
					   "device_places",
					   "calls",
					   "window_left_ns",
					   "seen",
					   "stall_ns",
					   "paused",
					   "draining",
					   "kept",
					   "bound",
					   "promised"};
	bool is_backend = json_object_object_get_ex(json, "host_address", NULL);
	bool is_pool = json_object_object_get_ex(json, "total_pages", NULL);

	if (strcmp(key, "vcpus") == 0) /* of a home or one of its cells */
		return json_object_object_get_ex(json, "proven", NULL) ||
		       json_object_object_get_ex(json, "cell", NULL);
	if (strcmp(key, "page_bytes") == 0 && (is_backend || is_pool))
		return false;
	if (strcmp(key, "home") == 0 && json_object_object_get_ex(json, "verdict_changed", NULL))
		return false;

	if (has(json, "family")) /* rates: each may be unknown, of whom they are may not */
		return strcmp(key, "family") != 0 && strcmp(key, "node") != 0;
	if (has(json, "io") || (has(json, "cpu") && has(json, "memory"))) /* pressure */
		return true;
	return is_one_of(key, keys, HN_COUNT(keys)) || may_be_unsaid(json, key);
}

static bool is_named(const struct trial *trial, const char *message)
{
	if (trial->within || strstr(message, trial->key))
		return true;
	/* a wrong count shows where values are counted */
	return strcmp(trial->key, "node_count") == 0 &&
	       (strstr(message, "values where") || strstr(message, "does not fit"));
}

/* Takes out the sum that a plan tells and nobody reads, at any depth. */
static void forget_sums(json_object *json)
{
	size_t count = json_object_is_type(json, json_type_array) ? json_object_array_length(json) : 0;

	for (size_t i = 0; i < count; i++)
		forget_sums(json_object_array_get_idx(json, i));
	if (!json_object_is_type(json, json_type_object))
		return;
	json_object_object_del(json, "migrate_bytes");
	json_object_object_foreach(json, name, value)
	{
		(void)name;
		forget_sums(value);
	}
}

/* Equal, but that 1 is as good as 1.0 where a fraction may stand. */
static bool is_same_value(json_object *a, json_object *b)
{
	if (json_object_is_type(a, json_type_int) && json_object_is_type(b, json_type_double))
		return json_object_get_double(a) == json_object_get_double(b);
	if (json_object_get_type(a) != json_object_get_type(b))
		return false;
	if (json_object_is_type(a, json_type_array)) {
		size_t count = json_object_array_length(a);

		for (size_t i = 0; i < count && count == json_object_array_length(b); i++)
			if (!is_same_value(json_object_array_get_idx(a, i), json_object_array_get_idx(b, i)))
				return false;
		return count == json_object_array_length(b);
	}
	if (json_object_is_type(a, json_type_object)) {
		json_object_object_foreach(a, name, value)
		{
			json_object *other = NULL;

			if (!json_object_object_get_ex(b, name, &other) || !is_same_value(value, other))
				return false;
		}
		return json_object_object_length(a) == json_object_object_length(b);
	}
	return json_object_equal(a, b);
}

static bool is_same_text(json_object *root, json_object *again)
{
	HN_AUTO(json) json_object *copy = NULL;

	assert_int_equal(json_object_deep_copy(root, &copy, NULL), 0);
	forget_sums(copy);
	forget_sums(again);
	return is_same_value(copy, again);
}

static void attempt(struct trial *trial, bool compare)
{
	struct hn_error err = {0};
	void *read = NULL;
	int r = trial->document->decode(trial->root, &read, &err);

	if (r < 0) {
		assert_null(read);
		if (r != -EPROTO || err.code != -EPROTO || !is_named(trial, err.message))
			fail_msg("%s, wrong in '%s': %d \"%s\"\n%s", trial->document->name, trial->key, r,
				 err.message, json_object_to_json_string(trial->root));
		assert_int_equal(trial->document->decode(trial->root, &read, NULL), r);
		trial->refused++;
	} else {
		HN_AUTO(json) json_object *again = trial->document->encode(read);

		if (compare && is_read_back(trial->key) && !is_same_text(trial->root, again))
			fail_msg("%s, changed in '%s', is read otherwise:\n%s\n%s", trial->document->name,
				 trial->key, json_object_to_json_string(trial->root),
				 json_object_to_json_string(again));
		trial->document->free(read);
		trial->accepted++;
	}
}

static const char *const mutants[] = {
	"null",
	"true",
	"-1",
	"0",
	"1.5",
	"1e300",
	"18446744073709551615",
	"\"x\"",
	"\"\"",
	"\"0-3,8\"",
	"\"a\\u0000b\"",
	"[]",
	"{}",
	"[[1]]",
	"[{}]",
	"[null]",
	"{\"id\": 1}",
};

static json_object *mutant(size_t index)
{
	struct hn_error err = {0};
	json_object *json = NULL;

	assert_int_equal(hn_json_parse(mutants[index], strlen(mutants[index]), "mutant", &json, &err), 0);
	return json;
}

/* An int is good enough where a fraction is expected, and comes back as one. */
static bool becomes_fraction(json_object *original, json_object *value)
{
	return json_object_is_type(original, json_type_double) && json_object_is_type(value, json_type_int);
}

static void mutate(struct trial *trial, json_object *json);

static void mutate_object(struct trial *trial, json_object *json)
{
	const char *outer = trial->key;
	size_t count = 0, accepted;
	char *keys[32];

	json_object_object_foreach(json, name, unused)
	{
		(void)unused;
		assert_true(count < HN_COUNT(keys));
		keys[count++] = strdup(name);
	}
	for (size_t i = 0; i < count; i++) {
		json_object *original = json_object_get(json_object_object_get(json, keys[i]));

		trial->key = keys[i];
		json_object_object_del(json, keys[i]);
		accepted = trial->accepted;
		attempt(trial, false);
		assert_int_equal(trial->accepted > accepted, may_be_missing(json, keys[i]) || !original);
		for (size_t m = 0; m < HN_COUNT(mutants); m++) {
			json_object *value = mutant(m);

			json_object_object_add(json, keys[i], value);
			trial->within = json_object_is_type(value, json_type_object);
			attempt(trial, !becomes_fraction(original, value));
			trial->within = false;
		}
		json_object_object_add(json, keys[i], original);
		if (original)
			mutate(trial, original);
		free(keys[i]);
	}
	trial->key = outer;
}

static void mutate_array(struct trial *trial, json_object *json)
{
	size_t count = json_object_array_length(json);

	for (size_t i = 0; i < count; i++) {
		json_object *original = json_object_get(json_object_array_get_idx(json, i));

		for (size_t m = 0; m < HN_COUNT(mutants); m++) {
			json_object *value = mutant(m);

			json_object_array_put_idx(json, i, value);
			attempt(trial, !becomes_fraction(original, value));
		}
		json_object_array_put_idx(json, i, original);
		mutate(trial, original);
	}
	for (size_t m = 0; m < HN_COUNT(mutants); m++) {
		json_object_array_add(json, mutant(m));
		attempt(trial, true);
		json_object_array_del_idx(json, count, 1);
	}
}

static void mutate(struct trial *trial, json_object *json)
{
	if (json_object_is_type(json, json_type_object))
		mutate_object(trial, json);
	else if (json_object_is_type(json, json_type_array))
		mutate_array(trial, json);
}

static void every_member_is_checked(void **state)
{
	struct hn_random random = {31};

	for (size_t i = 0; i < DOCUMENT_COUNT; i++) {
		struct trial trial = {.document = &documents[i], .key = documents[i].name};

		for (int round = 0; round < ROUNDS; round++) {
			HN_AUTO(json) json_object *json = NULL;
			void *thing = documents[i].draw(&random), *read = NULL;
			struct hn_error err = {0};

			json = documents[i].encode(thing);
			trial.root = json;
			mutate(&trial, json);
			assert_int_equal(documents[i].decode(json, &read, &err), 0); /* all was put back */
			assert_true(documents[i].same(thing, read));
			documents[i].free(thing);
			documents[i].free(read);
		}
		assert_true(trial.refused > 100 && trial.accepted > 10);
	}
}

/* A few hundred bytes overwritten at random: whatever still is JSON is read or refused, never followed out of
 * bounds. */
static void random_damage_is_survived(void **state)
{
	struct hn_random random = {32};
	size_t read_count = 0;

	for (int round = 0; round < 3000; round++) {
		const struct document *document = &documents[hn_random_below(&random, DOCUMENT_COUNT)];
		void *thing = document->draw(&random), *read = NULL;
		HN_AUTO(json) json_object *json = document->encode(thing), *damaged = NULL;
		HN_AUTO(memory) char *text = strdup(json_object_to_json_string(json));
		static const char letters[] = "0123456789-,.\"[]{}:eax ";
		struct hn_error err = {0};

		for (uint64_t i = hn_random_below(&random, 4); i < 4; i++)
			text[hn_random_below(&random, strlen(text))] =
				letters[hn_random_below(&random, sizeof(letters) - 1)];
		if (hn_json_parse(text, strlen(text), "text", &damaged, &err) == 0 &&
		    document->decode(damaged, &read, &err) == 0) {
			document->free(read);
			read_count++;
		}
		document->free(thing);
	}
	assert_true(read_count > 0);
}

static void what_is_no_object_is_refused(void **state)
{
	for (size_t i = 0; i < DOCUMENT_COUNT; i++) {
		struct hn_error err = {0};
		void *read = NULL;

		assert_int_equal(documents[i].decode(NULL, &read, &err), -EPROTO);
		for (size_t m = 0; m < HN_COUNT(mutants); m++) {
			HN_AUTO(json) json_object *json = mutant(m);

			assert_int_equal(documents[i].decode(json, &read, &err), -EPROTO);
			assert_null(read);
		}
	}
}

/* Fills an array member up to count with copies of {} and expects a refusal that names it. */
static void assert_too_many(const struct document *document, json_object *root, json_object *holder,
			    const char *key, size_t count)
{
	json_object *array = json_object_new_array();
	struct hn_error err = {0};
	void *read = NULL;

	for (size_t i = 0; i < count; i++)
		json_object_array_add(array, json_object_new_object());
	json_object_object_add(holder, key, array);
	assert_int_equal(document->decode(root, &read, &err), -EPROTO);
	if (!strstr(err.message, key) ||
	    (!strstr(err.message, "more than") && !strstr(err.message, "too many")))
		fail_msg("%zu %s of a %s are refused with \"%s\"", count, key, document->name, err.message);
}

static const struct document *find(const char *name)
{
	for (size_t i = 0; i < DOCUMENT_COUNT; i++)
		if (strcmp(documents[i].name, name) == 0)
			return &documents[i];
	fail_msg("no %s", name);
	return NULL;
}

static void too_many_items_are_refused(void **state)
{
	static const struct {
		const char *document, *key;
		size_t count;
	} cases[] = {
		{"host", "nodes", HN_SET_MAX + 1},
		{"host", "nodes", HN_CODEC_ITEMS_MAX + 1},
		{"host", "cpus", HN_CODEC_ITEMS_MAX + 1},
		{"guest", "cells", HN_CODEC_ITEMS_MAX + 1},
		{"guest", "threads", HN_CODEC_ITEMS_MAX + 1},
		{"guest", "backends", HN_CODEC_ITEMS_MAX + 1},
		{"guest", "devices", HN_CODEC_ITEMS_MAX + 1},
		{"host", "devices", HN_CODEC_ITEMS_MAX + 1},
		{"placement", "vcpus", HN_CODEC_ITEMS_MAX + 1},
		{"sample", "cells", HN_CODEC_ITEMS_MAX + 1},
		{"sample", "threads", HN_CODEC_ITEMS_MAX + 1},
		{"placement", "cells", HN_CODEC_ITEMS_MAX + 1},
		{"plan", "actions", HN_CODEC_ITEMS_MAX + 1},
		{"plan", "notes", HN_CODEC_ITEMS_MAX + 1},
		{"snapshot", "guests", HN_CODEC_ITEMS_MAX + 1},
	};
	struct hn_random random = {33};

	for (size_t i = 0; i < HN_COUNT(cases); i++) {
		const struct document *document = find(cases[i].document);
		void *thing = document->draw(&random);
		HN_AUTO(json) json_object *json = document->encode(thing);

		assert_too_many(document, json, json, cases[i].key, cases[i].count);
		document->free(thing);
	}
}

/* A short text must not ask for gigabytes: 65536 empty threads on 2048 nodes would be 1 GiB of residencies.
 */
static void a_small_text_cannot_ask_for_much(void **state)
{
	static const char *const keys[][2] = {
		{"sample", "cells"}, {"sample", "threads"}, {"placement", "cells"}};
	struct hn_random random = {34};

	for (size_t i = 0; i < HN_COUNT(keys); i++) {
		const struct document *document = find(keys[i][0]);
		void *thing = document->draw(&random);
		HN_AUTO(json) json_object *json = document->encode(thing);

		hn_json_add_int(json, "node_count", HN_SET_MAX);
		assert_too_many(document, json, json, keys[i][1], HN_CODEC_ITEMS_MAX);
		document->free(thing);
	}
}

static void more_pools_than_a_node_holds_are_refused(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = hn_host_new("h", 1, 0);
	HN_AUTO(json) json_object *json = hn_host_encode(host);
	json_object *node = json_object_array_get_idx(json_object_object_get(json, "nodes"), 0);

	assert_too_many(find("host"), json, node, "pools", HN_POOLS_MAX + 1);
}

static void long_names_are_refused_not_cut(void **state)
{
	static const char *const keys[] = {"name", "uuid", "policy", "near", "apart"};
	static const size_t room[] = {HN_NAME_MAX, 40, 24, HN_GROUP_MAX, HN_GROUP_MAX};

	for (size_t i = 0; i < HN_COUNT(keys); i++) {
		HN_AUTO(hn_guest) struct hn_guest *guest = hn_guest_new("g"), *read = NULL;
		HN_AUTO(json) json_object *json = hn_guest_encode(guest);
		char text[HN_NAME_MAX + 1];
		struct hn_error err = {0};

		memset(text, 'n', sizeof(text));
		text[room[i]] = '\0';
		hn_json_add_string(json, keys[i], text);
		assert_int_equal(hn_guest_decode(json, &read, &err), -EPROTO);
		assert_non_null(strstr(err.message, keys[i]));
		text[room[i] - 1] = '\0';
		hn_json_add_string(json, keys[i], text);
		assert_int_equal(hn_guest_decode(json, &read, &err), 0);
	}
}

static void a_long_note_is_refused_not_cut(void **state)
{
	HN_AUTO(hn_plan) struct hn_plan *plan = hn_plan_new(), *read = NULL;
	HN_AUTO(json) json_object *json = hn_plan_encode(plan);
	json_object *notes = json_object_object_get(json, "notes");
	char text[HN_REASON_MAX + 1];
	struct hn_error err = {0};

	memset(text, 'n', sizeof(text));
	text[HN_REASON_MAX - 1] = '\0';
	json_object_array_add(notes, json_object_new_string(text));
	assert_int_equal(hn_plan_decode(json, &read, &err), 0);
	text[HN_REASON_MAX - 1] = 'n';
	text[HN_REASON_MAX] = '\0';
	json_object_array_add(notes, json_object_new_string(text));
	hn_plan_free(hn_steal(read));
	assert_int_equal(hn_plan_decode(json, &read, &err), -EPROTO);
	assert_non_null(strstr(err.message, "notes[1]"));
}

/* host.h promises ids in order; CPUs are looked up by halves. */
static void ids_out_of_order_are_refused(void **state)
{
	static const struct {
		int ids[3];
		bool accepted;
	} cases[] = {{{0, 1, 2}, true},   {{3, 7, 2047}, true}, {{0, 2, 1}, false},   {{1, 1, 2}, false},
		     {{-1, 0, 1}, false}, {{2, 1, 0}, false},   {{0, 1, 2048}, false}};

	for (size_t i = 0; i < HN_COUNT(cases); i++) {
		for (int of_cpus = 0; of_cpus < 2; of_cpus++) {
			HN_AUTO(hn_host) struct hn_host *host = hn_host_new("h", 3, 3), *read = NULL;
			HN_AUTO(json) json_object *json = NULL;
			struct hn_error err = {0};

			for (size_t j = 0; j < 3; j++)
				*(of_cpus ? &host->cpus[j].id : &host->nodes[j].id) = cases[i].ids[j];
			json = hn_host_encode(host);
			assert_int_equal(hn_host_decode(json, &read, &err), cases[i].accepted ? 0 : -EPROTO);
			if (!cases[i].accepted)
				assert_non_null(strstr(err.message, of_cpus ? "cpus[" : "nodes["));
		}
	}
}

/* Two nodes with a CPU each. */
static struct hn_host *small_host(void)
{
	struct hn_host *host = hn_host_new("h", 2, 2);

	for (int i = 0; i < 2; i++) {
		host->nodes[i].memory_bytes = 1 << 20;
		host->nodes[i].cpus = hn_set_of(i);
		host->cpus[i].node = i;
	}
	return host;
}

/* One guest of two cells and three threads on two nodes, with the sample, home and regret that are given. */
static int decode_with(struct hn_sample *sample, struct hn_placement *home, struct hn_regret *regret,
		       struct hn_error *err)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = hn_snapshot_new(small_host()), *read = NULL;
	HN_AUTO(json) json_object *json = NULL;
	struct hn_guest_state *guest_state = hn_snapshot_add(snapshot);

	guest_state->guest = hn_guest_new("the-guest");
	for (int i = 0; i < 2; i++) {
		struct hn_cell *cell = hn_guest_add_cell(guest_state->guest, i);

		cell->memory_bytes = 4096;
		cell->vcpus = hn_set_of(i);
		if (home && (size_t)i < home->cell_count)
			home->cells[i].cell = i;
	}
	for (int i = 0; i < 3; i++)
		hn_guest_add_thread(guest_state->guest, i, HN_THREAD_EMULATOR);
	guest_state->sample = sample;
	guest_state->home = home;
	guest_state->regret = regret;
	json = hn_snapshot_encode(snapshot);
	return hn_snapshot_decode(json, &read, err);
}

static void a_sample_that_does_not_fit_is_refused(void **state)
{
	for (size_t nodes = 0; nodes < 4; nodes++) {
		for (size_t cells = 0; cells < 4; cells++) {
			for (size_t threads = 0; threads < 5; threads++) {
				bool fits = nodes == 2 && cells == 2 && threads == 3;
				struct hn_error err = {0};

				assert_int_equal(
					decode_with(hn_sample_new(nodes, cells, threads), NULL, NULL, &err),
					fits ? 0 : -EPROTO);
				if (!fits)
					assert_non_null(strstr(err.message, "'the-guest': its sample"));
			}
		}
	}
}

static void a_home_that_does_not_fit_is_refused(void **state)
{
	for (size_t nodes = 0; nodes < 4; nodes++) {
		for (size_t cells = 0; cells < 4; cells++) {
			bool fits = nodes == 2 && cells == 2;
			struct hn_error err = {0};

			assert_int_equal(decode_with(NULL, hn_placement_new(nodes, cells), NULL, &err),
					 fits ? 0 : -EPROTO);
			if (!fits)
				assert_non_null(strstr(err.message, "'the-guest': its home"));
		}
	}
}

static void a_regret_that_does_not_fit_is_refused(void **state)
{
	for (size_t nodes = 0; nodes < 4; nodes++) {
		for (size_t cells = 0; cells < 4; cells++) {
			bool fits = nodes == 2 && cells == 2;
			struct hn_error err = {0};

			assert_int_equal(decode_with(NULL, NULL, hn_regret_new(cells, nodes), &err),
					 fits ? 0 : -EPROTO);
			if (!fits)
				assert_non_null(strstr(err.message, "'the-guest': its regret"));
		}
	}
}

/* Numbers of the right type that cannot be. */
static void numbers_out_of_range_are_refused(void **state)
{
	static const struct {
		const char *part, *key;
		double value;
		int expected;
	} cases[] = {
		{"guest", "distrust", 0.99, -EPROTO},
		{"guest", "distrust", -1, -EPROTO},
		{"guest", "distrust", 1, 0},
		{"guest", "distrust", 0, 0},
		{"calibration", "bytes_per_second", -0.5, -EPROTO},
		{"calibration", "bytes_per_second", 0, 0},
		{"calibration", "stall_share", -0.01, -EPROTO},
		{"calibration", "stall_share", 1.01, -EPROTO},
		{"calibration", "stall_share", 1, 0},
	};
	struct hn_random random = {35};

	for (size_t i = 0; i < HN_COUNT(cases); i++) {
		HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = NULL, *read = NULL;
		HN_AUTO(json) json_object *json = NULL;
		json_object *part;
		struct hn_error err = {0};

		for (; !snapshot || snapshot->guest_count == 0; snapshot = specimen_snapshot(&random))
			hn_snapshot_free(snapshot);
		json = hn_snapshot_encode(snapshot);
		part = strcmp(cases[i].part, "guest") == 0
			       ? json_object_array_get_idx(json_object_object_get(json, "guests"), 0)
			       : json_object_object_get(json, cases[i].part);
		hn_json_add_double(part, cases[i].key, cases[i].value);
		assert_int_equal(hn_snapshot_decode(json, &read, &err), cases[i].expected);
		if (cases[i].expected)
			assert_non_null(strstr(err.message, cases[i].key));
	}
}

/* What is impossible as a whole is refused by the same door; test-check.c has the cases. */
static void an_impossible_snapshot_is_refused(void **state)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = hn_snapshot_new(small_host()), *read = NULL;
	HN_AUTO(json) json_object *json = NULL;
	struct hn_error err = {0};

	snapshot->host->nodes[1].free_bytes = (1 << 20) + 1;
	json = hn_snapshot_encode(snapshot);
	assert_int_equal(hn_snapshot_decode(json, &read, &err), -EPROTO);
	assert_int_equal(err.code, -EPROTO);
	assert_non_null(strstr(err.message, "free_bytes 1048577"));
}

static void a_report_whose_parts_do_not_fit_is_refused(void **state)
{
	for (size_t cells = 0; cells < 4; cells++) {
		for (int of_home = 0; of_home < 2; of_home++) {
			HN_AUTO(hn_report) struct hn_report *report = hn_report_new(), *read = NULL;
			HN_AUTO(json) json_object *json = NULL;
			struct hn_error err = {0};

			report->guest = hn_guest_new("the-guest");
			hn_guest_add_cell(report->guest, 0);
			if (of_home)
				report->home = hn_placement_new(2, cells);
			else
				report->sample = hn_sample_new(2, cells, 0);
			json = hn_report_encode(report);
			assert_int_equal(hn_report_decode(json, &read, &err), cells == 1 ? 0 : -EPROTO);
			if (cells != 1)
				assert_non_null(strstr(err.message, "the-guest"));
		}
	}
}

static void a_snapshot_of_another_version_is_refused(void **state)
{
	HN_AUTO(hn_snapshot)
	struct hn_snapshot *snapshot = hn_snapshot_new(hn_host_new("h", 0, 0)), *read = NULL;
	HN_AUTO(json) json_object *json = hn_snapshot_encode(snapshot);
	struct hn_error err = {0};

	hn_json_add_int(json, "version", 2);
	assert_int_equal(hn_snapshot_decode(json, &read, &err), -EPROTO);
	assert_non_null(strstr(err.message, "version 2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_member_is_checked),
		cmocka_unit_test(random_damage_is_survived),
		cmocka_unit_test(what_is_no_object_is_refused),
		cmocka_unit_test(too_many_items_are_refused),
		cmocka_unit_test(a_small_text_cannot_ask_for_much),
		cmocka_unit_test(more_pools_than_a_node_holds_are_refused),
		cmocka_unit_test(long_names_are_refused_not_cut),
		cmocka_unit_test(a_long_note_is_refused_not_cut),
		cmocka_unit_test(ids_out_of_order_are_refused),
		cmocka_unit_test(a_sample_that_does_not_fit_is_refused),
		cmocka_unit_test(a_home_that_does_not_fit_is_refused),
		cmocka_unit_test(a_regret_that_does_not_fit_is_refused),
		cmocka_unit_test(numbers_out_of_range_are_refused),
		cmocka_unit_test(an_impossible_snapshot_is_refused),
		cmocka_unit_test(a_report_whose_parts_do_not_fit_is_refused),
		cmocka_unit_test(a_snapshot_of_another_version_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
