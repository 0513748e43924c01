#include "policy/price.h"

#include <math.h>

#include "base/units.h"

#define WEIGHT 0.25 /* of the latest migration */

static double at_least_one(double distrust)
{
	return distrust > 1 ? distrust : 1;
}

static bool has_learned(const struct hn_calibration *calibration)
{
	return calibration->migrations > 0 && calibration->bytes_per_second > 0;
}

static double speed_of(const struct hn_calibration *calibration)
{
	return has_learned(calibration) ? calibration->bytes_per_second : HN_ASSUMED_BYTES_PER_SECOND;
}

double hn_price_of_migration(const struct hn_calibration *calibration, uint64_t bytes, unsigned vcpus,
			     double distrust)
{
	double stall = has_learned(calibration) ? calibration->stall_share : HN_ASSUMED_STALL_SHARE;

	return (double)bytes / speed_of(calibration) * (1 + stall * vcpus) * at_least_one(distrust);
}

double hn_price_page_gap(const struct hn_calibration *calibration, uint64_t page_bytes)
{
	double speed = speed_of(calibration);

	return (double)page_bytes /
	       (speed > HN_ASSUMED_BYTES_PER_SECOND ? speed : HN_ASSUMED_BYTES_PER_SECOND);
}

double hn_price_of_rebinding(unsigned vcpus, double distrust)
{
	return HN_REBIND_SECONDS * vcpus * at_least_one(distrust);
}

double hn_price_theta(unsigned home_nodes)
{
	return home_nodes <= 2 ? 2 : 1.5;
}

void hn_price_learn(struct hn_calibration *calibration, uint64_t bytes, uint64_t work_ns, double stall_share)
{
	double speed;

	if (bytes < HN_MIB || work_ns == 0)
		return;
	speed = (double)bytes / ((double)work_ns / (double)HN_NS_PER_S);
	if (calibration->migrations == 0) {
		calibration->bytes_per_second = speed;
		calibration->stall_share = HN_ASSUMED_STALL_SHARE;
	} else {
		calibration->bytes_per_second += WEIGHT * (speed - calibration->bytes_per_second);
	}
	if (stall_share >= 0)
		calibration->stall_share += (calibration->migrations ? WEIGHT : 1) *
					    (fmin(stall_share, 1) - calibration->stall_share);
	calibration->migrations++;
}

double hn_price_distrust(double distrust, double predicted, double gained)
{
	distrust = at_least_one(distrust);
	if (predicted <= 0)
		return distrust;
	return gained < 0.9 * predicted ? fmin(2 * distrust, HN_DISTRUST_MAX) : fmax(distrust / 2, 1);
}
