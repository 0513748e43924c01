#pragma once
/*
 * virt - one connection to libvirt, kept up for as long as it lives: which domains run, what changes about
 * them, and what is done to them through libvirt's own interface.
 *
 * Calls into libvirt block, so all are made by a worker thread of the connection (one more for wires);
 * libvirt's events are carried by libevent (virt/events.h). Everything the owner sees happens on the loop's
 * thread: nothing here blocks (but hn_virt_free(), two seconds at most), and no libvirt type shows. A
 * libvirtd that goes away or stops answering (keep-alive: 5 s, three times) ends the connection, and it is
 * tried again with back-off, 1 s doubling to 60 s. Domains run on meanwhile, so "down" does not mean that
 * they are gone; when it is back each is told again, those that are no more are told as gone, and then comes
 * "up".
 *
 * Events of a domain are gathered for 50 ms and then it is looked at once, so that a storm of them costs
 * little. libvirt has no event for some changes, such as a vCPU plugged in: each domain is looked at every 30
 * s as well.
 *
 * Limits: 4 MiB of XML a domain, 35 s a call (libvirtd itself waits 30 s for a domain that is busy).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/set.h"
#include "model/guest.h"

struct event_base;
struct hn_virt;

#define HN_VIRT_XML_MAX (4u << 20)

/* A running domain, as libvirt tells. Borrowed for the call that shows it. */
struct hn_virt_domain {
	char uuid[40];
	char name[HN_NAME_MAX];
	int id; /* libvirt's, of this run of the domain */
	enum hn_run_state state;
	bool persistent;          /* it is defined, too: inactive_xml is what it will start with next time */
	bool agent;               /* its guest agent is connected */
	const char *xml;          /* as it runs */
	const char *inactive_xml; /* NULL when not persistent */
};

/* What the owner hears; each may be NULL. None is called from inside a function of this header. */
struct hn_virt_listener {
	/* Connected; all running domains have been told, but those there was a problem with. */
	void (*up)(struct hn_virt *virt, void *context);
	/* Not connected (any more), tried again in retry_ns. Said once while the sentence does not change. */
	void (*down)(struct hn_virt *virt, const struct hn_error *why, uint64_t retry_ns, void *context);
	/* A domain runs, or something about it may have changed: event is for the log, a word such as
	 * "started", "resumed", "device-added", "metadata", "tunable", "agent", "rebooted", "present",
	 * "changed", or several with "," between them. */
	void (*domain)(struct hn_virt *virt, const struct hn_virt_domain *domain, const char *event,
		       void *context);
	/* A domain that was told runs no more: "stopped: shutdown", "stopped: crashed", "stopped: migrated",
	 * "stopped: saved", "stopped: destroyed", "stopped: failed", "stopped: unknown". One that starts
	 * again is told anew, afterwards. */
	void (*gone)(struct hn_virt *virt, const char *uuid, const char *why, void *context);
	/* Something cannot be told: a domain whose XML is too large, or that libvirt says nothing about. Once
	 * while the sentence does not change; it is tried again. */
	void (*problem)(struct hn_virt *virt, const struct hn_error *what, void *context);
	void *context;
};

struct hn_virt_limits {
	unsigned keepalive_s, keepalive_count;
	uint64_t call_ns;                       /* a call without an answer ends the connection */
	uint64_t retry_first_ns, retry_most_ns; /* back-off */
	uint64_t gather_ns;                     /* from a domain's first event to the look at it */
	uint64_t repeat_ns;                     /* from one look at a domain to the next without an event */
};
/* 5 s, 3, 35 s, 1 s, 60 s, 50 ms, 30 s */
extern const struct hn_virt_limits hn_virt_default_limits;

/*
 * Starts to connect to uri ("qemu:///system"). All connections of a process share one base: -EBUSY with
 * another while one lives. libvirt's own messages to stderr are silenced for the process. -ENOMEM, -errno of
 * the thread; -EOPNOTSUPP where homenode was built without libvirt (virt/absent.c).
 */
int hn_virt_new(struct event_base *base, const char *uri, const struct hn_virt_listener *listener,
		struct hn_virt **ret, struct hn_error *err);
