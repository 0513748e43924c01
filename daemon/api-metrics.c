/*
 * api-metrics - the figures for Prometheus, over the API and over the listener of its own.
 */
#include <event2/buffer.h>

#include "daemon/api-call.h"
#include "daemon/metrics.h"

void hn_api_get_metrics(const struct hn_call *call)
{
	struct evbuffer *body = evbuffer_new();
	struct hn_error err;
	int r = body ? hn_metrics_write(call->service, body, &err) : hn_oom(&err);

	if (r < 0) {
		hn_call_send_failure(call, &err);
	} else {
		evhttp_add_header(evhttp_request_get_output_headers(call->request), "Content-Type",
				  HN_METRICS_TYPE);
		evhttp_send_reply(call->request, 200, NULL, body);
	}
	if (body)
		evbuffer_free(body);
}
