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
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "host/proc-file.h"

int hn_process_files_visit(int directory, int (*visit)(int number, const char *name, void *context),
			   void *context)
{
	HN_AUTO(directory) DIR *files = hn_proc_folder_at(directory, "fd");
	struct dirent *entry;

	if (!files)
		return -errno;
	while ((errno = 0, entry = readdir(files))) {
		char name[PATH_MAX];
		ssize_t length = readlinkat(dirfd(files), entry->d_name, name, sizeof(name) - 1);
		int r;

		if (length < 0)
			continue; /* "." and "..", or closed meanwhile */
		name[length] = '\0';
		r = visit(atoi(entry->d_name), name, context);
		if (r != 0)
			return r;
	}
	return -errno;
}

struct prefixes {
	const char *const *items;
	size_t count;
};

static int name_matches(int number, const char *name, void *context)
{
	const struct prefixes *prefixes = context;

	for (size_t i = 0; i < prefixes->count; i++)
		if (strncmp(name, prefixes->items[i], strlen(prefixes->items[i])) == 0)
			return 1;
	return 0;
}

int hn_process_files_match(int directory, const char *const *prefixes, size_t count)
{
	struct prefixes wanted = {prefixes, count};

	return hn_process_files_visit(directory, name_matches, &wanted);
}
