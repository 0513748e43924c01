#include "base/plain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cleanup.h"

static void what_a_terminal_obeys_is_blotted_out(void **state)
{
	static const struct {
		const char *text, *plain;
	} texts[] = {
		{"", ""},
		{"CPU 0/KVM", "CPU 0/KVM"},
		{"\x1b]0;title\x07", "?]0;title?"},
		{"one\ntwo\tthree\r", "one two three "},
		{"\x7f\x01", "??"},
		{"c1 \xc2\x9b"
		 "2J",
		 "c1 ??2J"},
		{"\xc2\x80\xc2\x9f\xc2\xa0\xc3\x9b\xe2\x82\xac", "????\xc2\xa0\xc3\x9b\xe2\x82\xac"},
		{"cut \xc2", "cut \xc2"},
	};

	for (size_t i = 0; i < HN_COUNT(texts); i++) {
		char text[40];

		snprintf(text, sizeof(text), "%s", texts[i].text);
		hn_make_plain(text);
		assert_string_equal(text, texts[i].plain);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_terminal_obeys_is_blotted_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
