/* The canvas: what is cut, replaced, left out; wide characters; colours as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <string.h>

#include "cli/canvas.h"

static void row_is(const struct hn_canvas *canvas, unsigned row, const char *expected)
{
	char text[512];

	assert_string_equal(hn_canvas_row(canvas, row, false, text, sizeof(text)), expected);
}

static void text_is_cut_with_a_mark(void **state)
{
	HN_AUTO(hn_canvas) struct hn_canvas *canvas = hn_canvas_new(3, 20, true);

	assert_int_equal(hn_canvas_put(canvas, 0, 2, 5, HN_TONE_PLAIN, "abcde"), 7);
	assert_int_equal(hn_canvas_put(canvas, 1, 2, 5, HN_TONE_PLAIN, "abcdef"), 7);
	assert_int_equal(hn_canvas_put(canvas, 2, 17, 9, HN_TONE_PLAIN, "abcdef"), 20);
	row_is(canvas, 0, "  abcde");
	row_is(canvas, 1, "  abcd…");
	row_is(canvas, 2, "                 ab…");
	canvas->unicode = false;
	hn_canvas_put(canvas, 1, 2, 5, HN_TONE_PLAIN, "abcdef");
	row_is(canvas, 1, "  abcd~");
}

static void what_is_outside_is_left_out(void **state)
{
	HN_AUTO(hn_canvas) struct hn_canvas *canvas = hn_canvas_new(2, 4, true);

	hn_canvas_put(canvas, -1, 0, 4, HN_TONE_PLAIN, "abcd");
	hn_canvas_put(canvas, 2, 0, 4, HN_TONE_PLAIN, "abcd");
	hn_canvas_put(canvas, 0, 4, 4, HN_TONE_PLAIN, "abcd");
	hn_canvas_put(canvas, 0, 9, 4, HN_TONE_PLAIN, "abcd");
	hn_canvas_put(canvas, 0, 1, 0, HN_TONE_PLAIN, "abcd");
	hn_canvas_mark(canvas, 2, HN_STYLE_BOLD);
	hn_canvas_mark(canvas, -1, HN_STYLE_BOLD);
	row_is(canvas, 0, "");
	row_is(canvas, 1, "");
}

/* Names come from guests: nothing in them may reach the terminal as a command. */
static void control_characters_do_not_get_through(void **state)
{
	static const struct {
		const char *text, *unicode, *ascii;
	} cases[] = {
		{"a\033[2Jb", "a?[2Jb", "a?[2Jb"},
		{"a\tb\x7f", "a?b?", "a?b?"},
		{"\xc2\x9bx", "?x", "?x"},
		{"\xff\xfe", "??", "??"},
		{"\xc0\xaf", "??", "??"},
		{"\xed\xa0\x80", "?", "?"},
		{"gr\xc3\xbc\xc3\x9f", "grüß", "gr??"},
		{"cut\xe2\x82", "cut??", "cut??"},
	};

	for (size_t i = 0; i < HN_COUNT(cases); i++) {
		HN_AUTO(hn_canvas) struct hn_canvas *canvas = hn_canvas_new(1, 40, true);

		hn_canvas_put(canvas, 0, 0, 40, HN_TONE_PLAIN, cases[i].text);
		row_is(canvas, 0, cases[i].unicode);
		hn_canvas_clear(canvas);
		canvas->unicode = false;
		hn_canvas_put(canvas, 0, 0, 40, HN_TONE_PLAIN, cases[i].text);
		row_is(canvas, 0, cases[i].ascii);
	}
}

static void wide_characters_take_two_columns(void **state)
{
	HN_AUTO(hn_canvas) struct hn_canvas *canvas = hn_canvas_new(2, 8, true);

	assert_int_equal(hn_canvas_width(canvas, "漢字"), 4);
	assert_int_equal(hn_canvas_put(canvas, 0, 0, 8, HN_TONE_PLAIN, "漢字x"), 5);
	row_is(canvas, 0, "漢字x");
	/* half of one is never drawn */
	assert_int_equal(hn_canvas_put(canvas, 1, 0, 4, HN_TONE_PLAIN, "漢字x"), 3);
	row_is(canvas, 1, "漢…");
}

static void right_is_right(void **state)
{
	HN_AUTO(hn_canvas) struct hn_canvas *canvas = hn_canvas_new(2, 10, true);

	hn_canvas_put_right(canvas, 0, 1, 6, HN_TONE_PLAIN, "98 %");
	hn_canvas_put_right(canvas, 1, 1, 6, HN_TONE_PLAIN, "1234567");
	row_is(canvas, 0, "   98 %");
	row_is(canvas, 1, " 12345…");
}

static void tones_become_codes_only_when_wanted(void **state)
{
	HN_AUTO(hn_canvas) struct hn_canvas *canvas = hn_canvas_new(1, 10, true);
	char text[128];

	hn_canvas_put(canvas, 0, 0, 2, HN_TONE_BAD, "no");
	hn_canvas_put(canvas, 0, 3, 2, HN_TONE_GOOD, "ok");
	row_is(canvas, 0, "no ok");
	assert_string_equal(hn_canvas_row(canvas, 0, true, text, sizeof(text)),
			    "\033[31mno\033[0m \033[32mok\033[0m");
	canvas->faint = true;
	hn_canvas_put(canvas, 0, 0, 5, HN_TONE_BAD, "gone!");
	assert_string_equal(hn_canvas_row(canvas, 0, true, text, sizeof(text)), "\033[2mgone!\033[0m");
	/* and what does not fit is not written */
	assert_string_equal(hn_canvas_row(canvas, 0, false, text, 26), "go");
}

static void another_size_is_blank(void **state)
{
	HN_AUTO(hn_canvas) struct hn_canvas *canvas = hn_canvas_new(1, 5, true);

	hn_canvas_put(canvas, 0, 0, 5, HN_TONE_PLAIN, "abcde");
	assert_int_equal(hn_canvas_resize(canvas, 3, 7), 0);
	for (unsigned row = 0; row < 3; row++)
		row_is(canvas, row, "");
	assert_int_equal(hn_canvas_put(canvas, 2, 0, 7, HN_TONE_PLAIN, "abcdefg"), 7);
	row_is(canvas, 2, "abcdefg");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_cut_with_a_mark),
		cmocka_unit_test(what_is_outside_is_left_out),
		cmocka_unit_test(control_characters_do_not_get_through),
		cmocka_unit_test(wide_characters_take_two_columns),
		cmocka_unit_test(right_is_right),
		cmocka_unit_test(tones_become_codes_only_when_wanted),
		cmocka_unit_test(another_size_is_blank),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
