#pragma once
/*
 * page - a part of a listing that a client asks for with ?limit=N and ?cursor=TOKEN.
 *
 * Without either a listing is whole and in its own order. Pages are in the order of the items' keys, so that
 * what comes or goes meanwhile makes no other item appear twice or not at all.
 */
#include <event2/buffer.h>

#include "daemon/api-call.h"

#define HN_PAGE_LIMIT_MAX 1000
#define HN_PAGE_LIMIT_DEFAULT 100 /* with a cursor alone */

struct hn_page {
	size_t limit;            /* 0: all */
	char after[HN_NAME_MAX]; /* the last key of the page before; "" none */
};

struct hn_page_item {
	const char *key; /* borrowed */
	const void *thing;
};

/* From the query. -EINVAL for a limit that is none and for a cursor that was not given here. */
int hn_page_read(const struct hn_call *call, struct hn_page *ret, struct hn_error *err);

/*
 * Answers 200 with {name: [...], "next": CURSOR or null}: write() puts each item of the page behind out, as
 * JSON, or returns -ENOMEM. items is put in order.
 */
void hn_page_send(const struct hn_call *call, const struct hn_page *page, const char *name,
		  struct hn_page_item *items, size_t count,
		  int (*write)(struct evbuffer *out, const void *thing));

/* What write() does with a value that is made, and taken over; NULL: out of memory. */
int hn_page_write_json(struct evbuffer *out, json_object *json);
