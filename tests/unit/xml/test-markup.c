/* Where elements, attributes and lines are found in the text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "xml/edits.h"
#include "xml/markup.h"

static struct hn_text text_of(const char *bytes)
{
	return (struct hn_text){bytes, strlen(bytes)};
}

/* The bytes between two places are these. */
static void assert_between(struct hn_text text, size_t from, size_t to, const char *expected)
{
	assert_true(from <= to && to <= text.length);
	if (to - from != strlen(expected) || memcmp(text.bytes + from, expected, to - from) != 0)
		fail_msg("'%.*s' is not '%s'", (int)(to - from), text.bytes + from, expected);
}

static void the_root_is_found_behind_everything(void **state)
{
	struct hn_text text =
		text_of("\xef\xbb\xbf<?xml version='1.0'?><!-- <a> --><?p <b>?>\n<c d='>' e=\"'/>\">x</c>\n");
	struct hn_markup root;

	assert_true(hn_markup_root(text, &root));
	assert_between(text, root.start, root.content, "<c d='>' e=\"'/>\">");
	assert_between(text, root.content, root.close, "x");
	assert_between(text, root.close, root.end, "</c>");
	assert_int_equal(hn_markup_name_length(text, &root), 1);
}

static void children_are_found_one_after_the_other(void **state)
{
	struct hn_text text = text_of(
		"<r><!--<n/>--><a>1<b><a/></b></a><![CDATA[</r><x>]]><b/>&lt;<n:a c='/'\n></n:a></r>");
	static const char *const expected[] = {"<a>1<b><a/></b></a>", "<b/>", "<n:a c='/'\n></n:a>"};
	struct hn_markup root, child;
	size_t from;

	assert_true(hn_markup_root(text, &root));
	from = root.content;
	for (size_t i = 0; i < 3; i++) {
		assert_true(hn_markup_child(text, &root, from, &child));
		assert_between(text, child.start, child.end, expected[i]);
		from = child.end;
	}
	assert_int_equal(hn_markup_name_length(text, &child), 3);
	assert_false(hn_markup_child(text, &root, from, &child));
	assert_false(hn_markup_child(text, &root, root.close, &child));
}

static void an_empty_element_has_no_children(void **state)
{
	struct hn_text text = text_of("<r/>");
	struct hn_markup root, child;

	assert_true(hn_markup_root(text, &root));
	assert_int_equal(root.content, 4);
	assert_int_equal(root.close, 4);
	assert_int_equal(root.end, 4);
	assert_false(hn_markup_child(text, &root, root.content, &child));
}

static void attributes_are_found_by_their_whole_name(void **state)
{
	struct hn_text text = text_of("<vcpu xcpuset='1'\n cpuset = \"0-3\" n:x='a=b' y=''>9 z='1'</vcpu>");
	struct hn_markup root;
	struct hn_markup_attribute at;

	assert_true(hn_markup_root(text, &root));
	assert_true(hn_markup_attribute(text, &root, "cpuset", &at));
	assert_between(text, at.value, at.value_end, "0-3");
	assert_between(text, at.name, at.value_end + 1, "cpuset = \"0-3\"");
	assert_true(hn_markup_attribute(text, &root, "xcpuset", &at));
	assert_between(text, at.value, at.value_end, "1");
	assert_true(hn_markup_attribute(text, &root, "n:x", &at));
	assert_between(text, at.value, at.value_end, "a=b");
	assert_true(hn_markup_attribute(text, &root, "y", &at));
	assert_between(text, at.value, at.value_end, "");
	assert_false(hn_markup_attribute(text, &root, "x", &at));
	assert_false(hn_markup_attribute(text, &root, "z", &at));
	assert_false(hn_markup_attribute(text, &root, "cpuse", &at));
}

static void lines_are_told_by_their_blanks(void **state)
{
	struct hn_text text = text_of("<r>\n \t<a/> <!-- of a --> \n  x <b/><c/>\r\n</r>"), blanks;
	size_t a = (size_t)(strstr(text.bytes, "<a/>") - text.bytes);
	size_t b = (size_t)(strstr(text.bytes, "<b/>") - text.bytes);
	size_t c = (size_t)(strstr(text.bytes, "<c/>") - text.bytes);

	assert_true(hn_markup_indent(text, a, &blanks));
	assert_int_equal(blanks.length, 2);
	assert_false(hn_markup_indent(text, b, &blanks));
	assert_false(hn_markup_indent(text, 0, &blanks));
	assert_between(text, a, hn_markup_line_end(text, a + 4), "<a/> <!-- of a -->");
	assert_int_equal(hn_markup_line_end(text, b + 4), b + 4);
	assert_int_equal(hn_markup_line_end(text, c + 4), c + 4);
}

