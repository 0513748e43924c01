#pragma once
/*
 * tls - what every server here asks of TLS: version 1.2 or later, and no client without a certificate. Which
 * ones are good, and the server's own, are for its owner to add.
 */
#include <openssl/ssl.h>

/*
 * Sessions are not resumed, so that each connection's certificate is looked at by what is in force. The
 * caller frees it with SSL_CTX_free(); NULL when out of memory.
 */
SSL_CTX *hn_tls_server_new(void);
