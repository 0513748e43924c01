/* numad's command line, in the spellings the real one takes. */
#include "hooks/numad-request.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct numad_request parse(const char *first, const char *second, const char *third,
				  const char *fourth)
{
	char *argv[] = {(char *)"numad", (char *)first, (char *)second, (char *)third, (char *)fourth, NULL};
	struct numad_request request;
	int argc = 1;

	while (argv[argc])
		argc++;
	numad_request_parse(argc, argv, &request);
	return request;
}

static void check_advice(struct numad_request request, unsigned vcpus, uint64_t mib)
{
	assert_int_equal(request.wish, NUMAD_ADVICE);
	assert_null(request.unclear);
	assert_int_equal(request.vcpus, vcpus);
	assert_true(request.mib == mib);
	assert_string_equal(request.root, "");
}

static void advice_is_asked_for_in_many_ways(void **state)
{
	check_advice(parse("-w", "4:512", NULL, NULL), 4, 512);
	check_advice(parse("-w4:512", NULL, NULL, NULL), 4, 512);
	check_advice(parse("-w", "4", NULL, NULL), 4, 0);
	check_advice(parse("-dw4:1", NULL, NULL, NULL), 4, 1);
	check_advice(parse("-S", "0", "-w", "2:8"), 2, 8);
	check_advice(parse("-w", "2:8", "-S", "0"), 2, 8);
	check_advice(parse("-w", "2:8", "-V", NULL), 2, 8);
	check_advice(parse("-h", "-w", "2:8", NULL), 2, 8);
	check_advice(parse("-w", "99999999999999999999:99999999999999999999", NULL, NULL), UINT_MAX,
		     UINT64_MAX);
}

static void what_is_no_size_is_said_to_be_unclear(void **state)
{
	static const char *const sizes[] = {"",     "x",  "4:", ":4",  "4:1:2", "4,512",
					    "-4:1", " 4", "4 ", "0x4", "4:5M"};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct numad_request request = parse("-w", sizes[i], NULL, NULL);

		assert_int_equal(request.wish, NUMAD_ADVICE);
		assert_string_equal(request.unclear, sizes[i]);
	}
	assert_string_equal(parse("-w", NULL, NULL, NULL).unclear, "");
	assert_null(parse("-w", "x", "-w", "4").unclear);
}

static void everything_else_is_answered_elsewhere(void **state)
{
	static const char options[] = "CHiKlmprRStux";

	for (const char *option = options; *option; option++) {
		char text[] = {'-', *option, '\0'};
		struct numad_request request = parse(text, "5", NULL, NULL);

		assert_int_equal(request.wish, NUMAD_ELSEWHERE);
		assert_int_equal(request.option, *option);
		assert_non_null(strstr(numad_elsewhere(*option), "homenode"));
		assert_int_equal(parse(text, NULL, NULL, NULL).option, *option);
	}
	assert_int_equal(parse("-d", "-i", "5", NULL).option, 'd');
	assert_int_equal(parse(NULL, NULL, NULL, NULL).wish, NUMAD_ELSEWHERE);
	assert_int_equal(parse(NULL, NULL, NULL, NULL).option, '\0');
	assert_non_null(strstr(numad_elsewhere('\0'), "homenoded"));
	assert_int_equal(parse("-Q", NULL, NULL, NULL).option, '?');
	assert_non_null(strstr(numad_elsewhere('?'), "no such option"));
}

static void help_version_and_root(void **state)
{
	assert_int_equal(parse("-h", NULL, NULL, NULL).wish, NUMAD_HELP);
	assert_int_equal(parse("--help", NULL, NULL, NULL).wish, NUMAD_HELP);
	assert_int_equal(parse("-V", NULL, NULL, NULL).wish, NUMAD_VERSION);
	assert_int_equal(parse("-V", "-h", NULL, NULL).wish, NUMAD_VERSION);
	assert_string_equal(parse("--root", "/somewhere", "-w", "1").root, "/somewhere");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(advice_is_asked_for_in_many_ways),
		cmocka_unit_test(what_is_no_size_is_said_to_be_unclear),
		cmocka_unit_test(everything_else_is_answered_elsewhere),
		cmocka_unit_test(help_version_and_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
