/*
 * mappings - /proc/PID/maps, with numa_maps beside it when asked.
 *
 * QEMU maps each RAM block by itself and leaves an inaccessible page behind it, so two blocks never touch and
 * are never one line. What lies directly below a block may be anything, a thread's stack for one; so
 * anonymous lines that touch are not taken for one. Pieces of a file are, when their offsets continue.
 */
#include "host/mappings.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "host/maps-file.h"

#define DELETED " (deleted)"

/* A mapping and what of it the next line must continue. */
struct piece {
	struct hn_mapping mapping;
	uint64_t inode, next_offset, next_start;
	uint64_t first_end; /* of its first line */
	bool policy_read;
};

struct pieces {
	struct piece *items;
	size_t count, room;
};

/* RAM is read and written, and never executed: the buffer of translated code is. */
static bool is_memory(const struct hn_maps_line *line)
{
	return strncmp(line->rights, "rw-", 3) == 0;
}

/* A name that is too long keeps its end: that is where a backend's id is. */
static void name_copy(const char *name, char *ret, size_t size)
{
	size_t length = strlen(name), mark = strlen(DELETED);

	if (length >= mark && strcmp(name + length - mark, DELETED) == 0)
		length -= mark;
	if (length >= size) {
		name += length - (size - 1);
		length = size - 1;
	}
	memcpy(ret, name, length);
	ret[length] = '\0';
}

static bool continues(const struct piece *piece, const struct hn_maps_line *line)
{
	return line->inode != 0 && line->inode == piece->inode && line->start == piece->next_start &&
	       line->offset == piece->next_offset && piece->mapping.shared == (line->rights[3] == 's');
}

static int piece_add(struct pieces *pieces, const struct hn_maps_line *line, struct hn_error *err)
{
	struct piece *piece;

	if (pieces->count == pieces->room) {
		size_t room = pieces->room ? 2 * pieces->room : 64;
		void *grown = reallocarray(pieces->items, room, sizeof(*pieces->items));

		if (!grown)
			return hn_oom(err);
		pieces->items = grown;
		pieces->room = room;
	}
	piece = &pieces->items[pieces->count++];
	*piece = (struct piece){
		.mapping = {.start = line->start, .shared = line->rights[3] == 's'},
		.inode = line->inode,
		.first_end = line->end,
	};
	name_copy(line->name, piece->mapping.name, sizeof(piece->mapping.name));
	return 0;
}

static void piece_extend(struct piece *piece, const struct hn_maps_line *line)
{
	uint64_t bytes = line->end - line->start;

	piece->mapping.bytes += bytes;
	piece->next_start = line->end;
	piece->next_offset = line->offset + bytes;
}

static void drop_small(struct pieces *pieces, uint64_t least_bytes)
{
	if (pieces->count > 0 && pieces->items[pieces->count - 1].mapping.bytes < least_bytes)
		pieces->count--;
}

static int pieces_read(int directory, const struct hn_process *process, uint64_t least_bytes,
		       struct pieces *pieces, struct hn_error *err)
{
	HN_AUTO(file) FILE *maps = hn_maps_open(directory, "maps");
	HN_AUTO(memory) char *text = NULL;
	struct hn_maps_line line;
	size_t room = 0;
	int r;

	if (!maps)
		return hn_fail_errno(err, -errno, "cannot read /proc/%d/maps", (int)process->pid);
	while (hn_maps_next(maps, &text, &room, &line)) {
		if (!is_memory(&line))
			continue;
		if (pieces->count == 0 || !continues(&pieces->items[pieces->count - 1], &line)) {
			drop_small(pieces, least_bytes);
			if (pieces->count == HN_MAPPINGS_MAX)
				return hn_fail(err, -E2BIG, "process %d has more than %d large mappings",
					       (int)process->pid, HN_MAPPINGS_MAX);
			if ((r = piece_add(pieces, &line, err)) < 0)
				return r;
		}
		piece_extend(&pieces->items[pieces->count - 1], &line);
	}
	if (ferror(maps))
		return hn_fail_errno(err, -errno, "cannot read /proc/%d/maps", (int)process->pid);
	drop_small(pieces, least_bytes);
	return 0;
}

