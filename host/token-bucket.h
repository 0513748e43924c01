#pragma once
/*
 * token-bucket - when the next bytes may go, under a cap on bytes per second. Pure: the time comes from
 * outside.
 */
#include <stdint.h>

#include "base/units.h"

/*
 * How late bytes may be made up for: on a busy host the mover is not run for a tenth of a second now and
 * then, which is caught up with; a longer pause is not. With pieces of at most HN_TOKEN_BUCKET_PIECE_NS worth
 * of bytes, any span of T seconds sees at most T + 0.25 seconds' worth: 1.05 times the cap over five seconds.
 * A huge page goes whole: where it is more than a piece, a span may see one such page more.
 */
#define HN_TOKEN_BUCKET_SLACK_NS (220 * HN_NS_PER_MS)
#define HN_TOKEN_BUCKET_PIECE_NS (30 * HN_NS_PER_MS)

struct hn_token_bucket {
	uint64_t bytes_per_second; /* 0: no cap */
	uint64_t due_ns;           /* when all bytes taken so far would have gone at exactly the cap */
};

void hn_token_bucket_init(struct hn_token_bucket *bucket, uint64_t bytes_per_second, uint64_t now_ns);

/* The most bytes that should go in one piece; UINT64_MAX without a cap. */
uint64_t hn_token_bucket_piece(const struct hn_token_bucket *bucket);

/*
 * Another cap from now on. What has gone too early is still waited for, by as many bytes; what could have
 * gone and has not is not made up for.
 */
void hn_token_bucket_change(struct hn_token_bucket *bucket, uint64_t bytes_per_second, uint64_t now_ns);

/* Takes bytes that began to go at began_ns; returns the time before which no more may begin. */
uint64_t hn_token_bucket_take(struct hn_token_bucket *bucket, uint64_t bytes, uint64_t began_ns);
