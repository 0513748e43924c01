#pragma once
/*
 * api - the HTTP/1.1 API on a unix socket: routes, and the answers of each as JSON. Errors are problem
 * details as RFC 9457 has them, with a sentence in "detail". The routes are one table in api.c; docs/api.md
 * describes them.
 */
#include "base/error.h"
#include "daemon/service.h"

/*
 * Listens on path (its folder is made when missing, a socket nobody listens on is replaced), readable and
 * writable by root and the group alone. -EADDRINUSE when another homenoded answers there.
 */
int hn_api_new(struct hn_service *service, const char *path, struct hn_api **ret, struct hn_error *err);
/* Stops listening and removes the socket; NULL is fine. */
void hn_api_free(struct hn_api *api);
