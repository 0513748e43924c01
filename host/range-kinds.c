/*
 * range-kinds - maps for the names, statfs and statx through map_files for the file systems, pagemap and
 * kpageflags for the pages.
 *
 * smaps and numa_maps would tell all of it and walk every page to do so; here the cost does not grow with the
 * guest.
 */
#include "host/range-kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/pages.h"
#include "base/random.h"
#include "host/maps-file.h"
#include "host/page-table.h"
#include "host/process-maps.h"

#define SAMPLES 64      /* pages of a range that are looked at: right to 13 % at 95 % */
#define OWN_SAMPLES 512 /* of QEMU's own memory */
#define OWN_CELL 0
#define OWN_RANGES_MAX 8192

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* By its name alone, where its file cannot be asked. */
static enum hn_backing backing_by_name(const char *name)
{
	if (starts_with(name, "/memfd:") || starts_with(name, "/dev/shm/") ||
	    starts_with(name, "/dev/zero") || starts_with(name, "/SYSV"))
		return HN_BACKING_SHMEM;
	if (starts_with(name, "/dev/hugepages") || starts_with(name, "/anon_hugepage"))
		return HN_BACKING_HUGETLB;
	return starts_with(name, "/dev/") ? HN_BACKING_DEVICE : HN_BACKING_UNKNOWN;
}

static enum hn_backing backing_of_file(int fd, uint64_t *ret_page_bytes)
{
	struct statfs system;
	struct statx file;

	if (fstatfs(fd, &system) != 0 || statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &file) != 0)
		return HN_BACKING_UNKNOWN;
	if (system.f_type == HUGETLBFS_MAGIC) {
		*ret_page_bytes = (uint64_t)system.f_bsize;
		return HN_BACKING_HUGETLB;
	}
	if (!S_ISREG(file.stx_mode) || (file.stx_attributes & STATX_ATTR_DAX))
		return HN_BACKING_DEVICE;
	return system.f_type == TMPFS_MAGIC ? HN_BACKING_SHMEM : HN_BACKING_FILE;
}

static struct hn_range_kind kind_of(int directory, const struct hn_maps_line *line)
{
	struct hn_range_kind kind = {.page_bytes = hn_base_page_bytes(), .shared = line->rights[3] == 's'};
	HN_AUTO(fd) int fd = -1;
	char path[64];

	if (line->inode == 0) {
		kind.backing = HN_BACKING_ANONYMOUS;
		return kind;
	}
	if (starts_with(line->name, "/dev/zero")) { /* share=on: what is behind it is not that device */
		kind.backing = HN_BACKING_SHMEM;
		return kind;
	}
	snprintf(path, sizeof(path), "map_files/%" PRIx64 "-%" PRIx64, line->start, line->end);
	fd = openat(directory, path, O_PATH | O_CLOEXEC);
	kind.backing = fd < 0 ? backing_by_name(line->name) : backing_of_file(fd, &kind.page_bytes);
	if (fd < 0 && (kind.backing == HN_BACKING_HUGETLB || kind.backing == HN_BACKING_UNKNOWN))
		kind.page_bytes = 0;
	return kind;
}

/* The first line of a range says what it is; others must agree. */
static void range_take(struct hn_range_kind *range, bool *seen, const struct hn_range_kind *line)
{
	if (!*seen) {
		*range = *line;
		*seen = true;
	} else if (range->backing != line->backing || range->page_bytes != line->page_bytes ||
		   range->shared != line->shared) {
		range->backing = HN_BACKING_UNKNOWN;
	}
}

/* Whether a range lies in the mapping, in part at least: *next is the first then. Ranges do not overlap, and
 * mappings come in order too: what ends before this one is passed over for good. */
static bool reaches(const struct hn_range *const *sorted, size_t count, const struct hn_maps_line *line,
		    size_t *next)
{
	while (*next < count && sorted[*next]->start + sorted[*next]->bytes <= line->start)
		++*next;
	return *next < count && sorted[*next]->start < line->end;
}

static FILE *maps_open(const char *root, const struct hn_process *process, int *ret_directory,
		       struct hn_error *err)
{
	FILE *maps;

	*ret_directory = hn_process_open(root, process, err);
	if (*ret_directory < 0)
		return NULL;
	maps = hn_maps_open(*ret_directory, "maps");
	if (!maps)
		hn_fail_errno(err, -errno, "cannot read /proc/%d/maps", (int)process->pid);
	return maps;
}

