/*
 * A question is under way while pass or qmp is there: first qmp alone, until it is in step with the agent,
 * then the pass, which needs qmp no more once it has ended. The next one waits for the timer, which is set
 * when the last has ended.
 */
#include "daemon/agent.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/units.h"
#include "daemon/domain.h"
#include "policy/reported.h"
#include "qmp/report.h"

#define FIRST_AFTER_NS (2 * HN_NS_PER_S)
#define AGAIN_AFTER_NS (5 * HN_NS_PER_S) /* for a second answer, without which the first tells no rates */
#define MESSAGE_BYTES_MAX (256 * HN_KIB)
#define SLOWER_MOST 4 /* doublings */

struct hn_guest_agent {
	struct hn_managed *managed;
	struct event *timer;
	struct hn_qmp *qmp;
	struct hn_report_pass *pass;
	struct hn_reported *earlier, *later; /* the last two answers */
	unsigned silences;                   /* in a row */
	char *silence;                       /* why the last one was, NULL none */
};

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Ten per cent of jitter, as for looks. */
static void ask_in(struct hn_guest_agent *agent, uint64_t ns)
{
	struct timeval wait =
		hn_timeval(ns - ns / 20 + hn_random_below(&agent->managed->service->random, ns / 10 + 1));

	event_add(agent->timer, &wait);
}

/* Where looks come less often than set, to keep their budget, answers that nobody weighs in between would
 * only cost. */
static uint64_t period_of(const struct hn_guest_agent *agent)
{
	const struct hn_service *service = agent->managed->service;
	uint64_t tick = hn_cadence_tick(&service->cadence), period = service->config->agent_ns;

	return tick > service->cadence.tick_ns && tick > period ? tick : period;
}

static void ask_later(struct hn_guest_agent *agent)
{
	uint64_t period = period_of(agent);

	if (agent->later && !agent->earlier && agent->silences == 0)
		ask_in(agent, least(period, AGAIN_AFTER_NS));
	else
		ask_in(agent, period << least(agent->silences, SLOWER_MOST));
}

void hn_guest_agent_stop(struct hn_guest_agent *agent)
{
	if (!agent || (!agent->pass && !agent->qmp))
		return;
	hn_report_cancel(hn_steal(agent->pass));
	hn_qmp_free(hn_steal(agent->qmp));
	ask_later(agent);
}

void hn_guest_agent_forget(struct hn_guest_agent *agent)
{
	if (!agent)
		return;
	hn_guest_agent_stop(agent);
	hn_reported_free(hn_steal(agent->earlier));
	hn_reported_free(hn_steal(agent->later));
}

static void take_silence(struct hn_guest_agent *agent, const struct hn_error *err)
{
	if (agent->silences++ == 0)
		hn_log(HN_LOG_INFO, "%s; it is asked again, and less often", err->message);
	free(agent->silence);
	agent->silence = strdup(err->message);
}

static void take_answer(struct hn_guest_agent *agent)
{
	if (agent->silences > 0)
		hn_log(HN_LOG_INFO, "guest '%s': its agent answers again", agent->managed->name);
	agent->silences = 0;
	free(hn_steal(agent->silence));
}

/* What the host knows of its vCPUs, to hold the guest's figures against. */
static void measure_vcpus(const struct hn_managed *managed, struct hn_reported *reported)
{
	const struct hn_sample *sample = managed->sample;

	if (!sample || sample->thread_count != managed->guest->thread_count)
		return;
	for (size_t i = 0; i < sample->thread_count; i++)
		if (managed->guest->threads[i].kind == HN_THREAD_VCPU)
			reported->vcpu_ns += sample->threads[i].cpu_ns;
	reported->vcpu_taken_ns = sample->taken_ns;
}

/* Half an answer is not compared with a whole one; the balloon's part is not the agent's. */
static void keep(struct hn_guest_agent *agent, struct hn_reported *reported, bool whole)
{
	struct hn_reported *later = agent->later;

	if (!whole && later && (later->node_count > 0 || later->cpu_count > 0)) {
		later->balloon = reported->balloon;
		hn_reported_free(reported);
		return;
	}
	measure_vcpus(agent->managed, reported);
	if (whole) {
		hn_reported_free(agent->earlier);
		agent->earlier = hn_steal(agent->later);
	}
	hn_reported_free(agent->later);
	agent->later = reported;
}

static void on_report_done(struct hn_reported **reported, const struct hn_error *err, void *context)
{
	struct hn_guest_agent *agent = context;

	agent->pass = NULL;
	if (err)
		take_silence(agent, err);
	else if (agent->qmp)
		take_answer(agent);
	if (*reported)
		keep(agent, hn_steal(*reported), agent->qmp && !err);
	hn_qmp_free(hn_steal(agent->qmp));
	ask_later(agent);
}

