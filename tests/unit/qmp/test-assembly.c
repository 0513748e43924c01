/* The size of a cell's pages, by what QEMU tells of its backends. */
#include "qmp/assembly.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/pages.h"
#include "base/units.h"

struct piece {
	uint64_t bytes, page_bytes;
};

/* Of a guest of one cell with these backends; one of no bytes ends the list. */
static uint64_t pages_of(const struct piece *pieces)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
	struct hn_facts facts = {.guest = "web"};
	struct hn_region regions[4] = {0};
	size_t count = 0;

	for (; pieces[count].bytes; count++) {
		snprintf(regions[count].id, sizeof(regions[count].id), "m%zu", count);
		regions[count].bytes = pieces[count].bytes;
		regions[count].page_bytes = pieces[count].page_bytes;
	}
	assert_int_equal(hn_assembly_guest(&facts, regions, count, "web", &guest, NULL), 0);
	hn_facts_done(&facts);
	assert_int_equal(guest->cell_count, 1);
	return guest->cells[0].page_bytes;
}

static void a_cells_pages_are_its_backends(void **state)
{
	const struct piece huge[] = {{2 * HN_GIB, HN_GIB}, {0}};

	assert_int_equal(pages_of(huge), HN_GIB);
}

/* Transparent huge pages, too: QEMU tells the size of base pages. */
static void base_pages_and_unknown_ones_are_none(void **state)
{
	const struct piece base[] = {{2 * HN_GIB, hn_base_page_bytes()}, {0}};
	const struct piece unknown[] = {{2 * HN_GIB, 0}, {0}};

	assert_int_equal(pages_of(base), 0);
	assert_int_equal(pages_of(unknown), 0);
	assert_int_equal(pages_of((const struct piece[]){{0}}), 0);
}

static void of_several_sizes_that_of_most_bytes_counts(void **state)
{
	const struct piece mostly_small[] = {{2 * HN_GIB, HN_GIB}, {3 * HN_GIB, 2 * HN_MIB}, {0}};
	const struct piece mostly_base[] = {{HN_GIB, 2 * HN_MIB}, {2 * HN_GIB, hn_base_page_bytes()}, {0}};
	const struct piece in_two[] = {
		{2 * HN_GIB, 2 * HN_MIB}, {3 * HN_GIB, hn_base_page_bytes()}, {2 * HN_GIB, 2 * HN_MIB}, {0}};

	assert_int_equal(pages_of(mostly_small), 2 * HN_MIB);
	assert_int_equal(pages_of(mostly_base), 0);
	assert_int_equal(pages_of(in_two), 2 * HN_MIB);
}

/* model/check-guest.c refuses others. */
static void a_cell_is_a_whole_number_of_its_pages(void **state)
{
	const struct piece odd[] = {{2 * HN_GIB, HN_GIB}, {HN_GIB / 2, 2 * HN_MIB}, {0}};

	assert_int_equal(pages_of(odd), 2 * HN_MIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cells_pages_are_its_backends),
		cmocka_unit_test(base_pages_and_unknown_ones_are_none),
		cmocka_unit_test(of_several_sizes_that_of_most_bytes_counts),
		cmocka_unit_test(a_cell_is_a_whole_number_of_its_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
