#pragma once
/*
 * open-call - a request of the API that is answered later, or bit by bit: it hears when its client goes away
 * first.
 */
#include "daemon/api-call.h"

struct hn_open_call {
	struct evhttp_request *request; /* NULL once closed */
	void (*gone)(void *context);
	void *context;
};

/* From now on gone(context) is called, once, when the client is gone; the request must not be used then. */
void hn_open_call_begin(struct hn_open_call *open, const struct hn_call *call, void (*gone)(void *context),
			void *context);
/* It is about to be answered in full: gone() is not called any more. Returns the request. */
struct evhttp_request *hn_open_call_end(struct hn_open_call *open);