/* What the file system behind a mapping says: cheap, where numa_maps and smaps walk all pages. */
static uint64_t page_bytes_read(int directory, const struct piece *piece)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	HN_AUTO(fd) int fd = -1;
	struct statfs system;
	char path[64];

	if (piece->inode == 0)
		return page;
	snprintf(path, sizeof(path), "map_files/%" PRIx64 "-%" PRIx64, piece->mapping.start,
		 piece->first_end);
	fd = openat(directory, path, O_PATH | O_CLOEXEC);
	if (fd < 0 || fstatfs(fd, &system) != 0)
		return 0;
	return system.f_type == HUGETLBFS_MAGIC ? (uint64_t)system.f_bsize : page;
}

static void policy_parse(const char *text, struct hn_mapping *ret)
{
	/* mpol_to_str() of mm/mempolicy.c, with flags behind "=" and nodes behind ":" */
	static const struct {
		const char *said, *name;
	} MODES[] = {
		{"default", "default"},
		{"bind", "bind"},
		{"prefer (many)", "preferred"},
		{"prefer", "preferred"},
		{"interleave", "interleave"},
		{"weighted interleave", "interleave"},
		{"local", "local"},
	};

	for (size_t i = 0; i < HN_COUNT(MODES); i++) {
		size_t length = strlen(MODES[i].said);
		const char *behind = text + length;
		char nodes[256];

		if (strncmp(text, MODES[i].said, length) != 0 || !strchr("=: \n", *behind))
			continue;
		snprintf(ret->policy, sizeof(ret->policy), "%s", MODES[i].name);
		behind += strcspn(behind, ": \n");
		if (*behind == ':') {
			snprintf(nodes, sizeof(nodes), "%.*s", (int)strcspn(behind + 1, " \n"), behind + 1);
			(void)hn_set_parse(nodes, &ret->nodes, NULL);
		}
		return;
	}
}

/* One line of numa_maps, for the piece its address lies in. Parts of different policies have none together.
 */
static void policy_take(struct piece *piece, const char *text)
{
	const char *size = strstr(text, " kernelpagesize_kB=");
	struct hn_mapping line = {0};

	policy_parse(text, &line);
	if (size)
		piece->mapping.page_bytes = strtoull(strchr(size, '=') + 1, NULL, 10) * HN_KIB;
	if (piece->policy_read && (strcmp(line.policy, piece->mapping.policy) != 0 ||
				   !hn_set_equal(&line.nodes, &piece->mapping.nodes)))
		line = (struct hn_mapping){0};
	memcpy(piece->mapping.policy, line.policy, sizeof(line.policy));
	piece->mapping.nodes = line.nodes;
	piece->policy_read = true;
}

static int policies_read(int directory, const struct hn_process *process, struct pieces *pieces,
			 struct hn_error *err)
{
	HN_AUTO(file) FILE *maps = hn_maps_open(directory, "numa_maps");
	HN_AUTO(memory) char *line = NULL;
	size_t room = 0, at = 0;

	if (!maps)
		return hn_fail_errno(err, -errno, "cannot read /proc/%d/numa_maps", (int)process->pid);
	while (getline(&line, &room, maps) > 0) {
		char *text;
		uint64_t start = strtoull(line, &text, 16);

		if (text == line || *text != ' ')
			continue;
		while (at < pieces->count && pieces->items[at].next_start <= start)
			at++;
		if (at < pieces->count && start >= pieces->items[at].mapping.start)
			policy_take(&pieces->items[at], text + 1);
	}
	return 0;
}

int hn_mappings_read(const char *root, const struct hn_process *process, uint64_t least_bytes,
		     bool with_policies, struct hn_mapping **ret, size_t *ret_count, struct hn_error *err)
{
	HN_AUTO(fd) int directory = hn_process_open(root, process, err);
	HN_AUTO(memory) struct hn_mapping *mappings = NULL;
	struct pieces pieces = {0};
	int r = directory < 0 ? directory : pieces_read(directory, process, least_bytes, &pieces, err);

	if (r == 0 && with_policies)
		r = policies_read(directory, process, &pieces, err);
	if (r == 0 && !(mappings = calloc(pieces.count + 1, sizeof(*mappings))))
		r = hn_oom(err);
	for (size_t i = 0; r == 0 && i < pieces.count; i++) {
		mappings[i] = pieces.items[i].mapping;
		if (mappings[i].page_bytes == 0)
			mappings[i].page_bytes = page_bytes_read(directory, &pieces.items[i]);
	}
	free(pieces.items);
	if (r < 0)
		return r;
	*ret_count = pieces.count;
	*ret = hn_steal(mappings);
	return 0;
}
