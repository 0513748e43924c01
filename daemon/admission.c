#include "daemon/admission.h"

#include <event2/event.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/units.h"
#include "daemon/guest.h"
#include "daemon/inspect.h"
#include "daemon/migration.h"
#include "daemon/rota.h"
#include "daemon/running.h"
#include "daemon/stuck.h"

#define AGAIN_NS HN_NS_PER_S

struct hn_admission {
	struct hn_service *service;
	struct event *again;
	TAILQ_HEAD(, hn_waiter) queue;
};

static void try_in(struct hn_admission *admission, uint64_t ns)
{
	struct timeval wait = hn_timeval(ns);

	event_add(admission->again, &wait);
}

/* Who still waits queues up behind the others anew, which keeps the order. */
static void on_again(evutil_socket_t fd, short what, void *context)
{
	struct hn_admission *admission = context;
	struct hn_waiter *waiter;
	size_t count = 0;

	TAILQ_FOREACH(waiter, &admission->queue, entry)
	count++;
	for (; count > 0 && (waiter = TAILQ_FIRST(&admission->queue)); count--) {
		hn_admission_leave(admission, waiter);
		waiter->try_again(waiter->context);
	}
	if (!TAILQ_EMPTY(&admission->queue))
		try_in(admission, AGAIN_NS);
}

int hn_admission_new(struct hn_service *service, struct hn_admission **ret, struct hn_error *err)
{
	struct hn_admission *admission = calloc(1, sizeof(*admission));

	if (admission)
		admission->again = evtimer_new(service->base, on_again, admission);
	if (!admission || !admission->again) {
		free(admission);
		return hn_oom(err);
	}
	admission->service = service;
	TAILQ_INIT(&admission->queue);
	*ret = admission;
	return 0;
}

void hn_admission_free(struct hn_admission *admission)
{
	if (!admission)
		return;
	event_free(admission->again);
	free(admission);
}

void hn_admission_join(struct hn_admission *admission, struct hn_waiter *waiter)
{
	TAILQ_INSERT_TAIL(&admission->queue, waiter, entry);
	waiter->queued = true;
	if (!evtimer_pending(admission->again, NULL))
		try_in(admission, AGAIN_NS);
}

void hn_admission_leave(struct hn_admission *admission, struct hn_waiter *waiter)
{
	if (waiter->queued)
		TAILQ_REMOVE(&admission->queue, waiter, entry);
	waiter->queued = false;
}

void hn_admission_wake(struct hn_service *service)
{
	if (service->admission && !TAILQ_EMPTY(&service->admission->queue))
		try_in(service->admission, 0);
}

/* Of guests that are about to start and take their memory themselves. */
static uint64_t reserved_bytes(const struct hn_service *service, size_t node, uint64_t page_bytes)
{
	const struct hn_reserved *item;
	uint64_t bytes = 0;

	TAILQ_FOREACH(item, &service->reservations.list, entry)
	{
		const struct hn_reservation *reservation = item->reservation;
		const struct hn_placement *home = reservation->home;

		if (reservation->state == HN_RESERVATION_PARKED || reservation->seen ||
		    home->node_count != service->host->node_count)
			continue;
		for (size_t i = 0; i < home->cell_count && i < reservation->guest->cell_count; i++)
			if (reservation->guest->cells[i].page_bytes == page_bytes)
				bytes += home->cells[i].bytes[node];
	}
	return bytes;
}

static void room_of(struct hn_service *service, const struct hn_turn_move *move, struct hn_turn_room *ret)
{
	const struct hn_host *host = service->host;
	int index = hn_host_node_index(host, move->to_node);
	const struct hn_node *node = index >= 0 ? &host->nodes[index] : NULL;

	*ret = (struct hn_turn_room){0};
	if (!node)
		return;
	ret->reserved_bytes = reserved_bytes(service, (size_t)index, move->page_bytes);
	if (move->page_bytes == 0) {
		ret->free_bytes = node->free_bytes;
		ret->watermark_bytes = node->watermark_bytes;
		return;
	}
	for (size_t i = 0; i < node->pool_count; i++)
		if (node->pools[i].page_bytes == move->page_bytes)
			ret->free_bytes = node->pools[i].free_pages * move->page_bytes;
}

/* One that rests since it hung is inspected once for each operation: that may be its operator's wish. */
static void ask_for_evidence(struct hn_managed *managed, char *why, size_t size)
{
	bool rests = hn_rota_rests(managed);

	snprintf(why, size, "until it is known again what holds its memory%s",
		 rests ? " (it hung when it was last looked at)" : "");
	if (!rests || managed->inspect_started_ns < managed->running->started_ns)
		hn_inspect_now(managed);
}

enum hn_wait hn_admission_ask(struct hn_managed *managed, const struct hn_turn_move *move, char *why,
			      size_t size)
{
	struct hn_service *service = managed->service;
	struct hn_turn_move running[64];
	struct hn_turn_room room;
	struct hn_migration *migration;
	struct hn_error err;
	char stuck[HN_ERROR_MAX];
	size_t count = 0;

	if (hn_inspect_is_old(managed)) {
		ask_for_evidence(managed, why, size);
		return HN_WAIT_FOR_EVIDENCE;
	}
	if (!move)
		return HN_WAIT_NOT;
	if (hn_stuck_any(service, stuck, sizeof(stuck))) {
		snprintf(why, size, "until memory can be moved on this host again: %s", stuck);
		return HN_WAIT_FOR_ANOTHER;
	}
	if (hn_service_refresh_host(service, &err) < 0)
		hn_log(HN_LOG_WARNING, "%s", err.message);
	TAILQ_FOREACH(migration, &service->migrations, entry)
	if (count < HN_COUNT(running))
		running[count++] = migration->move;
	room_of(service, move, &room);
	return hn_turn_ask(move, running, count, service->config->at_once, &room, why, size);
}
