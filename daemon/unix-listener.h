#pragma once
/*
 * unix-listener - a listening unix socket at a path, made safely.
 */
#include <sys/types.h>

#include "base/error.h"

/*
 * A non-blocking listening descriptor of that mode. Makes the path's folder (one level), and replaces a
 * socket that nobody listens on any more. -EADDRINUSE when somebody does, -ENAMETOOLONG, -errno.
 */
int hn_unix_listen(const char *path, mode_t mode, int *ret_fd, struct hn_error *err);
