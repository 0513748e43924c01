/* Every enum that is written as a word: there, back, and refused with the choices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "model/guest.h"
#include "model/host.h"
#include "model/names.h"
#include "model/placement.h"
#include "model/plan.h"
#include "model/report.h"

/* One enum behind plain integers. */
struct words {
	const char *what;
	int count;
	const char *(*name)(int value);
	int (*parse)(const char *text, int *ret, struct hn_error *err);
};

#define DEFINE_WORDS(prefix)                                                       \
	static const char *prefix##_name_of(int value)                             \
	{                                                                          \
		return hn_##prefix##_name((enum hn_##prefix)value);                \
	}                                                                          \
	static int prefix##_read(const char *text, int *ret, struct hn_error *err) \
	{                                                                          \
		enum hn_##prefix value = (enum hn_##prefix)77;                     \
		int r = hn_##prefix##_parse(text, &value, err);                    \
		*ret = (int)value;                                                 \
		return r;                                                          \
	}

DEFINE_WORDS(mode)
DEFINE_WORDS(class)
DEFINE_WORDS(run_state)
DEFINE_WORDS(thread_kind)
DEFINE_WORDS(movability)
DEFINE_WORDS(memory_kind)
DEFINE_WORDS(verdict)
DEFINE_WORDS(operation_state)

static const struct words all_words[] = {
	{"mode", HN_MODE_COUNT, mode_name_of, mode_read},
	{"class", HN_CLASS_COUNT, class_name_of, class_read},
	{"run state", HN_RUN_COUNT, run_state_name_of, run_state_read},
	{"thread kind", HN_THREAD_KIND_COUNT, thread_kind_name_of, thread_kind_read},
	{"movability", HN_MOVABILITY_COUNT, movability_name_of, movability_read},
	{"kind of memory", HN_MEMORY_KIND_COUNT, memory_kind_name_of, memory_kind_read},
	{"verdict", HN_VERDICT_COUNT, verdict_name_of, verdict_read},
	{"operation state", HN_OPERATION_COUNT, operation_state_name_of, operation_state_read},
};

static void every_word_is_read_back(void **state)
{
	for (size_t i = 0; i < sizeof(all_words) / sizeof(all_words[0]); i++) {
		const struct words *words = &all_words[i];

		for (int value = 0; value < words->count; value++) {
			struct hn_error err = {0};
			int read = -1;

			assert_int_equal(words->parse(words->name(value), &read, &err), 0);
			assert_int_equal(read, value); /* so no two words are alike, too */
			assert_true(*words->name(value));
		}
	}
}

static void another_word_is_refused_with_the_choices(void **state)
{
	static const char *const texts[] = {"", "?", "Off", "enforce ", "rubbish"};

	for (size_t i = 0; i < sizeof(all_words) / sizeof(all_words[0]); i++) {
		const struct words *words = &all_words[i];

		for (size_t j = 0; j < sizeof(texts) / sizeof(texts[0]); j++) {
			struct hn_error err = {0};
			int read = -1;

			assert_int_equal(words->parse(texts[j], &read, &err), -EINVAL);
			assert_int_equal(read, 77);
			assert_non_null(strstr(err.message, words->what));
			for (int value = 0; value < words->count; value++)
				assert_non_null(strstr(err.message, words->name(value)));
		}
	}
}

static void a_value_outside_has_a_name_too(void **state)
{
	for (size_t i = 0; i < sizeof(all_words) / sizeof(all_words[0]); i++) {
		assert_string_equal(all_words[i].name(all_words[i].count), "?");
		assert_string_equal(all_words[i].name(-1), "?");
	}
	assert_string_equal(hn_action_kind_name(HN_ACTION_KIND_COUNT), "?");
	assert_string_equal(hn_cost_part_name(HN_COST_PARTS), "?");
}

static void names_that_are_only_written_differ(void **state)
{
	assert_string_not_equal(hn_action_kind_name(HN_ACTION_BIND), hn_action_kind_name(HN_ACTION_MIGRATE));
	for (int i = 0; i < HN_COST_PARTS; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(hn_cost_part_name((enum hn_cost_part)i),
						hn_cost_part_name((enum hn_cost_part)j));
}

static void more_choices_than_a_sentence_holds_are_cut(void **state)
{
	const char *names[100];
	struct hn_error err = {0};

	for (size_t i = 0; i < 100; i++)
		names[i] = "a-rather-long-word";
	assert_int_equal(hn_name_parse(names, 100, "thing", "x", &err), -EINVAL);
	assert_true(strlen(err.message) < HN_ERROR_MAX - 1);
	assert_int_equal(hn_name_parse(names, 0, "thing", "x", &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_word_is_read_back),
		cmocka_unit_test(another_word_is_refused_with_the_choices),
		cmocka_unit_test(a_value_outside_has_a_name_too),
		cmocka_unit_test(names_that_are_only_written_differ),
		cmocka_unit_test(more_choices_than_a_sentence_holds_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
