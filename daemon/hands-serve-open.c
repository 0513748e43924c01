/*
 * hands-serve-open - a connection to a guest's socket, for a brain that may not open it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/hands-request.h"
#include "host/qemu-identity.h"

/* Whoever asks gets no other root's socket opened than a guest's. */
static int check_peer(int fd, const char *path, struct hn_error *err)
{
	HN_AUTO(fd) int directory = -1;
	struct ucred peer;
	socklen_t length = sizeof(peer);
	char proc[32];
	int r;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
		return hn_fail_errno(err, -errno, "%s", path);
	snprintf(proc, sizeof(proc), "/proc/%d", (int)peer.pid);
	directory = open(proc, O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = directory < 0 ? -errno : hn_qemu_is_called_so(directory);
	if (r == 0)
		return hn_fail(err, -EPERM, "%s is not opened: process %d, which listens there, is no QEMU",
			       path, (int)peer.pid);
	return r < 0 ? hn_fail_errno(err, r, "%s: process %d, which listens there", path, (int)peer.pid) : 0;
}

static int connect_to(const char *path, size_t length, int *ret, struct hn_error *err)
{
	HN_AUTO(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int r;

	if (length == 0 || length >= sizeof(address.sun_path) || path[0] != '/' || memchr(path, '\0', length))
		return hn_fail(err, -EINVAL, "a socket's path of %zu bytes is none", length);
	if (fd < 0)
		return hn_fail_errno(err, -errno, "socket");
	memcpy(address.sun_path, path, length);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return hn_fail_errno(err, -errno, "cannot connect to %s", address.sun_path);
	if ((r = check_peer(fd, address.sun_path, err)) < 0)
		return r;
	*ret = fd;
	fd = -1;
	return 0;
}

int hn_hands_serve_open(const struct hn_hands_work *work, struct hn_error *err)
{
	const struct hn_hands_header header = {
		.magic = HN_HANDS_MAGIC, .type = work->header.type, .id = work->header.id};
	HN_AUTO(fd) int fd = -1;
	int r = connect_to(work->body, work->header.length, &fd, err);

	return r < 0 ? r : hn_hands_send_fd(work->fd, &header, sizeof(header), fd);
}
