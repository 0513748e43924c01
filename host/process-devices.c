/*
 * process-devices - from open files to PCI addresses, by the links that sysfs keeps: iommu_groups of VFIO,
 * dev/block of disks, class/net of what a tap is plugged into.
 */
#include "host/process-devices.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "host/proc-file.h"
#include "host/process-files.h"

#define IMAGE_BYTES_MIN (16 << 20) /* smaller files are firmware and logs */
#define DEPTH_MAX 5                /* VLAN on a bond on a bridge */

struct search {
	const char *root;
	int directory; /* /proc/PID */
	struct hn_process_device *found;
	size_t count;
};

static bool is_pci_address(const char *name, size_t length)
{
	unsigned domain, bus, slot, function;
	int end = 0;

	return length < sizeof(((struct hn_process_device *)NULL)->name) &&
	       sscanf(name, "%4x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function, &end) == 4 &&
	       (size_t)end == length;
}

static void device_add(struct search *search, const char *name, size_t length, bool shared)
{
	struct hn_process_device *device;

	for (size_t i = 0; i < search->count; i++) {
		device = &search->found[i];
		if (strlen(device->name) == length && strncmp(device->name, name, length) == 0) {
			device->shared = device->shared && shared;
			return;
		}
	}
	if (search->count == HN_PROCESS_DEVICES_MAX)
		return;
	device = &search->found[search->count++];
	snprintf(device->name, sizeof(device->name), "%.*s", (int)length, name);
	device->shared = shared;
}

/* Where a link of sysfs leads, as it is written; false when there is none. */
static bool link_read(const char *root, const char *path, char *ret, size_t size)
{
	char full[PATH_MAX];
	ssize_t length;

	snprintf(full, sizeof(full), "%s/%s", root ? root : "", path);
	length = readlink(full, ret, size - 1);
	if (length < 0)
		return false;
	ret[length] = '\0';
	return true;
}

/* The last PCI address on the way: the device itself, behind its bridges. */
static bool address_in(const char *path, const char **ret, size_t *ret_length)
{
	bool found = false;

	for (const char *at = path; *at; at += strspn(at, "/")) {
		size_t length = strcspn(at, "/");

		if (is_pci_address(at, length)) {
			*ret = at;
			*ret_length = length;
			found = true;
		}
		at += length;
	}
	return found;
}

static bool add_address_in(struct search *search, const char *path, bool shared)
{
	const char *name = NULL;
	size_t length = 0;

	if (!address_in(path, &name, &length))
		return false;
	device_add(search, name, length, shared);
	return true;
}

/* Calls visit with each entry of a folder of sysfs that starts with prefix. */
static void folder_visit(struct search *search, const char *path, const char *prefix, unsigned depth,
			 void (*visit)(struct search *search, const char *path, unsigned depth))
{
	HN_AUTO(fd) int fd = hn_proc_open(search->root, O_DIRECTORY, "%s", path);
	HN_AUTO(directory) DIR *folder = fd < 0 ? NULL : hn_proc_folder_at(fd, ".");
	struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		char below[PATH_MAX];

		if (entry->d_name[0] == '.' || strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
			continue;
		if (snprintf(below, sizeof(below), "%s/%s", path, entry->d_name) < (int)sizeof(below))
			visit(search, below, depth);
	}
}

static void group_device(struct search *search, const char *path, unsigned depth)
{
	const char *name = strrchr(path, '/') + 1;

	if (is_pci_address(name, strlen(name)))
		device_add(search, name, strlen(name), false);
}

static void vfio_read(struct search *search, const char *name)
{
	char path[PATH_MAX], target[PATH_MAX];
	unsigned number;

	if (sscanf(name, "/dev/vfio/%u", &number) == 1) {
		snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%u/devices", number);
		folder_visit(search, path, "", 0, group_device);
	} else if (sscanf(name, "/dev/vfio/devices/vfio%u", &number) == 1) {
		snprintf(path, sizeof(path), "sys/class/vfio-dev/vfio%u/device", number);
		if (link_read(search->root, path, target, sizeof(target)))
			add_address_in(search, target, false);
	}
}

/* The cards below a network interface: its own, or those of what it is made of. */
static void card_below(struct search *search, const char *path, unsigned depth)
{
	char link[PATH_MAX + 16], target[PATH_MAX];
	const char *name = strrchr(path, '/') + 1;

	if (strncmp(name, "lower_", 6) == 0)
		name += 6;
	snprintf(link, sizeof(link), "sys/class/net/%.200s", name);
	if (link_read(search->root, link, target, sizeof(target)) && add_address_in(search, target, true))
		return;
	if (depth < DEPTH_MAX)
		folder_visit(search, link, "lower_", depth + 1, card_below);
}

static void tap_read(struct search *search, const char *interface)
{
	char path[PATH_MAX], target[PATH_MAX];

	snprintf(path, sizeof(path), "sys/class/net/%.200s", interface);
	card_below(search, path, 0);
	snprintf(path, sizeof(path), "sys/class/net/%.200s/master", interface);
	if (link_read(search->root, path, target, sizeof(target)) && strrchr(target, '/')) {
		snprintf(path, sizeof(path), "sys/class/net/%.200s", strrchr(target, '/') + 1);
		card_below(search, path, 1);
	}
}

/* drivers/net/tun.c tells the interface in fdinfo: "iff:\tvnet0". */
static void tun_read(struct search *search, int number)
{
	char path[32], text[1024], *at;

	snprintf(path, sizeof(path), "fdinfo/%d", number);
	if (hn_proc_read_at(search->directory, path, text, sizeof(text)) < 0)
		return;
	at = strstr(text, "iff:\t");
	if (!at)
		return;
	at += 5;
	at[strcspn(at, "\n")] = '\0';
	if (*at && !strchr(at, '/'))
		tap_read(search, at);
}

/* The character device of an interface, to which its link in sysfs leads ("../../../macvtap0"). */
static void macvtap_read(struct search *search, const char *name)
{
	char path[PATH_MAX], target[PATH_MAX];
	unsigned number;

	if (sscanf(name, "/dev/tap%u", &number) != 1)
		return;
	snprintf(path, sizeof(path), "sys/class/macvtap/tap%u/device", number);
	if (link_read(search->root, path, target, sizeof(target)) && strrchr(target, '/'))
		tap_read(search, strrchr(target, '/') + 1);
}

static void disk_below(struct search *search, const char *path, unsigned depth);

static void disk_add(struct search *search, const char *path, bool shared, unsigned depth)
{
	char target[PATH_MAX], below[PATH_MAX + 16];

	if (link_read(search->root, path, target, sizeof(target)) && add_address_in(search, target, shared))
		return;
	snprintf(below, sizeof(below), "%s/slaves", path); /* device mapper and md */
	if (depth < DEPTH_MAX)
		folder_visit(search, below, "", depth + 1, disk_below);
}

/* A disk that others are made of is never one's own. */
static void disk_below(struct search *search, const char *path, unsigned depth)
{
	disk_add(search, path, true, depth);
}

static void file_read(struct search *search, int number)
{
	char path[64];
	struct statx file;
	bool whole;

	snprintf(path, sizeof(path), "fd/%d", number);
	/* a server of files that does not answer is not waited for */
	if (statx(search->directory, path, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_SIZE, &file) < 0)
		return;
	whole = S_ISBLK(file.stx_mode);
	if (!whole && (!S_ISREG(file.stx_mode) || file.stx_size < IMAGE_BYTES_MIN))
		return;
	snprintf(path, sizeof(path), "sys/dev/block/%u:%u", whole ? file.stx_rdev_major : file.stx_dev_major,
		 whole ? file.stx_rdev_minor : file.stx_dev_minor);
	disk_add(search, path, !whole, 0);
}

static int look_at_file(int number, const char *name, void *context)
{
	struct search *search = context;

	if (strncmp(name, "/dev/vfio/", 10) == 0)
		vfio_read(search, name);
	else if (strcmp(name, "/dev/net/tun") == 0)
		tun_read(search, number);
	else if (strncmp(name, "/dev/tap", 8) == 0)
		macvtap_read(search, name);
	else if (name[0] == '/')
		file_read(search, number);
	return 0;
}

static int compare_devices(const void *a, const void *b)
{
	return strcmp(((const struct hn_process_device *)a)->name,
		      ((const struct hn_process_device *)b)->name);
}

int hn_process_devices_read(const char *root, const struct hn_process *process, struct hn_process_device *ret,
			    size_t *ret_count, struct hn_error *err)
{
	HN_AUTO(fd) int directory = hn_process_open(root, process, err);
	struct search search = {root, directory, ret, 0};
	int r;

	*ret_count = 0;
	if (directory < 0)
		return directory;
	r = hn_process_files_visit(directory, look_at_file, &search);
	if (r < 0)
		return hn_fail_errno(err, r, "cannot see what process %d has open", (int)process->pid);
	qsort(ret, search.count, sizeof(*ret), compare_devices);
	*ret_count = search.count;
	return 0;
}
