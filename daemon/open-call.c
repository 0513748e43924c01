#include "daemon/open-call.h"

#include <event2/http.h>

/*
 * A connection that breaks lets go of a request that has not been answered, which is then ours to free; one
 * that is closed by us (the daemon ends) frees its requests itself.
 */
static void on_connection_closed(struct evhttp_connection *connection, void *context)
{
	struct hn_open_call *open = context;

	if (!open->request)
		return;
	if (!evhttp_request_get_connection(open->request))
		evhttp_request_free(open->request);
	open->request = NULL;
	open->gone(open->context);
}

void hn_open_call_begin(struct hn_open_call *open, const struct hn_call *call, void (*gone)(void *context),
			void *context)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(call->request);

	*open = (struct hn_open_call){.request = call->request, .gone = gone, .context = context};
	evhttp_connection_set_closecb(connection, on_connection_closed, open);
}

struct evhttp_request *hn_open_call_end(struct hn_open_call *open)
{
	struct evhttp_request *request = open->request;

	open->request = NULL;
	evhttp_connection_set_closecb(evhttp_request_get_connection(request), NULL, NULL);
	return request;
}
