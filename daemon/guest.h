#pragma once
/*
 * guest - one guest under homenoded's eyes, from the appearance of its QMP socket or its libvirt domain to
 * its end: connections, make-up, the process behind it, the looks at it, and what was decided.
 *
 *     socket appears -> QMP ready -> introspected -> identified (pid, start time) -> looked at every tick
 *                          ^  connection lost: back-off, again     |  hotplug, reset: asked again
 *     libvirt's domain starts -> seen in /proc -> surveyed ------->+
 *
 * A domain that gives homenode a socket of its own is one guest: whichever is found second joins the first by
 * uuid.
 *
 * Visible to the daemon's files only; everything runs on the loop's thread.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/error.h"
#include "daemon/cadence.h"
#include "daemon/readings.h"
#include "daemon/service.h"
#include "host/process-devices.h"
#include "host/process.h"
#include "model/calls.h"
#include "model/guest.h"
#include "model/placement.h"
#include "model/plan.h"
#include "model/report.h"
#include "model/sample.h"
#include "model/snapshot.h"
#include "policy/look-cost.h"
#include "policy/trend.h"
#include "qmp/client.h"
#include "qmp/introspect.h"

struct event;
struct hn_backend_memo;
struct hn_bound_thread;
struct hn_domain;
struct hn_guest_agent;
struct hn_residency;

#define HN_SOCKET_PATH_MAX 300 /* of a monitor or an agent, its NUL included */

/* Where one thread has been; kept from look to look by tid. */
struct hn_thread_history {
	pid_t tid;
	struct hn_residency *residency;
};

struct hn_managed {
	TAILQ_ENTRY(hn_managed) entry;
	struct hn_service *service;
	char *socket;             /* path of its QMP socket; NULL: libvirt alone tells of it */
	uint64_t socket_inode;    /* which socket: another at the same path is another QEMU, the same at
				     another path is this one */
	char name[HN_NAME_MAX];   /* from the socket, then from QMP */
	struct hn_qmp *qmp;       /* NULL: QEMU is not asked */
	struct hn_domain *domain; /* what libvirt tells of it (daemon/domain.h), NULL: nothing */
	bool override_pins, follow_cpuset, persist; /* of its settings, what is not the guest model's */
	struct hn_process process;                  /* behind the survey under way */
	bool surveying;                             /* a survey is under way */
	bool surveyed_policies;                     /* and asked for policies, too */
	struct hn_set cpuset_nodes;                 /* nodes that its cgroups allow; empty: all */
	struct hn_set *container_nodes;             /* that its container's allow; NULL: it is in none */
	struct hn_introspection *introspection;
	struct event *tick;         /* next look */
	struct event *reintrospect; /* after an event, debounced; NULL before the first */
	struct hn_guest *guest;     /* NULL until introspected */
	bool identified;            /* pid and start time are known */
	bool ranges_checked;        /* QMP's addresses lie in the process's mappings */
	bool looking;               /* a look is under way */
	struct hn_turn turn;        /* to be looked at */
	struct hn_look_cost look_cost;
	bool walk_asked;               /* by the look under way */
	uint64_t generation;           /* counts make-ups: see look_generation */
	uint64_t introspected_ns;      /* when it was last asked what it is made of */
	uint64_t look_generation;      /* of the look under way: an answer to an older make-up is dropped */
	bool inspecting;               /* an inspection is under way */
	uint64_t inspect_started_ns;   /* the latest */
	uint64_t inspected_ns;         /* when the last one ended; 0: none has */
	uint64_t inspect_cost_ns;      /* CPU time that it cost */
	uint64_t inspect_billed_ns;    /* what the guest's turn had been billed by then */
	uint64_t inspect_generation;   /* of the one under way */
	uint64_t seizures;             /* counts backends that could be moved and then were found held */
	struct hn_backend_memo *memos; /* daemon/inspect.h, by backend; NULL before the first */
	size_t device_count;
	struct hn_process_device *devices; /* of the host's, that its process has open */
	struct hn_hands *prober;           /* tries a page; NULL: none does */
	struct hn_fence *fence_back;       /* while its cgroups are put back as they were */
	struct hn_set fence_owed;          /* nodes that they are yet to be put back to; empty: none */
	bool doubted;       /* it tells the uuid of a domain whose process it has not been seen to be */
	bool runs_realtime; /* its vCPUs' threads say so: scheduling policy, or isolated CPUs */
	struct hn_calls calls;
	uint64_t window_until_ns;     /* its operator has opened a window; 0: not */
	uint64_t rule_until_ns;       /* its settings' window is open until then; 0: it is not */
	struct event *window_end;     /* of either; NULL: there was never one */
	struct hn_guest_agent *agent; /* NULL: guests are not asked about themselves */
	struct hn_sample *sample;
	struct hn_readings readings; /* of pressure and counters, with each look */
	struct hn_trend_looks trend; /* of its locality */
	size_t cell_trend_count;
	struct hn_trend_looks *cell_trends; /* of its cells' */
	size_t history_count;
	struct hn_thread_history *history;
	size_t bound_count;
	struct hn_bound_thread *bound; /* daemon/bound-threads.h, in order of tid */
	struct hn_placement *home;
	uint64_t promised_ns; /* when it was seen to have been placed by a reservation; 0: it was not */
	struct hn_plan *plan;
	struct hn_looks looks;
	unsigned drain_tries;          /* operations in a row that left some of it on a node that drains */
	uint64_t chronicled_ns;        /* when a look at it last went into the history */
	struct hn_regret *regret;      /* NULL before the first look */
	struct hn_operation operation; /* the latest */
	struct hn_running_operation *running;
	char *problem;  /* of looks at it, NULL none */
	char *note;     /* what cannot be told of it, NULL none */
	char *unheeded; /* nodes that its operator wishes and its limits rule out, NULL none */
};

