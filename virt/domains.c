/*
 * What is known of domains, and when each is looked at next. An event only makes a mark; the tick looks at
 * what is due, one job a domain and LOOKS_MAX of them at a time, so that actions get their turn between them.
 *
 * A domain that stops while it is looked at: its run number tells that the look is of a run that is over.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "virt/failure.h"
#include "virt/virt-private.h"

#define LOOKS_MAX 8
#define PROBLEM_PAUSE_NS (5 * HN_NS_PER_S)
#define MISSING_PAUSE_NS HN_NS_PER_S /* for the event that tells why */

struct hn_domain {
	TAILQ_ENTRY(hn_domain) link;
	char uuid[40];
	unsigned events; /* bits of enum hn_domain_event, not told yet */
	uint64_t due_ns; /* of the next look, 0: none */
	unsigned run;    /* no other has or had that number */
	unsigned looked; /* the run that the look under way is of */
	bool told;       /* the listener knows it */
	bool listed;     /* found by the last listing */
	bool awaited;    /* "up" waits for the look at it */
	bool looking;    /* a look is under way */
	bool gone;       /* to be told */
	bool missing;    /* did not run at the last look, and no event told why */
	bool incoming;   /* arrives by migration */
	uint64_t print;  /* of what was told last */
	char why[24];    /* gone */
	char problem[HN_ERROR_MAX];
};

/* A look: the worker fills in what is from err on. */
struct look {
	struct hn_job job;
	struct hn_virt *virt;
	char uuid[40];
	unsigned link_number, run, events;
	struct hn_error err;
	char name[HN_NAME_MAX];
	int id, state, reason;
	bool persistent;
	char *xml, *inactive_xml;
};

static struct hn_domain *find(const struct hn_virt *virt, const char *uuid)
{
	struct hn_domain *domain;

	TAILQ_FOREACH(domain, &virt->domains, link)
	if (strcmp(domain->uuid, uuid) == 0)
		return domain;
	return NULL;
}

static struct hn_domain *add(struct hn_virt *virt, const char *uuid)
{
	struct hn_domain *domain = calloc(1, sizeof(*domain));

	if (!domain)
		return NULL;
	snprintf(domain->uuid, sizeof(domain->uuid), "%s", uuid);
	domain->run = ++virt->runs;
	TAILQ_INSERT_TAIL(&virt->domains, domain, link);
	return domain;
}

static void drop(struct hn_virt *virt, struct hn_domain *domain)
{
	TAILQ_REMOVE(&virt->domains, domain, link);
	free(domain);
}

bool hn_domains_has(const struct hn_virt *virt, const char *uuid)
{
	const struct hn_domain *domain = find(virt, uuid);

	return domain && domain->told && !domain->gone;
}

/* ---- when */

/* The timer is set for the earliest of what is due; the tick finds the next. */
static void wake(struct hn_virt *virt, uint64_t due_ns)
{
	uint64_t now = hn_virt_now_ns();

	if (due_ns < now)
		due_ns = now;
	if (virt->tick_due_ns && virt->tick_due_ns <= due_ns)
		return;
	virt->tick_due_ns = due_ns;
	hn_virt_set_timer(virt->tick, due_ns - now);
}

static void look_at(struct hn_virt *virt, struct hn_domain *domain, uint64_t due_ns)
{
	if (domain->due_ns == 0 || due_ns < domain->due_ns)
		domain->due_ns = due_ns;
	wake(virt, domain->due_ns);
}

void hn_domains_hear(struct hn_virt *virt, const char *uuid, bool running, enum hn_domain_event event)
{
	struct hn_domain *domain = find(virt, uuid);

	if (!domain && running)
		domain = add(virt, uuid);
	if (!domain)
		return; /* it does not run, or there is no memory: the next look at all finds it */
	domain->events |= 1u << event;
	look_at(virt, domain, hn_virt_now_ns() + virt->limits.gather_ns);
}

