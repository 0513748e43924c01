#include "model/evidence.h"

#include <stdlib.h>

#include "model/names.h"

static const char *const resource_names[HN_RESOURCE_COUNT] = {"cpu", "memory", "io"};

const char *hn_resource_name(enum hn_resource resource)
{
	return hn_name_of(resource_names, HN_COUNT(resource_names), (size_t)resource);
}

struct hn_evidence *hn_evidence_new(size_t counters_count)
{
	HN_AUTO(hn_evidence) struct hn_evidence *evidence = calloc(1, sizeof(*evidence));

	if (!evidence)
		return NULL;
	evidence->counters = calloc(counters_count + 1, sizeof(*evidence->counters));
	if (!evidence->counters)
		return NULL;
	evidence->counters_count = counters_count;
	return hn_steal(evidence);
}

void hn_evidence_free(struct hn_evidence *evidence)
{
	if (!evidence)
		return;
	free(evidence->counters);
	free(evidence);
}

const struct hn_counters *hn_evidence_find(const struct hn_evidence *evidence, enum hn_counter_family family,
					   int node)
{
	for (size_t i = 0; evidence && i < evidence->counters_count; i++)
		if (evidence->counters[i].family == family && evidence->counters[i].node == node)
			return &evidence->counters[i];
	return NULL;
}
