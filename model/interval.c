#include "model/interval.h"

#include <math.h>

#define Z95 1.959963984540054 /* two-sided 95 % quantile of the normal distribution */

struct hn_interval hn_interval_wilson(uint64_t hits, uint64_t trials)
{
	struct hn_interval interval = {.low = 0, .value = 0, .high = 1};
	double n = (double)trials, p, centre, half, divisor;

	if (trials == 0)
		return interval;
	p = (double)hits / n;
	divisor = 1 + Z95 * Z95 / n;
	centre = (p + Z95 * Z95 / (2 * n)) / divisor;
	half = Z95 / divisor * sqrt(p * (1 - p) / n + Z95 * Z95 / (4 * n * n));
	interval.value = p;
	interval.low = fmax(0, fmin(p, centre - half));
	interval.high = fmin(1, fmax(p, centre + half));
	return interval;
}