void hn_domains_hear_stopped(struct hn_virt *virt, const char *uuid, const char *why)
{
	struct hn_domain *domain = find(virt, uuid);

	if (!domain)
		return;
	domain->run = ++virt->runs;
	domain->events = 0;
	domain->due_ns = 0;
	domain->missing = false;
	if (!domain->gone) {
		domain->gone = true;
		snprintf(domain->why, sizeof(domain->why), "%s", why);
	}
	wake(virt, 0);
}

/* ---- the worker's thread */

static int read_xml(virDomainPtr domain, const char *name, unsigned flags, char **ret, struct hn_error *err)
{
	size_t length;

	*ret = virDomainGetXMLDesc(domain, flags);
	if (!*ret)
		return hn_virt_fail(err, "domain %s: libvirt does not give its XML", name);
	length = strlen(*ret);
	if (length > HN_VIRT_XML_MAX)
		return hn_fail(err, -EFBIG,
			       "domain %s: its XML has %zu bytes, more than %u; it is passed over", name,
			       length, HN_VIRT_XML_MAX);
	return 0;
}

static int look(struct look *look, struct hn_link *link)
{
	HN_AUTO(vir_domain) virDomainPtr domain = NULL;
	struct hn_error *err = &look->err;
	int r = hn_link_domain(link, look->uuid, &domain, err);

	if (r < 0)
		return r;
	snprintf(look->name, sizeof(look->name), "%s", virDomainGetName(domain));
	look->id = (int)virDomainGetID(domain);
	if (look->id < 0)
		return hn_fail(err, -ENOENT, "domain %s does not run", look->name);
	if (virDomainGetState(domain, &look->state, &look->reason, 0) < 0)
		return hn_virt_fail(err, "domain %s: libvirt does not tell its state", look->name);
	look->persistent = virDomainIsPersistent(domain) == 1;
	hn_link_mark(link);
	r = read_xml(domain, look->name, 0, &look->xml, err);
	if (r == 0 && look->persistent) {
		hn_link_mark(link);
		r = read_xml(domain, look->name, VIR_DOMAIN_XML_INACTIVE, &look->inactive_xml, err);
	}
	return r;
}

static void run_look(struct hn_job *base, struct hn_link *link)
{
	struct look *job = (struct look *)base;

	look(job, link);
	hn_link_explain(link, &job->err);
}

/* ---- what is told */

static uint64_t add_print(uint64_t print, const char *text)
{
	/* FNV-1a */
	for (; text && *text; text++)
		print = (print ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return (print ^ 0xff) * UINT64_C(0x100000001b3);
}

static uint64_t print_of(const struct look *look)
{
	uint64_t print = UINT64_C(0xcbf29ce484222325);

	print = add_print(print, look->xml);
	print = add_print(print, look->inactive_xml);
	return print ^ ((uint64_t)look->state << 32) ^ (uint64_t)look->id;
}

static enum hn_run_state run_state(const struct look *look, bool incoming)
{
	switch (look->state) {
	case VIR_DOMAIN_RUNNING:
	case VIR_DOMAIN_BLOCKED:
		return HN_RUN_RUNNING;
	case VIR_DOMAIN_PAUSED:
		return incoming && look->reason == VIR_DOMAIN_PAUSED_MIGRATION ? HN_RUN_INCOMING
									       : HN_RUN_PAUSED;
	case VIR_DOMAIN_PMSUSPENDED:
		return HN_RUN_PAUSED;
	case VIR_DOMAIN_SHUTDOWN:
	case VIR_DOMAIN_SHUTOFF:
	case VIR_DOMAIN_CRASHED:
		return HN_RUN_SHUTDOWN;
	default:
		return HN_RUN_UNKNOWN;
	}
}

/* libvirt writes the channel's target with its state last (domain_conf.c, virDomainChrTargetDefFormat()). */
static bool agent_connected(const char *xml)
{
	static const char target[] = "<target type='virtio' name='org.qemu.guest_agent.0'";
	const char *from = strstr(xml, target);
	const char *to = from ? strchr(from, '>') : NULL;
	static const char state[] = "state='connected'";

	return to && memmem(from, (size_t)(to - from), state, sizeof(state) - 1);
}

static void write_events(unsigned events, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < HN_DOMAIN_EVENT_COUNT; i++)
		if (events & (1u << i) && length < size)
			length += (size_t)snprintf(text + length, size - length, "%s%s", length ? "," : "",
						   hn_domain_event_name((enum hn_domain_event)i));
}

