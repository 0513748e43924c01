#include "fleet/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/units.h"
#include "fleet/answer.h"
#include "web/gate.h"
#include "web/tcp-listener.h"
#include "web/tls.h"

#define BODY_MAX (256 << 10)
#define HEADERS_MAX 8192
#define IDLE_SECONDS 30
#define BACKLOG 256
#define CONNECTIONS_OF_ONE 384 /* address: others are not shut out by it, were it a load balancer's */
#define REFUSED_TOLD_NS (60 * HN_NS_PER_S)

struct hn_fleet_listener {
	struct hn_fleet_service *service;
	struct evhttp *http;
	SSL_CTX *tls; /* NULL: none */
	struct hn_gate *gate;
	uint64_t refused_told_ns; /* when too many connections were last said */
};

static const struct {
	enum evhttp_cmd_type method;
	const char *path;
	void (*handle)(struct hn_fleet_call *call);
} routes[] = {
	{EVHTTP_REQ_GET, "/", hn_fleet_api_web},
	{EVHTTP_REQ_GET, "/page/", hn_fleet_api_web}, /* and a file */
	{EVHTTP_REQ_POST, "/v1/rank", hn_fleet_api_rank},
	{EVHTTP_REQ_POST, "/v1/count", hn_fleet_api_count},
	{EVHTTP_REQ_GET, "/v1/hosts", hn_fleet_api_hosts},
	{EVHTTP_REQ_GET, "/v1/hosts/", hn_fleet_api_host}, /* and a name */
	{EVHTTP_REQ_POST, "/v1/defragment", hn_fleet_api_defragment},
	{EVHTTP_REQ_POST, "/v1/reservations", hn_fleet_api_reserve},
	{EVHTTP_REQ_GET, "/metrics", hn_fleet_api_metrics},
	{EVHTTP_REQ_GET, "/healthz", hn_fleet_api_healthz},
	{EVHTTP_REQ_GET, "/readyz", hn_fleet_api_readyz},
};

/* One that ends in / is followed by a name. */
static bool is_path(const char *route, const char *path)
{
	size_t length = strlen(route);

	if (length == 1 || route[length - 1] != '/')
		return strcmp(route, path) == 0;
	return strncmp(route, path, length) == 0 && path[length] && !strchr(path + length, '/');
}

static bool is_operator(const struct hn_fleet_options *options, const char *name)
{
	for (size_t i = 0; i < options->operator_count; i++)
		if (strcmp(options->operators[i], name) == 0)
			return true;
	return false;
}

static bool may_act(const struct hn_fleet_listener *listener, const struct hn_visitor *visitor,
		    struct evhttp_request *request)
{
	X509 *certificate = visitor && visitor->session ? SSL_get1_peer_certificate(visitor->session) : NULL;
	char name[64];
	int length;

	/* a browser's, for a page's script; the page here only looks */
	if (evhttp_find_header(evhttp_request_get_input_headers(request), "Origin")) {
		X509_free(certificate);
		return false;
	}
	if (!certificate)
		return !listener->tls && listener->service->options->trust_loopback;
	length = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
					   sizeof(name));
	X509_free(certificate);
	/* a NUL in the middle would make another name of it */
	return length > 0 && (size_t)length == strlen(name) && is_operator(listener->service->options, name);
}

static void on_request(struct evhttp_request *request, void *context)
{
	struct hn_fleet_listener *listener = context;
	struct hn_fleet_call call = {.service = listener->service, .request = request};
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;

	call.may_act = may_act(listener, hn_gate_ask(listener->gate, request, false), request);
	for (size_t i = 0; path && i < HN_COUNT(routes); i++) {
		if (!is_path(routes[i].path, path))
			continue;
		if (routes[i].method == evhttp_request_get_command(request))
			routes[i].handle(&call);
		else
			hn_fleet_send_problem(&call, 405, "that path is there, but not for this method");
		return;
	}
	hn_fleet_send_problem(&call, 404,
			      "no such path; see homenode-fleetd(8): /v1/rank, /v1/count, /v1/hosts, "
			      "/v1/defragment, /v1/reservations, /metrics, /healthz, /readyz");
}

static int fail_tls(struct hn_error *err, const char *what, const char *path)
{
	char reason[160];

	ERR_error_string_n(ERR_get_error(), reason, sizeof(reason));
	ERR_clear_error(); /* the connections that are there are not to find it */
	return hn_fail(err, -EINVAL, "cannot use %s %s: %s", what, path, reason);
}

static int load_files(SSL_CTX *keys, const struct hn_http_tls *tls, struct hn_error *err)
{
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(keys, tls->cert) != 1)
		return fail_tls(err, "the certificate", tls->cert);
	if (SSL_CTX_use_PrivateKey_file(keys, tls->key, SSL_FILETYPE_PEM) != 1)
		return fail_tls(err, "the key", tls->key);
	if (SSL_CTX_load_verify_locations(keys, tls->ca, NULL) != 1)
		return fail_tls(err, "the clients' CA", tls->ca);
	return 0;
}

