#include "daemon/gauge.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/units.h"
#include "daemon/hands-channel.h"
#include "daemon/look.h"

#define LATE_NS (5 * HN_NS_PER_S) /* that a reading may come late on a busy host */

struct hn_gauge {
	struct hn_service *service;
	struct event *due;
	bool asking;
	char problem[HN_ERROR_MAX];
};

uint64_t hn_gauge_max_age(const struct hn_service *service)
{
	return 3 * service->config->tick_ns + LATE_NS;
}

int hn_gauge_host(const struct hn_service *service, struct hn_activity **ret)
{
	return hn_readings_tell(&service->readings, hn_now_ns(), hn_gauge_max_age(service), ret);
}

bool hn_gauge_reads_bandwidth(const struct hn_service *service)
{
	const struct hn_managed *managed;

	TAILQ_FOREACH(managed, &service->guests, entry)
	if (managed->guest && managed->guest->class == HN_CLASS_REALTIME)
		return false;
	return true;
}

static bool is_monitored(const struct hn_thread_reading *threads, size_t count, pid_t tid)
{
	const struct hn_thread_reading *reading = hn_look_find(threads, count, tid);

	return reading && reading->monitored;
}

static bool all_monitored(const struct hn_guest *guest, const struct hn_thread_reading *threads, size_t count)
{
	size_t vcpus = 0;

	for (size_t i = 0; i < guest->thread_count; i++) {
		if (guest->threads[i].kind != HN_THREAD_VCPU)
			continue;
		if (!is_monitored(threads, count, guest->threads[i].tid))
			return false;
		vcpus++;
	}
	return vcpus > 0;
}

int hn_gauge_take(struct hn_managed *managed, const struct hn_hands_view *view,
		  const struct hn_thread_reading *threads, struct hn_error *err)
{
	bool monitored = all_monitored(managed->guest, threads, view->thread_count);
	struct hn_counters known[HN_GUEST_COUNTERS];
	struct hn_evidence *evidence;
	size_t count = 0;

	for (size_t i = 0; i < HN_GUEST_COUNTERS; i++)
		if (view->counters[i].known &&
		    (monitored || view->counters[i].family != HN_COUNTERS_BANDWIDTH))
			known[count++] = view->counters[i];
	evidence = hn_evidence_new(count);
	if (!evidence)
		return hn_oom(err);
	evidence->taken_ns = hn_now_ns();
	memcpy(evidence->stalls, view->stalls, sizeof(evidence->stalls));
	memcpy(evidence->counters, known, count * sizeof(*known));
	hn_readings_put(&managed->readings, evidence);
	return 0;
}

static int take(struct hn_gauge *gauge, const void *body, size_t length, struct hn_error *err)
{
	size_t counters = 1 + gauge->service->host->node_count;
	struct hn_hands_evidence told;
	struct hn_evidence *evidence;

	if (length != sizeof(told) + counters * sizeof(*evidence->counters))
		return hn_fail(err, -EPROTO, "the answer has %zu bytes", length);
	evidence = hn_evidence_new(counters);
	if (!evidence)
		return hn_oom(err);
	memcpy(&told, body, sizeof(told));
	memcpy(evidence->counters, (const char *)body + sizeof(told), length - sizeof(told));
	memcpy(evidence->stalls, told.stalls, sizeof(evidence->stalls));
	evidence->taken_ns = hn_now_ns();
	hn_readings_put(&gauge->service->readings, evidence);
	return 0;
}

static void tell_problem(struct hn_gauge *gauge, const struct hn_error *err)
{
	const char *message = err ? err->message : "";

	if (strcmp(gauge->problem, message) == 0)
		return;
	if (err)
		hn_log(HN_LOG_WARNING, "reading the host's pressure and counters: %s", message);
	snprintf(gauge->problem, sizeof(gauge->problem), "%s", message);
}

/* As looks are, with 10 % of jitter. */
static void plan_next(struct hn_gauge *gauge)
{
	uint64_t tick = gauge->service->config->tick_ns;
	struct timeval wait =
		hn_timeval(tick - tick / 10 + hn_random_below(&gauge->service->random, tick / 5 + 1));

	event_add(gauge->due, &wait);
}

static void on_reply(int result, const void *body, size_t length, const struct hn_error *err, void *context)
{
	struct hn_gauge *gauge = context;
	struct hn_error why = {0};

	gauge->asking = false;
	plan_next(gauge);
	if (result == 0 && (result = take(gauge, body, length, &why)) < 0)
		err = &why;
	tell_problem(gauge, result < 0 ? err : NULL);
}

static int ask(struct hn_gauge *gauge, struct hn_error *err)
{
	const struct hn_host *host = gauge->service->host;
	HN_AUTO(memory) int32_t *nodes = calloc(host->node_count + 1, sizeof(*nodes));

	if (!nodes)
		return hn_oom(err);
	for (size_t i = 0; i < host->node_count; i++)
		nodes[i] = host->nodes[i].id;
	return hn_hands_request(gauge->service->hands, HN_HANDS_EVIDENCE,
				&(struct hn_hands_part){nodes, host->node_count * sizeof(*nodes)}, 1, NULL,
				on_reply, gauge, err);
}

static void on_due(evutil_socket_t fd, short what, void *context)
{
	struct hn_gauge *gauge = context;
	struct hn_error err;

	if (gauge->asking)
		return;
	if (ask(gauge, &err) < 0) {
		tell_problem(gauge, &err);
		plan_next(gauge);
	} else {
		gauge->asking = true;
	}
}

int hn_gauge_new(struct hn_service *service, struct hn_gauge **ret, struct hn_error *err)
{
	struct hn_gauge *gauge = calloc(1, sizeof(*gauge));
	struct timeval soon = {0};

	if (!gauge)
		return hn_oom(err);
	gauge->service = service;
	gauge->due = event_new(service->base, -1, 0, on_due, gauge);
	if (!gauge->due) {
		free(gauge);
		return hn_oom(err);
	}
	event_add(gauge->due, &soon);
	*ret = gauge;
	return 0;
}

void hn_gauge_free(struct hn_gauge *gauge)
{
	if (!gauge)
		return;
	hn_hands_forget(gauge->service->hands, gauge);
	event_free(gauge->due);
	free(gauge);
}
