/*
 * Where guest memory lies is learned from the guest's own QEMU, which a hostile guest may have taken over.
 * Before anything is asked of or done to an address range, the kernel's list of mappings must agree that it
 * is there.
 */
#include "host/process-maps.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "host/maps-file.h"

static int by_start(const void *a, const void *b)
{
	const struct hn_range *left = *(const struct hn_range *const *)a,
			      *right = *(const struct hn_range *const *)b;

	return (left->start > right->start) - (left->start < right->start);
}

const struct hn_range **hn_ranges_sort(const struct hn_range *ranges, size_t count)
{
	const struct hn_range **sorted = calloc(count + 1, sizeof(*sorted));

	for (size_t i = 0; sorted && i < count; i++)
		sorted[i] = &ranges[i];
	if (sorted)
		qsort(sorted, count, sizeof(*sorted), by_start);
	return sorted;
}

static uint64_t end_of(const struct hn_range *range)
{
	return range->start + range->bytes;
}

/* That each is one, and none another's memory once more: then all of them are no larger than the process. */
static int check_order(const struct hn_range *const *sorted, size_t count, struct hn_error *err)
{
	uint64_t end;

	for (size_t i = 0; i < count; i++) {
		if (sorted[i]->bytes == 0 || __builtin_add_overflow(sorted[i]->start, sorted[i]->bytes, &end))
			return hn_fail(err, -EINVAL,
				       "%" PRIu64 " bytes at 0x%" PRIx64 " are no address range",
				       sorted[i]->bytes, sorted[i]->start);
		if (i > 0 && sorted[i]->start < end_of(sorted[i - 1]))
			return hn_fail(err, -EINVAL, "the ranges at 0x%" PRIx64 " and 0x%" PRIx64 " overlap",
				       sorted[i - 1]->start, sorted[i]->start);
	}
	return 0;
}

/* How many of the ranges lie in mappings that may be read and written, in one pass over these; of the next
 * one, where it does not. */
static size_t count_inside(FILE *maps, const struct hn_range *const *sorted, size_t count, uint64_t *ret_hole)
{
	HN_AUTO(memory) char *text = NULL;
	struct hn_maps_line line;
	uint64_t at = sorted[0]->start; /* up to here all is well */
	size_t room = 0, i = 0;

	while (i < count && hn_maps_next(maps, &text, &room, &line)) {
		bool usable = strncmp(line.rights, "rw", 2) == 0;

		while (i < count && at < line.end) {
			if (!usable || at < line.start)
				goto out;
			at = end_of(sorted[i]) < line.end ? end_of(sorted[i]) : line.end;
			if (at == end_of(sorted[i]) && ++i < count)
				at = sorted[i]->start;
		}
	}
out:
	*ret_hole = at;
	return i;
}

int hn_ranges_check(const char *root, const struct hn_process *process, const struct hn_range *ranges,
		    size_t count, struct hn_error *err)
{
	HN_AUTO(ranges) const struct hn_range **sorted = hn_ranges_sort(ranges, count);
	HN_AUTO(fd) int directory = -1;
	HN_AUTO(file) FILE *maps = NULL;
	uint64_t hole;
	int r;

	if (count == 0)
		return 0;
	if (!sorted)
		return hn_oom(err);
	if ((r = check_order(sorted, count, err)) < 0)
		return r;
	directory = hn_process_open(root, process, err);
	if (directory < 0)
		return directory;
	maps = hn_maps_open(directory, "maps");
	if (!maps)
		return hn_fail_errno(err, -errno, "cannot read /proc/%d/maps", (int)process->pid);
	if (count_inside(maps, sorted, count, &hole) < count)
		return hn_fail(err, -EFAULT, "process %d has no readable and writable memory at 0x%" PRIx64,
			       (int)process->pid, hole);
	return 0;
}
