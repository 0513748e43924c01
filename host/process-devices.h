#pragma once
/*
 * process-devices - the host's PCI devices that a process uses: given to it whole, or shared with others.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "host/process.h"

#define HN_PROCESS_DEVICES_MAX 64

/* Plain data. */
struct hn_process_device {
	char name[32]; /* "0000:3b:00.0" */
	bool shared;   /* others use it too: the disk below an image file, the card below a bridge */
};

/*
 * In order of name, each once; more than HN_PROCESS_DEVICES_MAX are not told. Given whole are VFIO groups and
 * devices and block devices opened as such; shared are the cards at the end of a tap's or macvtap's bridge,
 * bond or VLAN, and the disks below image files. What has no PCI device below it (loop, zram, network file
 * systems) is left out. -ESRCH, -EACCES without the right to see its files.
 */
int hn_process_devices_read(const char *root, const struct hn_process *process, struct hn_process_device *ret,
			    size_t *ret_count, struct hn_error *err);
