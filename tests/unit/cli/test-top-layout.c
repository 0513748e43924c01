/* Columns of the list of guests at every width. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "cli/top-layout.h"

static void nothing_overlaps_or_leaves_the_screen(void **state)
{
	static const size_t nodes[] = {1, 2, 4, 8, 9, 64, 1024};

	for (int columns = HN_TOP_COLUMNS_MIN; columns <= 400; columns++)
		for (size_t i = 0; i < HN_COUNT(nodes); i++)
			for (int name = 0; name < 130; name += 13) {
				struct hn_top_layout layout = hn_top_layout(columns, nodes[i], name);
				int end = 0;

				for (int j = 0; j < HN_TOP_COLUMN_COUNT; j++) {
					const struct hn_top_place *place = &layout.places[j];

					if (place->width == 0)
						continue;
					/* a blank between two, but for a course behind its arrow */
					assert_true(place->at > end ||
						    (j == HN_TOP_COURSE && place->at == end));
					end = place->at + place->width;
				}
				assert_int_equal(end, columns);
				assert_true(layout.places[HN_TOP_NAME].width >= 10);
				assert_true(layout.places[HN_TOP_NOW].width >= 7);
			}
}

static void eighty_columns_have_all_but_memory(void **state)
{
	struct hn_top_layout layout = hn_top_layout(80, 4, 8);

	for (int i = 0; i < HN_TOP_COLUMN_COUNT; i++)
		assert_true((layout.places[i].width > 0) == (i != HN_TOP_MEMORY));
	/* "to 2 [###--] 61 %" */
	assert_true(layout.places[HN_TOP_NOW].width >= 16);
	assert_int_equal(layout.places[HN_TOP_STRIP].width, 4);
}

static void every_node_has_a_character_where_there_is_room(void **state)
{
	assert_int_equal(hn_top_layout(80, 8, 8).places[HN_TOP_STRIP].width, 8);
	assert_int_equal(hn_top_layout(120, 16, 8).places[HN_TOP_STRIP].width, 16);
	assert_int_equal(hn_top_layout(200, 32, 8).places[HN_TOP_STRIP].width, 32);
}

static void long_names_take_what_is_spare(void **state)
{
	int shorter = hn_top_layout(120, 4, 10).places[HN_TOP_NAME].width;
	int longer = hn_top_layout(120, 4, 22).places[HN_TOP_NAME].width;

	assert_true(longer > shorter);
	assert_true(hn_top_layout(400, 4, 22).places[HN_TOP_NAME].width >= 22);
	assert_true(hn_top_layout(400, 4, 127).places[HN_TOP_NAME].width < 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_overlaps_or_leaves_the_screen),
		cmocka_unit_test(eighty_columns_have_all_but_memory),
		cmocka_unit_test(every_node_has_a_character_where_there_is_room),
		cmocka_unit_test(long_names_take_what_is_spare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
