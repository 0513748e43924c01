#include "model/snapshot.h"

#include <string.h>

void hn_snapshot_free(struct hn_snapshot *snapshot)
{
	if (!snapshot)
		return;
	for (size_t i = 0; i < snapshot->guest_count; i++) {
		hn_guest_free(snapshot->guests[i].guest);
		hn_sample_free(snapshot->guests[i].sample);
		hn_placement_free(snapshot->guests[i].home);
	}
	free(snapshot->guests);
	hn_host_free(snapshot->host);
	free(snapshot);
}

struct hn_snapshot *hn_snapshot_new(struct hn_host *host)
{
	struct hn_snapshot *snapshot = calloc(1, sizeof(*snapshot));

	if (!snapshot) {
		hn_host_free(host);
		return NULL;
	}
	snapshot->host = host;
	return snapshot;
}

struct hn_guest_state *hn_snapshot_add(struct hn_snapshot *snapshot)
{
	struct hn_guest_state *grown =
		reallocarray(snapshot->guests, snapshot->guest_count + 1, sizeof(*grown));

	if (!grown)
		return NULL;
	snapshot->guests = grown;
	grown += snapshot->guest_count++;
	memset(grown, 0, sizeof(*grown));
	return grown;
}
