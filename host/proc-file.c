/*
 * proc-file - the one place that turns a root path and a name into an open file.
 *
 * Files of /proc and /sys are made up while they are read, and a read may hand out less than asked for; so a
 * file is read until it ends. The buffer is the caller's and bounded: a file that does not fit is refused and
 * never cut, since half a list of CPUs looks like a list of CPUs.
 */
#include "host/proc-file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static int __attribute__((format(printf, 3, 0)))
path_open(const char *root, int flags, const char *format, va_list arguments)
{
	char path[PATH_MAX];
	int used, fd, more;

	used = snprintf(path, sizeof(path), "%s/", root ? root : "");
	if (used < 0 || (size_t)used >= sizeof(path))
		return -ENAMETOOLONG;
	more = vsnprintf(path + used, sizeof(path) - (size_t)used, format, arguments);
	if (more < 0 || (size_t)more >= sizeof(path) - (size_t)used)
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	return fd < 0 ? -errno : fd;
}

int hn_proc_open(const char *root, int flags, const char *format, ...)
{
	va_list arguments;
	int fd;

	va_start(arguments, format);
	fd = path_open(root, flags, format, arguments);
	va_end(arguments);
	return fd;
}

static ssize_t read_whole(int fd, char *buffer, size_t size)
{
	size_t length = 0;

	while (length < size) {
		ssize_t got = read(fd, buffer + length, size - length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0) {
			buffer[length] = '\0';
			return (ssize_t)length;
		}
		length += (size_t)got;
	}
	return -EFBIG;
}

ssize_t hn_proc_read(char *buffer, size_t size, const char *root, const char *format, ...)
{
	HN_AUTO(fd) int fd = -1;
	va_list arguments;

	va_start(arguments, format);
	fd = path_open(root, 0, format, arguments);
	va_end(arguments);
	return fd < 0 ? fd : read_whole(fd, buffer, size);
}

ssize_t hn_proc_read_at(int directory, const char *path, char *buffer, size_t size)
{
	HN_AUTO(fd) int fd = openat(directory, path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : read_whole(fd, buffer, size);
}

int hn_proc_read_u64(uint64_t *ret, const char *root, const char *format, ...)
{
	HN_AUTO(fd) int fd = -1;
	char text[64], *end;
	va_list arguments;
	ssize_t length;
	uint64_t value;

	va_start(arguments, format);
	fd = path_open(root, 0, format, arguments);
	va_end(arguments);
	if (fd < 0)
		return fd;
	length = read_whole(fd, text, sizeof(text));
	if (length < 0)
		return (int)length;
	if (text[0] < '0' || text[0] > '9')
		return -EPROTO;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno)
		return -errno;
	*ret = value;
	return 0;
}

DIR *hn_proc_folder_at(int directory, const char *path)
{
	int fd = openat(directory, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder;

	if (fd < 0)
		return NULL;
	folder = fdopendir(fd);
	if (!folder)
		close(fd);
	return folder;
}
