/* Everything that is written is read back alike, through text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/json.h"
#include "model/codec.h"
#include "specimen.h"

#define ROUNDS 300

/* Text of what is encoded from thing; owned by *ret. */
static const char *write_text(const struct document *document, const void *thing, json_object **ret)
{
	*ret = document->encode(thing);
	assert_non_null(*ret);
	return json_object_to_json_string_ext(*ret, JSON_C_TO_STRING_PLAIN);
}

static void what_is_written_is_read_back(void **state)
{
	struct hn_random random = {21};

	for (size_t i = 0; i < DOCUMENT_COUNT; i++) {
		for (int round = 0; round < ROUNDS; round++) {
			HN_AUTO(json) json_object *first = NULL, *parsed = NULL, *second = NULL;
			void *thing = documents[i].draw(&random), *read = NULL;
			const char *text = write_text(&documents[i], thing, &first);
			struct hn_error err = {0};

			assert_int_equal(hn_json_parse(text, strlen(text), "text", &parsed, &err), 0);
			if (documents[i].decode(parsed, &read, &err) != 0)
				fail_msg("%s: %s in %s", documents[i].name, err.message, text);
			if (!documents[i].same(thing, read))
				fail_msg("%s is read back otherwise: %s", documents[i].name, text);
			assert_string_equal(write_text(&documents[i], read, &second), text);
			documents[i].free(thing);
			documents[i].free(read);
		}
	}
}

/* Two documents that differ in anything are written differently. */
static void no_two_are_written_alike(void **state)
{
	struct hn_random random = {22};

	for (size_t i = 0; i < DOCUMENT_COUNT; i++) {
		for (int round = 0; round < ROUNDS; round++) {
			HN_AUTO(json) json_object *first = NULL, *second = NULL;
			void *a = documents[i].draw(&random), *b = documents[i].draw(&random);
			const char *text = write_text(&documents[i], a, &first);

			assert_int_equal(strcmp(text, write_text(&documents[i], b, &second)) == 0,
					 documents[i].same(a, b));
			documents[i].free(a);
			documents[i].free(b);
		}
	}
}

static void unknown_members_are_skipped(void **state)
{
	struct hn_random random = {23};

	for (size_t i = 0; i < DOCUMENT_COUNT; i++) {
		HN_AUTO(json) json_object *json = NULL;
		void *thing = documents[i].draw(&random), *read = NULL;
		struct hn_error err = {0};

		write_text(&documents[i], thing, &json);
		hn_json_add_string(json, "from a later version", "x");
		assert_int_equal(documents[i].decode(json, &read, &err), 0);
		assert_true(documents[i].same(thing, read));
		documents[i].free(thing);
		documents[i].free(read);
	}
}

/* The sum of the migrations is there for readers; a reader of ours adds up itself. */
static void a_plan_tells_what_is_to_move(void **state)
{
	HN_AUTO(hn_plan) struct hn_plan *plan = hn_plan_new();
	HN_AUTO(json) json_object *json = NULL;
	struct hn_error err = {0};
	uint64_t bytes;

	hn_plan_add_action(plan, HN_ACTION_MIGRATE)->bytes = 400;
	hn_plan_add_action(plan, HN_ACTION_MIGRATE)->bytes = 21;
	json = hn_plan_encode(plan);
	assert_int_equal(hn_json_get_u64(json, "migrate_bytes", &bytes, &err), 0);
	assert_int_equal(bytes, 421);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(no_two_are_written_alike),
		cmocka_unit_test(unknown_members_are_skipped),
		cmocka_unit_test(a_plan_tells_what_is_to_move),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
