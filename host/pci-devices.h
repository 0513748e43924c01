#pragma once
/*
 * pci-devices - the PCI devices a guest could be given, and the node each is near. For topology.c alone.
 */
#include <hwloc.h>

#include "base/error.h"
#include "model/host.h"

#define HN_PCI_DEVICES_MAX 16384

/*
 * Fills host->devices, in order of name ("0000:3b:00.0"), bridges left out; nodes and CPUs must be there.
 * sysfs_root: the tree the topology was read from ("": this machine), or NULL where it came from a file: then
 * from what the topology holds. A machine without PCI has none. -E2BIG beyond HN_PCI_DEVICES_MAX, -ENOMEM.
 */
int hn_pci_devices_fill(hwloc_topology_t topology, const char *sysfs_root, struct hn_host *host,
			struct hn_error *err);
