#include "daemon/census.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/units.h"
#include "daemon/arrival.h"
#include "daemon/domain.h"
#include "daemon/guest.h"
#include "daemon/make-up.h"
#include "daemon/watch.h"

#define EVERY_NS (10 * HN_NS_PER_S)
#define SOON_NS (50 * HN_NS_PER_MS)
#define UNSEEN_FOR_NS (60 * HN_NS_PER_S) /* a started guest that nobody sees has ended unheard */

struct hn_census {
	struct hn_service *service;
	struct event *due;
	bool asking, again;
	void *told; /* the hands' last answer, NULL before it: the lists below lie in it */
	size_t count;
	const struct hn_qemu_process *qemus;
	const struct hn_qemu_container *containers;
	char problem[HN_ERROR_MAX];
};

int hn_census_find(const struct hn_census *census, const char *uuid, const struct hn_process *known,
		   const struct hn_qemu_process **ret, struct hn_error *err)
{
	const struct hn_qemu_process *newest = NULL, *stranger = NULL;

	for (size_t i = 0; uuid[0] && i < census->count; i++) {
		const struct hn_qemu_process *qemu = &census->qemus[i];

		if (strcmp(qemu->uuid, uuid) != 0)
			continue;
		if (known && qemu->process.pid == known->pid &&
		    qemu->process.start_ticks == known->start_ticks) {
			*ret = qemu;
			return 0;
		}
		if (newest && newest->uid != qemu->uid)
			stranger = newest;
		if (!newest || qemu->process.start_ticks > newest->process.start_ticks)
			newest = qemu;
	}
	if (!newest)
		return hn_fail(err, -ENOENT, "no QEMU has the uuid %s", uuid);
	if (stranger)
		return hn_fail(
			err, -EEXIST,
			"processes of several users call themselves the QEMU with the uuid %s, %d of user "
			"%u among them: end those that are none",
			uuid, (int)newest->process.pid, (unsigned)newest->uid);
	*ret = newest;
	return 0;
}

bool hn_census_is(const struct hn_census *census, const char *uuid, const struct hn_process *known, pid_t pid)
{
	const struct hn_qemu_process *qemu;

	return hn_census_find(census, uuid, known, &qemu, NULL) == 0 && qemu->process.pid == pid;
}

size_t hn_census_all(const struct hn_census *census, const struct hn_qemu_process **ret)
{
	*ret = census->qemus;
	return census->count;
}

const struct hn_qemu_container *hn_census_container(const struct hn_census *census,
						    const struct hn_qemu_process *qemu)
{
	return qemu->container < 0 ? NULL : &census->containers[qemu->container];
}

static void tell_problem(struct hn_census *census, const struct hn_error *err)
{
	const char *message = err ? err->message : "";

	if (strcmp(census->problem, message) == 0)
		return;
	if (err)
		hn_log(HN_LOG_WARNING, "looking for QEMUs: %s", message);
	snprintf(census->problem, sizeof(census->problem), "%s", message);
}

/* libvirt's domains that wait for their process. */
static void identify_waiting(struct hn_service *service)
{
	struct hn_managed *managed;

	TAILQ_FOREACH(managed, &service->guests, entry)
	if (managed->domain && !managed->qmp && !managed->identified)
		hn_make_up_start(managed);
}

/* Those at sockets of their own whose process has not been seen before. */
static void join_waiting(struct hn_service *service)
{
	struct hn_managed *managed, *next;

	for (managed = TAILQ_FIRST(&service->guests); managed; managed = next) {
		next = TAILQ_NEXT(managed, entry);
		if (managed->guest && hn_make_up_join(managed, managed->guest)) {
			hn_make_up_apply_settings(managed);
			next = TAILQ_FIRST(&service->guests); /* another is gone, perhaps the next */
		}
	}
}

/* What libvirt or homenode's sockets give of QEMUs in containers. */
static void meet_contained(struct hn_census *census)
{
	struct hn_virts_socket *sockets = calloc(census->count + 1, sizeof(*sockets));
	size_t count = 0;

	for (size_t i = 0; sockets && i < census->count; i++) {
		const struct hn_qemu_container *container = hn_census_container(census, &census->qemus[i]);

		if (!container)
			continue;
		if (container->libvirt[0])
			sockets[count++] =
				(struct hn_virts_socket){container->libvirt, census->qemus[i].process,
							 container->libvirt_device, container->libvirt_inode};
		for (size_t j = 0; j < HN_QEMU_SOCKETS_MAX && container->monitors[j][0]; j++)
			hn_watch_meet(census->service->watch, container->monitors[j]);
	}
	if (sockets)
		hn_virts_keep(census->service->virts, sockets, count);
	free(sockets);
}

