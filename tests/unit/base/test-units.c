/* Sizes and durations: what people write, and what they are shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/units.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef int (*parse_function)(const char *text, uint64_t *ret, struct hn_error *err);

struct reading {
	const char *text;
	uint64_t value;
};

static void assert_readings(parse_function parse, const struct reading *readings, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct hn_error err = {0};
		uint64_t value = 0;

		if (parse(readings[i].text, &value, &err) != 0)
			fail_msg("'%s' is refused: %s", readings[i].text, err.message);
		assert_true(value == readings[i].value);
	}
}

static void reads_sizes(void **state)
{
	static const struct reading readings[] = {
		{"0", 0},
		{"512", 512},
		{"512B", 512},
		{"4k", 4096},
		{"4K", 4096},
		{"64KiB", 65536},
		{"400M", 419430400},
		{"400MiB", 419430400},
		{"400 MiB", 419430400},
		{"1.5G", 1610612736},
		{"4GiB", UINT64_C(1) << 32},
		{"4gib", UINT64_C(1) << 32},
		{"2T", UINT64_C(1) << 41},
		{"0.5TiB", UINT64_C(1) << 39},
		{"8388607T", UINT64_C(8388607) << 40},
		{"4503599627370497", UINT64_C(4503599627370497)},
	};

	assert_readings(hn_bytes_parse, readings, COUNT(readings));
}

static void reads_durations(void **state)
{
	static const struct reading readings[] = {
		{"0", 0},
		{"3", UINT64_C(3000000000)},
		{"500ms", UINT64_C(500000000)},
		{"0.5ms", UINT64_C(500000)},
		{"10s", UINT64_C(10000000000)},
		{"2m", UINT64_C(120000000000)},
		{"2 min", UINT64_C(120000000000)},
		{"1h", UINT64_C(3600000000000)},
		{"1.5h", UINT64_C(5400000000000)},
		{"1d", UINT64_C(86400000000000)},
	};

	assert_readings(hn_duration_parse, readings, COUNT(readings));
}

static void fractions_are_rounded_to_the_nearest(void **state)
{
	static const struct reading sizes[] = {
		{"0.4", 0}, {"0.6", 1}, {"2.4", 2}, {"0.1KiB", 102}, {"0.3K", 307}};

	assert_readings(hn_bytes_parse, sizes, COUNT(sizes));
}

static void refuses_what_is_no_size(void **state)
{
	static const struct {
		parse_function parse;
		const char *text;
		int result;
		const char *says;
	} cases[] = {
		{hn_bytes_parse, "", -EINVAL, "'' is not a number"},
		{hn_bytes_parse, "M", -EINVAL, "'M' is not a number"},
		{hn_bytes_parse, "-1", -EINVAL, "'-1' is not a number"},
		{hn_bytes_parse, "+1", -EINVAL, "'+1' is not a number"},
		{hn_bytes_parse, " 1", -EINVAL, "' 1' is not a number"},
		{hn_bytes_parse, "inf", -EINVAL, "'inf' is not a number"},
		{hn_bytes_parse, "nan", -EINVAL, "'nan' is not a number"},
		{hn_bytes_parse, "5MB", -EINVAL, "unknown unit 'MB'"},
		{hn_bytes_parse, "5ms", -EINVAL, "unknown unit 'ms'"},
		{hn_bytes_parse, "5M ", -EINVAL, "unknown unit"},
		{hn_bytes_parse, "5MM", -EINVAL, "unknown unit"},
		{hn_bytes_parse, "1,5G", -EINVAL, "unknown unit"},
		{hn_bytes_parse, "1..5G", -EINVAL, "unknown unit"},
		{hn_bytes_parse, "8388608T", -ERANGE, "too large"}, /* 2^63 */
		{hn_bytes_parse, "18446744073709551616", -ERANGE, "too large"},
		{hn_bytes_parse, "1e308", -ERANGE, "too large"},
		{hn_bytes_parse, "1e999", -ERANGE, "too large"},
		{hn_bytes_parse, "99999999999999999999999999999999999999999999T", -ERANGE, "too large"},
		{hn_duration_parse, "10GiB", -EINVAL, "unknown unit 'GiB'"},
		{hn_duration_parse, "soon", -EINVAL, "'soon' is not a number"},
		{hn_duration_parse, "106752d", -ERANGE, "too large"}, /* 2^63 ns are 106751.99 days */
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct hn_error err = {0};
		uint64_t value = 77;

		assert_int_equal(cases[i].parse(cases[i].text, &value, &err), cases[i].result);
		if (!strstr(err.message, cases[i].says))
			fail_msg("'%s' is refused with \"%s\"", cases[i].text, err.message);
		assert_int_equal(value, 77);
	}
}

