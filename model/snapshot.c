#include "model/snapshot.h"

#include <string.h>

void hn_regret_free(struct hn_regret *regret)
{
	if (!regret)
		return;
	free(regret->seconds);
	free(regret);
}

struct hn_regret *hn_regret_new(size_t cell_count, size_t node_count)
{
	HN_AUTO(hn_regret) struct hn_regret *regret = calloc(1, sizeof(*regret));

	if (!regret)
		return NULL;
	regret->cell_count = cell_count;
	regret->node_count = node_count;
	regret->seconds = calloc(cell_count * node_count + 1, sizeof(*regret->seconds));
	return regret->seconds ? hn_steal(regret) : NULL;
}

struct hn_regret *hn_regret_copy(const struct hn_regret *regret)
{
	struct hn_regret *copy = hn_regret_new(regret->cell_count, regret->node_count);

	if (!copy)
		return NULL;
	copy->taken_ns = regret->taken_ns;
	memcpy(copy->seconds, regret->seconds,
	       regret->cell_count * regret->node_count * sizeof(*copy->seconds));
	return copy;
}

void hn_snapshot_free(struct hn_snapshot *snapshot)
{
	if (!snapshot)
		return;
	for (size_t i = 0; i < snapshot->guest_count; i++) {
		hn_guest_free(snapshot->guests[i].guest);
		hn_sample_free(snapshot->guests[i].sample);
		hn_placement_free(snapshot->guests[i].home);
		hn_regret_free(snapshot->guests[i].regret);
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
