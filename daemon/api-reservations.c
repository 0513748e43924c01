/*
 * api-reservations - rooms kept for guests that are to come, over the API.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/units.h"
#include "daemon/api-call.h"
#include "daemon/arrival.h"
#include "daemon/booking.h"
#include "daemon/filing.h"
#include "daemon/newcomer.h"
#include "daemon/page.h"

#define LIFE_S 60 /* of one that is made */
#define LIFE_MOST_S 3600
#define CONFIRMED_LIFE_S 3600 /* of one that is confirmed */
#define CONFIRMED_LIFE_MOST_S (7 * 86400)

/* As it is on file, and how long it will last. */
static int write_one(struct evbuffer *out, const void *thing)
{
	const struct hn_reserved *item = thing;
	uint64_t expires_ns = item->reservation->expires_ns, now = hn_now_ns();
	const char *text = item->text;

	if (!text)
		return -ENOMEM;
	evbuffer_add(out, text, strlen(text) - 1);
	if (expires_ns)
		evbuffer_add_printf(out, ",\"expires_in_ns\":%" PRIu64 "}",
				    expires_ns > now ? expires_ns - now : 0);
	else
		evbuffer_add_printf(out, ",\"expires_in_ns\":null}");
	return 0;
}

void hn_api_get_reservations(const struct hn_call *call)
{
	HN_AUTO(memory) struct hn_page_item *items = NULL;
	struct hn_reserved *reserved;
	struct hn_page page;
	struct hn_error err;
	size_t count = 0;

	hn_arrival_expire(call->service);
	items = calloc(call->service->reservations.count + 1, sizeof(*items));
	if ((items ? hn_page_read(call, &page, &err) : hn_oom(&err)) < 0) {
		hn_call_send_failure(call, &err);
		return;
	}
	TAILQ_FOREACH(reserved, &call->service->reservations.list, entry)
	if (hn_reserved_text(reserved))
		items[count++] = (struct hn_page_item){reserved->reservation->id, reserved};
	hn_page_send(call, &page, "reservations", items, count, write_one);
}

/* A life in seconds, where the body has one. */
static int read_life(json_object *json, uint64_t standard, uint64_t most, uint64_t *ret_ns,
		     struct hn_error *err)
{
	uint64_t seconds = standard;
	int r = hn_json_has(json, "ttl_seconds") ? hn_json_get_u64(json, "ttl_seconds", &seconds, err) : 0;

	if (r < 0)
		return r;
	if (seconds == 0 || seconds > most)
		return hn_fail(err, -EINVAL, "member 'ttl_seconds' is not within 1 and %llu",
			       (unsigned long long)most);
	*ret_ns = seconds * HN_NS_PER_S;
	return 0;
}

static int read_key(const struct hn_call *call, char *ret, size_t size, struct hn_error *err)
{
	const char *key =
		evhttp_find_header(evhttp_request_get_input_headers(call->request), "Idempotency-Key");

	if (!key)
		return 0;
	for (const char *at = key; *at; at++)
		if (*at <= ' ' || *at > '~')
			return hn_fail(err, -EINVAL,
				       "Idempotency-Key has other characters than printable ASCII");
	if (strlen(key) == 0 || strlen(key) >= size)
		return hn_fail(err, -EINVAL, "Idempotency-Key is not of 1 to %zu characters", size - 1);
	strcpy(ret, key);
	return 0;
}

static int read_wanted(const struct hn_call *call, struct hn_wanted *ret, struct hn_error *err)
{
	HN_AUTO(json) json_object *json = NULL;
	size_t length;
	const char *body;
	int r;

	if ((r = read_key(call, ret->key, sizeof(ret->key), err)) < 0 ||
	    (r = hn_call_body_object(call, &json, err)) < 0 ||
	    (r = read_life(json, LIFE_S, LIFE_MOST_S, &ret->life_ns, err)) < 0)
		return r;
	body = hn_call_body(call, &length);
	ret->asked = hn_hash(HN_HASH_BEGIN, body, length);
	return hn_newcomer_read(call->service, json, "ttl_seconds", &ret->guest, err);
}