static void a_long_text_is_cut_in_the_sentence(void **state)
{
	char text[5000];
	struct hn_error err;
	uint64_t value;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(hn_bytes_parse(text, &value, &err), -EINVAL);
	assert_non_null(strstr(err.message, "400M"));
	text[0] = '1';
	assert_int_equal(hn_duration_parse(text, &value, &err), -EINVAL);
	assert_non_null(strstr(err.message, "10s"));
}

static void shows_sizes(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{0, "0 B"},
		{1, "1 B"},
		{1023, "1023 B"},
		{1024, "1 KiB"},
		{1536, "1.5 KiB"},
		{400 * HN_MIB, "400 MiB"},
		{4 * HN_GIB + 7 * HN_GIB / 10, "4.7 GiB"},
		{47 * HN_GIB + 2 * HN_GIB / 10, "47.2 GiB"},
		{472 * HN_GIB + 3 * HN_GIB / 10, "472 GiB"},
		{HN_MIB - 1, "1 MiB"},      /* 1023.999 KiB */
		{HN_MIB - 512, "1 MiB"},    /* 1023.5 KiB */
		{HN_MIB - 513, "1023 KiB"}, /* below one half */
		{HN_GIB - HN_MIB, "1023 MiB"},
		{UINT64_C(1) << 50, "1 PiB"},
		{UINT64_MAX, "16384 PiB"},
	};
	char text[HN_UNITS_TEXT_MAX];

	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(hn_bytes_format(cases[i].bytes, text, sizeof(text)), cases[i].text);
}

static void shows_durations(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{0, "0 ms"},
		{1500000, "1.5 ms"},
		{250 * HN_NS_PER_MS, "250 ms"},
		{999400000, "999 ms"},
		{999999999, "1 s"},
		{HN_NS_PER_S, "1 s"},
		{3 * HN_NS_PER_S, "3 s"},
		{119 * HN_NS_PER_S, "119 s"},
		{120 * HN_NS_PER_S, "2 min"},
		{258 * HN_NS_PER_S, "4.3 min"},
		{7560 * HN_NS_PER_S, "2.1 h"},
		{3 * 86400 * HN_NS_PER_S, "3 d"},
		{UINT64_MAX, "213504 d"}, /* 2^64 ns / 86400e9 = 213503.98 */
	};
	char text[HN_UNITS_TEXT_MAX];

	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(hn_duration_format(cases[i].ns, text, sizeof(text)), cases[i].text);
}

/* The text says the size to half of its last digit, and never needs more than four digits. */
static void shown_sizes_are_near(void **state)
{
	struct hn_random random = {11};
	char text[HN_UNITS_TEXT_MAX], one[HN_UNITS_TEXT_MAX];

	for (int round = 0; round < 20000; round++) {
		uint64_t bytes = hn_random_next(&random) >> (14 + hn_random_below(&random, 50)), unit, read;
		struct hn_error err = {0};
		size_t numeral;

		hn_bytes_format(bytes, text, sizeof(text));
		assert_int_equal(hn_bytes_parse(text, &read, &err), 0);
		numeral = strcspn(text, " ");
		snprintf(one, sizeof(one), "1%s", text + numeral);
		assert_int_equal(hn_bytes_parse(one, &unit, &err), 0);
		assert_true(numeral <= 4);
		assert_true(strtod(text, NULL) < 1024);
		assert_true(fabs((double)read - (double)bytes) <=
			    (double)unit * (bytes >= 100 * unit ? 0.5 : 0.05) + 1);
	}
}

static void little_room_cuts_the_text(void **state)
{
	char text[8] = "#######";

	assert_ptr_equal(hn_bytes_format(400 * HN_MIB, text, 5), text);
	assert_string_equal(text, "400 ");
	assert_int_equal(text[5], '#');
	hn_duration_format(3 * HN_NS_PER_S, text, 2);
	assert_string_equal(text, "3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_sizes),
		cmocka_unit_test(reads_durations),
		cmocka_unit_test(fractions_are_rounded_to_the_nearest),
		cmocka_unit_test(refuses_what_is_no_size),
		cmocka_unit_test(a_long_text_is_cut_in_the_sentence),
		cmocka_unit_test(shows_sizes),
		cmocka_unit_test(shows_durations),
		cmocka_unit_test(shown_sizes_are_near),
		cmocka_unit_test(little_room_cuts_the_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
