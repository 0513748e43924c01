#pragma once
/*
 * proc-file - reads small files of /proc and /sys whole, below a root path or a directory already open.
 *
 * These return -errno without a sentence: whether a file that is not there matters is known only to the
 * caller.
 */
#include <dirent.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"

HN_CLEANUP_DEFINE(directory, DIR *, closedir);

/* Descriptor of ROOT/path (root "" or NULL: the machine), read-only, or -errno. flags: O_DIRECTORY or 0. */
int hn_proc_open(const char *root, int flags, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The length read, a NUL put behind it; -EFBIG when the file has size bytes or more, or -errno. */
ssize_t hn_proc_read(char *buffer, size_t size, const char *root, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* As hn_proc_read(), path seen from an open directory. */
ssize_t hn_proc_read_at(int directory, const char *path, char *buffer, size_t size);

/* The number a file starts with; -EPROTO when it starts with none, -ERANGE, or -errno. */
int hn_proc_read_u64(uint64_t *ret, const char *root, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A folder to be listed, path seen from an open directory; NULL with errno. */
DIR *hn_proc_folder_at(int directory, const char *path);
