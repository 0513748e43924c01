#pragma once
/*
 * refusals - who was turned away and why, said once and not a thousand times.
 */
#include <stdint.h>

#define HN_REFUSALS_KEPT 32

struct hn_refusals {
	struct {
		uint64_t hash, until_ns; /* the same is not said again before */
		unsigned unsaid;
	} slots[HN_REFUSALS_KEPT];
	uint64_t minute_ns; /* when the present minute began */
	unsigned lines;     /* said in it */
	uint64_t total;
};

/*
 * Counts it, and logs "api: WHO is refused: WHY" as a warning unless the same was logged within the last
 * minute, or HN_REFUSALS_KEPT others were. What was left unsaid is told with the next of its kind.
 */
void hn_refusals_tell(struct hn_refusals *refusals, uint64_t now_ns, const char *who, const char *why);
