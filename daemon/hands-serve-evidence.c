/*
 * hands-serve-evidence - requests for what the kernel tells of the whole host.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemon/hands-request.h"
#include "host/evidence.h"

int hn_hands_serve_evidence(const struct hn_hands_work *work, struct hn_error *err)
{
	HN_AUTO(memory) struct hn_counters *counters = NULL;
	HN_AUTO(memory) int32_t *nodes = NULL;
	struct hn_hands_evidence evidence = {0};
	size_t count = work->header.length / sizeof(*nodes);
	int r = hn_hands_check_length(work, 0, count * sizeof(*nodes), err);

	if (r < 0)
		return r;
	if (count > HN_SET_MAX)
		return hn_fail(err, -E2BIG, "%zu nodes are too many", count);
	nodes = calloc(count + 1, sizeof(*nodes));
	counters = calloc(count + 1, sizeof(*counters));
	if (!nodes || !counters)
		return hn_oom(err);
	memcpy(nodes, work->body, count * sizeof(*nodes));
	hn_host_evidence_read(NULL, nodes, count, evidence.stalls, counters);
	return hn_hands_reply_with(work,
				   (struct hn_hands_part[]){{&evidence, sizeof(evidence)},
							    {counters, (count + 1) * sizeof(*counters)}},
				   2);
}
