#include "daemon/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/peer.h"
#include "web/tls.h"

struct hn_tls {
	struct hn_service *service;
	SSL_CTX *keys;
};

static int fail_file(const char *key, const char *path, struct hn_error *err)
{
	unsigned long code = ERR_get_error();
	const char *why = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	return hn_fail(err, -EINVAL, "[api] %s: %s: %s", key, path, why ? why : "cannot be used");
}

/* A handshake that ends with an alert of ours: the client is turned away. */
static void on_session_info(const SSL *session, int where, int what)
{
	struct hn_service *service = SSL_CTX_get_app_data(SSL_get_SSL_CTX(session));
	long verified = SSL_get_verify_result(session);
	struct hn_peer peer;
	char why[160];

	if ((where & SSL_CB_WRITE_ALERT) != SSL_CB_WRITE_ALERT || (what >> 8) != SSL3_AL_FATAL)
		return;
	hn_peer_of_address(SSL_get_fd(session), &peer);
	snprintf(why, sizeof(why), "TLS: %s",
		 verified != X509_V_OK ? X509_verify_cert_error_string(verified)
				       : SSL_alert_desc_string_long(what));
	hn_refusals_tell(&service->refusals, hn_now_ns(), peer.name, why);
}

static int load_files(SSL_CTX *keys, const struct hn_config *config, struct hn_error *err)
{
	STACK_OF(X509_NAME) * authorities;

	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(keys, config->api_cert) != 1)
		return fail_file("cert", config->api_cert, err);
	if (SSL_CTX_use_PrivateKey_file(keys, config->api_key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(keys) != 1)
		return fail_file("key", config->api_key, err);
	authorities = SSL_load_client_CA_file(config->api_ca);
	if (!authorities || SSL_CTX_load_verify_file(keys, config->api_ca) != 1) {
		sk_X509_NAME_pop_free(authorities, X509_NAME_free);
		return fail_file("ca", config->api_ca, err);
	}
	SSL_CTX_set_client_CA_list(keys, authorities);
	return 0;
}

static int make_keys(struct hn_service *service, SSL_CTX **ret, struct hn_error *err)
{
	SSL_CTX *keys = hn_tls_server_new();
	int r;

	if (!keys)
		return hn_oom(err);
	SSL_CTX_set_app_data(keys, service);
	SSL_CTX_set_info_callback(keys, on_session_info);
	r = load_files(keys, service->config, err);
	if (r < 0)
		SSL_CTX_free(keys);
	else
		*ret = keys;
	return r;
}

int hn_tls_new(struct hn_service *service, struct hn_tls **ret, struct hn_error *err)
{
	struct hn_tls *tls = calloc(1, sizeof(*tls));
	int r = tls ? make_keys(service, &tls->keys, err) : hn_oom(err);

	if (r < 0) {
		free(tls);
		return r;
	}
	tls->service = service;
	*ret = tls;
	return 0;
}

void hn_tls_free(struct hn_tls *tls)
{
	if (!tls)
		return;
	SSL_CTX_free(tls->keys);
	free(tls);
}

int hn_tls_reload(struct hn_tls *tls, struct hn_error *err)
{
	SSL_CTX *keys = NULL;
	int r = make_keys(tls->service, &keys, err);

	if (r < 0)
		return r;
	SSL_CTX_free(tls->keys);
	tls->keys = keys;
	return 0;
}

SSL *hn_tls_session(struct hn_tls *tls)
{
	return SSL_new(tls->keys);
}
