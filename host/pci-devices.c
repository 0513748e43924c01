/*
 * pci-devices - a device's node is what its numa_node file says.
 *
 * Old kernels have no such file; there the CPUs it calls local tell, when they all are one node's. A tree is
 * read directly rather than through hwloc, which would read every device's configuration space and so wake
 * those that sleep. An exported topology holds devices where it was told to keep them, below the objects they
 * are near.
 */
#include "host/pci-devices.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "host/proc-file.h"

#define DEVICES "sys/bus/pci/devices"
#define LIST_MAX 8192
#define CLASS_BRIDGE 0x06

/* By the class code's upper 16 bits: base class and subclass (PCI Code and ID Assignment Specification). */
static const char *kind_of(unsigned class)
{
	if (class == 0x0c03)
		return "usb";
	if (class == 0x0c04) /* fibre channel */
		return "block";
	if (class == 0x0c06) /* InfiniBand */
		return "net";
	switch (class >> 8) {
	case 0x01:
		return "block";
	case 0x02:
		return "net";
	case 0x03:
		return "gpu";
	case 0x12:
		return "accelerator";
	default:
		return "";
	}
}

static int device_add(struct hn_host *host, const char *name, unsigned class, int node, struct hn_error *err)
{
	struct hn_device *device;

	if (host->device_count == HN_PCI_DEVICES_MAX)
		return hn_fail(err, -E2BIG, "more than %d PCI devices", HN_PCI_DEVICES_MAX);
	device = hn_host_add_device(host, name);
	if (!device)
		return hn_oom(err);
	snprintf(device->kind, sizeof(device->kind), "%s", kind_of(class));
	device->node = hn_host_node_index(host, node) >= 0 ? node : -1;
	return 0;
}

static int local_cpus_read(const char *root, const char *name, struct hn_set *ret)
{
	HN_AUTO(memory) char *text = malloc(LIST_MAX);
	hwloc_bitmap_t bitmap;
	int cpu;

	hn_set_clear(ret);
	if (!text)
		return -ENOMEM;
	if (hn_proc_read(text, LIST_MAX, root, DEVICES "/%s/local_cpulist", name) >= 0)
		return hn_set_parse(text, ret, NULL);
	if (hn_proc_read(text, LIST_MAX, root, DEVICES "/%s/local_cpus", name) < 0)
		return -ENOENT;
	bitmap = hwloc_bitmap_alloc();
	if (bitmap && hwloc_bitmap_sscanf(bitmap, text) == 0 && hwloc_bitmap_weight(bitmap) >= 0) {
		hwloc_bitmap_foreach_begin(cpu, bitmap)
		{
			hn_set_add(ret, cpu);
		}
		hwloc_bitmap_foreach_end();
	}
	hwloc_bitmap_free(bitmap);
	return 0;
}

/* The one node that has all online ones of these CPUs, or -1. */
static int node_around(const struct hn_host *host, const struct hn_set *cpus)
{
	struct hn_set online = {0};

	for (size_t i = 0; i < host->node_count; i++)
		hn_set_or(&online, &host->nodes[i].cpus);
	hn_set_and(&online, cpus);
	for (size_t i = 0; i < host->node_count && !hn_set_empty(&online); i++)
		if (hn_set_inside(&online, &host->nodes[i].cpus))
			return host->nodes[i].id;
	return -1;
}

static int node_of(const char *root, const char *name, const struct hn_host *host)
{
	struct hn_set cpus;
	char text[32];
	int node;

	if (hn_proc_read(text, sizeof(text), root, DEVICES "/%s/numa_node", name) > 0)
		return sscanf(text, "%d", &node) == 1 ? node : -1;
	return local_cpus_read(root, name, &cpus) == 0 ? node_around(host, &cpus) : -1;
}

/* A device that goes while it is read, or whose files make no sense, is left out. */
static int tree_device_add(const char *root, const char *name, struct hn_host *host, struct hn_error *err)
{
	unsigned domain, bus, slot, function, class;
	char text[32];

	if (strlen(name) >= sizeof(host->devices->name) ||
	    sscanf(name, "%x:%x:%x.%x", &domain, &bus, &slot, &function) != 4 ||
	    hn_proc_read(text, sizeof(text), root, DEVICES "/%s/class", name) < 0 ||
	    sscanf(text, "%x", &class) != 1)
		return 0;
	class >>= 8; /* without the programming interface */
	if (class >> 8 == CLASS_BRIDGE)
		return 0;
	return device_add(host, name, class, node_of(root, name, host), err);
}

static int tree_devices_fill(const char *root, struct hn_host *host, struct hn_error *err)
{
	HN_AUTO(directory) DIR *folder = NULL;
	int fd = hn_proc_open(root, O_DIRECTORY, DEVICES);
	struct dirent *entry;
	int r = 0;

	if (fd < 0)
		return 0;
	folder = fdopendir(fd);
	if (!folder) {
		close(fd);
		return hn_oom(err);
	}
	while (r == 0 && (entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			r = tree_device_add(root, entry->d_name, host, err);
	return r;
}

/* The one node of the place, or the one of several that has CPUs: memory beside it is attached there too. */
static int place_node(hwloc_topology_t topology, hwloc_obj_t device, const struct hn_host *host)
{
	hwloc_obj_t place = hwloc_get_non_io_ancestor_obj(topology, device);
	int found = -1, count = 0;

	for (size_t i = 0; place && place->nodeset && i < host->node_count; i++) {
		if (!hwloc_bitmap_isset(place->nodeset, (unsigned)host->nodes[i].id) ||
		    hn_set_empty(&host->nodes[i].cpus))
			continue;
		found = host->nodes[i].id;
		count++;
	}
	return count == 1 ? found : -1;
}

static int export_devices_fill(hwloc_topology_t topology, struct hn_host *host, struct hn_error *err)
{
	int r = 0;

	for (hwloc_obj_t at = NULL; r == 0 && (at = hwloc_get_next_pcidev(topology, at));) {
		const struct hwloc_pcidev_attr_s *pci = &at->attr->pcidev;
		char name[32];

		snprintf(name, sizeof(name), "%04x:%02x:%02x.%x", (unsigned)pci->domain, pci->bus, pci->dev,
			 pci->func);
		r = device_add(host, name, pci->class_id, place_node(topology, at, host), err);
	}
	return r;
}

static int compare_devices(const void *a, const void *b)
{
	return strcmp(((const struct hn_device *)a)->name, ((const struct hn_device *)b)->name);
}

int hn_pci_devices_fill(hwloc_topology_t topology, const char *sysfs_root, struct hn_host *host,
			struct hn_error *err)
{
	int r = sysfs_root ? tree_devices_fill(sysfs_root, host, err)
			   : export_devices_fill(topology, host, err);

	if (r == 0 && host->device_count > 1)
		qsort(host->devices, host->device_count, sizeof(*host->devices), compare_devices);
	return r;
}
