#pragma once
/*
 * pools - which sizes of huge pages a host has: nodes need not have the same, nor in the same order.
 */
#include <stddef.h>
#include <stdint.h>

#include "model/host.h"

#define HN_POOL_SIZES_MAX 8 /* on one host; what is more is left out */

struct hn_pool_sizes {
	size_t count;
	uint64_t page_bytes[HN_POOL_SIZES_MAX]; /* the smallest first */
};

/* Of all nodes together. */
void hn_pool_sizes_gather(const struct hn_host *host, struct hn_pool_sizes *ret);

/* The node's pool of pages of that size (borrowed), or NULL. */
const struct hn_page_pool *hn_pool_find(const struct hn_node *node, uint64_t page_bytes);
