#include "hooks/numa-host.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NODES "sys/devices/system/node"
#define DRAINING "run/homenode/draining" /* see daemon/draining.h */
#define FILE_MAX 16384
#define DISTANCE_LOCAL 10
#define DISTANCE_REMOTE 20

/* "" when the file is not there. Not blocking: below a root of somebody's own it might be a FIFO. */
static const char *read_file(const char *root, const char *name, char buffer[FILE_MAX])
{
	char path[PATH_MAX];
	ssize_t length = -1;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0) {
		length = read(fd, buffer, FILE_MAX - 1);
		close(fd);
	}
	buffer[length > 0 ? length : 0] = '\0';
	return buffer;
}

static const char *read_node_file(const char *root, unsigned node, const char *name, char buffer[FILE_MAX])
{
	char path[128];

	snprintf(path, sizeof(path), NODES "/node%u/%s", node, name);
	return read_file(root, path, buffer);
}

static bool read_set(const char *root, const char *name, struct node_set *ret)
{
	char text[FILE_MAX];

	read_file(root, name, text);
	return node_set_parse(text, strlen(text), ret);
}

/* How many CPUs "0-3,8" are; 0 for what is no such list. */
static unsigned count_cpus(const char *text)
{
	unsigned long count = 0;

	while (*text >= '0' && *text <= '9') {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (*end == '-' && end[1] >= '0' && end[1] <= '9')
			last = strtoul(end + 1, &end, 10);
		if (last < first || last - first > 65535)
			return 0;
		count += last - first + 1;
		text = *end == ',' ? end + 1 : end;
	}
	return (*text == '\n' || *text == '\0') && count < INT_MAX ? (unsigned)count : 0;
}

/* How many bits are set in "00000000,000000f0", the only form that kernels before 2.6.26 had. */
static unsigned count_bits(const char *text)
{
	unsigned count = 0;

	for (; isxdigit((unsigned char)*text) || *text == ','; text++) {
		char digit[] = {*text, '\0'};

		count += (unsigned)__builtin_popcountl(strtoul(digit, NULL, 16));
	}
	return *text == '\n' ? count : 0;
}

/* "Node 0 KEY:  123 kB"; 0 when absent. */
static uint64_t meminfo_kib(const char *text, const char *key)
{
	size_t length = strlen(key);

	for (const char *at = text; (at = strstr(at, key)); at += length)
		if (at > text && at[-1] == ' ' && at[length] == ':')
			return strtoull(at + length + 1, NULL, 10);
	return 0;
}

static uint64_t less(uint64_t from, uint64_t what)
{
	return from > what ? from - what : 0;
}

/* Dirty pages would have to be written first, and shared memory has nowhere to go. */
static void read_memory(const char *root, struct numa_node *node)
{
	char text[FILE_MAX];
	uint64_t cache;

	read_node_file(root, node->id, "meminfo", text);
	cache = less(meminfo_kib(text, "FilePages"), meminfo_kib(text, "Dirty"));
	node->total_kib = meminfo_kib(text, "MemTotal");
	node->room_kib = meminfo_kib(text, "MemFree") + less(cache, meminfo_kib(text, "Shmem")) / 2;
	if (node->room_kib > node->total_kib)
		node->room_kib = node->total_kib;
}

static void read_node(const char *root, unsigned id, const struct node_set *allowed, struct numa_host *host)
{
	struct numa_node node = {.id = id};
	char text[FILE_MAX];

	node.cpus = *read_node_file(root, id, "cpulist", text)
			    ? count_cpus(text)
			    : count_bits(read_node_file(root, id, "cpumap", text));
	read_memory(root, &node);
	if (node.cpus > 0)
		node_set_add(&host->cpus, id);
	if (node.total_kib > 0)
		node_set_add(&host->memory, id);
	if (node.cpus > 0 && node.total_kib > 0 && node_set_has(allowed, id) && host->count < NUMA_NODES_MAX)
		host->nodes[host->count++] = node;
}

/* The row of a node, one number for each online node, in order. 0 when it is not that. */
static size_t parse_row(const char *text, uint8_t row[NODE_SET_MAX])
{
	size_t count = 0;

	for (;; count++) {
		char *end;
		unsigned long distance = strtoul(text, &end, 10);

		if (end == text)
			return *text == '\n' || *text == '\0' ? count : 0;
		if (distance < DISTANCE_LOCAL || distance > UINT8_MAX || count == NODE_SET_MAX)
			return 0;
		row[count] = (uint8_t)distance;
		text = end + strspn(end, " ");
	}
}

static void read_distances(const char *root, size_t from, struct numa_host *host)
{
	uint8_t row[NODE_SET_MAX];
	char text[FILE_MAX];
	size_t count, place = 0, to = 0;

	count = parse_row(read_node_file(root, host->nodes[from].id, "distance", text), row);
	if (count != node_set_count(&host->online)) {
		for (to = 0; to < host->count; to++)
			host->distance[from][to] = from == to ? DISTANCE_LOCAL : DISTANCE_REMOTE;
		return;
	}
	for (unsigned id = 0; to < host->count; id++, place++) {
		id = node_set_next(&host->online, id);
		if (host->nodes[to].id == id)
			host->distance[from][to++] = row[place];
	}
}

/* What the cpuset of this process allows; everything when that is not known. */
static struct node_set read_allowed(const char *root)
{
	static const char key[] = "Mems_allowed_list:";
	struct node_set allowed;
	char text[FILE_MAX];
	const char *at = strstr(read_file(root, "proc/self/status", text), key);

	if (at) {
		at += strlen(key);
		at += strspn(at, " \t");
	}
	if (!at || !node_set_parse(at, strcspn(at, "\n"), &allowed))
		memset(&allowed, 0xff, sizeof(allowed));
	return allowed;
}

static void read_nodes(const char *root, const struct node_set *allowed, struct numa_host *host)
{
	host->count = 0;
	for (unsigned id = 0; (id = node_set_next(&host->online, id)) < NODE_SET_MAX; id++)
		read_node(root, id, allowed, host);
}

/* Those that homenoded has been told to drain are left out, unless there are no others. */
static void read_usable(const char *root, struct numa_host *host)
{
	struct node_set allowed = read_allowed(root), draining = {0}, others = allowed;

	if (read_set(root, DRAINING, &draining))
		for (size_t i = 0; i < NODE_SET_MAX / 64; i++)
			others.words[i] &= ~draining.words[i];
	read_nodes(root, &others, host);
	if (host->count == 0 && !node_set_empty(&draining))
		read_nodes(root, &allowed, host);
}

/* Where nobody tells which nodes are online: those with files. */
static void find_nodes(const char *root, struct node_set *online)
{
	char text[FILE_MAX];

	for (unsigned id = 0; id < NUMA_NODES_MAX; id++)
		if (*read_node_file(root, id, "meminfo", text))
			node_set_add(online, id);
}

void numa_host_read(const char *root, struct numa_host *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (!read_set(root, NODES "/online", &ret->online))
		find_nodes(root, &ret->online);
	read_usable(root, ret);
	for (size_t i = 0; i < ret->count; i++)
		read_distances(root, i, ret);
}

struct node_set numa_host_all(const struct numa_host *host)
{
	struct node_set all = {0};

	for (size_t i = 0; i < host->count; i++)
		node_set_add(&all, host->nodes[i].id);
	if (node_set_empty(&all))
		all = node_set_and(&host->online, &host->memory);
	if (node_set_empty(&all))
		all = host->online;
	if (node_set_empty(&all))
		node_set_add(&all, 0);
	return all;
}
