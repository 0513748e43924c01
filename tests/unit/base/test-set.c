/* Sets against an array of flags, and their text there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/set.h"

#define SEED 7

struct flags {
	bool on[HN_SET_MAX];
};

/* Runs and gaps of random lengths up to longest. */
static void draw(struct hn_random *random, uint64_t longest, struct hn_set *set, struct flags *flags)
{
	bool on = hn_random_below(random, 2);

	hn_set_clear(set);
	memset(flags, 0, sizeof(*flags));
	for (int number = 0; number < HN_SET_MAX; on = !on) {
		int end = number + 1 + (int)hn_random_below(random, longest);

		for (; number < end && number < HN_SET_MAX; number++) {
			if (!on)
				continue;
			flags->on[number] = true;
			hn_set_add(set, number);
		}
	}
}

static void assert_same(const struct hn_set *set, const struct flags *flags)
{
	int count = 0, last = -1;

	for (int i = 0; i < HN_SET_MAX; i++) {
		assert_int_equal(hn_set_has(set, i), flags->on[i]);
		count += flags->on[i];
	}
	assert_int_equal(hn_set_count(set), count);
	assert_int_equal(hn_set_empty(set), count == 0);
	HN_SET_FOREACH (number, set) {
		assert_true(number > last);
		assert_true(flags->on[number]);
		last = number;
		count--;
	}
	assert_int_equal(count, 0);
}

static void holds_what_was_added(void **state)
{
	struct hn_random random = {SEED};

	for (int round = 0; round < 50; round++) {
		struct flags flags;
		struct hn_set set;

		draw(&random, 1 + hn_random_below(&random, 300), &set, &flags);
		assert_same(&set, &flags);
		for (int i = 0; i < 100; i++) {
			int number = (int)hn_random_below(&random, HN_SET_MAX);

			if (hn_random_below(&random, 2))
				hn_set_add(&set, number), flags.on[number] = true;
			else
				hn_set_remove(&set, number), flags.on[number] = false;
		}
		assert_same(&set, &flags);
	}
}

static void ignores_numbers_outside(void **state)
{
	static const int outside[] = {-1, -64, -2147483647 - 1, HN_SET_MAX, HN_SET_MAX + 1, 2147483647};
	struct hn_set set = hn_set_of(5), before = set;

	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		hn_set_add(&set, outside[i]);
		hn_set_remove(&set, outside[i]);
		assert_true(hn_set_equal(&set, &before));
		assert_false(hn_set_has(&set, outside[i]));
		before = hn_set_of(outside[i]);
		assert_true(hn_set_empty(&before));
		before = set;
	}
	assert_int_equal(hn_set_next(&set, -7), 5);
	assert_int_equal(hn_set_next(&set, 5), 5);
	assert_int_equal(hn_set_next(&set, 6), -1);
	assert_int_equal(hn_set_next(&set, HN_SET_MAX), -1);
	assert_int_equal(hn_set_next(&set, 2147483647), -1);
	set = hn_set_of(HN_SET_MAX - 1);
	assert_int_equal(hn_set_next(&set, 0), HN_SET_MAX - 1);
}

static void combines_number_by_number(void **state)
{
	struct hn_random random = {SEED};

	for (int round = 0; round < 50; round++) {
		struct flags a_flags, b_flags, both, either, only;
		struct hn_set a, b, result;
		bool inside = true, equal = true;

		draw(&random, 60, &a, &a_flags);
		draw(&random, 60, &b, &b_flags);
		for (int i = 0; i < HN_SET_MAX; i++) {
			both.on[i] = a_flags.on[i] && b_flags.on[i];
			either.on[i] = a_flags.on[i] || b_flags.on[i];
			only.on[i] = a_flags.on[i] && !b_flags.on[i];
			inside = inside && (!a_flags.on[i] || b_flags.on[i]);
			equal = equal && a_flags.on[i] == b_flags.on[i];
		}
		result = a;
		hn_set_and(&result, &b);
		assert_same(&result, &both);
		assert_true(hn_set_inside(&result, &a) && hn_set_inside(&result, &b));
		result = a;
		hn_set_or(&result, &b);
		assert_same(&result, &either);
		assert_true(hn_set_inside(&a, &result) && hn_set_inside(&b, &result));
		result = a;
		hn_set_subtract(&result, &b);
		assert_same(&result, &only);
		assert_int_equal(hn_set_inside(&a, &b), inside);
		assert_int_equal(hn_set_equal(&a, &b), equal);
	}
}

static void the_empty_set_is_inside_any(void **state)
{
	struct hn_set empty = {0}, one = hn_set_of(0);

	assert_true(hn_set_inside(&empty, &empty));
	assert_true(hn_set_inside(&empty, &one));
	assert_false(hn_set_inside(&one, &empty));
}

static void is_written_and_read_back(void **state)
{
	struct hn_random random = {SEED};
	char text[HN_SET_TEXT_MAX];

	for (int round = 0; round < 300; round++) {
		struct flags flags;
		struct hn_set set, read;
		struct hn_error err = {0};

		draw(&random, 1 + hn_random_below(&random, round < 150 ? 4 : 400), &set, &flags);
		assert_int_equal(hn_set_parse(hn_set_format(&set, text, sizeof(text)), &read, &err), 0);
		assert_true(hn_set_equal(&set, &read));
	}
}