static void a_comment_over_lines_is_not_at_the_end_of_one(void **state)
{
	struct hn_text text = text_of("<a/> <!-- of\n b -->\n");

	assert_int_equal(hn_markup_line_end(text, 4), 4);
}

/* Damaged text has no places outside of itself. */
static void damage_is_survived(void **state)
{
	static const char whole[] = "<?p?><r a='1'><!--x--><b c=\"2\"><![CDATA[y]]></b><d/></r>";
	struct hn_random random = {7};

	for (int round = 0; round < 20000; round++) {
		size_t length = hn_random_below(&random, sizeof(whole)), from = 0;
		char *bytes = malloc(length + 1); /* as long as the text, so that a sanitizer sees the end */
		struct hn_text text = {bytes, length};
		struct hn_markup root, child;
		struct hn_markup_attribute at;

		memcpy(bytes, whole, length);
		for (int i = 0; length && i < 3; i++)
			bytes[hn_random_below(&random, length)] =
				"<>/'\"!-?[] x"[hn_random_below(&random, 12)];
		if (hn_markup_root(text, &root)) {
			assert_true(root.end <= length && root.content <= root.close);
			(void)hn_markup_attribute(text, &root, "a", &at);
			for (from = root.content; hn_markup_child(text, &root, from, &child);
			     from = child.end)
				assert_true(child.end <= root.close && child.end > from);
		}
		free(bytes);
	}
}

static void attributes_are_counted(void **state)
{
	struct hn_text text = text_of(
		"<!--<a b='' c='' d=''>--><r a='\"' b=\"'\">x='' y='' z=''<c/><d a='' b='' c=''/></r>");
	struct hn_text open = text_of("<a b='' c='' d='");

	assert_between(text, hn_markup_too_many(text, 2), text.length, "</r>");
	assert_int_equal(hn_markup_too_many(text, 3), 0);
	assert_int_equal(hn_markup_too_many(open, 1), open.length);
	assert_int_equal(hn_markup_too_many(open, 2), 0);
	assert_int_equal(hn_markup_too_many(text_of("<!-- a='' b='' -->"), 0), 0);
	assert_int_equal(hn_markup_too_many(text_of(""), 0), 0);
}

static void edits_are_made_in_order_of_place(void **state)
{
	struct hn_text text = text_of("0123456789");
	struct hn_edits edits = {0};
	struct hn_error err = {0};
	char *made = NULL;

	assert_int_equal(hn_edits_add(&edits, 8, 2, strdup("end"), &err), 0);
	assert_int_equal(hn_edits_add(&edits, 2, 0, strdup("a"), &err), 0);
	assert_int_equal(hn_edits_add(&edits, 2, 0, strdup("b"), &err), 0);
	assert_int_equal(hn_edits_add(&edits, 3, 2, strdup(""), &err), 0);
	assert_int_equal(hn_edits_add(&edits, 0, 1, strdup("start"), &err), 0);
	assert_int_equal(hn_edits_make(&edits, text, &made, &err), 0);
	assert_string_equal(made, "start1ab2567end");
	free(made);
	assert_int_equal(hn_edits_add(&edits, 4, 1, strdup("over"), &err), 0);
	assert_true(hn_edits_make(&edits, text, &made, &err) < 0);
	hn_edits_done(&edits);
}

static void edits_stay_within_the_text(void **state)
{
	struct hn_text text = text_of("0123");
	struct hn_edits edits = {0};
	struct hn_error err = {0};
	char *made = NULL;

	assert_int_equal(hn_edits_make(&edits, text, &made, &err), 0);
	assert_string_equal(made, "0123");
	free(made);
	assert_int_equal(hn_edits_add(&edits, 4, 1, strdup("x"), &err), 0);
	assert_true(hn_edits_make(&edits, text, &made, &err) < 0);
	hn_edits_done(&edits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_root_is_found_behind_everything),
		cmocka_unit_test(children_are_found_one_after_the_other),
		cmocka_unit_test(an_empty_element_has_no_children),
		cmocka_unit_test(attributes_are_found_by_their_whole_name),
		cmocka_unit_test(lines_are_told_by_their_blanks),
		cmocka_unit_test(a_comment_over_lines_is_not_at_the_end_of_one),
		cmocka_unit_test(damage_is_survived),
		cmocka_unit_test(attributes_are_counted),
		cmocka_unit_test(edits_are_made_in_order_of_place),
		cmocka_unit_test(edits_stay_within_the_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
