/*
 * unix-connect - what a program connects to over TCP at 127.0.0.1 and BENCH_PORT is the unix socket at
 * BENCH_SOCKET: for programs that know TCP alone, loaded before libc's with LD_PRELOAD.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

typedef int (*connect_function)(int fd, const struct sockaddr *address, socklen_t length);

static int is_ours(const struct sockaddr *address)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
	const char *port = getenv("BENCH_PORT");

	return port && address->sa_family == AF_INET && ntohl(in->sin_addr.s_addr) == INADDR_LOOPBACK &&
	       ntohs(in->sin_port) == atoi(port);
}

/* The socket takes the place of the one that was made for TCP, and gets its flags. */
int connect(int fd, const struct sockaddr *address, socklen_t length)
{
	connect_function libc_connect = (connect_function)dlsym(RTLD_NEXT, "connect");
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	const char *path = getenv("BENCH_SOCKET");
	int flags, socket_fd, r;

	if (!path || !is_ours(address))
		return libc_connect(fd, address, length);
	snprintf(local.sun_path, sizeof(local.sun_path), "%s", path);
	socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (socket_fd < 0)
		return -1;
	flags = fcntl(fd, F_GETFL);
	r = libc_connect(socket_fd, (const struct sockaddr *)&local, sizeof(local));
	if (r == 0 && (dup2(socket_fd, fd) < 0 || fcntl(fd, F_SETFL, flags) < 0))
		r = -1;
	close(socket_fd);
	return r;
}