/* Starts to manage the guest whose QMP socket is at path; appended to the service's list. -ENOMEM,
 * -ENAMETOOLONG. */
int hn_managed_new(struct hn_service *service, const char *path, uint64_t inode, struct hn_error *err);

/* A guest that libvirt tells of: the caller gives it its domain. -ENOMEM. */
int hn_managed_new_domain(struct hn_service *service, const char *name, struct hn_managed **ret,
			  struct hn_error *err);

/* The process that it has been identified as; pid 0: none yet. */
struct hn_process hn_managed_process(const struct hn_managed *managed);

/* The guest that has libvirt's domain of that uuid, or NULL. */
struct hn_managed *hn_managed_of_domain(struct hn_service *service, const char *uuid);

/* The guest turns out to have that uuid: a domain of it that was found by itself is this one's. */
void hn_managed_join(struct hn_managed *managed, const char *uuid);

/* The domain, or the socket, is gone: what is left goes on; without either the guest is freed. */
void hn_managed_part_with_domain(struct hn_managed *managed);
void hn_managed_part_with_socket(struct hn_managed *managed);

/* Forgets the guest: takes it from the list, drops its connection, stops its operation. */
void hn_managed_free(struct hn_managed *managed);

/* By name, or NULL. */
struct hn_managed *hn_managed_find(struct hn_service *service, const char *name);
struct hn_managed *hn_managed_find_socket(struct hn_service *service, const char *path);
struct hn_managed *hn_managed_find_inode(struct hn_service *service, uint64_t inode);

/* The next look happens in that time (0: as soon as the loop turns) instead of at its tick. */
void hn_managed_look_in(struct hn_managed *managed, uint64_t ns);

/* The process has ended: what was learnt of it is forgotten, while its socket is still tried. */
void hn_managed_process_gone(struct hn_managed *managed);

/* Everything that was learnt of a process or a make-up that is no more. */
void hn_managed_forget_looks(struct hn_managed *managed);

void hn_managed_set_run_state(struct hn_managed *managed, enum hn_run_state state);

/* Records and logs (once while it does not change) what is wrong with the guest; NULL: nothing any more. */
void hn_managed_set_problem(struct hn_managed *managed, const struct hn_error *err);
/* The same of the XML of its domain, which it must have; no look mends that. */
void hn_managed_set_unread(struct hn_managed *managed, const struct hn_error *err);
/* The sentence of either, borrowed; NULL when nothing is wrong. */
const char *hn_managed_problem(const struct hn_managed *managed);

/* Where a backend's memory is; its host_address is known. */
struct hn_range hn_managed_range(const struct hn_backend *backend);

/* Fills ret (backend_count long at least) with where the cell's memory is, every cell's for -1. Returns how
 * many. */
size_t hn_managed_ranges(const struct hn_guest *guest, int cell, struct hn_range *ret);

/* What the API says of the guest. NULL when out of memory. */
struct hn_report *hn_managed_report(const struct hn_managed *managed);
