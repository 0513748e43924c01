/*
 * process-pins - open files by their names, io_uring's buffers from fdinfo, counts from status.
 *
 * io_uring's fdinfo (io_uring/fdinfo.c) says "UserBufs:\t2" and, when the ring is not busy at that moment,
 * "    0: 0x7f5b84c0c000/1048576" for each, and "    1: <none>" for a slot without a buffer; seen on Linux
 * 6.18. Before 6.13 such a slot has a buffer at the last address (dummy_ubuf of io_uring/rsrc.c). VmPin is
 * mm->pinned_vm: io_uring, RDMA and vDPA count there, VFIO in VmLck.
 */
#include "host/process-pins.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "host/maps-file.h"
#include "host/proc-file.h"
#include "host/process-files.h"

#define STATUS_MAX 16384
#define EMPTY_SLOT UINT64_MAX
#define ALL_BUT_URING ~(1u << HN_PIN_IO_URING | 1u << HN_PIN_OTHER)

static const struct {
	const char *prefix;
	enum hn_pin pin;
} FILES[] = {
	{"/dev/vfio/", HN_PIN_VFIO},
	{"anon_inode:[vfio-device]", HN_PIN_VFIO},
	{"/dev/iommu", HN_PIN_IOMMUFD},
	{"/dev/vhost-vdpa-", HN_PIN_VDPA},
	{"/dev/infiniband/uverbs", HN_PIN_RDMA},
	{"/dev/sev", HN_PIN_SEV},
	{"anon_inode:[kvm-gmem]", HN_PIN_GUEST_MEMFD},
	{"/[kvm-gmem]", HN_PIN_GUEST_MEMFD}, /* since Linux 6.19, of a file system of its own */
	{"anon_inode:[io_uring]", HN_PIN_IO_URING},
};

struct search {
	int directory;
	struct hn_process_pins *pins;
};

static void range_add(struct hn_process_pins *pins, uint64_t start, uint64_t bytes)
{
	if (pins->range_count == HN_PINNED_RANGES_MAX)
		pins->all = true;
	else
		pins->ranges[pins->range_count++] = (struct hn_pinned_range){start, bytes};
}

/* A line of the list: false when it is none. A slot may have no buffer. */
static bool slot_read(const char *line, struct hn_process_pins *pins)
{
	uint64_t start, bytes;
	unsigned place;
	int end = 0;

	if (sscanf(line, " %u: 0x%" SCNx64 "/%" SCNu64, &place, &start, &bytes) != 3)
		return sscanf(line, " %u: <none>%n", &place, &end) == 1 && end > 0;
	if (start == EMPTY_SLOT)
		return true;
	range_add(pins, start, bytes);
	pins->hold.pins |= 1u << HN_PIN_IO_URING;
	return true;
}

/* A ring without buffers holds nothing. One whose buffers are not listed may hold anything. */
static void ring_read(int directory, int number, struct hn_process_pins *pins)
{
	HN_AUTO(file) FILE *info = NULL;
	HN_AUTO(memory) char *line = NULL;
	uint64_t announced = 0, listed = 0;
	size_t room = 0;
	char path[32];

	snprintf(path, sizeof(path), "fdinfo/%d", number);
	info = hn_maps_open(directory, path);
	while (info && getline(&line, &room, info) > 0) {
		if (sscanf(line, "UserBufs: %" SCNu64, &announced) == 1 || announced == 0)
			continue;
		if (slot_read(line, pins))
			listed++;
		else if (line[0] != ' ')
			break;
	}
	if (announced == 0 || listed > 0)
		return;
	pins->hold.pins |= 1u << HN_PIN_IO_URING;
	pins->all = true;
}

static int look_at_file(int number, const char *name, void *context)
{
	struct search *search = context;

	for (size_t i = 0; i < HN_COUNT(FILES); i++) {
		if (strncmp(name, FILES[i].prefix, strlen(FILES[i].prefix)) != 0)
			continue;
		if (FILES[i].pin == HN_PIN_IO_URING)
			ring_read(search->directory, number, search->pins);
		else
			search->pins->hold.pins |= 1u << FILES[i].pin;
	}
	return 0;
}

/* A line of status in KiB; 0 where there is none. */
static uint64_t status_bytes(const char *status, const char *key)
{
	const char *at = strstr(status, key);

	return at ? strtoull(at + strlen(key), NULL, 10) * HN_KIB : 0;
}

static int counts_read(int directory, struct hn_hold *ret)
{
	char status[STATUS_MAX];
	ssize_t length = hn_proc_read_at(directory, "status", status, sizeof(status));

	if (length < 0)
		return (int)length;
	ret->locked_bytes = status_bytes(status, "\nVmLck:");
	ret->pinned_bytes = status_bytes(status, "\nVmPin:");
	ret->page_table_bytes = status_bytes(status, "\nVmPTE:");
	return 0;
}

static uint64_t listed_bytes(const struct hn_process_pins *pins)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < pins->range_count; i++)
		bytes += pins->ranges[i].bytes;
	return bytes;
}

int hn_process_pins_read(const char *root, const struct hn_process *process, struct hn_process_pins *ret,
			 struct hn_error *err)
{
	HN_AUTO(fd) int directory = hn_process_open(root, process, err);
	struct search search = {directory, ret};
	int r;

	memset(ret, 0, sizeof(*ret));
	if (directory < 0)
		return directory;
	r = hn_process_files_visit(directory, look_at_file, &search);
	if (r < 0)
		return hn_fail_errno(err, r, "cannot see what process %d has open", (int)process->pid);
	r = counts_read(directory, &ret->hold);
	if (r < 0)
		return hn_fail_errno(err, r == -ENOENT ? -ESRCH : r, "cannot read the status of process %d",
				     (int)process->pid);
	if (ret->hold.pins & ALL_BUT_URING)
		ret->all = true;
	else if (!ret->all && ret->hold.pinned_bytes > listed_bytes(ret))
		ret->hold.pins |= 1u << HN_PIN_OTHER;
	ret->hold.known = true;
	return 0;
}

enum hn_movability hn_pins_movability(const struct hn_process_pins *pins, uint64_t start, uint64_t bytes)
{
	if (hn_pins_encrypt(pins->hold.pins))
		return HN_IMMOVABLE_ENCRYPTED;
	if (pins->all)
		return HN_IMMOVABLE_PINNED;
	for (size_t i = 0; i < pins->range_count; i++)
		if (pins->ranges[i].start < start + bytes &&
		    start < pins->ranges[i].start + pins->ranges[i].bytes)
			return HN_IMMOVABLE_PINNED;
	return pins->hold.pins & 1u << HN_PIN_OTHER ? HN_IMMOVABLE_UNKNOWN : HN_MOVABLE;
}
