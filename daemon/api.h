#pragma once
/*
 * api - the HTTP/1.1 API: on a unix socket, and over TLS where the configuration has it. Errors are problem
 * details as RFC 9457 has them, with a sentence in "detail". The routes are one table in api-routes.c;
 * docs/api.md and data/openapi.yaml describe them.
 */
#include "base/error.h"
#include "daemon/service.h"

/*
 * Listens on path (its folder is made when missing, a socket nobody listens on is replaced): for root and its
 * group alone where the configuration names no other, else for anyone, and credentials tell who may what. And
 * on [api] listen, where that is set. -EADDRINUSE when another homenoded answers there, -EINVAL for groups
 * and certificates that cannot be used.
 */
int hn_api_new(struct hn_service *service, const char *path, struct hn_api **ret, struct hn_error *err);
/* Reads the certificates again, and hangs up on who came in by the old ones; logs what is wrong with them. */
void hn_api_reload(struct hn_api *api);
/* Stops listening and removes the socket; NULL is fine. */
void hn_api_free(struct hn_api *api);
