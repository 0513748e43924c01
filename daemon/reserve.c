#include "daemon/reserve.h"

#include <errno.h>

int hn_host_reserve(struct hn_host *host, const struct hn_set *cpus, uint64_t bytes, struct hn_error *err)
{
	struct hn_set online = {0}, unknown = *cpus;

	for (size_t i = 0; i < host->cpu_count; i++)
		hn_set_add(&online, host->cpus[i].id);
	hn_set_subtract(&unknown, &online);
	if (!hn_set_empty(&unknown))
		return hn_fail(err, -EINVAL, "reserved_cpus: CPU %d is none of the online ones",
			       hn_set_next(&unknown, 0));
	if (hn_set_inside(&online, cpus))
		return hn_fail(err, -EINVAL, "reserved_cpus: all %zu CPUs, so none is left for guests",
			       host->cpu_count);
	for (size_t i = 0; i < host->cpu_count; i++)
		host->cpus[i].reserved = hn_set_has(cpus, host->cpus[i].id);
	for (size_t i = 0; i < host->node_count; i++) {
		struct hn_node *node = &host->nodes[i];

		node->reserved_bytes = bytes < node->memory_bytes ? bytes : node->memory_bytes;
	}
	return 0;
}
