#include "hooks/hook-streams.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hooks/deadline.h"

int stream_read(int fd, char *buffer, size_t size, int64_t deadline, size_t *ret_length)
{
	size_t length = 0;

	for (;;) {
		char beyond;
		int r = deadline_poll(fd, POLLIN, deadline);
		ssize_t got;

		if (r < 0)
			return r;
		/* ready, so this does not block */
		got = length < size ? read(fd, buffer + length, size - length) : read(fd, &beyond, 1);
		if (got < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (got > 0 && length == size)
			return -EMSGSIZE;
		if (got == 0)
			break;
		length += got > 0 ? (size_t)got : 0;
		if (deadline_now() >= deadline)
			return -ETIMEDOUT;
	}
	*ret_length = length;
	return 0;
}

static int grow_pipe(int fd, size_t length)
{
	int waiting = 0, size = fcntl(fd, F_GETPIPE_SZ);

	if (size < 0)
		return 0; /* no pipe */
	if (ioctl(fd, FIONREAD, &waiting) < 0)
		waiting = 0;
	if (waiting == 0 && (size_t)size >= length)
		return 0;
	/* each earlier write may hold a page that it does not fill */
	length += 2 * (size_t)waiting + (waiting ? 65536 : 0);
	if (length > INT_MAX || fcntl(fd, F_SETPIPE_SZ, (int)length) < 0)
		return -ENOSPC;
	return 0;
}

int stream_write(int fd, const char *data, size_t length, int64_t deadline)
{
	struct stat status;
	bool whole = fstat(fd, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISREG(status.st_mode));
	int r = grow_pipe(fd, length);

	while (r == 0 && length > 0) {
		ssize_t written;

		r = deadline_poll(fd, POLLOUT, deadline);
		if (r < 0)
			break;
		/* where poll says there is room, there is room for PIPE_BUF at least */
		written = write(fd, data, whole || length < PIPE_BUF ? length : PIPE_BUF);
		if (written < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (written > 0) {
			data += written;
			length -= (size_t)written;
		}
	}
	return r;
}
