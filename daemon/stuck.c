#include "daemon/stuck.h"

#include <event2/event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/units.h"
#include "daemon/admission.h"
#include "daemon/service.h"

/* Killed processes that are not stuck are gone by then. */
#define SOON_MS 50

struct hn_stuck_mover {
	TAILQ_ENTRY(hn_stuck_mover) entry;
	struct hn_service *service;
	struct event *ended;
	int pidfd;
	pid_t pid;
	char guest[HN_NAME_MAX];
	uint64_t since_ns;
};

static void stuck_free(struct hn_stuck_mover *stuck)
{
	TAILQ_REMOVE(&stuck->service->stuck, stuck, entry);
	if (stuck->ended)
		event_free(stuck->ended);
	close(stuck->pidfd);
	free(stuck);
}

static void on_ended(evutil_socket_t fd, short what, void *context)
{
	struct hn_stuck_mover *stuck = context;
	struct hn_service *service = stuck->service;

	hn_log(HN_LOG_INFO, "the mover of guest '%s' (pid %d) that was given up has ended", stuck->guest,
	       (int)stuck->pid);
	stuck_free(stuck);
	service->host->fifo_hazard = !TAILQ_EMPTY(&service->stuck);
	hn_admission_wake(service);
}

static bool has_ended(int pidfd)
{
	struct pollfd poller = {.fd = pidfd, .events = POLLIN};

	return poll(&poller, 1, SOON_MS) > 0;
}

void hn_stuck_add(struct hn_service *service, int pidfd, pid_t pid, const char *guest)
{
	struct hn_stuck_mover *stuck;

	if (pidfd < 0)
		return;
	stuck = has_ended(pidfd) ? NULL : calloc(1, sizeof(*stuck));
	if (!stuck) {
		close(pidfd);
		return;
	}
	*stuck = (struct hn_stuck_mover){
		.service = service, .pidfd = pidfd, .pid = pid, .since_ns = hn_now_ns()};
	snprintf(stuck->guest, sizeof(stuck->guest), "%s", guest);
	TAILQ_INSERT_TAIL(&service->stuck, stuck, entry);
	service->host->fifo_hazard = true;
	stuck->ended = event_new(service->base, pidfd, EV_READ, on_ended, stuck);
	if (!stuck->ended || event_add(stuck->ended, NULL) < 0) {
		stuck_free(stuck);
		return;
	}
	hn_log(HN_LOG_WARNING,
	       "the mover of guest '%s' (pid %d) is stuck in the kernel and does not end when killed: no "
	       "memory is "
	       "moved on this host until it has",
	       guest, (int)pid);
}

bool hn_stuck_any(const struct hn_service *service, char *why, size_t size)
{
	const struct hn_stuck_mover *stuck = TAILQ_FIRST(&service->stuck);
	char text[HN_UNITS_TEXT_MAX];

	if (!stuck)
		return false;
	snprintf(why, size,
		 "the mover of '%s' (pid %d) has been stuck in the kernel for %s; a thread of a realtime "
		 "class that "
		 "never leaves its CPU does that",
		 stuck->guest, (int)stuck->pid,
		 hn_duration_format(hn_now_ns() - stuck->since_ns, text, sizeof(text)));
	return true;
}

void hn_stuck_done(struct hn_service *service)
{
	struct hn_stuck_mover *stuck;

	while ((stuck = TAILQ_FIRST(&service->stuck)))
		stuck_free(stuck);
}
