/*
 * The model of numad on hosts small enough to follow its source by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/numad-model.h"

/* A line of four nodes: 10 to itself, 10 more for every hop. */
static const uint16_t line[16] = {10, 20, 30, 40, 20, 10, 20, 30, 30, 20, 10, 20, 40, 30, 20, 10};

/* Four nodes of 8 CPUs and 10000 MiB, all free. */
static void make_nodes(struct numad_node *nodes)
{
	for (int i = 0; i < 4; i++)
		nodes[i] = (struct numad_node){800, 800, 10000, 10000};
}

static void assert_advice(const struct numad_node *nodes, unsigned vcpus, uint64_t mib, size_t count, ...)
{
	size_t advised[4], advised_count;
	va_list expected;

	numad_advise(nodes, 4, line, vcpus, mib, advised, &advised_count);
	assert_int_equal(advised_count, count);
	va_start(expected, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(advised[i], va_arg(expected, int));
	va_end(expected);
}

static void takes_the_first_of_equals_and_the_emptiest_of_others(void **state)
{
	struct numad_node nodes[4];

	make_nodes(nodes);
	assert_advice(nodes, 2, 1000, 1, 0);
	nodes[0].mib_free = nodes[1].mib_free = nodes[3].mib_free = 5000;
	assert_advice(nodes, 2, 1000, 1, 2);
	nodes[2].cpus_free = 0; /* counts as a hundredth of a CPU, which is worth next to nothing */
	assert_advice(nodes, 2, 1000, 1, 0);
}

/* Two of ten are needed at least; one in the middle has a near neighbour that is as empty. */
static void begins_where_enough_is_near(void **state)
{
	struct numad_node nodes[4];

	make_nodes(nodes);
	nodes[0].mib_free = 1000;
	nodes[1].mib_free = 1000;
	assert_advice(nodes, 12, 12000, 2, 2, 3);
}

static void takes_nodes_until_it_is_enough(void **state)
{
	struct numad_node nodes[4];

	make_nodes(nodes);
	for (int i = 0; i < 4; i++)
		nodes[i].cpus_free = 300;
	nodes[1].cpus_free = 400;
	assert_advice(nodes, 4, 1000, 1, 1);
	assert_advice(nodes, 7, 1000, 2, 1, 0);
	assert_advice(nodes, 9, 1000, 3, 1, 0, 2); /* 9 need two whole nodes, and find 4 + 3 there */
	assert_advice(nodes, 99, 1000, 4, 1, 0, 2, 3);
}

/* It leaves 100 MiB on a node that it uses up. */
static void keeps_its_margin(void **state)
{
	struct numad_node nodes[4];

	make_nodes(nodes);
	assert_advice(nodes, 1, 9900, 1, 0);
	assert_advice(nodes, 1, 9901, 2, 0, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_first_of_equals_and_the_emptiest_of_others),
		cmocka_unit_test(begins_where_enough_is_near),
		cmocka_unit_test(takes_nodes_until_it_is_enough),
		cmocka_unit_test(keeps_its_margin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
