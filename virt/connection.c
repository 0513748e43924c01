/*
 * The life of a connection:
 *
 *     DOWN -> OPENING -> LISTING -> UP
 *
 * Events are listened to before domains are listed, so nothing that happens in between is missed. Whatever
 * goes wrong ends in lost(): the worker closes what is left, wires end, the listener hears one sentence, and
 * a timer is set. What the worker still brings of an earlier connection is told by its number.
 *
 * Every entry from the event loop that may call the listener stands between enter and leave; one that frees
 * the connection is the last that is called.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "virt/events.h"
#include "virt/failure.h"
#include "virt/virt-private.h"

#define LASTING_NS (10 * HN_NS_PER_S) /* a connection that was up for so long was a success */

const struct hn_virt_limits hn_virt_default_limits = {
	.keepalive_s = 5,
	.keepalive_count = 3,
	.call_ns = 35 * HN_NS_PER_S,
	.retry_first_ns = HN_NS_PER_S,
	.retry_most_ns = 60 * HN_NS_PER_S,
	.gather_ns = 50 * HN_NS_PER_MS,
	.repeat_ns = 30 * HN_NS_PER_S,
};

struct open_job {
	struct hn_job job;
	struct hn_virt *virt; /* the loop's thread only */
	unsigned link_number;
	struct hn_error err;
	size_t count;
	char (*uuids)[40];
};

static void destroy(struct hn_virt *virt)
{
	if (virt->retry)
		event_free(virt->retry);
	if (virt->tick)
		event_free(virt->tick);
	free(virt->uri);
	free(virt);
}

void hn_virt_enter(struct hn_virt *virt)
{
	virt->entered++;
}

void hn_virt_leave(struct hn_virt *virt)
{
	if (--virt->entered == 0 && virt->freed)
		destroy(virt);
}

/* ---- the worker's thread */

static void free_domains(virDomainPtr *domains, int count)
{
	for (int i = 0; i < count; i++)
		virDomainFree(domains[i]);
	free(domains);
}

