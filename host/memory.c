/*
 * memory - free memory of each node, from the files the kernel keeps of it.
 *
 * What can be freed at once counts as free: a migration's allocations reclaim clean page cache on the target.
 * Dirty pages would have to be written first and shared memory (tmpfs) has nowhere to go, so both stay out.
 */
#include "host/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "host/proc-file.h"
#include "host/watermarks.h"

#define MEMINFO_MAX 8192
#define FOLDER_MAX 128

/*
 * "KEY:  123 kB", in ROOT/proc/meminfo at the start of a line, in a node's behind "Node N ". 0 when
 * absent.
 */
static uint64_t meminfo_bytes(const char *text, const char *key)
{
	size_t length = strlen(key);

	for (const char *at = text; (at = strstr(at, key)); at += length) {
		uint64_t kib;

		if (at[length] == ':' && (at == text || at[-1] == ' ' || at[-1] == '\n') &&
		    sscanf(at + length + 1, "%" SCNu64, &kib) == 1)
			return kib * HN_KIB;
	}
	return 0;
}

static uint64_t subtract(uint64_t from, uint64_t less)
{
	return from > less ? from - less : 0;
}

static void meminfo_apply(const char *text, struct hn_node *node)
{
	uint64_t cache = meminfo_bytes(text, "FilePages");

	if (cache == 0) /* the whole machine's file counts its parts */
		cache = meminfo_bytes(text, "Cached") + meminfo_bytes(text, "Buffers");
	cache = subtract(subtract(cache, meminfo_bytes(text, "Dirty")), meminfo_bytes(text, "Shmem"));
	node->memory_bytes = meminfo_bytes(text, "MemTotal");
	node->free_bytes = meminfo_bytes(text, "MemFree") + cache / 2;
}

/* Keeps pools in order of page size. Where there are more sizes than room, empty pools give way. */
static void pool_insert(struct hn_node *node, const struct hn_page_pool *pool)
{
	size_t at;

	if (node->pool_count == HN_POOLS_MAX) {
		for (at = 0; at < node->pool_count && node->pools[at].total_pages > 0; at++)
			;
		if (at == node->pool_count || pool->total_pages == 0)
			return;
		node->pool_count--;
		memmove(&node->pools[at], &node->pools[at + 1], (node->pool_count - at) * sizeof(*pool));
	}
	for (at = node->pool_count; at > 0 && node->pools[at - 1].page_bytes > pool->page_bytes; at--)
		node->pools[at] = node->pools[at - 1];
	node->pools[at] = *pool;
	node->pool_count++;
}

/* folder holds hugepages-2048kB and the like; its absence means no hugetlb. */
static int pools_read(const char *root, const char *folder, struct hn_node *node, struct hn_error *err)
{
	HN_AUTO(directory) DIR *sizes = NULL;
	int fd = hn_proc_open(root, O_DIRECTORY, "%s", folder);
	struct dirent *entry;

	node->pool_count = 0;
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return hn_fail_errno(err, fd, "cannot list /%s", folder);
	sizes = fdopendir(fd);
	if (!sizes) {
		close(fd);
		return hn_oom(err);
	}
	while ((entry = readdir(sizes))) {
		struct hn_page_pool pool = {0};
		uint64_t kib;

		if (sscanf(entry->d_name, "hugepages-%" SCNu64 "kB", &kib) != 1)
			continue;
		pool.page_bytes = kib * HN_KIB;
		if (hn_proc_read_u64(&pool.total_pages, root, "%s/%s/nr_hugepages", folder, entry->d_name) ||
		    hn_proc_read_u64(&pool.free_pages, root, "%s/%s/free_hugepages", folder, entry->d_name))
			continue; /* the node is going offline */
		pool_insert(node, &pool);
	}
	return 0;
}

static void node_empty(struct hn_node *node)
{
	node->free_bytes = 0;
	node->pool_count = 0;
}

static int node_refresh(const char *root, struct hn_node *node, struct hn_error *err)
{
	char text[MEMINFO_MAX], folder[FOLDER_MAX];
	ssize_t length;

	length = hn_proc_read(text, sizeof(text), root, "sys/devices/system/node/node%d/meminfo", node->id);
	if (length == -ENOENT || length == -ENODEV) {
		node_empty(node);
		return 0;
	}
	if (length < 0)
		return hn_fail_errno(err, (int)length, "cannot read the memory of node %d", node->id);
	meminfo_apply(text, node);
	snprintf(folder, sizeof(folder), "sys/devices/system/node/node%d/hugepages", node->id);
	return pools_read(root, folder, node, err);
}

/* A kernel without NUMA has no folder of nodes: the machine is its one node. */
static int machine_refresh(const char *root, struct hn_host *host, struct hn_error *err)
{
	char text[MEMINFO_MAX];
	ssize_t length = hn_proc_read(text, sizeof(text), root, "proc/meminfo");

	if (length < 0)
		return hn_fail_errno(err, (int)length, "cannot read /proc/meminfo");
	for (size_t i = 1; i < host->node_count; i++)
		node_empty(&host->nodes[i]);
	if (host->node_count == 0)
		return 0;
	meminfo_apply(text, &host->nodes[0]);
	return pools_read(root, "sys/kernel/mm/hugepages", &host->nodes[0], err);
}

/* A machine that tells nothing of them is none the worse. */
static void watermarks_refresh(const char *root, struct hn_host *host)
{
	uint64_t low[HN_SET_MAX] = {0};

	(void)hn_watermarks_read(root, low, NULL);
	for (size_t i = 0; i < host->node_count; i++) {
		struct hn_node *node = &host->nodes[i];

		node->watermark_bytes =
			low[node->id] < node->memory_bytes ? low[node->id] : node->memory_bytes;
	}
}

int hn_host_memory_refresh(const char *root, struct hn_host *host, struct hn_error *err)
{
	HN_AUTO(fd) int nodes = hn_proc_open(root, O_DIRECTORY, "sys/devices/system/node");
	uint64_t balancing = 0;
	int r = 0;

	if (hn_proc_read_u64(&balancing, root, "proc/sys/kernel/numa_balancing"))
		balancing = 0;
	host->kernel_balancing = balancing != 0;
	if (nodes < 0)
		r = machine_refresh(root, host, err);
	for (size_t i = 0; nodes >= 0 && i < host->node_count && !r; i++)
		r = node_refresh(root, &host->nodes[i], err);
	watermarks_refresh(root, host);
	return r;
}
