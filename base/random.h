#pragma once
/*
 * random - a seeded, reproducible source of chance (SplitMix64: Steele, Lea, Flood, OOPSLA 2014).
 * Not for secrets. The same seed gives the same numbers on every machine, so a decision can be replayed.
 */
#include <stdint.h>

struct hn_random {
	uint64_t state;
};

static inline uint64_t hn_random_next(struct hn_random *random)
{
	uint64_t z = (random->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Uniform in 0..bound-1 (bound > 0), by the high half of a product: bias below bound / 2^64. */
static inline uint64_t hn_random_below(struct hn_random *random, uint64_t bound)
{
	return (uint64_t)(((unsigned __int128)hn_random_next(random) * bound) >> 64);
}
