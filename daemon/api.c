#include "daemon/api.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/api-routes.h"
#include "daemon/unix-listener.h"
#include "web/tcp-listener.h"

#define BODY_MAX (4 << 20) /* a domain's XML; other bodies are a few bytes */
#define REMOTE_BODY_MAX (64 << 10)
#define HEADERS_MAX 8192
#define IDLE_SECONDS 30
#define BACKLOG 256

/* One evhttp with those who are connected to it. */
struct door {
	struct hn_service *service;
	struct evhttp *http;
	struct hn_connections *connections;
};

struct hn_api {
	struct hn_service *service;
	struct hn_groups groups;
	struct hn_tls *tls; /* NULL: no TCP */
	struct door local, remote;
	char *path;
};

static void on_request_received(struct evhttp_request *request, void *context)
{
	struct door *door = context;

	hn_api_route(door->service, door->connections, request);
}

static int open_door(struct hn_api *api, struct door *door, int fd, const struct hn_groups *groups,
		     struct hn_tls *tls, struct hn_error *err)
{
	struct evconnlistener *listener = evconnlistener_new(
		api->service->base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);

	if (!listener) {
		close(fd);
		return hn_oom(err);
	}
	door->service = api->service;
	door->http = evhttp_new(api->service->base);
	if (!door->http || !evhttp_bind_listener(door->http, listener)) {
		evconnlistener_free(listener);
		return hn_oom(err);
	}
	evhttp_set_max_body_size(door->http, groups ? BODY_MAX : REMOTE_BODY_MAX);
	evhttp_set_max_headers_size(door->http, HEADERS_MAX);
	evhttp_set_timeout(door->http, IDLE_SECONDS);
	evhttp_set_allowed_methods(door->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_DELETE);
	evhttp_set_gencb(door->http, on_request_received, door);
	return hn_connections_new(api->service, door->http, groups, tls, &door->connections, err);
}

static int open_local(struct hn_api *api, const char *path, struct hn_error *err)
{
	/* whom a group's name lets in, the credentials tell: the file's mode knows but one group */
	bool anyone = api->groups.has_operators || api->groups.has_readers;
	int fd, r = hn_unix_listen(path, anyone ? 0666 : 0660, &fd, err);

	if (r < 0)
		return r;
	/* the path is set only once the socket is ours to remove */
	api->path = strdup(path);
	if (!api->path) {
		close(fd);
		unlink(path);
		return hn_oom(err);
	}
	return open_door(api, &api->local, fd, &api->groups, NULL, err);
}

static int listen_tcp(const char *text, int *ret, struct hn_error *err)
{
	struct sockaddr_storage address;
	int r, length = sizeof(address);

	if (evutil_parse_sockaddr_port(text, (struct sockaddr *)&address, &length) < 0)
		return hn_fail(err, -EINVAL, "[api] listen: '%s' is not ADDRESS:PORT", text);
	r = hn_tcp_listen((struct sockaddr *)&address, (socklen_t)length, BACKLOG, ret);
	if (r < 0)
		return hn_fail_errno(err, r, "[api] listen: cannot listen on %s", text);
	if (r > 0)
		hn_log(HN_LOG_WARNING, "api: %s is no address of this machine's yet", text);
	return 0;
}

static int open_remote(struct hn_api *api, const struct hn_config *config, struct hn_error *err)
{
	int fd = -1, r;

	if (!config->api_listen[0])
		return 0;
	if ((r = hn_tls_new(api->service, &api->tls, err)) < 0 ||
	    (r = listen_tcp(config->api_listen, &fd, err)) < 0 ||
	    (r = open_door(api, &api->remote, fd, NULL, api->tls, err)) < 0)
		return r;
	hn_log(HN_LOG_INFO, "api: TLS on %s", config->api_listen);
	return 0;
}

int hn_api_new(struct hn_service *service, const char *path, struct hn_api **ret, struct hn_error *err)
{
	struct hn_api *api = calloc(1, sizeof(*api));
	int r;

	if (!api)
		return hn_oom(err);
	api->service = service;
	if ((r = hn_groups_find(service->config, &api->groups, err)) < 0 ||
	    (r = open_local(api, path, err)) < 0 || (r = open_remote(api, service->config, err)) < 0) {
		hn_api_free(api);
		return r;
	}
	*ret = api;
	return 0;
}

void hn_api_reload(struct hn_api *api)
{
	struct hn_error err;

	if (!api->tls)
		return;
	if (hn_tls_reload(api->tls, &err) < 0) {
		hn_log(HN_LOG_ERROR, "api: the certificates are as they were: %s", err.message);
		return;
	}
	hn_connections_hang_up(api->remote.connections);
	hn_log(HN_LOG_INFO, "api: certificates are read again");
}

static void close_door(struct door *door)
{
	if (door->http)
		evhttp_free(door->http);
	hn_connections_free(door->connections);
}

void hn_api_free(struct hn_api *api)
{
	if (!api)
		return;
	close_door(&api->remote);
	close_door(&api->local);
	hn_tls_free(api->tls);
	if (api->path)
		unlink(api->path);
	free(api->path);
	free(api);
}
