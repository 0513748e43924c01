#include "web/tls.h"

SSL_CTX *hn_tls_server_new(void)
{
	SSL_CTX *keys = SSL_CTX_new(TLS_server_method());

	if (!keys || SSL_CTX_set_min_proto_version(keys, TLS1_2_VERSION) != 1) {
		SSL_CTX_free(keys);
		return NULL;
	}
	SSL_CTX_set_options(keys, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					  SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_session_cache_mode(keys, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(keys, 0);
	SSL_CTX_set_mode(keys, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_verify(keys, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return keys;
}
