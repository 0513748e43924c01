#pragma once
/*
 * tls - the keys of the API over TCP: TLS 1.2 or later, and no client without a certificate of the configured
 * authority. Sessions are not resumed, so that each connection is looked at by what is in force.
 */
#include <openssl/ssl.h>

#include "base/error.h"
#include "daemon/service.h"

struct hn_tls;

/* Reads [api] cert, key and ca. -EINVAL with the file and what OpenSSL says of it, -ENOMEM. */
int hn_tls_new(struct hn_service *service, struct hn_tls **ret, struct hn_error *err);
void hn_tls_free(struct hn_tls *tls); /* NULL is fine */

/* Reads them again; what was in force stays when they are no good. */
int hn_tls_reload(struct hn_tls *tls, struct hn_error *err);

/* For one connection that comes in; NULL when out of memory. Handshakes that fail are told as refusals. */
SSL *hn_tls_session(struct hn_tls *tls);