static void reads_what_the_kernel_and_people_write(void **state)
{
	static const struct {
		const char *text, *written;
		int count;
	} cases[] = {
		{"", "", 0},
		{"\n", "", 0},
		{"0", "0", 1},
		{"0-3,8", "0-3,8", 5},
		{"0-3,8\n", "0-3,8", 5},
		{" 1", "1", 1},
		{"8,0-3", "0-3,8", 5},
		{"2,1,0", "0-2", 3},
		{"1-4,3-6,5", "1-6", 6},
		{"5-5", "5", 1},
		{"007", "7", 1},
		{"2047", "2047", 1},
		{"0-2047", "0-2047", 2048},
	};
	char text[HN_SET_TEXT_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hn_error err = {0};
		struct hn_set set;

		assert_int_equal(hn_set_parse(cases[i].text, &set, &err), 0);
		assert_int_equal(hn_set_count(&set), cases[i].count);
		assert_string_equal(hn_set_format(&set, text, sizeof(text)), cases[i].written);
	}
}

static void refuses_other_text_and_says_where(void **state)
{
	static const struct {
		const char *text;
		int result;
		const char *says;
	} cases[] = {
		{"x", -EINVAL, "character 1"},
		{"-1", -EINVAL, "character 1"},
		{",1", -EINVAL, "character 1"},
		{"0-3,x", -EINVAL, "character 5"},
		{"0-", -EINVAL, "character 3"},
		{"0-x", -EINVAL, "character 3"},
		{"0--3", -EINVAL, "character 3"},
		{"0,", -EINVAL, "character 3"},
		{"0,,1", -EINVAL, "character 3"},
		{"0,\n", -EINVAL, "character 3"},
		{"0, 1", -EINVAL, "character 3"},
		{"1;2", -EINVAL, "';' at character 2"},
		{"1-2-3", -EINVAL, "'-' at character 4"},
		{"1 2", -EINVAL, "character 3"},
		{"0x4", -EINVAL, "'x' at character 2"},
		{"1.5", -EINVAL, "'.' at character 2"},
		{"3-1", -EINVAL, "3-1 runs backwards"},
		{"2048", -ERANGE, "2048 is above the largest number handled, 2047"},
		{"0-2048", -ERANGE, "2048 is above"},
		{"4294967296", -ERANGE, "4294967296 is above"},
		{"18446744073709551616", -ERANGE, "18446744073709551616 is above"},
		{"0-99999999999999999999999999", -ERANGE, "above the largest"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hn_set set = hn_set_of(11), before = set;
		struct hn_error err = {0};

		assert_int_equal(hn_set_parse(cases[i].text, &set, &err), cases[i].result);
		assert_int_equal(err.code, cases[i].result);
		if (!strstr(err.message, cases[i].says))
			fail_msg("'%s' is refused with \"%s\", not \"%s\"", cases[i].text, err.message,
				 cases[i].says);
		assert_true(hn_set_equal(&set, &before));
		assert_int_equal(hn_set_parse(cases[i].text, &set, NULL), cases[i].result);
	}
}

static int digits(int number)
{
	char text[16];

	return snprintf(text, sizeof(text), "%d", number);
}

/* The longest text of any set of numbers below n, with a comma behind each run, by what its last run is. */
static int longest_text(struct hn_set *ret)
{
	static int longest[HN_SET_MAX + 2], run_start[HN_SET_MAX + 2];

	for (int n = 1; n <= HN_SET_MAX + 1; n++) { /* n - 1 stays out, so that the next run may start at n */
		longest[n] = longest[n - 1];
		run_start[n] = -1;
		for (int first = 0; first <= n - 2; first++) {
			int last = n - 2, length = digits(first) + 1 + (last > first ? 1 + digits(last) : 0);

			if (longest[first] + length > longest[n]) {
				longest[n] = longest[first] + length;
				run_start[n] = first;
			}
		}
	}
	hn_set_clear(ret);
	for (int n = HN_SET_MAX + 1; n > 0;) {
		if (run_start[n] < 0) {
			n--;
			continue;
		}
		for (int number = run_start[n]; number <= n - 2; number++)
			hn_set_add(ret, number);
		n = run_start[n];
	}
	return longest[HN_SET_MAX + 1] - 1;
}

static void the_longest_text_has_room(void **state)
{
	char text[HN_SET_TEXT_MAX];
	struct hn_set set;
	int length = longest_text(&set);

	assert_true(length < HN_SET_TEXT_MAX);
	assert_int_equal(strlen(hn_set_format(&set, text, sizeof(text))), length);
	assert_null(strchr(text, '.'));
}

static void text_without_room_ends_in_dots(void **state)
{
	struct hn_random random = {SEED};

	for (int round = 0; round < 60; round++) {
		char whole[HN_SET_TEXT_MAX], cut[HN_SET_TEXT_MAX];
		struct flags flags;
		struct hn_set set;
		size_t length;

		draw(&random, 200, &set, &flags);
		length = strlen(hn_set_format(&set, whole, sizeof(whole)));
		for (size_t size = 0; size <= length + 1; size++) {
			memset(cut, '#', sizeof(cut));
			assert_ptr_equal(hn_set_format(&set, cut, size), cut);
			assert_int_equal(cut[size], '#');
			if (size == 0)
				continue;
			if (size > length) {
				assert_string_equal(cut, whole);
				continue;
			}
			assert_true(strlen(cut) < size);
			if (size < 4) {
				assert_int_equal(strspn(cut, "."), size - 1);
				continue;
			}
			assert_string_equal(cut + strlen(cut) - 3, "...");
			assert_memory_equal(cut, whole, strlen(cut) - 3);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_what_was_added),
		cmocka_unit_test(ignores_numbers_outside),
		cmocka_unit_test(combines_number_by_number),
		cmocka_unit_test(the_empty_set_is_inside_any),
		cmocka_unit_test(is_written_and_read_back),
		cmocka_unit_test(reads_what_the_kernel_and_people_write),
		cmocka_unit_test(refuses_other_text_and_says_where),
		cmocka_unit_test(the_longest_text_has_room),
		cmocka_unit_test(text_without_room_ends_in_dots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