static int list(struct open_job *job, virConnectPtr connection)
{
	virDomainPtr *domains = NULL;
	int count;

	virResetLastError();
	count = virConnectListAllDomains(connection, &domains, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
	if (count < 0)
		return hn_virt_fail(&job->err, "libvirt's domains cannot be listed");
	job->uuids = calloc((size_t)count + 1, sizeof(*job->uuids));
	for (int i = 0; job->uuids && i < count; i++)
		if (virDomainGetUUIDString(domains[i], job->uuids[job->count]) == 0)
			job->count++;
	free_domains(domains, count);
	return job->uuids ? 0 : hn_oom(&job->err);
}

static void run_open(struct hn_job *base, struct hn_link *link)
{
	struct open_job *job = (struct open_job *)base;

	if (hn_link_open(link, &job->err) == 0)
		list(job, hn_link_connection(link));
	hn_link_explain(link, &job->err);
}

static void run_close(struct hn_job *base, struct hn_link *link)
{
	hn_link_close(link);
}

/* ---- the loop's thread */

static void close_done(struct hn_job *base, bool told)
{
	free(base);
}

static void submit_close(struct hn_virt *virt)
{
	struct hn_job *job = calloc(1, sizeof(*job));

	if (!job)
		return; /* then it is closed when the next is opened */
	*job = (struct hn_job){.run = run_close, .done = close_done};
	if (hn_worker_submit(virt->worker, job, NULL) < 0)
		free(job);
}

/* The pause before the next try: doubling, and up to a quarter less by chance. */
static uint64_t back_off(struct hn_virt *virt)
{
	uint64_t pause = virt->limits.retry_first_ns;

	for (unsigned i = 0; i < virt->failures && pause < virt->limits.retry_most_ns; i++)
		pause *= 2;
	if (pause > virt->limits.retry_most_ns)
		pause = virt->limits.retry_most_ns;
	return pause - hn_random_below(&virt->chance, pause / 4 + 1);
}

static void lost(struct hn_virt *virt, const struct hn_error *why)
{
	bool news = strcmp(virt->told_why, why->message) != 0;

	hn_virt_enter(virt);
	if (virt->up_since_ns && hn_virt_now_ns() - virt->up_since_ns > LASTING_NS)
		virt->failures = 0;
	virt->up_since_ns = 0;
	virt->state = VIRT_DOWN;
	virt->link_number++;
	virt->retry_ns = back_off(virt);
	virt->failures++;
	hn_domains_pause(virt);
	hn_wires_end(virt, NULL);
	submit_close(virt);
	hn_virt_set_timer(virt->retry, virt->retry_ns);
	memcpy(virt->told_why, why->message, sizeof(virt->told_why));
	if (news && virt->listener.down)
		virt->listener.down(virt, why, virt->retry_ns, virt->listener.context);
	hn_virt_leave(virt);
}

static void open_done(struct hn_job *base, bool told)
{
	struct open_job *job = (struct open_job *)base;
	struct hn_virt *virt = job->virt;

	if (told && job->link_number == virt->link_number) {
		hn_virt_enter(virt);
		if (job->err.code == 0) {
			virt->state = VIRT_LISTING;
			hn_domains_listed(virt, job->uuids, job->count, &job->err);
		}
		if (job->err.code < 0)
			lost(virt, &job->err);
		hn_virt_leave(virt);
	}
	free(job->uuids);
	free(job);
}

static int submit_open(struct hn_virt *virt, struct hn_error *err)
{
	HN_AUTO(memory) struct open_job *job = calloc(1, sizeof(*job));
	int r;

	if (!job)
		return hn_oom(err);
	virt->link_number++;
	job->job = (struct hn_job){.run = run_open, .done = open_done};
	job->virt = virt;
	job->link_number = virt->link_number;
	r = hn_worker_submit(virt->worker, &job->job, err);
	if (r < 0)
		return r;
	virt->state = VIRT_OPENING;
	job = NULL;
	return 0;
}

static void on_retry(evutil_socket_t fd, short what, void *context)
{
	struct hn_virt *virt = context;
	struct hn_error err = {0};

	if (submit_open(virt, &err) < 0)
		lost(virt, &err);
}

void hn_virt_complete(struct hn_virt *virt)
{
	virt->state = VIRT_UP;
	virt->up_since_ns = hn_virt_now_ns();
	virt->told_why[0] = '\0';
	if (virt->listener.up)
		virt->listener.up(virt, virt->listener.context);
}

static void on_ear_event(const char *uuid, bool running, enum hn_domain_event event, void *context)
{
	hn_domains_hear(context, uuid, running, event);
}

static void on_ear_stopped(const char *uuid, const char *why, void *context)
{
	hn_domains_hear_stopped(context, uuid, why);
}

static void on_ear_lost(const char *why, void *context)
{
	struct hn_virt *virt = context;
	struct hn_error err;

	/* A connection that ends while it is opened is the opening's failure. */
	if (virt->state != VIRT_LISTING && virt->state != VIRT_UP)
		return;
	/* Its sockets were shut down then, and what libvirt says of that would mislead. */
	if (hn_worker_late(virt->worker))
		why = "a call was not answered in time";
	hn_fail(&err, -ENOTCONN, "libvirt at %s: %s", virt->uri, why);
	lost(virt, &err);
}

static int start_worker(struct hn_virt *virt, struct hn_error *err)
{
	const struct hn_ear_owner owner = {on_ear_event, on_ear_stopped, on_ear_lost, virt};
	struct hn_link *link;
	int r = hn_ear_new(virt->base, &owner, &virt->ear, err);

	if (r < 0)
		return r;
	link = hn_link_new(virt->uri, (int)virt->limits.keepalive_s, virt->limits.keepalive_count,
			   hn_ear_ref(virt->ear));
	if (!link)
		return hn_oom(err);
	r = hn_worker_new(virt->base, link, virt->limits.call_ns, &virt->worker, err);
	return r < 0 ? r : submit_open(virt, err);
}

int hn_virt_new_limited(struct event_base *base, const char *uri, const struct hn_virt_limits *limits,
			const struct hn_virt_listener *listener, struct hn_virt **ret, struct hn_error *err)
{
	HN_AUTO(hn_virt) struct hn_virt *virt = NULL;
	int r = hn_events_join(base, err);

	if (r < 0)
		return r;
	virt = calloc(1, sizeof(*virt));
	if (!virt) {
		hn_events_leave();
		return hn_oom(err);
	}
	virt->base = base;
	virt->limits = *limits;
	virt->listener = *listener;
	virt->chance.state = hn_virt_now_ns() ^ ((uint64_t)getpid() << 32) ^ (uintptr_t)virt;
	TAILQ_INIT(&virt->domains);
	TAILQ_INIT(&virt->actions);
	TAILQ_INIT(&virt->wires);
	virt->uri = strdup(uri);
	virt->retry = evtimer_new(base, on_retry, virt);
	virt->tick = evtimer_new(base, hn_domains_on_tick, virt);
	if (!virt->uri || !virt->retry || !virt->tick)
		return hn_oom(err);
	r = start_worker(virt, err);
	if (r < 0)
		return r;
	*ret = hn_steal(virt);
	return 0;
}

int hn_virt_new(struct event_base *base, const char *uri, const struct hn_virt_listener *listener,
		struct hn_virt **ret, struct hn_error *err)
{
	return hn_virt_new_limited(base, uri, &hn_virt_default_limits, listener, ret, err);
}

void hn_virt_free(struct hn_virt *virt)
{
	if (!virt || virt->freed)
		return;
	hn_virt_enter(virt);
	virt->freed = true;
	virt->state = VIRT_DOWN; /* who is answered now asks for nothing more */
	hn_actions_end(virt);
	if (virt->ear)
		hn_ear_deafen(virt->ear);
	hn_wires_end(virt, NULL);
	hn_worker_free(hn_steal(virt->wire_worker));
	hn_worker_free(hn_steal(virt->worker));
	if (virt->ear)
		hn_ear_unref(hn_steal(virt->ear));
	hn_events_leave();
	hn_domains_free(virt);
	if (virt->retry)
		event_del(virt->retry);
	if (virt->tick)
		event_del(virt->tick);
	hn_virt_leave(virt);
}

bool hn_virt_connected(const struct hn_virt *virt)
{
	return virt->state == VIRT_LISTING || virt->state == VIRT_UP;
}

const char *hn_virt_uri(const struct hn_virt *virt)
{
	return virt->uri;
}
