#pragma once
/*
 * events - what happens to guests, as server-sent events on GET /v1/events. The last HN_EVENTS_KEPT are kept
 * for clients that come back; a client that does not read is dropped.
 *
 * Ids grow by one and begin, each time homenoded starts, at the time of day in microseconds: they grow over
 * restarts as long as the clock is not set back, and fit a double.
 */
#include <json-c/json.h>
#include <stdint.h>

#include "base/error.h"
#include "daemon/service.h"

#define HN_EVENTS_KEPT 1024
#define HN_EVENT_CLIENTS_MAX 64
#define HN_EVENT_BACKLOG_MAX                                                           \
	(1u << 20) /* bytes that a client may leave unread, beyond its socket's buffer \
		    */

enum hn_event_type {
	HN_EVENT_GUEST_APPEARED, /* it is known what it is made of, and its process */
	HN_EVENT_GUEST_GONE,     /* its process has ended, or homenode looks after it no longer */
	HN_EVENT_HOME,           /* another home than before was decided on */
	HN_EVENT_OPERATION_STARTED,
	HN_EVENT_OPERATION_DONE,
	HN_EVENT_OPERATION_FAILED, /* or cancelled: see "outcome" */
	HN_EVENT_PROBLEM,          /* "" when it is over */
	HN_EVENT_RESERVATION,      /* "state": made, started, parked, freed or expired */
	HN_EVENT_SETTINGS,         /* of a domain, changed through homenode */
	HN_EVENT_WINDOW,           /* of a guest, opened or closed: see "state" */
	HN_EVENT_DRAIN,            /* of a node, no guest: see "state" */
	HN_EVENT_GAP,              /* for one client: what it asked to go on from is no longer kept */
	HN_EVENT_TYPE_COUNT,
};
const char *hn_event_type_name(enum hn_event_type type);

struct hn_events;
int hn_events_new(struct event_base *base, struct hn_events **ret, struct hn_error *err);
/* No client is left by now. NULL is fine. */
void hn_events_free(struct hn_events *events);

/* Tells all clients, and keeps it. data is taken over: an object whose members join "guest" and "time_ns"
 * (CLOCK_REALTIME); NULL for none. Before the service is up and after it has gone down nothing happens. */
void hn_event_emit(struct hn_service *service, enum hn_event_type type, const char *guest, json_object *data);

struct hn_call;
/* Turns a call into a stream: of what follows, or of what came after the event that Last-Event-ID or ?since=
 * names. -EINVAL for what is no number, -EAGAIN when there are too many clients. */
int hn_events_follow(struct hn_events *events, const struct hn_call *call, struct hn_error *err);
