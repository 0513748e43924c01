/*
 * token-bucket - kept as one due time instead of a level that is refilled (the generic cell rate algorithm of
 * ATM networks, ITU-T I.371 annex A): no refill to forget, and no rounding that adds up.
 */
#include "host/token-bucket.h"

void hn_token_bucket_init(struct hn_token_bucket *bucket, uint64_t bytes_per_second, uint64_t now_ns)
{
	*bucket = (struct hn_token_bucket){.bytes_per_second = bytes_per_second, .due_ns = now_ns};
}

uint64_t hn_token_bucket_piece(const struct hn_token_bucket *bucket)
{
	if (bucket->bytes_per_second == 0)
		return UINT64_MAX;
	return (uint64_t)((unsigned __int128)bucket->bytes_per_second * HN_TOKEN_BUCKET_PIECE_NS /
			  HN_NS_PER_S);
}

void hn_token_bucket_change(struct hn_token_bucket *bucket, uint64_t bytes_per_second, uint64_t now_ns)
{
	uint64_t ahead_ns = bucket->due_ns > now_ns ? bucket->due_ns - now_ns : 0;

	if (bytes_per_second == bucket->bytes_per_second)
		return;
	if (bytes_per_second == 0)
		ahead_ns = 0;
	else
		ahead_ns =
			(uint64_t)((unsigned __int128)ahead_ns * bucket->bytes_per_second / bytes_per_second);
	*bucket = (struct hn_token_bucket){.bytes_per_second = bytes_per_second, .due_ns = now_ns + ahead_ns};
}

uint64_t hn_token_bucket_take(struct hn_token_bucket *bucket, uint64_t bytes, uint64_t began_ns)
{
	uint64_t earliest_ns;

	if (bucket->bytes_per_second == 0)
		return began_ns;
	earliest_ns = began_ns > HN_TOKEN_BUCKET_SLACK_NS ? began_ns - HN_TOKEN_BUCKET_SLACK_NS : 0;
	if (bucket->due_ns < earliest_ns)
		bucket->due_ns = earliest_ns;
	bucket->due_ns += (uint64_t)((unsigned __int128)bytes * HN_NS_PER_S / bucket->bytes_per_second);
	return bucket->due_ns;
}
