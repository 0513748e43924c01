/*
 * process-files - the links in /proc/PID/fd tell which devices a guest holds.
 *
 * The device nodes' names are the kernel's own (devtmpfs), and anonymous inodes carry theirs in brackets;
 * QEMU in a mount namespace of libvirt's sees the same paths. Reading the links asks for the right to trace
 * the process.
 */
#include "host/process-files.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "host/proc-file.h"
#include "host/process.h"

/*
 * Memory that is mapped for a device's DMA is pinned for as long as the device is there: VFIO in its old
 * (group) and new (device, iommufd) forms, and vDPA. InfiniBand verbs are what an RDMA live migration
 * registers guest memory with.
 */
static const char *const PINNING[] = {
	"/dev/vfio/", "/dev/iommu", "/dev/vhost-vdpa-", "/dev/infiniband/uverbs", "anon_inode:[vfio-device]",
};

static bool name_matches(const char *name, const char *const *prefixes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

int hn_process_files_match(int directory, const char *const *prefixes, size_t count)
{
	HN_AUTO(directory) DIR *files = hn_proc_folder_at(directory, "fd");
	struct dirent *entry;

	if (!files)
		return -errno;
	while ((errno = 0, entry = readdir(files))) {
		char name[PATH_MAX];
		ssize_t length = readlinkat(dirfd(files), entry->d_name, name, sizeof(name) - 1);

		if (length < 0)
			continue; /* "." and "..", or closed meanwhile */
		name[length] = '\0';
		if (name_matches(name, prefixes, count))
			return 1;
	}
	return -errno;
}

int hn_process_has_pinned_devices(const char *root, const struct hn_process *process, struct hn_error *err)
{
	HN_AUTO(fd) int directory = hn_process_open(root, process, err);
	int r;

	if (directory < 0)
		return directory;
	r = hn_process_files_match(directory, PINNING, HN_COUNT(PINNING));
	if (r < 0)
		return hn_fail_errno(err, r, "cannot see what process %d has open", (int)process->pid);
	return r;
}
