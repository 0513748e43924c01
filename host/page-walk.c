#include "host/page-walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/pages.h"
#include "host/maps-file.h"

/* A mapping that lies in one of the ranges. */
struct piece {
	uint64_t start, pages;
	size_t range;
	bool counted;
};

struct walk {
	const char *root;
	const struct hn_process *process;
	const struct hn_range *ranges;
	size_t range_count, count, room;
	struct piece *pieces; /* in order of address */
};

static int not_whole(const struct walk *walk, const struct hn_range *range, struct hn_error *err)
{
	return hn_fail(err, -EDOM, "the memory of process %d at %llx does not consist of whole mappings",
		       (int)walk->process->pid, (unsigned long long)range->start);
}

static int add_piece(struct walk *walk, const struct hn_maps_line *line, size_t range, struct hn_error *err)
{
	if (walk->count == walk->room) {
		size_t room = walk->room ? 2 * walk->room : 16;
		struct piece *grown = reallocarray(walk->pieces, room, sizeof(*grown));

		if (!grown)
			return hn_oom(err);
		walk->pieces = grown;
		walk->room = room;
	}
	walk->pieces[walk->count++] =
		(struct piece){.start = line->start,
			       .pages = (line->end - line->start) / hn_base_page_bytes(),
			       .range = range};
	return 0;
}

static int take_mapping(struct walk *walk, const struct hn_maps_line *line, uint64_t *covered,
			struct hn_error *err)
{
	for (size_t i = 0; i < walk->range_count; i++) {
		const struct hn_range *range = &walk->ranges[i];

		if (line->end <= range->start || line->start >= range->start + range->bytes)
			continue;
		if (line->start < range->start || line->end > range->start + range->bytes)
			return not_whole(walk, range, err);
		covered[i] += line->end - line->start;
		return add_piece(walk, line, i, err);
	}
	return 0;
}

/* Which mappings the ranges consist of. */
static int find_pieces(struct walk *walk, int directory, struct hn_error *err)
{
	HN_AUTO(memory) uint64_t *covered = calloc(walk->range_count + 1, sizeof(*covered));
	HN_AUTO(file) FILE *maps = hn_maps_open(directory, "maps");
	HN_AUTO(memory) char *text = NULL;
	struct hn_maps_line line;
	size_t room = 0;
	int r = 0;

	if (!covered)
		return hn_oom(err);
	if (!maps)
		return hn_fail_errno(err, -errno, "cannot read maps of process %d", (int)walk->process->pid);
	while (r == 0 && hn_maps_next(maps, &text, &room, &line))
		r = take_mapping(walk, &line, covered, err);
	for (size_t i = 0; r == 0 && i < walk->range_count; i++)
		if (covered[i] != walk->ranges[i].bytes)
			r = not_whole(walk, &walk->ranges[i], err);
	return r;
}

static int compare_start(const void *key, const void *element)
{
	uint64_t start = *(const uint64_t *)key, other = ((const struct piece *)element)->start;

	return (start > other) - (start < other);
}

static struct hn_page_counts *counts_of(struct hn_page_counts *counts, size_t count, int cell)
{
	for (size_t i = 0; i < count; i++)
		if (counts[i].cell == cell)
			return &counts[i];
	return NULL;
}

/* "7f0000000000 default anon=9 N0=5 N1=4 kernelpagesize_kB=4": counts are of pages of that size. */
static int count_line(const char *line, const struct piece *piece, struct hn_page_counts *counts)
{
	const char *size = strstr(line, " kernelpagesize_kB=");
	uint64_t scale = size ? strtoull(size + strlen(" kernelpagesize_kB="), NULL, 10) * 1024 : 0;
	uint64_t present = 0;

	scale = scale > hn_base_page_bytes() ? scale / hn_base_page_bytes() : 1;
	for (const char *at = line; (at = strstr(at, " N"));) {
		char *end;
		unsigned long node = strtoul(at += 2, &end, 10);
		uint64_t pages;

		if (end == at || *end != '=')
			continue;
		pages = strtoull(end + 1, NULL, 10) * scale;
		if (node < HN_NODE_IDS)
			counts->on_node[node] += pages;
		else
			counts->unknown += pages;
		present += pages;
	}
	if (present > piece->pages)
		return -EDOM;
	counts->sampled += piece->pages;
	counts->absent += piece->pages - present;
	return 0;
}

static int count_pieces(struct walk *walk, int directory, struct hn_page_counts *ret, size_t cell_count,
			struct hn_error *err)
{
	HN_AUTO(file) FILE *file = hn_maps_open(directory, "numa_maps");
	HN_AUTO(memory) char *line = NULL;
	size_t room = 0, left = walk->count;

	if (!file)
		return hn_fail_errno(err, -errno, "cannot read numa_maps of process %d",
				     (int)walk->process->pid);
	while (left > 0 && getline(&line, &room, file) > 0) {
		uint64_t start = strtoull(line, NULL, 16);
		struct piece *piece =
			bsearch(&start, walk->pieces, walk->count, sizeof(*piece), compare_start);
		struct hn_page_counts *counts;

		if (!piece || piece->counted)
			continue;
		counts = counts_of(ret, cell_count, walk->ranges[piece->range].cell);
		if (counts && count_line(line, piece, counts) < 0)
			return not_whole(walk, &walk->ranges[piece->range], err);
		piece->counted = true;
		left--;
	}
	/* a process that ends while it is read has no more lines */
	if (left > 0 && hn_process_check(walk->root, walk->process, err) < 0)
		return -ESRCH;
	return left == 0 ? 0 : not_whole(walk, &walk->ranges[0], err);
}

int hn_pages_walk(const char *root, const struct hn_process *process, const struct hn_range *ranges,
		  size_t range_count, struct hn_page_counts *ret, size_t cell_count, struct hn_error *err)
{
	HN_AUTO(fd) int directory = hn_process_open(root, process, err);
	struct walk walk = {.root = root, .process = process, .ranges = ranges, .range_count = range_count};
	int r;

	if (directory < 0)
		return directory;
	r = find_pieces(&walk, directory, err);
	if (r == 0)
		r = count_pieces(&walk, directory, ret, cell_count, err);
	free(walk.pieces);
	return r;
}