static void send_reservation(const struct hn_call *call, int status, const struct hn_reservation *reservation)
{
	struct evbuffer *out = evbuffer_new();
	struct hn_reserved *item;

	TAILQ_FOREACH(item, &call->service->reservations.list, entry)
	if (item->reservation == reservation)
		break;
	if (out && (!item || !hn_reserved_text(item) || write_one(out, item) < 0)) {
		evbuffer_free(out);
		out = NULL;
	}
	hn_call_send_buffer(call, status, "application/json", out);
}

/* What a call has done is on file, or is undone. */
static void answer(const struct hn_call *call, const struct hn_booking *booking,
		   const struct hn_reservation *reservation, const struct hn_error *err)
{
	char path[HN_RESERVATION_ID_MAX + 20];

	if (err) {
		hn_call_send_failure(call, err);
		return;
	}
	if (booking->step == HN_BOOKING_DROPPED) {
		hn_call_send_text(call, 204, NULL, NULL, 0);
		return;
	}
	if (booking->step == HN_BOOKING_MADE || booking->step == HN_BOOKING_FOUND) {
		snprintf(path, sizeof(path), "/v1/reservations/%s", reservation->id);
		evhttp_add_header(evhttp_request_get_output_headers(call->request), "Location", path);
	}
	send_reservation(call, booking->step == HN_BOOKING_MADE ? 201 : 200, reservation);
}

void hn_api_make_reservation(const struct hn_call *call)
{
	struct hn_wanted wanted = {0};
	struct hn_booking booking;
	struct hn_error err;

	if (read_wanted(call, &wanted, &err) < 0 ||
	    hn_booking_make(call->service, &wanted, &booking, &err) < 0 ||
	    hn_filing_settle(call, &booking, answer, &err) < 0)
		hn_call_send_failure(call, &err);
}

/* The one that the route names, or NULL: 404 has been answered. */
static struct hn_reservation *find(const struct hn_call *call)
{
	struct hn_reservation *reservation;
	char detail[HN_NAME_MAX + 80];

	hn_arrival_expire(call->service);
	reservation = hn_reservations_find_id(&call->service->reservations, call->name);
	if (!reservation) {
		snprintf(detail, sizeof(detail),
			 "there is no reservation '%s': it has expired, or its guest has ended", call->name);
		hn_call_send_problem(call, 404, detail);
	}
	return reservation;
}

void hn_api_get_reservation(const struct hn_call *call)
{
	const struct hn_reservation *reservation = find(call);

	if (reservation)
		send_reservation(call, 200, reservation);
}

static int read_confirmation(const struct hn_call *call, uint64_t *ret_ns, struct hn_error *err)
{
	HN_AUTO(json) json_object *json = NULL;
	int r = hn_call_body_object(call, &json, err);

	if (r < 0)
		return r;
	json_object_object_foreach(json, key, value)
	{
		(void)value;
		if (strcmp(key, "ttl_seconds") != 0)
			return hn_fail(err, -EINVAL, "unknown member '%.40s'; known: ttl_seconds", key);
	}
	return read_life(json, CONFIRMED_LIFE_S, CONFIRMED_LIFE_MOST_S, ret_ns, err);
}

void hn_api_confirm_reservation(const struct hn_call *call)
{
	struct hn_reservation *reservation = find(call);
	struct hn_booking booking;
	uint64_t life_ns = 0;
	struct hn_error err;

	if (!reservation)
		return;
	if (read_confirmation(call, &life_ns, &err) < 0) {
		hn_call_send_failure(call, &err);
		return;
	}
	hn_booking_confirm(call->service, reservation, life_ns, &booking);
	if (hn_filing_settle(call, &booking, answer, &err) < 0)
		hn_call_send_failure(call, &err);
}

void hn_api_delete_reservation(const struct hn_call *call)
{
	struct hn_reservation *reservation = find(call);
	struct hn_booking booking;
	struct hn_error err;

	if (!reservation)
		return;
	if (hn_booking_drop(call->service, reservation, &booking, &err) < 0 ||
	    hn_filing_settle(call, &booking, answer, &err) < 0)
		hn_call_send_failure(call, &err);
}
