/* One sentence, whole or cut, never past its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

static const char *long_text(void)
{
	static char text[3 * HN_ERROR_MAX];

	memset(text, 'x', sizeof(text) - 1);
	return text;
}

static void writes_code_and_sentence(void **state)
{
	struct hn_error err = {0};

	assert_int_equal(hn_fail(&err, -EPROTO, "guest '%s': reply %d", "a", 3), -EPROTO);
	assert_int_equal(err.code, -EPROTO);
	assert_string_equal(err.message, "guest 'a': reply 3");
}

static void a_later_sentence_replaces_the_first(void **state)
{
	struct hn_error err = {0};

	hn_fail(&err, -EPROTO, "the first sentence, which is longer");
	assert_int_equal(hn_fail(&err, -EIO, "the second"), -EIO);
	assert_int_equal(err.code, -EIO);
	assert_string_equal(err.message, "the second");
}

static void nobody_listening_is_fine(void **state)
{
	assert_int_equal(hn_fail(NULL, -EIO, "%s", "x"), -EIO);
	assert_int_equal(hn_fail_errno(NULL, -EIO, "%s", "x"), -EIO);
	assert_int_equal(hn_oom(NULL), -ENOMEM);
	assert_true(hn_error_prefix(NULL, "%s", "x") < 0);
}

static void the_system_says_why(void **state)
{
	struct hn_error err = {0};
	char expected[HN_ERROR_MAX];

	assert_int_equal(hn_fail_errno(&err, -ENOENT, "cannot open %s", "a"), -ENOENT);
	snprintf(expected, sizeof(expected), "cannot open a: %s", strerror(ENOENT));
	assert_string_equal(err.message, expected);
	assert_int_equal(err.code, -ENOENT);
}

static void out_of_memory_is_a_sentence(void **state)
{
	struct hn_error err = {0};

	assert_int_equal(hn_oom(&err), -ENOMEM);
	assert_int_equal(err.code, -ENOMEM);
	assert_string_equal(err.message, "out of memory");
}

static void context_goes_in_front(void **state)
{
	struct hn_error err = {0};

	hn_fail(&err, -ERANGE, "5 is too large");
	assert_int_equal(hn_error_prefix(&err, "line %d", 7), -ERANGE);
	assert_int_equal(hn_error_prefix(&err, "file '%s'", "f"), -ERANGE);
	assert_int_equal(err.code, -ERANGE);
	assert_string_equal(err.message, "file 'f': line 7: 5 is too large");
}

static void long_sentences_are_cut(void **state)
{
	struct {
		struct hn_error err;
		char guard[8];
	} box = {.guard = "guarded"};

	hn_fail(&box.err, -EIO, "%s", long_text());
	assert_int_equal(strlen(box.err.message), HN_ERROR_MAX - 1);
	hn_fail_errno(&box.err, -EIO, "%s", long_text());
	assert_int_equal(strlen(box.err.message), HN_ERROR_MAX - 1);
	hn_error_prefix(&box.err, "short");
	assert_int_equal(strlen(box.err.message), HN_ERROR_MAX - 1);
	assert_memory_equal(box.err.message, "short: xxx", 10);
	hn_error_prefix(&box.err, "%s", long_text());
	assert_int_equal(strlen(box.err.message), HN_ERROR_MAX - 1);
	assert_null(strchr(box.err.message, ':'));
	assert_string_equal(box.guard, "guarded");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_code_and_sentence),
		cmocka_unit_test(a_later_sentence_replaces_the_first),
		cmocka_unit_test(nobody_listening_is_fine),
		cmocka_unit_test(the_system_says_why),
		cmocka_unit_test(out_of_memory_is_a_sentence),
		cmocka_unit_test(context_goes_in_front),
		cmocka_unit_test(long_sentences_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
