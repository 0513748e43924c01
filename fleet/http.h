#pragma once
/*
 * http - an HTTP client on libevent's loop: libcurl's multi interface, which brings TLS, streams, time-outs
 * and connections kept open, where libevent's own client has none of the first three.
 *
 * Nothing blocks; names are resolved on threads of libcurl's own, which a call that ends meanwhile leaves to
 * themselves (before libcurl 7.87 it waits for them).
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"

struct event_base;
struct hn_http;
struct hn_http_call;

/* Paths of PEM files, "" none: whom to trust (else the system's), and who to be. */
struct hn_http_tls {
	char ca[256], cert[256], key[256];
};

struct hn_http_answer {
	int status;       /* 0: there is no answer, see error */
	const char *body; /* NUL behind; "" of a stream. Borrowed */
	size_t length;
	struct hn_error error;
};

struct hn_http_ask {
	const char *method, *url;
	const char *body; /* NULL none; copied, as are all texts here */
	size_t body_length;
	const char *headers[4]; /* "Name: value", NULL behind the last */
	unsigned timeout_ms;    /* for all of it, 0: it may last for ever, as streams do */
	size_t length_max;      /* of the answer's body, in all; of a stream, of one that refuses it */
	/* A stream's next piece; false ends the call, done() follows. NULL: the body is collected, as it is
	 * of a stream's answer that is not 200. */
	bool (*piece)(const char *data, size_t length, void *context);
	/* Called once, from the loop, unless cancelled. */
	void (*done)(const struct hn_http_answer *answer, void *context);
	void *context;
};

/* tls NULL: the system's. -ENOMEM. */
int hn_http_new(struct event_base *base, const struct hn_http_tls *tls, struct hn_http **ret,
		struct hn_error *err);
void hn_http_free(struct hn_http *http); /* cancels what is under way; NULL is fine */

/* *ret is valid until done() is called or it is cancelled. -ENOMEM, -EINVAL. */
int hn_http_start(struct hn_http *http, const struct hn_http_ask *ask, struct hn_http_call **ret,
		  struct hn_error *err);
/* done() is not called; not from within piece(). NULL is fine. */
void hn_http_cancel(struct hn_http_call *call);
