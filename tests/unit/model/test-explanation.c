/* Explanations as JSON and back; damaged ones are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/random.h"
#include "model/codec.h"

static void draw_choice(struct hn_random *random, struct hn_choice *choice)
{
	choice->node = (int)hn_random_below(random, 64);
	choice->kind = (enum hn_choice_kind)hn_random_below(random, HN_CHOICE_KIND_COUNT);
	choice->swap = (int)hn_random_below(random, 9) - 1;
	for (size_t i = 0; i < HN_COST_PARTS; i++)
		choice->more[i] = (int64_t)hn_random_next(random);
	snprintf(choice->sentence, sizeof(choice->sentence), "because of %llu",
		 (unsigned long long)hn_random_next(random));
}

static struct hn_explanation *draw(struct hn_random *random)
{
	struct hn_explanation *drawn =
		hn_explanation_new(hn_random_below(random, 5), hn_random_below(random, 4));

	assert_non_null(drawn);
	snprintf(drawn->guest, sizeof(drawn->guest), "g%llu", (unsigned long long)hn_random_next(random));
	snprintf(drawn->sentence, sizeof(drawn->sentence), "%llu",
		 (unsigned long long)hn_random_next(random));
	drawn->fits = hn_random_below(random, 2);
	drawn->proven = hn_random_below(random, 2);
	drawn->gap = (double)hn_random_below(random, 1000) / 8;
	for (size_t i = 0; i < HN_COST_PARTS; i++) {
		drawn->cost.parts[i] = hn_random_next(random) >> 1;
		drawn->bound.parts[i] = hn_random_next(random) >> 1;
	}
	for (size_t cell = 0; cell < drawn->cell_count; cell++) {
		drawn->cells[cell].cell = (int)hn_random_below(random, 100);
		hn_set_add(&drawn->cells[cell].nodes, (int)hn_random_below(random, 100));
		for (size_t node = 0; node < drawn->node_count; node++)
			draw_choice(random, &drawn->cells[cell].choices[node]);
	}
	return drawn;
}

static void assert_same_choice(const struct hn_choice *a, const struct hn_choice *b)
{
	assert_int_equal(a->node, b->node);
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->swap, b->swap);
	assert_memory_equal(a->more, b->more, sizeof(a->more));
	assert_string_equal(a->sentence, b->sentence);
}

static void assert_same(const struct hn_explanation *a, const struct hn_explanation *b)
{
	assert_string_equal(a->guest, b->guest);
	assert_string_equal(a->sentence, b->sentence);
	assert_int_equal(a->fits, b->fits);
	assert_int_equal(a->proven, b->proven);
	assert_true(a->gap == b->gap);
	assert_memory_equal(&a->cost, &b->cost, sizeof(a->cost));
	assert_memory_equal(&a->bound, &b->bound, sizeof(a->bound));
	assert_int_equal(a->node_count, b->node_count);
	assert_int_equal(a->cell_count, b->cell_count);
	for (size_t cell = 0; cell < a->cell_count; cell++) {
		assert_int_equal(a->cells[cell].cell, b->cells[cell].cell);
		assert_true(hn_set_equal(&a->cells[cell].nodes, &b->cells[cell].nodes));
		for (size_t node = 0; node < a->node_count; node++)
			assert_same_choice(&a->cells[cell].choices[node], &b->cells[cell].choices[node]);
	}
}

static void what_is_written_is_read_back(void **state)
{
	struct hn_random random = {31};

	for (int round = 0; round < 300; round++) {
		HN_AUTO(hn_explanation) struct hn_explanation *drawn = draw(&random), *read = NULL;
		HN_AUTO(json) json_object *written = hn_explanation_encode(drawn), *parsed = NULL;
		struct hn_error err = {0};
		const char *text;

		assert_non_null(written);
		text = json_object_to_json_string_ext(written, JSON_C_TO_STRING_PLAIN);
		assert_int_equal(hn_json_parse(text, strlen(text), "text", &parsed, &err), 0);
		if (hn_explanation_decode(parsed, &read, &err) < 0)
			fail_msg("%s in %s", err.message, text);
		assert_same(drawn, read);
	}
}

static void without_a_member_it_is_refused(void **state)
{
	struct hn_random random = {32};
	static const char *const members[] = {"guest",  "fits", "sentence",   "cost", "bound",
					      "proven", "gap",  "node_count", "cells"};

	for (size_t i = 0; i < HN_COUNT(members); i++) {
		HN_AUTO(hn_explanation) struct hn_explanation *drawn = draw(&random);
		HN_AUTO(json) json_object *written = hn_explanation_encode(drawn);
		struct hn_explanation *read = NULL;
		struct hn_error err = {0};

		assert_true(hn_json_has(written, members[i]));
		json_object_object_del(written, members[i]);
		assert_int_equal(hn_explanation_decode(written, &read, &err), -EPROTO);
		assert_null(read);
		assert_non_null(strstr(err.message, members[i]));
	}
}

static void counts_that_do_not_fit_are_refused(void **state)
{
	HN_AUTO(hn_explanation) struct hn_explanation *drawn = hn_explanation_new(3, 2), *read = NULL;
	HN_AUTO(json) json_object *written = hn_explanation_encode(drawn);
	struct hn_error err = {0};

	assert_int_equal(hn_explanation_decode(written, &read, &err), 0);
	json_object_object_add(written, "node_count", json_object_new_int(4));
	hn_explanation_free(hn_steal(read));
	assert_int_equal(hn_explanation_decode(written, &read, &err), -EPROTO);
	assert_non_null(strstr(err.message, "cells[0]"));
	json_object_object_add(written, "node_count", json_object_new_int(1 << 30));
	assert_int_equal(hn_explanation_decode(written, &read, &err), -EPROTO);
	assert_null(read);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(without_a_member_it_is_refused),
		cmocka_unit_test(counts_that_do_not_fit_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
