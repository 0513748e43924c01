/* Lists of nodes, read strictly and written as libvirt reads them. */
#include "hooks/node-set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool parse(const char *text, struct node_set *ret)
{
	return node_set_parse(text, strlen(text), ret);
}

static void check_written(const char *text, const char *expected, unsigned count)
{
	char buffer[NODE_SET_TEXT_MAX];
	struct node_set set;

	assert_true(parse(text, &set));
	assert_string_equal(node_set_format(&set, buffer, sizeof(buffer)), expected);
	assert_int_equal(node_set_count(&set), count);
}

static void lists_are_read_and_written(void **state)
{
	check_written("0", "0", 1);
	check_written("0-1\n", "0-1", 2);
	check_written("6,2-3", "2-3,6", 3);
	check_written("1,0,2,2", "0-2", 3);
	check_written("63-64,1023", "63-64,1023", 3);
	check_written("007", "7", 1);
}

static void what_is_no_list_is_refused(void **state)
{
	static const char *const texts[] = {"",
					    "\n",
					    "0 ",
					    " 0",
					    "0,",
					    ",0",
					    "0,,1",
					    "0-",
					    "-1",
					    "2-1",
					    "0-1-2",
					    "0\n\n",
					    "0;1",
					    "a",
					    "1024",
					    "0-1024",
					    "99999999999999999999",
					    "0x1",
					    "^0",
					    "all"};
	struct node_set set = {{42}};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(parse(texts[i], &set));
	assert_false(node_set_parse("0\0001", 3, &set));
	assert_int_equal(set.words[0], 42);
}

static void the_longest_text_has_room(void **state)
{
	char buffer[NODE_SET_TEXT_MAX];
	struct node_set set = {0}, again;

	for (unsigned node = 0; node < NODE_SET_MAX; node++)
		if (node % 3 != 2)
			node_set_add(&set, node);
	node_set_format(&set, buffer, sizeof(buffer));
	assert_true(parse(buffer, &again));
	assert_memory_equal(&set, &again, sizeof(set));
	/* every other one is as long */
	memset(&set, 0x55, sizeof(set));
	node_set_format(&set, buffer, sizeof(buffer));
	assert_true(parse(buffer, &again));
	assert_memory_equal(&set, &again, sizeof(set));
}

static void sets_are_compared(void **state)
{
	struct node_set some, more, both;

	parse("0,70", &some);
	parse("0-1,70,1000", &more);
	assert_true(node_set_inside(&some, &more));
	assert_false(node_set_inside(&more, &some));
	both = node_set_and(&some, &more);
	assert_memory_equal(&both, &some, sizeof(some));
	assert_int_equal(node_set_next(&more, 2), 70);
	assert_int_equal(node_set_next(&more, 1001), NODE_SET_MAX);
	assert_false(node_set_has(&more, 5000));
	memset(&both, 0, sizeof(both));
	assert_true(node_set_empty(&both));
	assert_false(node_set_empty(&some));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_read_and_written),
		cmocka_unit_test(what_is_no_list_is_refused),
		cmocka_unit_test(the_longest_text_has_room),
		cmocka_unit_test(sets_are_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