static void tell(struct hn_virt *virt, struct hn_domain *domain, const struct look *look, unsigned events)
{
	struct hn_virt_domain shown = {
		.id = look->id,
		.state = run_state(look, domain->incoming),
		.persistent = look->persistent,
		.agent = agent_connected(look->xml),
		.xml = look->xml,
		.inactive_xml = look->inactive_xml,
	};
	char words[256];

	memcpy(shown.uuid, look->uuid, sizeof(shown.uuid));
	memcpy(shown.name, look->name, sizeof(shown.name));
	write_events(events, words, sizeof(words));
	domain->told = true;
	if (virt->listener.domain)
		virt->listener.domain(virt, &shown, words, virt->listener.context);
}

static void take_success(struct hn_virt *virt, struct hn_domain *domain, struct look *look)
{
	uint64_t print = print_of(look);
	bool changed = print != domain->print;

	domain->missing = false;
	domain->problem[0] = '\0';
	if (!domain->told)
		domain->incoming =
			look->state == VIR_DOMAIN_PAUSED && look->reason == VIR_DOMAIN_PAUSED_MIGRATION;
	else if (look->state == VIR_DOMAIN_RUNNING)
		domain->incoming = false;
	domain->print = print;
	if (domain->due_ns == 0)
		look_at(virt, domain, hn_virt_now_ns() + virt->limits.repeat_ns);
	if (look->events || !domain->told || changed)
		tell(virt, domain, look, look->events ? look->events : 1u << HN_DOMAIN_CHANGED);
}

/* It does not run. Mostly the event that tells why is on its way. */
static void take_missing(struct hn_virt *virt, struct hn_domain *domain)
{
	if (domain->told && !domain->missing) {
		domain->missing = true;
		look_at(virt, domain, hn_virt_now_ns() + MISSING_PAUSE_NS);
	} else if (domain->told || domain->due_ns == 0) {
		hn_domains_hear_stopped(virt, domain->uuid, "unknown");
	}
}

static void take_problem(struct hn_virt *virt, struct hn_domain *domain, const struct look *look)
{
	bool news = strcmp(domain->problem, look->err.message) != 0;

	domain->events |= look->events;
	memcpy(domain->problem, look->err.message, sizeof(domain->problem));
	if (domain->due_ns == 0)
		look_at(virt, domain, hn_virt_now_ns() + PROBLEM_PAUSE_NS);
	if (news && virt->listener.problem)
		virt->listener.problem(virt, &look->err, virt->listener.context);
}

static void check_complete(struct hn_virt *virt)
{
	const struct hn_domain *domain;

	if (virt->freed || virt->state != VIRT_LISTING)
		return;
	TAILQ_FOREACH(domain, &virt->domains, link)
	if (domain->awaited || domain->gone)
		return;
	hn_virt_complete(virt);
}

static void take_look(struct hn_virt *virt, struct look *look)
{
	struct hn_domain *domain = find(virt, look->uuid);

	virt->looks--;
	wake(virt, 0);
	if (!domain)
		return;
	if (domain->looked == look->run)
		domain->looking = false;
	if (domain->run != look->run)
		return;
	domain->awaited = false;
	if (look->err.code == -ENOENT)
		take_missing(virt, domain);
	else if (look->err.code < 0)
		take_problem(virt, domain, look);
	else
		take_success(virt, domain, look);
}

static void look_done(struct hn_job *base, bool told)
{
	struct look *look = (struct look *)base;
	struct hn_virt *virt = look->virt;

	if (told && look->link_number == virt->link_number) {
		hn_virt_enter(virt);
		take_look(virt, look);
		check_complete(virt);
		hn_virt_leave(virt);
	}
	free(look->xml);
	free(look->inactive_xml);
	free(look);
}

/* ---- the tick */

