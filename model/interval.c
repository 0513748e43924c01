#include "model/interval.h"

#include <math.h>

struct hn_interval hn_interval_wilson(uint64_t hits, uint64_t trials)
{
	return hn_interval_wilson_at(hits, trials, HN_Z98);
}

struct hn_interval hn_interval_wilson_at(uint64_t hits, uint64_t trials, double z)
{
	struct hn_interval interval = {.low = 0, .value = 0, .high = 1};
	double n = (double)trials, p, centre, half, divisor;

	if (trials == 0)
		return interval;
	p = (double)hits / n;
	divisor = 1 + z * z / n;
	centre = (p + z * z / (2 * n)) / divisor;
	half = z / divisor * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
	interval.value = p;
	interval.low = fmax(0, fmin(p, centre - half));
	interval.high = fmin(1, fmax(p, centre + half));
	return interval;
}
