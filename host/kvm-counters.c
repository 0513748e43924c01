/*
 * kvm-counters - from debugfs, which names a VM's folder after its process and its descriptor there. The
 * descriptor is found among those of the process: a host of many guests has too many folders to be listed for
 * each of them.
 */
#include "host/kvm-counters.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "host/proc-file.h"

#define FOLDER "sys/kernel/debug/kvm"

/* The process's descriptor of its VM, or -1. */
static int find_vm(const char *root, const struct hn_process *process)
{
	HN_AUTO(fd) int directory = hn_process_open(root, process, NULL);
	HN_AUTO(directory) DIR *files = directory < 0 ? NULL : hn_proc_folder_at(directory, "fd");
	struct dirent *entry;
	char target[32];

	while (files && (entry = readdir(files))) {
		ssize_t length = readlinkat(dirfd(files), entry->d_name, target, sizeof(target));

		if (length == (ssize_t)strlen("anon_inode:kvm-vm") &&
		    memcmp(target, "anon_inode:kvm-vm", (size_t)length) == 0)
			return atoi(entry->d_name);
	}
	return -1;
}

void hn_kvm_counters_read(const char *root, const struct hn_process *process, struct hn_counters *ret)
{
	HN_AUTO(fd) int all = hn_proc_open(root, O_DIRECTORY, FOLDER);
	HN_AUTO(fd) int folder = -1;
	struct hn_random mix;
	struct stat about;
	uint64_t value;
	int vm;

	*ret = (struct hn_counters){.family = HN_COUNTERS_KVM, .node = -1};
	if (all < 0 || (vm = find_vm(root, process)) < 0)
		return;
	folder = hn_proc_open(root, O_DIRECTORY, FOLDER "/%d-%d", (int)process->pid, vm);
	if (folder < 0 || fstat(folder, &about) < 0)
		return;
	mix.state = about.st_ino;
	ret->source = hn_random_next(&mix);
	for (size_t i = 0; i < HN_KVM_COUNTER_COUNT; i++)
		if (hn_proc_read_u64(&value, root, FOLDER "/%d-%d/%s", (int)process->pid, vm,
				     hn_counter_name(HN_COUNTERS_KVM, i)) == 0)
			hn_counter_set(ret, i, value);
}
