#pragma once
/*
 * combine - the best way to put a guest's cells on places of theirs, of all there are.
 */
#include "fleet/places.h"

struct hn_fleet_combination {
	uint64_t best;  /* hn_fleet_number(), 0 with memory left out of account; UINT64_MAX: none was found */
	uint64_t steps; /* left; 0: it was cut short */
	uint64_t walked; /* steps of a search, at the most, that does not see which places exclude each other
			  */
};

/* With memory left out of account any will do. */
void hn_fleet_combine(const struct hn_fleet_asked *asked, size_t host, const struct hn_fleet_places *places,
		      uint64_t steps, struct hn_fleet_combination *ret);
