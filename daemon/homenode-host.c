/*
 * homenode-host - the hands of homenode: samples, binds and moves on behalf of homenoded, and nothing by
 * itself.
 *
 * It is started by homenoded with one end of a socketpair as descriptor 3, or by systemd with an accepted
 * connection there (sd_listen_fds(3)), and lives as long as the connection.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/hands-serve.h"

#define SOCKET_FD 3

int main(int argc, char **argv)
{
	struct hn_error err = {0};

	if (argc > 1) {
		printf("homenode-host %s: the hands of homenoded, which starts it. It is of no use by "
		       "itself; see "
		       "homenoded(8).\n",
		       HOMENODE_VERSION);
		return strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "--version") == 0 ? 0 : 2;
	}
	if (fcntl(SOCKET_FD, F_SETFD, FD_CLOEXEC) < 0) {
		fprintf(stderr,
			"homenode-host: no connection to homenoded on descriptor %d: it is started by "
			"homenoded, not "
			"by hand\n",
			SOCKET_FD);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	/* a Ctrl-C on the terminal is the brain's to handle: it closes the connection when it is done */
	signal(SIGINT, SIG_IGN);
	if (hn_hands_serve(SOCKET_FD, &err) < 0) {
		fprintf(stderr, "homenode-host: %s\n", err.message);
		return 1;
	}
	return 0;
}
