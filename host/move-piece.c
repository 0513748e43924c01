#include "host/move-piece.h"

#define WEIGHT_OF_LATEST 0.25
#define GROWTH 4

void hn_move_piece_init(struct hn_move_piece *piece)
{
	*piece = (struct hn_move_piece){.bytes = HN_PIECE_FIRST_BYTES};
}

void hn_move_piece_learn(struct hn_move_piece *piece, uint64_t bytes, uint64_t ns)
{
	double latest, wanted;

	if (bytes == 0)
		return;
	latest = (double)(ns ? ns : 1) / (double)bytes;
	if (piece->ns_per_byte > 0)
		latest = piece->ns_per_byte + WEIGHT_OF_LATEST * (latest - piece->ns_per_byte);
	piece->ns_per_byte = latest;
	wanted = (double)piece->target_ns / latest;
	if (wanted > GROWTH * (double)piece->bytes)
		wanted = GROWTH * (double)piece->bytes;
	if (wanted > HN_PIECE_MOST_BYTES)
		wanted = HN_PIECE_MOST_BYTES;
	piece->bytes = wanted < HN_PIECE_LEAST_BYTES ? HN_PIECE_LEAST_BYTES : (uint64_t)wanted;
}
