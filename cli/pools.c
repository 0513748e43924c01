#include "cli/pools.h"

#include <string.h>

static void add(struct hn_pool_sizes *sizes, uint64_t page_bytes)
{
	size_t at = sizes->count;

	for (size_t i = 0; i < sizes->count; i++)
		if (sizes->page_bytes[i] == page_bytes)
			return;
	if (sizes->count == HN_POOL_SIZES_MAX)
		return;
	for (; at > 0 && sizes->page_bytes[at - 1] > page_bytes; at--)
		sizes->page_bytes[at] = sizes->page_bytes[at - 1];
	sizes->page_bytes[at] = page_bytes;
	sizes->count++;
}

void hn_pool_sizes_gather(const struct hn_host *host, struct hn_pool_sizes *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < host->node_count; i++)
		for (size_t j = 0; j < host->nodes[i].pool_count; j++)
			add(ret, host->nodes[i].pools[j].page_bytes);
}

const struct hn_page_pool *hn_pool_find(const struct hn_node *node, uint64_t page_bytes)
{
	for (size_t i = 0; i < node->pool_count; i++)
		if (node->pools[i].page_bytes == page_bytes)
			return &node->pools[i];
	return NULL;
}