int hn_range_kinds_read(const char *root, const struct hn_process *process, const struct hn_range *ranges,
			size_t count, struct hn_range_kind *ret, struct hn_error *err)
{
	HN_AUTO(fd) int directory = -1;
	HN_AUTO(file) FILE *maps = maps_open(root, process, &directory, err);
	HN_AUTO(memory) bool *seen = calloc(count + 1, sizeof(*seen));
	HN_AUTO(ranges) const struct hn_range **sorted = hn_ranges_sort(ranges, count);
	HN_AUTO(memory) char *text = NULL;
	struct hn_maps_line line;
	size_t room = 0, next = 0;

	if (!maps)
		return err ? err->code : -ESRCH;
	if (!seen || !sorted)
		return hn_oom(err);
	memset(ret, 0, count * sizeof(*ret));
	while (hn_maps_next(maps, &text, &room, &line)) {
		struct hn_range_kind kind;

		if (!reaches(sorted, count, &line, &next))
			continue;
		kind = kind_of(directory, &line);
		for (size_t i = next; i < count && sorted[i]->start < line.end; i++)
			range_take(&ret[sorted[i] - ranges], &seen[sorted[i] - ranges], &kind);
	}
	return 0;
}

static int look_inside(const struct hn_page_table *table, const struct hn_range *range,
		       struct hn_random *random, struct hn_range_kind *kind)
{
	uint64_t flags[SAMPLES];
	size_t there = 0, huge = 0, merged = 0;
	void *addresses[SAMPLES];
	int r;

	if (range->bytes < hn_base_page_bytes())
		return 0;
	hn_range_draw(range, random, addresses, SAMPLES);
	r = hn_page_table_flags(table, addresses, SAMPLES, flags);
	if (r < 0)
		return r;
	for (size_t i = 0; i < SAMPLES; i++) {
		there += (flags[i] & HN_PAGE_IS_THERE) != 0;
		huge += (flags[i] & HN_PAGE_IS_HUGE) != 0;
		merged += (flags[i] & HN_PAGE_IS_MERGED) != 0;
	}
	kind->looked_inside = there > 0;
	kind->huge_share = there ? (double)huge / (double)there : 0;
	kind->merged_share = there ? (double)merged / (double)there : 0;
	return 0;
}

int hn_range_kinds_look_inside(const char *root, const struct hn_process *process,
			       const struct hn_range *ranges, size_t count, uint64_t seed,
			       struct hn_range_kind *ret, struct hn_error *err)
{
	HN_AUTO(fd) int directory = hn_process_open(root, process, err);
	HN_AUTO(hn_page_table) struct hn_page_table *table = NULL;
	struct hn_random random;
	int r;

	if (directory < 0)
		return directory;
	if ((r = hn_page_table_new(root, directory, &table, err)) < 0)
		return r;
	random = (struct hn_random){seed};
	for (size_t i = 0; i < count; i++)
		if (look_inside(table, &ranges[i], &random, &ret[i]) < 0)
			break; /* no right: none of them can be seen */
	return 0;
}

int hn_process_own_bytes(const struct hn_process *process, const struct hn_range *ranges, size_t count,
			 uint64_t seed, uint64_t *ret, struct hn_error *err)
{
	HN_AUTO(fd) int directory = -1;
	HN_AUTO(file) FILE *maps = maps_open(NULL, process, &directory, err);
	HN_AUTO(memory) struct hn_range *own = calloc(OWN_RANGES_MAX, sizeof(*own));
	HN_AUTO(memory) struct hn_page_counts *counts = calloc(1, sizeof(*counts));
	HN_AUTO(ranges) const struct hn_range **sorted = hn_ranges_sort(ranges, count);
	HN_AUTO(memory) char *text = NULL;
	struct hn_maps_line line;
	size_t room = 0, own_count = 0, next = 0;
	uint64_t bytes = 0;
	int r;

	*ret = 0;
	if (!maps)
		return err ? err->code : -ESRCH;
	if (!own || !counts || !sorted)
		return hn_oom(err);
	while (own_count < OWN_RANGES_MAX && hn_maps_next(maps, &text, &room, &line)) {
		if (strncmp(line.rights, "rw", 2) != 0 || line.rights[3] != 'p' ||
		    reaches(sorted, count, &line, &next))
			continue;
		own[own_count++] = (struct hn_range){line.start, line.end - line.start, OWN_CELL};
		bytes += line.end - line.start;
	}
	if (own_count == 0)
		return 0;
	counts->cell = OWN_CELL;
	r = hn_pages_sample(NULL, process, own, own_count, OWN_SAMPLES, seed, counts, 1, err);
	if (r == 0 && counts->sampled > 0)
		*ret = (uint64_t)((double)(counts->sampled - counts->absent) / (double)counts->sampled *
				  (double)bytes);
	return r;
}