/* What was in force stays when the files are no good. */
static int take_keys(struct hn_fleet_listener *listener, struct hn_error *err)
{
	SSL_CTX *keys = hn_tls_server_new();
	int r = keys ? load_files(keys, &listener->service->options->tls, err) : hn_oom(err);

	if (r < 0) {
		SSL_CTX_free(keys);
		return r;
	}
	SSL_CTX_free(listener->tls);
	listener->tls = keys;
	return 0;
}

static int set_up_tls(struct hn_fleet_listener *listener, struct hn_error *err)
{
	const struct hn_http_tls *tls = &listener->service->options->tls;

	if (!tls->ca[0] && !tls->cert[0] && !tls->key[0])
		return 0;
	if (!tls->ca[0] || !tls->cert[0] || !tls->key[0])
		return hn_fail(err, -EINVAL, "TLS needs all of a certificate, its key, and the clients' CA");
	return take_keys(listener, err);
}

static SSL *on_session(void *context)
{
	struct hn_fleet_listener *listener = context;

	return SSL_new(listener->tls);
}

static unsigned on_meet(struct hn_visitor *visitor, int fd, void *context)
{
	hn_gate_address(fd, visitor->place, sizeof(visitor->place));
	return CONNECTIONS_OF_ONE;
}

static void on_refused(const struct hn_visitor *visitor, void *context)
{
	struct hn_fleet_listener *listener = context;
	uint64_t now = hn_fleet_now_ns();

	if (listener->refused_told_ns && now < listener->refused_told_ns + REFUSED_TOLD_NS)
		return;
	listener->refused_told_ns = now;
	hn_log(HN_LOG_WARNING, "%s is refused: too many connections", visitor->place);
}

static bool is_loopback(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

static int listen_tcp(struct hn_fleet_listener *listener, struct hn_error *err)
{
	const char *text = listener->service->options->listen;
	struct sockaddr_storage address;
	int fd = -1, r, length = sizeof(address);
	struct evconnlistener *connections;

	if (evutil_parse_sockaddr_port(text, (struct sockaddr *)&address, &length) < 0)
		return hn_fail(err, -EINVAL, "'%s' is not ADDRESS:PORT", text);
	if (!listener->tls && !is_loopback(&address))
		return hn_fail(err, -EINVAL,
			       "%s is not loopback: others are answered with TLS only, see --cert", text);
	r = hn_tcp_listen((struct sockaddr *)&address, (socklen_t)length, BACKLOG, &fd);
	if (r < 0)
		return hn_fail_errno(err, r, "cannot listen on %s", text);
	if (r > 0)
		hn_log(HN_LOG_WARNING, "%s is no address of this machine's yet", text);
	connections = evconnlistener_new(listener->service->base, NULL, NULL,
					 LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!connections) {
		close(fd);
		return hn_oom(err);
	}
	if (!evhttp_bind_listener(listener->http, connections)) {
		evconnlistener_free(connections);
		return hn_oom(err);
	}
	return 0;
}

static int set_up_http(struct hn_fleet_listener *listener, struct hn_error *err)
{
	struct hn_gate_keeper keeper = {.session = listener->tls ? on_session : NULL,
					.meet = on_meet,
					.refused = on_refused,
					.context = listener};

	evhttp_set_max_body_size(listener->http, BODY_MAX);
	evhttp_set_max_headers_size(listener->http, HEADERS_MAX);
	evhttp_set_timeout(listener->http, IDLE_SECONDS);
	evhttp_set_allowed_methods(listener->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST);
	evhttp_set_gencb(listener->http, on_request, listener);
	return hn_gate_new(listener->service->base, listener->http, &keeper, &listener->gate, err);
}

int hn_fleet_listener_new(struct hn_fleet_service *service, struct hn_fleet_listener **ret,
			  struct hn_error *err)
{
	struct hn_fleet_listener *listener = calloc(1, sizeof(*listener));
	int r;

	if (!listener)
		return hn_oom(err);
	listener->service = service;
	listener->http = evhttp_new(service->base);
	r = listener->http ? set_up_tls(listener, err) : hn_oom(err);
	if (r < 0 || (r = set_up_http(listener, err)) < 0 || (r = listen_tcp(listener, err)) < 0) {
		hn_fleet_listener_free(listener);
		return r;
	}
	*ret = listener;
	return 0;
}

void hn_fleet_listener_reload(struct hn_fleet_listener *listener)
{
	struct hn_error err = {0};

	if (!listener->tls)
		return;
	if (take_keys(listener, &err) < 0) {
		hn_log(HN_LOG_ERROR, "the certificates are as they were: %s", err.message);
		return;
	}
	hn_gate_hang_up(listener->gate);
	hn_log(HN_LOG_INFO, "certificates are read again");
}

void hn_fleet_listener_free(struct hn_fleet_listener *listener)
{
	if (!listener)
		return;
	if (listener->http)
		evhttp_free(listener->http);
	hn_gate_free(listener->gate);
	SSL_CTX_free(listener->tls);
	free(listener);
}
