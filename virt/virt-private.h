#pragma once
/*
 * virt-private - what the connection's parts share: connection.c (its life), domains.c (what is known of
 * domains), actions.c, wire.c. The loop's thread only.
 */
#include <event2/event.h>
#include <sys/queue.h>
#include <time.h>

#include "base/random.h"
#include "base/units.h"
#include "virt/ear.h"
#include "virt/link.h"
#include "virt/virt.h"
#include "virt/worker.h"

enum hn_virt_state {
	VIRT_DOWN,    /* a timer is set for the next try */
	VIRT_OPENING, /* the worker connects and lists */
	VIRT_LISTING, /* connected; domains that were found are looked at */
	VIRT_UP,
};

struct hn_domain;
struct hn_action;
struct hn_wire;
TAILQ_HEAD(hn_domain_list, hn_domain);
TAILQ_HEAD(hn_action_list, hn_action);
TAILQ_HEAD(hn_wire_list, hn_wire);

struct hn_virt {
	struct event_base *base;
	char *uri;
	struct hn_virt_limits limits;
	struct hn_virt_listener listener;
	struct hn_random chance; /* jitter */

	enum hn_virt_state state;
	unsigned link_number; /* what is of an earlier connection comes too late */
	struct hn_worker *worker, *wire_worker;
	struct hn_ear *ear;
	struct event *retry;
	unsigned failures; /* tries in a row that came to nothing lasting */
	uint64_t retry_ns, up_since_ns;
	char told_why[HN_ERROR_MAX];

	struct hn_domain_list domains;
	unsigned runs;  /* of domains, counted on: one that comes again is another run */
	unsigned looks; /* under way */
	struct event *tick;
	uint64_t tick_due_ns; /* 0: not set */
	struct hn_action_list actions;
	struct hn_wire_list wires;

	unsigned entered; /* depth of callbacks that are under way */
	bool freed;       /* the memory goes when the last of them returns */
};

/* Around everything that may call out. After leave the connection may be gone. */
void hn_virt_enter(struct hn_virt *virt);
void hn_virt_leave(struct hn_virt *virt);

/* Connected, and the listener does not know yet: all found domains have been looked at. */
void hn_virt_complete(struct hn_virt *virt);

/* domains.c; the first two take note only */
void hn_domains_hear(struct hn_virt *virt, const char *uuid, bool running, enum hn_domain_event event);
void hn_domains_hear_stopped(struct hn_virt *virt, const char *uuid, const char *why);
/* These run now. Each is looked at; those that are known and not among them are told as gone. */
int hn_domains_listed(struct hn_virt *virt, char (*uuids)[40], size_t count, struct hn_error *err);
void hn_domains_pause(struct hn_virt *virt); /* the connection is gone */
bool hn_domains_has(const struct hn_virt *virt, const char *uuid);
void hn_domains_on_tick(evutil_socket_t fd, short what, void *context);
void hn_domains_free(struct hn_virt *virt);

/* actions.c: those that are due are answered: the connection is given up */
void hn_actions_end(struct hn_virt *virt);

/* wire.c: ends those of a domain, or all with NULL */
void hn_wires_end(struct hn_virt *virt, const char *uuid);

static inline uint64_t hn_virt_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * HN_NS_PER_S + (uint64_t)now.tv_nsec;
}

static inline void hn_virt_set_timer(struct event *timer, uint64_t ns)
{
	struct timeval delay = {
		.tv_sec = (time_t)(ns / HN_NS_PER_S),
		.tv_usec = (suseconds_t)((ns % HN_NS_PER_S + 999) / 1000),
	};

	if (delay.tv_usec == 1000000) {
		delay.tv_sec++;
		delay.tv_usec = 0;
	}
	event_add(timer, &delay);
}
