#include "daemon/unix-listener.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <stdbool.h>

#include "base/cleanup.h"

#define BACKLOG 256
#define AUTO_FD __attribute__((cleanup(hn_cleanup_fd)))

static int make_folder(const char *path, struct hn_error *err)
{
	char folder[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (!slash || slash == folder)
		return 0;
	*slash = '\0';
	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return hn_fail_errno(err, -errno, "cannot make the folder %s", folder);
	return 0;
}

static bool somebody_listens(const struct sockaddr_un *address)
{
	AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd >= 0 &&
	       (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN);
}

static int remove_stale(const struct sockaddr_un *address, struct hn_error *err)
{
	struct stat status;

	if (lstat(address->sun_path, &status) < 0)
		return 0;
	if (!S_ISSOCK(status.st_mode))
		return hn_fail(err, -EEXIST, "%s is there and is not a socket", address->sun_path);
	if (somebody_listens(address))
		return hn_fail(err, -EADDRINUSE, "another homenoded listens on %s", address->sun_path);
	return unlink(address->sun_path) < 0
		       ? hn_fail_errno(err, -errno, "cannot remove %s", address->sun_path)
		       : 0;
}

int hn_unix_listen(const char *path, mode_t mode, int *ret_fd, struct hn_error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	AUTO_FD int fd = -1;
	mode_t mask;
	int r;

	if (strlen(path) >= sizeof(address.sun_path))
		return hn_fail(err, -ENAMETOOLONG, "the socket path %s is longer than %zu bytes", path,
			       sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	if ((r = make_folder(path, err)) < 0 || (r = remove_stale(&address, err)) < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return hn_fail_errno(err, -errno, "socket");
	mask = umask(0777 & ~mode);
	r = bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(mask);
	if (r < 0)
		return hn_fail_errno(err, r, "cannot bind %s", path);
	if (listen(fd, BACKLOG) < 0)
		return hn_fail_errno(err, -errno, "cannot listen on %s", path);
	*ret_fd = fd;
	fd = -1;
	return 0;
}