/* Rooms of guests that ended while nobody was listening. */
static void release_unseen(struct hn_census *census)
{
	struct hn_reserved *item = TAILQ_FIRST(&census->service->reservations.list), *next;
	uint64_t now = hn_now_ns();

	for (; item; item = next) {
		struct hn_reservation *reservation = item->reservation;
		const struct hn_qemu_process *qemu;

		next = TAILQ_NEXT(item, entry);
		if (reservation->state != HN_RESERVATION_STARTED ||
		    now < reservation->since_ns + UNSEEN_FOR_NS ||
		    hn_census_find(census, reservation->guest->uuid, NULL, &qemu, NULL) != -ENOENT)
			continue;
		hn_log(HN_LOG_INFO, "guest '%s': runs no more; its room is free", reservation->guest->name);
		hn_arrival_released(census->service, reservation->guest->uuid, reservation->guest->name);
	}
	hn_arrival_expire(census->service);
}

static void plan_next(struct hn_census *census)
{
	struct timeval wait = hn_timeval(census->again ? SOON_NS : EVERY_NS);

	census->again = false;
	event_add(census->due, &wait);
}

/* Takes over the answer's lists, checked against its length and each other. */
static int take(struct hn_census *census, const void *body, size_t length, struct hn_error *err)
{
	HN_AUTO(memory) char *told = malloc(length + 1);
	const struct hn_qemu_process *qemus;
	struct hn_hands_found found = {0};

	if (!told)
		return hn_oom(err);
	memcpy(told, body, length);
	if (length >= sizeof(found))
		memcpy(&found, told, sizeof(found));
	if (length != sizeof(found) + found.process_count * sizeof(*census->qemus) +
			      found.container_count * sizeof(*census->containers))
		return hn_fail(err, -EPROTO, "%u QEMUs in %u containers came back in %zu bytes",
			       found.process_count, found.container_count, length);
	qemus = (const struct hn_qemu_process *)(const void *)(told + sizeof(found));
	for (size_t i = 0; i < found.process_count; i++)
		if (qemus[i].container >= (int64_t)found.container_count)
			return hn_fail(err, -EPROTO, "process %d came back in container %d of %u",
				       (int)qemus[i].process.pid, (int)qemus[i].container,
				       found.container_count);
	free(census->told);
	census->count = found.process_count;
	census->qemus = qemus;
	census->containers = (const struct hn_qemu_container *)(const void *)(census->qemus + census->count);
	census->told = hn_steal(told);
	return 0;
}

static void on_find_reply(int result, const void *body, size_t length, const struct hn_error *err,
			  void *context)
{
	struct hn_census *census = context;
	struct hn_error why;

	census->asking = false;
	plan_next(census);
	if (result == 0 && take(census, body, length, &why) < 0)
		result = why.code, err = &why;
	if (result < 0) {
		tell_problem(census, err);
		return;
	}
	tell_problem(census, NULL);
	meet_contained(census);
	join_waiting(census->service);
	identify_waiting(census->service);
	release_unseen(census);
}

static void on_due(evutil_socket_t fd, short what, void *context)
{
	struct hn_census *census = context;
	struct hn_error err;

	if (census->asking)
		return;
	if (hn_hands_request(census->service->hands, HN_HANDS_FIND, NULL, 0, NULL, on_find_reply, census,
			     &err) < 0) {
		tell_problem(census, &err);
		plan_next(census);
	} else {
		census->asking = true;
	}
}

void hn_census_soon(struct hn_census *census)
{
	struct timeval wait = hn_timeval(SOON_NS);

	if (census->asking)
		census->again = true;
	else
		event_add(census->due, &wait);
}

int hn_census_new(struct hn_service *service, struct hn_census **ret, struct hn_error *err)
{
	struct hn_census *census = calloc(1, sizeof(*census));

	if (!census)
		return hn_oom(err);
	census->service = service;
	census->due = event_new(service->base, -1, 0, on_due, census);
	if (!census->due) {
		free(census);
		return hn_oom(err);
	}
	hn_census_soon(census);
	*ret = census;
	return 0;
}

void hn_census_free(struct hn_census *census)
{
	if (!census)
		return;
	hn_hands_forget(census->service->hands, census);
	event_free(census->due);
	free(census->told);
	free(census);
}
