/* What reaches stderr, with which prefix. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

/* Runs hn_log with stderr going to a file, and gives what was written. */
static const char *logged(enum hn_log_level level, const char *text)
{
	static char written[4096];
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);
	size_t length;

	assert_non_null(file);
	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	hn_log(level, "%s", text);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	length = fread(written, 1, sizeof(written) - 1, file);
	written[length] = '\0';
	fclose(file);
	return written;
}

static int restore(void **state)
{
	unsetenv("JOURNAL_STREAM");
	hn_log_set_level(HN_LOG_INFO);
	return 0;
}

static void names_are_read_back(void **state)
{
	for (int i = 0; i < HN_LOG_LEVEL_COUNT; i++) {
		enum hn_log_level level = HN_LOG_LEVEL_COUNT;
		struct hn_error err = {0};

		assert_int_equal(hn_log_level_parse(hn_log_level_name((enum hn_log_level)i), &level, &err),
				 0);
		assert_int_equal(level, i);
	}
}

static void an_unknown_name_lists_the_choices(void **state)
{
	static const char *const unknown[] = {"", "Info", "info ", "verbose"};

	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		enum hn_log_level level = HN_LOG_DEBUG;
		struct hn_error err = {0};

		assert_int_equal(hn_log_level_parse(unknown[i], &level, &err), -EINVAL);
		assert_int_equal(level, HN_LOG_DEBUG);
		for (int name = 0; name < HN_LOG_LEVEL_COUNT; name++)
			assert_non_null(strstr(err.message, hn_log_level_name((enum hn_log_level)name)));
	}
}

static void starts_at_info(void **state)
{
	assert_int_equal(hn_log_level(), HN_LOG_INFO);
}

static void drops_what_is_above_the_level(void **state)
{
	for (int set = 0; set < HN_LOG_LEVEL_COUNT; set++) {
		hn_log_set_level((enum hn_log_level)set);
		assert_int_equal(hn_log_level(), set);
		for (int level = 0; level < HN_LOG_LEVEL_COUNT; level++)
			assert_int_equal(*logged((enum hn_log_level)level, "word") != '\0', level <= set);
	}
}

/* sd-daemon(3): <3> error, <4> warning, <6> info, <7> debug */
static void the_journal_gets_priorities(void **state)
{
	setenv("JOURNAL_STREAM", "8:1", 1);
	hn_log_set_level(HN_LOG_DEBUG);
	assert_string_equal(logged(HN_LOG_ERROR, "word"), "<3>word\n");
	assert_string_equal(logged(HN_LOG_WARNING, "word"), "<4>word\n");
	assert_string_equal(logged(HN_LOG_INFO, "word"), "<6>word\n");
	assert_string_equal(logged(HN_LOG_DEBUG, "word"), "<7>word\n");
}

static void elsewhere_time_and_level_stand_in_front(void **state)
{
	int hours, minutes, seconds, milliseconds, used = 0;
	const char *line = logged(HN_LOG_WARNING, "two words");

	assert_int_equal(sscanf(line, "%2d:%2d:%2d.%3d %n", &hours, &minutes, &seconds, &milliseconds, &used),
			 4);
	assert_string_equal(line + used, "warning two words\n");
}

static void a_name_cannot_forge_a_line(void **state)
{
	setenv("JOURNAL_STREAM", "8:1", 1);
	assert_string_equal(logged(HN_LOG_INFO, "guest 'a\n<3>b\r\033[2Jc'"), "<6>guest 'a <3>b ?[2Jc'\n");
	/* what else a terminal obeys: backspace, DEL, and CSI of C1 in UTF-8; letters stay */
	assert_string_equal(logged(HN_LOG_INFO, "a\b\177\302\2332J\303\244"), "<6>a????2J\303\244\n");
}

static void a_long_message_is_cut(void **state)
{
	char text[3000];
	const char *line;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	setenv("JOURNAL_STREAM", "8:1", 1);
	line = logged(HN_LOG_INFO, text);
	assert_true(strlen(line) > 500 && strlen(line) < sizeof(text));
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(starts_at_info, restore),
		cmocka_unit_test_teardown(names_are_read_back, restore),
		cmocka_unit_test_teardown(an_unknown_name_lists_the_choices, restore),
		cmocka_unit_test_teardown(drops_what_is_above_the_level, restore),
		cmocka_unit_test_teardown(the_journal_gets_priorities, restore),
		cmocka_unit_test_teardown(elsewhere_time_and_level_stand_in_front, restore),
		cmocka_unit_test_teardown(a_name_cannot_forge_a_line, restore),
		cmocka_unit_test_teardown(a_long_message_is_cut, restore),
	};

	unsetenv("JOURNAL_STREAM");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
