#include "daemon/filing.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "daemon/open-call.h"

struct waiter {
	TAILQ_ENTRY(waiter) entry;
	struct hn_open_call open;
	struct hn_booking booking;
	hn_filing_answer answer;
};
TAILQ_HEAD(waiter_list, waiter);

struct hn_filing {
	struct hn_service *service;
	struct event *soon; /* behind all that the loop has at hand */
	struct waiter_list waiters;
};

static void on_due(void *context)
{
	struct hn_filing *filing = context;

	event_active(filing->soon, EV_TIMEOUT, 0);
}

/* The client may be gone: what it has done is settled all the same, as if the answer had been lost. */
static void settle(struct hn_filing *filing, struct waiter *waiter)
{
	struct hn_call call = {.service = filing->service};
	struct hn_reservation *reservation;
	struct hn_error err = {0};
	int r = hn_booking_settle(filing->service, &waiter->booking, &reservation, &err);

	if (waiter->open.request) {
		call.request = hn_open_call_end(&waiter->open);
		waiter->answer(&call, &waiter->booking, reservation, r < 0 ? &err : NULL);
	}
	free(waiter);
}

static void settle_all(struct hn_filing *filing)
{
	struct waiter_list waiters = TAILQ_HEAD_INITIALIZER(waiters);
	struct waiter *waiter;

	hn_reservations_commit(&filing->service->reservations);
	/* those who come while these are told wait for the next */
	TAILQ_CONCAT(&waiters, &filing->waiters, entry);
	while ((waiter = TAILQ_FIRST(&waiters))) {
		TAILQ_REMOVE(&waiters, waiter, entry);
		settle(filing, waiter);
	}
}

static void on_soon(evutil_socket_t fd, short what, void *context)
{
	settle_all(context);
}

int hn_filing_new(struct hn_service *service, struct hn_filing **ret, struct hn_error *err)
{
	struct hn_filing *filing = calloc(1, sizeof(*filing));

	if (!filing)
		return hn_oom(err);
	filing->service = service;
	TAILQ_INIT(&filing->waiters);
	filing->soon = event_new(service->base, -1, 0, on_soon, filing);
	if (!filing->soon) {
		free(filing);
		return hn_oom(err);
	}
	service->reservations.due = on_due;
	service->reservations.context = filing;
	*ret = filing;
	return 0;
}

void hn_filing_free(struct hn_filing *filing)
{
	if (!filing)
		return;
	settle_all(filing);
	filing->service->reservations.due = NULL;
	hn_reservations_commit(&filing->service->reservations);
	event_free(filing->soon);
	free(filing);
}

static void on_client_gone(void *context)
{
}

int hn_filing_settle(const struct hn_call *call, const struct hn_booking *booking, hn_filing_answer answer,
		     struct hn_error *err)
{
	struct hn_reservations *reservations = &call->service->reservations;
	struct hn_reservation *reservation = hn_reservations_find_id(reservations, booking->id);
	struct waiter *waiter;

	if (reservation && !hn_reservations_is_pending(reservations, reservation)) {
		answer(call, booking, reservation, NULL);
		return 0;
	}
	waiter = calloc(1, sizeof(*waiter));
	if (!waiter)
		return hn_oom(err);
	waiter->booking = *booking;
	waiter->answer = answer;
	hn_open_call_begin(&waiter->open, call, on_client_gone, waiter);
	TAILQ_INSERT_TAIL(&call->service->filing->waiters, waiter, entry);
	return 0;
}
