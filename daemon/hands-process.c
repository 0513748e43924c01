#include "daemon/hands-process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_FD 3 /* where homenode-host expects its end */

extern char **environ;

static int spawn(const char *program, int fd, pid_t *ret_pid, struct hn_error *err)
{
	char *const argv[] = {(char *)(uintptr_t) "homenode-host", NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t all, none;
	int r;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_adddup2(&actions, fd, SOCKET_FD);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	r = posix_spawn(ret_pid, program, &actions, &attributes, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return r == 0 ? 0 : hn_fail_errno(err, -r, "cannot start %s", program);
}

static int start_child(const char *program, struct hn_hands_process *ret, struct hn_error *err)
{
	int ends[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return hn_fail_errno(err, -errno, "socketpair");
	/* dup2 of a descriptor onto itself would leave it close-on-exec */
	if (ends[1] == SOCKET_FD) {
		int moved = fcntl(ends[1], F_DUPFD_CLOEXEC, SOCKET_FD + 1);

		close(ends[1]);
		ends[1] = moved;
	}
	r = spawn(program, ends[1], &ret->pid, err);
	close(ends[1]);
	if (r < 0) {
		close(ends[0]);
		return r;
	}
	ret->fd = ends[0];
	return fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

/* Whoever listens is told everything about the guests, and believed. */
static int check_listener(const char *path, int fd, struct hn_error *err)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
		return hn_fail_errno(err, -errno, "%s", path);
	if (peer.uid != 0 && peer.uid != geteuid())
		return hn_fail(err, -EPERM,
			       "%s belongs to a process of user %u, who is not trusted with the guests", path,
			       peer.uid);
	return 0;
}

static int connect_to(const char *path, struct hn_hands_process *ret, struct hn_error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, r;

	if (strlen(path) >= sizeof(address.sun_path))
		return hn_fail(err, -ENAMETOOLONG, "%s: a socket's path has at most %zu bytes", path,
			       sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return hn_fail_errno(err, -errno, "socket");
	r = connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0
		    ? hn_fail_errno(err, -errno, "cannot connect to homenode-host at %s", path)
		    : check_listener(path, fd, err);
	if (r < 0) {
		close(fd);
		return r;
	}
	*ret = (struct hn_hands_process){.fd = fd};
	return 0;
}

int hn_hands_process_start(const char *where, struct hn_hands_process *ret, struct hn_error *err)
{
	struct stat status;

	*ret = (struct hn_hands_process){.fd = -1};
	if (stat(where, &status) == 0 && S_ISSOCK(status.st_mode))
		return connect_to(where, ret, err);
	return start_child(where, ret, err);
}

void hn_hands_process_kill(const struct hn_hands_process *process)
{
	/* SIGCHLD is ignored, so nothing has to be reaped */
	if (process->pid > 0)
		kill(process->pid, SIGKILL);
}
