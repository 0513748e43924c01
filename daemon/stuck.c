#include "daemon/stuck.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/units.h"
#include "daemon/admission.h"
#include "daemon/service.h"

/* Who is given up ends its piece by then, or is killed, unless it is stuck. */
#define SOON_NS HN_NS_PER_S

struct hn_stuck_mover {
	TAILQ_ENTRY(hn_stuck_mover) entry;
	struct hn_service *service;
	struct event *ended;
	int pidfd;
	pid_t pid;
	char guest[HN_NAME_MAX];
	uint64_t since_ns;
	bool told; /* that it is stuck */
};

static void stuck_free(struct hn_stuck_mover *stuck)
{
	TAILQ_REMOVE(&stuck->service->stuck, stuck, entry);
	if (stuck->ended)
		event_free(stuck->ended);
	close(stuck->pidfd);
	free(stuck);
}

static bool any_told(const struct hn_service *service)
{
	const struct hn_stuck_mover *stuck;

	TAILQ_FOREACH(stuck, &service->stuck, entry)
	if (stuck->told)
		return true;
	return false;
}

static void tell(struct hn_stuck_mover *stuck)
{
	stuck->told = stuck->service->host->fifo_hazard = true;
	hn_log(HN_LOG_WARNING,
	       "the mover of guest '%s' (pid %d) is stuck in the kernel and has not ended since it was given "
	       "up: no memory is moved on this host until it has",
	       stuck->guest, (int)stuck->pid);
}

/* Ended, or not yet. */
static void on_news(evutil_socket_t fd, short what, void *context)
{
	struct hn_stuck_mover *stuck = context;
	struct hn_service *service = stuck->service;

	if (what & EV_TIMEOUT) {
		tell(stuck);
		if (event_add(stuck->ended, NULL) == 0)
			return;
	} else if (stuck->told) {
		hn_log(HN_LOG_INFO, "the mover of guest '%s' (pid %d) that was given up has ended",
		       stuck->guest, (int)stuck->pid);
	}
	stuck_free(stuck);
	service->host->fifo_hazard = any_told(service);
	hn_admission_wake(service);
}

void hn_stuck_add(struct hn_service *service, int pidfd, pid_t pid, const char *guest)
{
	const struct timeval soon = hn_timeval(SOON_NS);
	struct hn_stuck_mover *stuck;

	if (pidfd < 0)
		return;
	stuck = calloc(1, sizeof(*stuck));
	if (!stuck) {
		close(pidfd);
		return;
	}
	*stuck = (struct hn_stuck_mover){
		.service = service, .pidfd = pidfd, .pid = pid, .since_ns = hn_now_ns()};
	snprintf(stuck->guest, sizeof(stuck->guest), "%s", guest);
	TAILQ_INSERT_TAIL(&service->stuck, stuck, entry);
	stuck->ended = event_new(service->base, pidfd, EV_READ, on_news, stuck);
	if (!stuck->ended || event_add(stuck->ended, &soon) < 0)
		stuck_free(stuck);
}

bool hn_stuck_any(const struct hn_service *service, char *why, size_t size)
{
	const struct hn_stuck_mover *stuck = TAILQ_FIRST(&service->stuck);
	char text[HN_UNITS_TEXT_MAX];

	if (!stuck)
		return false;
	if (!stuck->told)
		snprintf(why, size, "the mover of '%s' (pid %d) is about to end", stuck->guest,
			 (int)stuck->pid);
	else
		snprintf(why, size,
			 "the mover of '%s' (pid %d) has been stuck in the kernel for %s; a thread of a "
			 "realtime class that never leaves its CPU does that",
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
