#pragma once
/*
 * tcp-listener - a listening TCP socket, also at an address that this machine does not have yet: at boot the
 * network may come later, and an address that is passed from machine to machine much later.
 */
#include <sys/socket.h>

/* A non-blocking listening descriptor. 0; 1 when the address is not this machine's, which is answered there
 * once it is; -EADDRINUSE, -errno. */
int hn_tcp_listen(const struct sockaddr *address, socklen_t length, int backlog, int *ret_fd);
