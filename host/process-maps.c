/*
 * process-maps - is a piece of address space really the process's own memory?
 *
 * Where guest memory lies is learned from the guest's own QEMU, which a hostile guest may have taken over.
 * Before anything is asked of or done to an address range, the kernel's list of mappings must agree that it
 * is there.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "host/maps-file.h"
#include "host/process.h"

/* How far from start mappings that may be read and written follow each other without a gap. */
static uint64_t reach(FILE *maps, uint64_t start, uint64_t end)
{
	HN_AUTO(memory) char *line = NULL;
	struct hn_maps_line mapping;
	uint64_t at = start;
	size_t room = 0;

	while (at < end && hn_maps_next(maps, &line, &room, &mapping)) {
		if (mapping.end <= at)
			continue;
		if (mapping.start > at || strncmp(mapping.rights, "rw", 2) != 0)
			break;
		at = mapping.end;
	}
	return at;
}

int hn_range_check(const char *root, const struct hn_process *process, uint64_t start, uint64_t bytes,
		   struct hn_error *err)
{
	HN_AUTO(fd) int directory = -1;
	HN_AUTO(file) FILE *maps = NULL;
	uint64_t end, reached;

	if (bytes == 0 || __builtin_add_overflow(start, bytes, &end))
		return hn_fail(err, -EINVAL, "%" PRIu64 " bytes at 0x%" PRIx64 " are no address range", bytes,
			       start);
	directory = hn_process_open(root, process, err);
	if (directory < 0)
		return directory;
	maps = hn_maps_open(directory, "maps");
	if (!maps)
		return hn_fail_errno(err, -errno, "cannot read /proc/%d/maps", (int)process->pid);
	reached = reach(maps, start, end);
	if (reached < end)
		return hn_fail(err, -EFAULT, "process %d has no readable and writable memory at 0x%" PRIx64,
			       (int)process->pid, reached);
	return 0;
}
