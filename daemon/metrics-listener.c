#include "daemon/metrics-listener.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/api-call.h"
#include "daemon/connections.h"
#include "daemon/metrics.h"
#include "web/tcp-listener.h"

#define HEADERS_MAX 8192
#define IDLE_SECONDS 60 /* Prometheus asks each minute by itself, on one connection */
#define CONNECTIONS_MAX 32

struct hn_metrics_listener {
	struct hn_service *service;
	struct evhttp *http;
	struct hn_connections *connections;
};

static void on_request_received(struct evhttp_request *request, void *context)
{
	struct hn_metrics_listener *listener = context;
	struct hn_call call = {.service = listener->service, .request = request};
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;

	call.peer = hn_connections_ask(listener->connections, request, false);
	if (!path || strcmp(path, "/metrics") != 0)
		hn_call_send_problem(&call, 404, "only /metrics is here");
	else
		hn_api_get_metrics(&call);
}

static int listen_tcp(struct hn_metrics_listener *listener, const char *address, struct hn_error *err)
{
	struct sockaddr_storage socket_address;
	int fd = -1, r, length = sizeof(socket_address);
	struct evconnlistener *connections;

	if (evutil_parse_sockaddr_port(address, (struct sockaddr *)&socket_address, &length) < 0)
		return hn_fail(err, -EINVAL, "metrics: '%s' is not ADDRESS:PORT", address);
	r = hn_tcp_listen((struct sockaddr *)&socket_address, (socklen_t)length, CONNECTIONS_MAX, &fd);
	if (r < 0)
		return hn_fail_errno(err, r, "metrics: cannot listen on %s", address);
	if (r > 0)
		hn_log(HN_LOG_WARNING, "metrics: %s is no address of this machine's yet", address);
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

int hn_metrics_listener_new(struct hn_service *service, const char *address, struct hn_metrics_listener **ret,
			    struct hn_error *err)
{
	struct hn_metrics_listener *listener;
	int r;

	*ret = NULL;
	if (!address[0])
		return 0;
	listener = calloc(1, sizeof(*listener));
	if (!listener)
		return hn_oom(err);
	listener->service = service;
	listener->http = evhttp_new(service->base);
	if (listener->http) {
		evhttp_set_max_body_size(listener->http, 0);
		evhttp_set_max_headers_size(listener->http, HEADERS_MAX);
		evhttp_set_timeout(listener->http, IDLE_SECONDS);
		evhttp_set_allowed_methods(listener->http, EVHTTP_REQ_GET);
		evhttp_set_gencb(listener->http, on_request_received, listener);
	}
	r = listener->http
		    ? hn_connections_new(service, listener->http, NULL, NULL, &listener->connections, err)
		    : hn_oom(err);
	if (r == 0)
		r = listen_tcp(listener, address, err);
	if (r < 0) {
		hn_metrics_listener_free(listener);
		return r;
	}
	*ret = listener;
	return 0;
}

void hn_metrics_listener_free(struct hn_metrics_listener *listener)
{
	if (!listener)
		return;
	if (listener->http)
		evhttp_free(listener->http);
	hn_connections_free(listener->connections);
	free(listener);
}
