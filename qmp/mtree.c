/*
 * "info mtree -f" prints one block for each distinct view of memory:
 *
 *     FlatView #3
 *      AS "memory", root: system
 *      AS "cpu-memory-0", root: system
 *      Root memory region: system
 *       0000000000000000-000000000009ffff (prio 0, ram): ram-node0 KVM
 *       0000000000100000-00000000bfffffff (prio 0, ram): ram-node0 @0000000000100000 KVM
 *
 * The one that counts has the address space "memory"; those of the SMM and of devices repeat it with
 * variations. A region's name may hold spaces; the accelerator's name follows when it knows the range.
 * "nv-ram" is a backend with pmem=on. rom, romd, ramd (a device's BAR) and i/o are not the guest's memory.
 */
#include "qmp/mtree.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "qmp/array.h"

#define CANONICAL "/objects/"
#define EXCERPT_BYTES 80

/* The next line of a text that is cut up on the way, NULL at its end. */
static char *next_line(char **cursor)
{
	char *line = strsep(cursor, "\n");
	size_t length = line ? strlen(line) : 0;

	if (length > 0 && line[length - 1] == '\r')
		line[length - 1] = '\0';
	return line;
}

/* As much of a text as goes into a sentence. */
static int line_length(const char *text)
{
	size_t length = strcspn(text, "\r\n");

	return length < EXCERPT_BYTES ? (int)length : EXCERPT_BYTES;
}

static bool ends_with(const char *text, const char *end)
{
	size_t text_length = strlen(text), end_length = strlen(end);

	return text_length >= end_length && strcmp(text + text_length - end_length, end) == 0;
}

/* Machine types up to 3.1 call a backend by its QOM path. */
static const char *without_path(const char *name)
{
	return strncmp(name, CANONICAL, strlen(CANONICAL)) == 0 ? name + strlen(CANONICAL) : name;
}

/* "ram-node0 @0000000000100000 KVM": cuts name down to the name. */
static uint64_t split_offset(char *name)
{
	char *at = strstr(name, " @");
	uint64_t offset = 0;

	while (at && !isxdigit((unsigned char)at[2]))
		at = strstr(at + 1, " @");
	if (at) {
		offset = strtoull(at + 2, NULL, 16);
		*at = '\0';
		return offset;
	}
	while (ends_with(name, " KVM"))
		name[strlen(name) - strlen(" KVM")] = '\0';
	return 0;
}

/* False: not a line about RAM. */
static bool parse_range(char *line, struct hn_mtree_piece *ret)
{
	char kind[16];
	uint64_t first, last;
	int name = 0;

	if (sscanf(line, " %16" SCNx64 "-%16" SCNx64 " (prio %*d, %15[a-z/-]): %n", &first, &last, kind,
		   &name) != 3 ||
	    name == 0)
		return false;
	if (strcmp(kind, "ram") != 0 && strcmp(kind, "nv-ram") != 0)
		return false;
	if (last < first || last - first == UINT64_MAX)
		return false;
	ret->guest_address = first;
	ret->bytes = last - first + 1;
	ret->offset = split_offset(line + name);
	if (ret->offset > UINT64_MAX - ret->bytes)
		return false;
	snprintf(ret->region, sizeof(ret->region), "%s", without_path(line + name));
	return ret->region[0] != '\0';
}

int hn_mtree_parse(const char *text, struct hn_mtree_piece **ret, size_t *ret_count, struct hn_error *err)
{
	HN_AUTO(memory) char *copy = strdup(text);
	HN_AUTO(memory) struct hn_mtree_piece *pieces = NULL;
	struct hn_mtree_piece piece, *added;
	bool wanted = false;
	size_t count = 0;
	char *cursor = copy;
	char *line;

	if (!copy)
		return hn_oom(err);
	while ((line = next_line(&cursor))) {
		if (strncmp(line, "FlatView", strlen("FlatView")) == 0)
			wanted = false;
		else if (strncmp(line, " AS \"memory\"", strlen(" AS \"memory\"")) == 0)
			wanted = true;
		if (!wanted || !parse_range(line, &piece))
			continue;
		if (count == HN_MTREE_MAX)
			return hn_fail(err, -EPROTO, "the memory tree has more than %d pieces of RAM",
				       HN_MTREE_MAX);
		added = hn_array_add(&pieces, &count, sizeof(*pieces));
		if (!added)
			return hn_oom(err);
		*added = piece;
	}
	if (count == 0)
		return hn_fail(err, -ENODATA, "the memory tree shows no RAM");
	*ret = hn_steal(pieces);
	*ret_count = count;
	return 0;
}

int hn_mtree_parse_gpa2hva(const char *text, char *ret_region, uint64_t *ret_host_address,
			   struct hn_error *err)
{
	char region[HN_NAME_MAX];
	uint64_t address;

	if (sscanf(text, "Host virtual address for 0x%*x (%127[^)\r\n]) is 0x%" SCNx64, region, &address) !=
	    2)
		return hn_fail(err, -ENODATA, "gpa2hva says '%.*s'", line_length(text), text);
	snprintf(ret_region, HN_NAME_MAX, "%s", without_path(region));
	*ret_host_address = address;
	return 0;
}

