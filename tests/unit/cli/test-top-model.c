/* What homenode top keeps from picture to picture, and what keys change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/top-model.h"
#include "pictures.h"

static void take(struct hn_top *top, struct hn_picture *picture)
{
	assert_int_equal(hn_top_take(top, picture, 1, NULL), 0);
}

static const char *shown(const struct hn_top *top)
{
	static char text[512];

	*text = '\0';
	for (size_t i = 0; i < top->shown_count; i++) {
		strcat(text, i ? " " : "");
		strcat(text, top->guests[top->shown[i]].report->guest->name);
	}
	return text;
}

static void press(struct hn_top *top, const char *keys)
{
	for (; *keys; keys++)
		hn_top_key(top, *keys);
}

/* By name a b c d; d loses most, b has most memory, c is moved, a is the busiest. */
static struct hn_picture *four_guests(void)
{
	struct hn_picture *picture = make_picture(2);

	set_locality(add_guest(picture, "d", 1), 0.2, 0);
	set_busy(picture, 2, 0);
	set_locality(add_guest(picture, "b", 5), 0.9, 0);
	set_busy(picture, 1, 1);
	add_guest(picture, "c", 2)->operation.state = HN_OPERATION_RUNNING;
	set_locality(add_guest(picture, "a", 1), 0.99, 0);
	set_busy(picture, 3, 1);
	return picture;
}

static void each_order_is_as_named(void **state)
{
	/* losses: d 2 x 0.8, b 0.1, a 3 x 0.01, c unknown */
	static const struct {
		const char *sort, *order;
	} expected[] = {{"loss", "d b a c"},
			{"name", "a b c d"},
			{"locality", "d b a c"},
			{"memory", "b c a d"},
			{"activity", "c a d b"}};
	struct hn_top top = {0};

	take(&top, four_guests());
	for (size_t i = 0; i < HN_COUNT(expected); i++) {
		assert_string_equal(hn_top_sort_name(top.sort), expected[i].sort);
		assert_string_equal(shown(&top), expected[i].order);
		press(&top, "s");
	}
	assert_string_equal(hn_top_sort_name(top.sort), "loss");
	hn_top_done(&top);
}

static void nodes_are_as_busy_as_their_guests(void **state)
{
	struct hn_top top = {0};

	take(&top, four_guests());
	assert_true(hn_top_node_busy(&top, 0) == 2);
	assert_true(hn_top_node_busy(&top, 1) == 4);
	hn_top_done(&top);
}

static void the_selection_follows_its_guest(void **state)
{
	struct hn_top top = {0};
	struct hn_picture *fewer;

	take(&top, four_guests());
	assert_string_equal(hn_top_selected(&top)->report->guest->name, "d");
	hn_top_key(&top, HN_KEY_DOWN);
	assert_string_equal(top.selected, "b");
	press(&top, "s");
	assert_string_equal(top.selected, "b");
	assert_int_equal(top.cursor, 1);
	press(&top, "ss");
	assert_string_equal(top.selected, "b");
	assert_int_equal(top.cursor, 0);
	/* b goes: whoever is in its place now */
	fewer = make_picture(2);
	add_guest(fewer, "x", 3);
	add_guest(fewer, "y", 1);
	take(&top, fewer);
	assert_string_equal(top.selected, "x");
	take(&top, make_picture(2));
	assert_int_equal(top.shown_count, 0);
	assert_null(hn_top_selected(&top));
	hn_top_key(&top, HN_KEY_DOWN);
	hn_top_key(&top, HN_KEY_ENTER);
	assert_int_equal(top.page, HN_TOP_GUESTS);
	hn_top_done(&top);
}

static void a_page_stays_with_a_guest_that_is_gone(void **state)
{
	struct hn_top top = {0};

	take(&top, four_guests());
	hn_top_key(&top, HN_KEY_ENTER);
	assert_string_equal(hn_top_watched(&top), "d");
	take(&top, make_picture(2));
	assert_int_equal(top.page, HN_TOP_DETAIL);
	assert_string_equal(top.selected, "d");
	assert_null(hn_top_selected(&top));
	take(&top, four_guests());
	assert_non_null(hn_top_selected(&top));
	hn_top_key(&top, HN_KEY_ESCAPE);
	assert_int_equal(top.page, HN_TOP_GUESTS);
	assert_string_equal(hn_top_watched(&top), "");
	hn_top_done(&top);
}

static void a_filter_is_typed(void **state)
{
	struct hn_top top = {0};
	struct hn_picture *picture = make_picture(1);

	add_guest(picture, "db-01", 1);
	add_guest(picture, "DB-02", 1);
	add_guest(picture, "web-q", 1);
	take(&top, picture);
	press(&top, "/");
	press(&top, "db");
	assert_string_equal(shown(&top), "DB-02 db-01");
	press(&top, "-01");
	assert_string_equal(shown(&top), "db-01");
	hn_top_key(&top, HN_KEY_BACKSPACE);
	hn_top_key(&top, HN_KEY_BACKSPACE);
	assert_string_equal(shown(&top), "DB-02 db-01");
	/* kept, and keys are keys again */
	hn_top_key(&top, HN_KEY_ENTER);
	assert_string_equal(top.filter, "db-");
	press(&top, "c");
	assert_true(top.cells_hidden);
	press(&top, "/");
	press(&top, "q");
	assert_false(top.quit);
	assert_string_equal(shown(&top), "");
	hn_top_key(&top, HN_KEY_ESCAPE);
	assert_string_equal(shown(&top), "DB-02 db-01 web-q");
	for (int i = 0; i < 3 * HN_TOP_FILTER_MAX; i++)
		press(&top, i ? "w" : "/");
	assert_int_equal(strlen(top.filter), HN_TOP_FILTER_MAX - 1);
	hn_top_key(&top, 0x263a);
	hn_top_key(&top, HN_KEY_UP);
	hn_top_key(&top, HN_KEY_ESCAPE);
	press(&top, "q");
	assert_true(top.quit);
	hn_top_done(&top);
}