static int submit_look(struct hn_virt *virt, struct hn_domain *domain, struct hn_error *err)
{
	HN_AUTO(memory) struct look *look = calloc(1, sizeof(*look));
	int r;

	if (!look)
		return hn_oom(err);
	look->job = (struct hn_job){.run = run_look, .done = look_done};
	look->virt = virt;
	memcpy(look->uuid, domain->uuid, sizeof(look->uuid));
	look->link_number = virt->link_number;
	look->run = domain->run;
	look->events = domain->events;
	r = hn_worker_submit(virt->worker, &look->job, err);
	if (r < 0)
		return r;
	domain->looked = domain->run;
	look = NULL;
	domain->events = 0;
	domain->due_ns = 0;
	domain->looking = true;
	virt->looks++;
	return 0;
}

/* May free the connection, never the domain but by dropping it. */
static void tell_gone(struct hn_virt *virt, struct hn_domain *domain)
{
	bool told = domain->told;
	char uuid[sizeof(domain->uuid)], why[48];

	memcpy(uuid, domain->uuid, sizeof(uuid));
	snprintf(why, sizeof(why), "stopped: %s", domain->why);
	domain->gone = domain->told = domain->awaited = false;
	domain->problem[0] = '\0';
	if (!domain->events && !domain->due_ns)
		drop(virt, domain);
	hn_wires_end(virt, uuid);
	if (told && virt->listener.gone)
		virt->listener.gone(virt, uuid, why, virt->listener.context);
}

static void tend(struct hn_virt *virt, struct hn_domain *domain, uint64_t now)
{
	struct hn_error err;

	if (domain->gone)
		tell_gone(virt, domain);
	else if (hn_virt_connected(virt) && domain->due_ns && domain->due_ns <= now && !domain->looking &&
		 virt->looks < LOOKS_MAX && submit_look(virt, domain, &err) < 0)
		domain->due_ns = now + PROBLEM_PAUSE_NS;
}

void hn_domains_on_tick(evutil_socket_t fd, short what, void *context)
{
	struct hn_virt *virt = context;
	uint64_t now = hn_virt_now_ns();
	struct hn_domain *domain, *next;

	virt->tick_due_ns = 0;
	hn_virt_enter(virt);
	for (domain = TAILQ_FIRST(&virt->domains); domain && !virt->freed; domain = next) {
		next = TAILQ_NEXT(domain, link);
		tend(virt, domain, now);
	}
	check_complete(virt);
	if (!virt->freed)
		TAILQ_FOREACH(domain, &virt->domains, link)
	/* one that is looked at, or has no room, is seen to when a look ends */
	if (domain->gone || (domain->due_ns && !domain->looking && virt->looks < LOOKS_MAX))
		wake(virt, domain->gone ? 0 : domain->due_ns);
	hn_virt_leave(virt);
}

int hn_domains_listed(struct hn_virt *virt, char (*uuids)[40], size_t count, struct hn_error *err)
{
	uint64_t now = hn_virt_now_ns();
	struct hn_domain *domain, *next;

	TAILQ_FOREACH(domain, &virt->domains, link)
	domain->listed = false;
	for (size_t i = 0; i < count; i++) {
		domain = find(virt, uuids[i]);
		if (!domain)
			domain = add(virt, uuids[i]);
		if (!domain)
			return hn_oom(err);
		domain->listed = domain->awaited = true;
		domain->events |= 1u << HN_DOMAIN_PRESENT;
		domain->due_ns = now;
	}
	for (domain = TAILQ_FIRST(&virt->domains); domain; domain = next) {
		next = TAILQ_NEXT(domain, link);
		/* one that was not listed but heard of started since */
		if (!domain->listed && !domain->events)
			hn_domains_hear_stopped(virt, domain->uuid, "unknown");
	}
	wake(virt, 0);
	return 0;
}

void hn_domains_pause(struct hn_virt *virt)
{
	struct hn_domain *domain;

	virt->looks = 0;
	TAILQ_FOREACH(domain, &virt->domains, link)
	{
		domain->events = 0;
		domain->due_ns = 0;
		domain->looking = domain->awaited = domain->missing = false;
	}
}

void hn_domains_free(struct hn_virt *virt)
{
	struct hn_domain *domain;

	while ((domain = TAILQ_FIRST(&virt->domains)))
		drop(virt, domain);
}