/*
 *               Block Name    PSize              Offset               Used              Total HVA  RO
 *                ram-node0    4 KiB  0x0000000000000000 0x0000000080000000 0x0000000080000000
 * 0x00007f12ebe00000  rw
 *
 * The last two columns since QEMU 8.0. The size of a page is written by size_to_str(): "4 KiB", "2 MiB", "1
 * GiB".
 */
static bool parse_ramblock(const char *line, struct hn_ramblock *ret)
{
	static const char units[] = "KMGT";
	uint64_t page = 0;
	int shift = 0;
	char unit = 0;

	memset(ret, 0, sizeof(*ret));
	if (sscanf(line, " %127s %" SCNu64 " %ciB 0x%*x 0x%*x 0x%" SCNx64 " 0x%" SCNx64, ret->name, &page,
		   &unit, &ret->bytes, &ret->host_address) < 4)
		return false;
	if (unit == '\0' || !strchr(units, unit))
		return false;
	shift = 10 * (int)(strchr(units, unit) - units + 1);
	if (page > UINT64_MAX >> shift)
		return false;
	ret->page_bytes = page << shift;
	return true;
}

int hn_mtree_parse_ramblocks(const char *text, struct hn_ramblock **ret, size_t *ret_count,
			     struct hn_error *err)
{
	HN_AUTO(memory) char *copy = strdup(text);
	HN_AUTO(memory) struct hn_ramblock *blocks = NULL;
	struct hn_ramblock block, *added;
	size_t count = 0;
	char *cursor = copy;
	char *line;

	if (!copy)
		return hn_oom(err);
	while ((line = next_line(&cursor))) {
		if (!parse_ramblock(line, &block))
			continue;
		if (count == HN_MTREE_MAX)
			return hn_fail(err, -EPROTO, "there are more than %d RAM blocks", HN_MTREE_MAX);
		added = hn_array_add(&blocks, &count, sizeof(*blocks));
		if (!added)
			return hn_oom(err);
		*added = block;
	}
	if (count == 0)
		return hn_fail(err, -ENODATA, "the list of RAM blocks is empty");
	*ret = hn_steal(blocks);
	*ret_count = count;
	return 0;
}

const struct hn_ramblock *hn_mtree_find_ramblock(const struct hn_ramblock *blocks, size_t count,
						 const char *id)
{
	char tail[HN_NAME_MAX + 1];

	for (size_t i = 0; i < count; i++)
		if (strcmp(without_path(blocks[i].name), id) == 0)
			return &blocks[i];
	/* What a device brings along is called by the device's path. */
	snprintf(tail, sizeof(tail), "/%s", id);
	for (size_t i = 0; i < count; i++)
		if (ends_with(blocks[i].name, tail))
			return &blocks[i];
	return NULL;
}

static void parse_vcpus(const char *text, struct hn_set *ret)
{
	char *end;

	for (;;) {
		unsigned long number = strtoul(text, &end, 10);

		if (end == text)
			break;
		if (number < HN_SET_MAX)
			hn_set_add(ret, (int)number);
		text = end;
	}
}

static struct hn_numa_node *find_node(struct hn_numa_node **nodes, size_t *count, int id)
{
	struct hn_numa_node *node;

	for (size_t i = 0; i < *count; i++)
		if ((*nodes)[i].id == id)
			return &(*nodes)[i];
	node = hn_array_add(nodes, count, sizeof(*node));
	if (node)
		node->id = id;
	return node;
}

/* "node 1 cpus: 2 3", "node 1 size: 2048 MB", "node 1 plugged: 0 MB". False when out of memory. */
static bool parse_numa_line(const char *line, struct hn_numa_node **nodes, size_t *count)
{
	struct hn_numa_node *node;
	char key[16];
	int id, value = 0;
	uint64_t mib;

	if (sscanf(line, "node %d %15[a-z]:%n", &id, key, &value) != 2 || value == 0 || id < 0 ||
	    id >= HN_SET_MAX)
		return true;
	node = find_node(nodes, count, id);
	if (!node)
		return false;
	if (strcmp(key, "cpus") == 0) {
		parse_vcpus(line + value, &node->vcpus);
		return true;
	}
	mib = strtoull(line + value, NULL, 10);
	if (mib > UINT64_MAX >> 20)
		return true;
	if (strcmp(key, "size") == 0)
		node->bytes = mib << 20;
	else if (strcmp(key, "plugged") == 0)
		node->plugged_bytes = mib << 20;
	return true;
}

int hn_mtree_parse_numa(const char *text, struct hn_numa_node **ret, size_t *ret_count, struct hn_error *err)
{
	HN_AUTO(memory) char *copy = strdup(text);
	HN_AUTO(memory) struct hn_numa_node *nodes = NULL;
	char *cursor = copy;
	size_t count = 0;
	char *line;
	int said;

	if (!copy)
		return hn_oom(err);
	if (sscanf(text, "%d node", &said) != 1)
		return hn_fail(err, -ENODATA, "info numa says '%.*s'", line_length(text), text);
	while ((line = next_line(&cursor))) {
		if (!parse_numa_line(line, &nodes, &count))
			return hn_oom(err);
		if (count > HN_MTREE_NODES_MAX)
			return hn_fail(err, -EPROTO, "there are more than %d NUMA nodes", HN_MTREE_NODES_MAX);
	}
	*ret = hn_steal(nodes);
	*ret_count = count;
	return 0;
}
