#pragma once
/*
 * gate - who is connected to an evhttp, how many from one place, and for how long.
 *
 * evhttp accepts and serves; it has neither a limit on connections nor one on the time of a request that
 * comes byte by byte. Each connection's bufferevent is made here and kept by a reference, which tells when
 * evhttp has let go of it: its callbacks are gone then.
 */
#include <event2/http.h>
#include <openssl/ssl.h>
#include <stdbool.h>

#include "base/error.h"

#define HN_GATE_MAX 512       /* connections of a listener */
#define HN_GATE_REQUEST_S 30  /* until a new connection's first request is there as a whole */
#define HN_GATE_EXCHANGE_S 60 /* from one request until the next is, the answer's reading included */
#define HN_GATE_PLACE_MAX 64

struct hn_gate;

/* A connection, as the owner of the gate knows it. */
struct hn_visitor {
	SSL *session;                  /* NULL in the clear */
	char place[HN_GATE_PLACE_MAX]; /* where it comes from: by this they are counted */
	void *known;                   /* known_bytes for the owner, zeroed at the beginning */
};

struct hn_gate_keeper {
	size_t known_bytes;
	/* TLS for one that comes in, NULL when out of memory; no such function: all is in the clear. */
	SSL *(*session)(void *context);
	/* Its descriptor is there now: fills place; returns how many of that place there may be. */
	unsigned (*meet)(struct hn_visitor *visitor, int fd, void *context);
	/* One too many of that place, or in all: it is hung up on. */
	void (*refused)(const struct hn_visitor *visitor, void *context);
	void *context;
};

/* The address at the other end as text without its port, "an unknown address" if there is none. */
void hn_gate_address(int fd, char *ret, size_t size);

/* Watches over what http will accept. Freed after http. -ENOMEM. */
int hn_gate_new(struct event_base *base, struct evhttp *http, const struct hn_gate_keeper *keeper,
		struct hn_gate **ret, struct hn_error *err);
void hn_gate_free(struct hn_gate *gate); /* NULL is fine */

/* Who sent this request, which counts as the connection's next; lasting: its answer has no end. NULL:
 * unknown. Valid until the connection ends. */
struct hn_visitor *hn_gate_ask(struct hn_gate *gate, struct evhttp_request *request, bool lasting);

/* Hangs up on all of them. */
void hn_gate_hang_up(struct hn_gate *gate);
