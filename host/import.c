#include "host/import.h"

#include <string.h>

#include "host/memory.h"
#include "host/topology.h"
#include "model/check.h"

static bool tells_free_memory(const char *root)
{
	size_t length = root ? strlen(root) : 0;

	return length <= 4 || strcmp(root + length - 4, ".xml") != 0;
}

int hn_host_import(const char *root, struct hn_host **ret, char *note, size_t size, struct hn_error *err)
{
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	int r = hn_topology_load(root, &host, err);

	if (r < 0)
		return r;
	if (tells_free_memory(root))
		r = hn_host_memory_refresh(root, host, err);
	else
		for (size_t i = 0; i < host->node_count; i++)
			host->nodes[i].free_bytes = host->nodes[i].memory_bytes;
	if (r < 0)
		return r;
	hn_host_mend(host, note, size);
	if ((r = hn_host_check(host, err)) == 0)
		*ret = hn_steal(host);
	return r;
}