/* The same with other limits: for tests. */
int hn_virt_new_limited(struct event_base *base, const char *uri, const struct hn_virt_limits *limits,
			const struct hn_virt_listener *listener, struct hn_virt **ret, struct hn_error *err);

/* Ends the worker (a call under way is given up: the connection is closed under it, at most a second is
 * waited for each of two) and answers what is still due with -ENOTCONN. Before the base is freed. NULL is
 * fine. */
void hn_virt_free(struct hn_virt *virt);
HN_CLEANUP_DEFINE(hn_virt, struct hn_virt *, hn_virt_free);

/* Actions can be asked for; domains may still be missing before "up". */
bool hn_virt_connected(const struct hn_virt *virt);
const char *hn_virt_uri(const struct hn_virt *virt);

/*
 * How an action ended, exactly once for each that returned 0; on the loop's thread. err is NULL exactly when
 * all was done. -EOPNOTSUPP: libvirt refuses this for such a domain (pins of a type='qemu' guest whose vCPUs
 * share a thread, nodes of one that is not in mode restrictive): another way may do. -ENOENT: no such domain
 * runs. -EINVAL, -EACCES, -ENOTCONN, -ETIMEDOUT, -EREMOTEIO with libvirt's own sentence.
 *
 * Asking returns -ENOTCONN while there is no connection, -EBUSY with 1024 calls waiting.
 */
typedef void (*hn_virt_done)(const struct hn_error *err, void *context);

enum hn_virt_pin_kind {
	HN_VIRT_VCPU,
	HN_VIRT_EMULATOR, /* number is ignored */
	HN_VIRT_IOTHREAD, /* number is libvirt's iothread id, from 1 */
};

struct hn_virt_pin {
	enum hn_virt_pin_kind kind;
	unsigned number;
	struct hn_set cpus;
};

/*
 * Pins threads one after the other; the first that is refused ends it, and the sentence says which and how
 * many had been pinned. Live, and also in the domain's definition with persistent (only if it is defined). At
 * most 1100 pins, none to an empty set: -EINVAL.
 */
int hn_virt_pin(struct hn_virt *virt, const char *uuid, const struct hn_virt_pin *pins, size_t count,
		bool persistent, hn_virt_done done, void *context, struct hn_error *err);

/* The nodes that new memory comes from (virDomainSetNumaParameters): libvirt allows it in mode restrictive
 * only. */
int hn_virt_set_nodes(struct hn_virt *virt, const char *uuid, const struct hn_set *nodes, bool persistent,
		      hn_virt_done done, void *context, struct hn_error *err);

/* Sets the <metadata> element of that namespace, live and in the definition if there is one; element NULL
 * removes it. key is the prefix it gets. */
int hn_virt_set_metadata(struct hn_virt *virt, const char *uuid, const char *key, const char *namespace_uri,
			 const char *element, hn_virt_done done, void *context, struct hn_error *err);

/* Actions of that context that are still due are not reported any more: it is about to be freed. */
void hn_virt_forget(struct hn_virt *virt, const void *context);

enum hn_virt_wire {
	HN_VIRT_MONITOR, /* marks the domain as tainted (custom-monitor): only where the operator agreed */
	HN_VIRT_AGENT,
};

/*
 * A connected socket that speaks QMP or the agent's protocol, for hn_qmp_new_from_fd(): each command sent
 * there is made through libvirt and its reply comes back with its id (greeting, qmp_capabilities and
 * guest-sync are answered here). What libvirt refuses is an error of class GenericError with its sentence; so
 * is every command to an agent that is not there. No events come. It ends when the domain or the connection
 * does. Wires have a worker and a connection of their own: a guest whose monitor hangs holds up other wires
 * (35 s at most), and nothing else. The caller owns the descriptor. -ENOENT when no such domain is known,
 * -ENOTCONN, -errno.
 */
int hn_virt_wire_open(struct hn_virt *virt, const char *uuid, enum hn_virt_wire wire, int *ret_fd,
		      struct hn_error *err);
