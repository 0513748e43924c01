#include "daemon/refusals.h"

#include <stddef.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/units.h"

#define QUIET_NS (60 * HN_NS_PER_S)

/* Its slot, else the one that has been quiet for longest. */
static size_t find_slot(const struct hn_refusals *refusals, uint64_t hash)
{
	size_t oldest = 0;

	for (size_t i = 0; i < HN_REFUSALS_KEPT; i++) {
		if (refusals->slots[i].hash == hash)
			return i;
		if (refusals->slots[i].until_ns < refusals->slots[oldest].until_ns)
			oldest = i;
	}
	return oldest;
}

void hn_refusals_tell(struct hn_refusals *refusals, uint64_t now_ns, const char *who, const char *why)
{
	uint64_t hash = hn_hash_text(hn_hash_text(HN_HASH_BEGIN, who), why);
	size_t slot = find_slot(refusals, hash);

	refusals->total++;
	if (now_ns >= refusals->minute_ns + QUIET_NS) {
		refusals->minute_ns = now_ns;
		refusals->lines = 0;
	}
	if (refusals->slots[slot].hash != hash) {
		refusals->slots[slot].hash = hash;
		refusals->slots[slot].until_ns = 0;
		refusals->slots[slot].unsaid = 0;
	}
	if (now_ns < refusals->slots[slot].until_ns || refusals->lines == HN_REFUSALS_KEPT) {
		refusals->slots[slot].unsaid++;
		return;
	}
	if (refusals->slots[slot].unsaid)
		hn_log(HN_LOG_WARNING, "api: %s is refused: %s (and %u times more since this was last said)",
		       who, why, refusals->slots[slot].unsaid);
	else
		hn_log(HN_LOG_WARNING, "api: %s is refused: %s", who, why);
	refusals->lines++;
	refusals->slots[slot].unsaid = 0;
	refusals->slots[slot].until_ns = now_ns + QUIET_NS;
}
