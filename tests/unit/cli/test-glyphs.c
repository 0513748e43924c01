/* Shares as characters, strips of many nodes, and where a share goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "cli/glyphs.h"

static void eighths_and_tenths(void **state)
{
	static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	char digit[2] = "0";

	for (int i = 0; i < 8; i++) {
		assert_string_equal(hn_glyph_height(i / 8.0, true), blocks[i]);
		assert_string_equal(hn_glyph_height((i + 0.99) / 8.0, true), blocks[i]);
	}
	for (int i = 0; i < 10; i++) {
		digit[0] = (char)('0' + i);
		assert_string_equal(hn_glyph_height((i + 0.5) / 10.0, false), digit);
	}
	assert_string_equal(hn_glyph_height(1, true), "█");
	assert_string_equal(hn_glyph_height(1, false), "9");
	assert_string_equal(hn_glyph_height(-3, false), "0");
	assert_string_equal(hn_glyph_height(7, true), "█");
	assert_string_equal(hn_glyph_height(NAN, true), "▁");
}

/* A page or two on a node must not look like none. */
static void a_little_heat_is_not_none(void **state)
{
	assert_string_equal(hn_glyph_heat(0, true), "·");
	assert_string_equal(hn_glyph_heat(0, false), ".");
	assert_string_equal(hn_glyph_heat(1e-9, true), "▁");
	assert_string_equal(hn_glyph_heat(1e-9, false), "0");
}

static void neighbours_share_a_character_when_there_are_too_many(void **state)
{
	double shares[13], sums[13], all = 0;

	for (int i = 0; i < 13; i++)
		shares[i] = i;
	assert_int_equal(hn_strip_step(13, 16), 1);
	assert_int_equal(hn_strip_fold(shares, 13, 13, sums), 13);
	assert_memory_equal(sums, shares, sizeof(shares));
	assert_int_equal(hn_strip_step(13, 5), 3);
	assert_int_equal(hn_strip_fold(shares, 13, 5, sums), 5);
	for (int i = 0; i < 5; i++)
		all += sums[i];
	assert_true(sums[0] == 0 + 1 + 2 && sums[4] == 12 && all == 78);
	for (size_t count = 1; count <= 13; count++)
		for (size_t width = 1; width <= 13; width++)
			assert_true(hn_strip_fold(shares, count, width, sums) <= width);
}

static void a_look_polled_twice_is_one(void **state)
{
	struct hn_course course = {0};

	hn_course_add(&course, 1, 0.5);
	hn_course_add(&course, 1, 0.5);
	assert_int_equal(course.count, 1);
	hn_course_add(&course, 2, 0.5);
	assert_int_equal(course.count, 2);
}

static void a_trend_has_a_sign(void **state)
{
	assert_string_equal(hn_glyph_trend(HN_TREND_UNKNOWN, true), " ");
	assert_string_equal(hn_glyph_trend(HN_TREND_STEADY, true), "=");
	assert_string_equal(hn_glyph_trend(HN_TREND_RISING, true), "↑");
	assert_string_equal(hn_glyph_trend(HN_TREND_FALLING, true), "↓");
	assert_string_equal(hn_glyph_trend(HN_TREND_RISING, false), "+");
	assert_string_equal(hn_glyph_trend(HN_TREND_FALLING, false), "-");
}

static void old_values_make_room(void **state)
{
	struct hn_course course = {0};

	for (uint64_t i = 0; i < 3 * HN_COURSE_MAX + 5; i++) {
		hn_course_add(&course, i + 1, (double)i);
		for (unsigned ago = 0; ago < course.count; ago++)
			assert_true(hn_course_at(&course, ago) == (double)(i - ago));
	}
	assert_int_equal(course.count, HN_COURSE_MAX);
}

static void a_course_ends_with_the_latest(void **state)
{
	struct hn_course course = {0};
	char text[64];

	for (uint64_t i = 0; i < 4; i++)
		hn_course_add(&course, i + 1, (double)i / 10 + 0.05);
	assert_string_equal(hn_say_course(&course, 6, false, text, sizeof(text)), "  0123");
	assert_string_equal(hn_say_course(&course, 3, false, text, sizeof(text)), "123");
	assert_string_equal(hn_say_course(&course, 5, true, text, sizeof(text)), " ▁▂▃▃");
	assert_string_equal(hn_say_course(&course, 0, true, text, sizeof(text)), "");
	/* as much as fits */
	assert_string_equal(hn_say_course(&course, 6, false, text, 6), "  0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eighths_and_tenths),
		cmocka_unit_test(a_little_heat_is_not_none),
		cmocka_unit_test(neighbours_share_a_character_when_there_are_too_many),
		cmocka_unit_test(a_look_polled_twice_is_one),
		cmocka_unit_test(a_trend_has_a_sign),
		cmocka_unit_test(old_values_make_room),
		cmocka_unit_test(a_course_ends_with_the_latest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