static struct hn_picture *look(double locality, uint64_t taken_ns, int pid)
{
	struct hn_picture *picture = make_picture(1);
	struct hn_report *report = add_guest(picture, "web", 1);

	report->guest->pid = pid;
	set_locality(report, locality, 0.01);
	report->sample = hn_sample_new(1, 1, 0);
	report->sample->taken_ns = taken_ns;
	/* a neighbour before and behind, that comes and goes */
	if (taken_ns % 2)
		set_locality(add_guest(picture, "abc", 1), 1, 0);
	else
		set_locality(add_guest(picture, "xyz", 1), 1, 0);
	return picture;
}

static const struct hn_course *course_of_web(const struct hn_top *top)
{
	for (size_t i = 0; i < top->guest_count; i++)
		if (strcmp(top->guests[i].report->guest->name, "web") == 0)
			return &top->guests[i].course;
	fail_msg("web is not there");
	return NULL;
}

static void courses_are_kept_as_long_as_the_process(void **state)
{
	struct hn_top top = {0};

	take(&top, look(0.2, 1, 7));
	take(&top, look(0.2, 1, 7));
	assert_int_equal(course_of_web(&top)->count, 1);
	take(&top, look(0.5, 2, 7));
	take(&top, look(0.9, 3, 7));
	assert_int_equal(course_of_web(&top)->count, 3);
	take(&top, look(0.9, 4, 8));
	assert_int_equal(course_of_web(&top)->count, 1);
	hn_top_done(&top);
}

static void silence_keeps_the_picture(void **state)
{
	struct hn_top top = {0};
	struct hn_error why = {.code = -ECONNREFUSED, .message = "nobody"};

	take(&top, four_guests());
	hn_top_miss(&top, &why);
	assert_int_equal(top.guest_count, 4);
	assert_string_equal(top.silence.message, "nobody");
	take(&top, four_guests());
	assert_int_equal(top.silence.code, 0);
	hn_top_done(&top);
}

/* A hundred guests of one to four lines: wherever the cursor is, its guest is on the screen. */
static void the_list_scrolls_to_the_cursor(void **state)
{
	static const int keys[] = {
		HN_KEY_DOWN, HN_KEY_UP, HN_KEY_PAGE_DOWN, HN_KEY_PAGE_UP, HN_KEY_END, HN_KEY_HOME, 'c', 's'};
	struct hn_picture *picture = make_picture(1);
	struct hn_top top = {0};
	unsigned seed = 1;

	for (int i = 0; i < 100; i++) {
		char name[16];

		snprintf(name, sizeof(name), "vm-%02d", i);
		add_guest(picture, name, 1 + (size_t)i % 3);
	}
	take(&top, picture);
	for (int round = 0; round < 5000; round++) {
		unsigned rows = 1 + round % 7 * 3, before = 0, all = 0, own = 0;

		seed = seed * 1103515245 + 12345;
		hn_top_key(&top, keys[seed >> 16 & 7]);
		hn_top_scroll(&top, rows);
		for (size_t i = 0; i < top.shown_count; i++) {
			unsigned lines = hn_top_lines(&top, &top.guests[top.shown[i]]);

			before += i < top.cursor ? lines : 0;
			own = i == top.cursor ? lines : own;
			all += lines;
		}
		assert_true(before >= top.scroll);
		assert_true(before + (own < rows ? own : rows) <= top.scroll + rows);
		assert_true(top.scroll + rows <= all || top.scroll == 0);
	}
	hn_top_key(&top, HN_KEY_END);
	assert_int_equal(top.cursor, 99);
	hn_top_key(&top, HN_KEY_DOWN);
	assert_int_equal(top.cursor, 99);
	hn_top_done(&top);
}

static void memory_is_where_its_pages_are(void **state)
{
	struct hn_picture *picture = make_picture(3);
	struct hn_report *report = add_guest(picture, "two", 2);
	double shares[4];

	assert_false(hn_top_shares(report, -1, 3, shares));
	set_pages(picture, report, 0, (uint64_t[]){30, 10, 0});
	set_pages(picture, report, 1, (uint64_t[]){0, 0, 1000});
	assert_true(hn_top_shares(report, 0, 3, shares));
	assert_true(shares[0] == 0.75 && shares[1] == 0.25 && shares[2] == 0);
	/* cells weigh what their memory does, not their samples: both have 1 GiB */
	assert_true(hn_top_shares(report, -1, 3, shares));
	assert_true(shares[0] == 0.375 && shares[1] == 0.125 && shares[2] == 0.5);
	/* of what is there: three quarters of cell 1 were never touched */
	report->sample->cells[1].sampled = 4000;
	report->sample->cells[1].absent = 3000;
	assert_true(hn_top_shares(report, -1, 3, shares));
	assert_true(shares[0] == 0.6 && shares[2] == 0.2);
	/* of another host */
	assert_false(hn_top_shares(report, -1, 4, shares));
	hn_picture_free(picture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_order_is_as_named),
		cmocka_unit_test(nodes_are_as_busy_as_their_guests),
		cmocka_unit_test(the_selection_follows_its_guest),
		cmocka_unit_test(a_page_stays_with_a_guest_that_is_gone),
		cmocka_unit_test(a_filter_is_typed),
		cmocka_unit_test(courses_are_kept_as_long_as_the_process),
		cmocka_unit_test(silence_keeps_the_picture),
		cmocka_unit_test(the_list_scrolls_to_the_cursor),
		cmocka_unit_test(memory_is_where_its_pages_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