/* Asks the agent, if it is connected, and the monitor. */
static void start_pass(struct hn_guest_agent *agent)
{
	struct hn_qmp *monitor = agent->managed->qmp;
	struct hn_error err;

	if (monitor && !hn_qmp_ready(monitor))
		monitor = NULL;
	if ((agent->qmp || monitor) &&
	    hn_report_start(agent->qmp, monitor, on_report_done, agent, &agent->pass, &err) == 0)
		return;
	hn_qmp_free(hn_steal(agent->qmp));
	ask_later(agent);
}

static void on_agent_ready(struct hn_qmp *qmp, void *context)
{
	start_pass(context);
}

/* A pass that is under way hears of it by itself. */
static void on_agent_down(struct hn_qmp *qmp, const struct hn_error *why, uint64_t retry_ns, void *context)
{
	struct hn_guest_agent *agent = context;

	if (agent->pass)
		return;
	take_silence(agent, why);
	hn_qmp_free(hn_steal(agent->qmp));
	start_pass(agent);
}

/* "/run/x/web.qmp" -> "/run/x/web.qga"; false when there is no such socket. */
static bool find_socket(const struct hn_managed *managed, char *path, size_t size)
{
	size_t length = managed->socket ? strlen(managed->socket) : 0;
	struct stat status;

	if (length < 4 || length >= size || strcmp(managed->socket + length - 4, ".qmp") != 0)
		return false;
	memcpy(path, managed->socket, length + 1);
	memcpy(path + length - 4, ".qga", 4);
	return stat(path, &status) == 0 && S_ISSOCK(status.st_mode);
}

/* 1: being connected to; 0: there is none. */
static int connect_agent(struct hn_guest_agent *agent, struct hn_error *err)
{
	const struct hn_qmp_listener listener = {
		.ready = on_agent_ready, .down = on_agent_down, .context = agent};
	struct hn_managed *managed = agent->managed;
	struct hn_qmp_limits limits = hn_qmp_default_limits;
	char path[HN_SOCKET_PATH_MAX];
	int fd, r;

	limits.message_bytes = MESSAGE_BYTES_MAX;
	limits.retry_first_ns = 0;
	if (find_socket(managed, path, sizeof(path))) {
		r = hn_qmp_new(managed->service->base, managed->name, path, HN_QMP_AGENT, &limits, &listener,
			       &agent->qmp, err);
		if (r < 0)
			return r;
		hn_qmp_set_opener(agent->qmp, &managed->service->opener.qmp);
		return 1;
	}
	if (!managed->domain || !managed->domain->agent)
		return 0;
	r = hn_virt_wire_open(managed->domain->virt, managed->domain->uuid, HN_VIRT_AGENT, &fd, err);
	if (r == 0)
		r = hn_qmp_new_from_fd(managed->service->base, managed->name, fd, HN_QMP_AGENT, &limits,
				       &listener, &agent->qmp, err);
	return r < 0 ? r : 1;
}

static bool is_to_be_asked(const struct hn_managed *managed)
{
	const struct hn_guest *guest = managed->guest;

	return guest && managed->identified && guest->mode != HN_MODE_OFF &&
	       guest->class != HN_CLASS_REALTIME && guest->state == HN_RUN_RUNNING;
}

static void on_question_due(evutil_socket_t fd, short what, void *context)
{
	struct hn_guest_agent *agent = context;
	struct hn_error err;
	int r;

	if (!is_to_be_asked(agent->managed)) {
		ask_in(agent, agent->managed->service->config->agent_ns);
		return;
	}
	r = connect_agent(agent, &err);
	if (r < 0)
		take_silence(agent, &err);
	if (r <= 0)
		start_pass(agent);
}

int hn_guest_agent_new(struct hn_managed *managed, struct hn_guest_agent **ret, struct hn_error *err)
{
	uint64_t period = managed->service->config->agent_ns;
	struct hn_guest_agent *agent;

	*ret = NULL;
	if (period == 0)
		return 0;
	if (!(agent = calloc(1, sizeof(*agent))))
		return hn_oom(err);
	agent->managed = managed;
	agent->timer = event_new(managed->service->base, -1, 0, on_question_due, agent);
	if (!agent->timer) {
		free(agent);
		return hn_oom(err);
	}
	ask_in(agent, least(period, FIRST_AFTER_NS));
	*ret = agent;
	return 0;
}

void hn_guest_agent_free(struct hn_guest_agent *agent)
{
	if (!agent)
		return;
	hn_guest_agent_forget(agent);
	event_free(agent->timer);
	free(agent->silence);
	free(agent);
}

int hn_guest_agent_report(const struct hn_guest_agent *agent, struct hn_report *report)
{
	struct hn_error err;

	if (!agent || !agent->later || !agent->managed->guest)
		return 0;
	if (!(report->reported = hn_reported_copy(agent->later)))
		return -ENOMEM;
	if (hn_access_new_between(agent->managed->guest, agent->earlier, agent->later, hn_now_ns(),
				  &report->access, &err) < 0)
		return -ENOMEM;
	if (agent->silence && report->access->doubt == HN_DOUBT_SILENT)
		snprintf(report->access->reason, sizeof(report->access->reason), "%s", agent->silence);
	hn_access_say(report->access, report->inside, sizeof(report->inside));
	return 0;
}
