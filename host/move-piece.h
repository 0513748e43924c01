#pragma once
/*
 * move-piece - how many bytes one moving call should carry, from how long the ones before took. Where several
 * are made at once, each carries so much. Pure.
 *
 * Part of the mover; see mover.h for the terms.
 */
#include <stdint.h>

#include "base/units.h"

#define HN_PIECE_FIRST_BYTES (2 * HN_MIB)
#define HN_PIECE_LEAST_BYTES (256 * HN_KIB)
#define HN_PIECE_MOST_BYTES (128 * HN_MIB)

struct hn_move_piece {
	uint64_t bytes;     /* that the next should carry, within the bounds above */
	uint64_t target_ns; /* that it should take */
	double ns_per_byte; /* of copying, 0 not measured yet: a mean in which the latest counts a quarter */
};

/* target_ns is the caller's to set, and to change. */
void hn_move_piece_init(struct hn_move_piece *piece);

/* So many bytes, moved or tried, took so long. Grows to four times the size at most. */
void hn_move_piece_learn(struct hn_move_piece *piece, uint64_t bytes, uint64_t ns);
