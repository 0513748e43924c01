#pragma once
/*
 * process-pins - which of a process's memory cannot be moved, found out before anything is tried: from what
 * it has open and from what the kernel counts.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "host/process.h"
#include "model/guest.h"

#define HN_PINNED_RANGES_MAX 256

/* Plain data. */
struct hn_process_pins {
	struct hn_hold hold; /* own_bytes is left at 0 */
	bool all;            /* they hold all of the guest's memory; else that of the ranges alone */
	size_t range_count;
	struct hn_pinned_range {
		uint64_t start, bytes;
	} ranges[HN_PINNED_RANGES_MAX]; /* buffers registered with io_uring */
};

/*
 * VFIO groups and devices, iommufd, vDPA and RDMA verbs among the open files pin all of the guest's memory;
 * /dev/sev and guest_memfd tell of an encrypted guest; buffers registered with io_uring are told by fdinfo
 * with their addresses, where these cannot be had they count as all. Pinned pages that VmPin counts beyond
 * the buffers are HN_PIN_OTHER when nothing else explains them. -ESRCH, -EACCES without the right to see its
 * files.
 */
int hn_process_pins_read(const char *root, const struct hn_process *process, struct hn_process_pins *ret,
			 struct hn_error *err);

/* Whether memory there can be moved, as far as these tell: HN_MOVABLE where nothing holds it. */
enum hn_movability hn_pins_movability(const struct hn_process_pins *pins, uint64_t start, uint64_t bytes);
