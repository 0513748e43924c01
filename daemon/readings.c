#include "daemon/readings.h"

#include <errno.h>
#include <string.h>

void hn_readings_put(struct hn_readings *readings, struct hn_evidence *evidence)
{
	hn_evidence_free(readings->before);
	readings->before = readings->now;
	readings->now = evidence;
}

void hn_readings_done(struct hn_readings *readings)
{
	hn_evidence_free(readings->before);
	hn_evidence_free(readings->now);
	memset(readings, 0, sizeof(*readings));
}

const struct hn_evidence *hn_readings_latest(const struct hn_readings *readings, uint64_t now_ns,
					     uint64_t max_age_ns)
{
	return readings->now && now_ns - readings->now->taken_ns <= max_age_ns ? readings->now : NULL;
}

int hn_readings_tell(const struct hn_readings *readings, uint64_t now_ns, uint64_t max_age_ns,
		     struct hn_activity **ret)
{
	const struct hn_evidence *now = hn_readings_latest(readings, now_ns, max_age_ns);

	*ret = NULL;
	if (!now)
		return 0;
	*ret = hn_activity_between(readings->before, now);
	if (!*ret)
		return -ENOMEM;
	(*ret)->age_ns = now_ns - now->taken_ns;
	return 0;
}
