/* Pieces grow and shrink to what takes the time they should. */
#include "host/move-piece.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void pieces_come_to_take_their_time(void **state)
{
	const double speeds[] = {0.3, 2, 10, 30}; /* ns a byte: 3 GiB/s to 32 MiB/s */

	for (size_t k = 0; k < 4; k++) {
		struct hn_move_piece piece;
		uint64_t took;

		hn_move_piece_init(&piece);
		piece.target_ns = 10 * HN_NS_PER_MS;
		for (int i = 0; i < 20; i++)
			hn_move_piece_learn(&piece, piece.bytes, (uint64_t)((double)piece.bytes * speeds[k]));
		took = (uint64_t)((double)piece.bytes * speeds[k]);
		assert_true(took >= 9 * HN_NS_PER_MS && took <= 11 * HN_NS_PER_MS);
	}
}

static void pieces_keep_within_bounds(void **state)
{
	struct hn_move_piece piece;

	hn_move_piece_init(&piece);
	piece.target_ns = 10 * HN_NS_PER_MS;
	hn_move_piece_learn(&piece, 0, HN_NS_PER_S); /* nothing was tried */
	assert_true(piece.bytes == HN_PIECE_FIRST_BYTES);
	hn_move_piece_learn(&piece, HN_MIB, 1);
	assert_true(piece.bytes == 4 * HN_PIECE_FIRST_BYTES); /* one measurement is not believed at once */
	for (int i = 0; i < 20; i++)
		hn_move_piece_learn(&piece, HN_MIB, 1);
	assert_true(piece.bytes == HN_PIECE_MOST_BYTES);
	hn_move_piece_learn(&piece, HN_MIB, 60 * HN_NS_PER_S);
	assert_true(piece.bytes == HN_PIECE_LEAST_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_come_to_take_their_time),
		cmocka_unit_test(pieces_keep_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
