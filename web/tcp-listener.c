#include "web/tcp-listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

static int allow_any_address(int fd, int family)
{
	int on = 1;

	return family == AF_INET6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on))
				  : setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
}

/* 1: the address is not there yet. */
static int bind_to(int fd, const struct sockaddr *address, socklen_t length)
{
	if (bind(fd, address, length) == 0)
		return 0;
	if (errno != EADDRNOTAVAIL)
		return -errno;
	if (allow_any_address(fd, address->sa_family) < 0 || bind(fd, address, length) < 0)
		return -errno;
	return 1;
}

int hn_tcp_listen(const struct sockaddr *address, socklen_t length, int backlog, int *ret_fd)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1, r;

	if (fd < 0)
		return -errno;
	/* those who are connected and gone are noticed by keep-alives */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) < 0)
		r = -errno;
	else
		r = bind_to(fd, address, length);
	if (r >= 0 && listen(fd, backlog) < 0)
		r = -errno;
	if (r < 0)
		close(fd);
	else
		*ret_fd = fd;
	return r;
}
