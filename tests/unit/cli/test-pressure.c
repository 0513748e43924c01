/* Pressure as a host may tell it, or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/json.h"
#include "cli/pressure.h"

static struct hn_pressure read_from(const char *text)
{
	HN_AUTO(json) json_object *json = NULL;
	struct hn_pressure pressure;

	assert_int_equal(hn_json_parse(text, strlen(text), "host", &json, NULL), 0);
	memset(&pressure, 0xff, sizeof(pressure));
	hn_pressure_read(json, &pressure);
	return pressure;
}

static void what_is_told_is_known(void **state)
{
	struct hn_pressure pressure = read_from("{\"pressure\": {\"cpu\": {\"some_avg10\": 3.5}, \"memory\": "
						"{\"some_avg10\": 0, \"x\": 1}}}");

	assert_true(pressure.cpu_known && pressure.cpu == 3.5);
	assert_true(pressure.memory_known && pressure.memory == 0);
	pressure = read_from("{\"pressure\": {\"memory\": {\"some_avg10\": 100}}}");
	assert_true(!pressure.cpu_known && pressure.memory_known && pressure.memory == 100);
}

static void what_is_not_told_is_unknown(void **state)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		"{\"pressure\": null}",
		"{\"pressure\": 3}",
		"{\"pressure\": {}}",
		"{\"pressure\": {\"cpu\": null, \"memory\": 4}}",
		"{\"pressure\": {\"cpu\": {\"some_avg10\": -1}, \"memory\": {\"some_avg10\": 100.1}}}",
		"{\"pressure\": {\"cpu\": {\"some_avg10\": \"1\"}, \"memory\": {}}}",
	};

	for (size_t i = 0; i < HN_COUNT(texts); i++) {
		struct hn_pressure pressure = read_from(texts[i]);

		assert_false(pressure.cpu_known);
		assert_false(pressure.memory_known);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_told_is_known),
		cmocka_unit_test(what_is_not_told_is_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
