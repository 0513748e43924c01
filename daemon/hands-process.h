#pragma once
/*
 * hands-process - one homenode-host: a child of ours, or one that a service manager starts for us.
 *
 * homenode-host needs rights over other processes. Where homenoded has them it starts the program; where it
 * has none it connects to a socket on which a service manager listens with those rights and starts a
 * homenode-host for each connection (Accept=yes in systemd.socket(5)).
 */
#include <sys/types.h>

#include "base/error.h"

struct hn_hands_process {
	int fd;    /* our end of the connection: non-blocking, close-on-exec, the caller's to close */
	pid_t pid; /* 0: not our child, it ends when the connection does */
};

/*
 * where: the path of the program, or of a socket. -EPERM when the socket is neither root's nor our own
 * user's, -EAGAIN when its listener is too busy, -errno.
 */
int hn_hands_process_start(const char *where, struct hn_hands_process *ret, struct hn_error *err);

/* Kills a child, which dies when the kernel lets it; of another, nothing: closing fd is all that can be done.
 */
void hn_hands_process_kill(const struct hn_hands_process *process);
