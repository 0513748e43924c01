#pragma once
/*
 * guest - one guest under homenoded's eyes, from the appearance of its QMP socket to its end: connection,
 * introspection, the process behind it, the looks at it, and what was decided.
 *
 *     socket appears -> QMP ready -> introspected -> identified (pid, start time) -> looked at every tick
 *                          ^  connection lost: back-off, again     |  hotplug, reset: introspected again
 *
 * Visible to the daemon's files only; everything runs on the loop's thread.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/error.h"
#include "daemon/service.h"
#include "model/guest.h"
#include "model/placement.h"
#include "model/plan.h"
#include "model/report.h"
#include "model/sample.h"
#include "model/snapshot.h"
#include "qmp/client.h"
#include "qmp/introspect.h"

struct event;
struct hn_residency;

/* Where one thread has been; kept from look to look by tid. */
struct hn_thread_history {
	pid_t tid;
	struct hn_residency *residency;
};

struct hn_managed {
	TAILQ_ENTRY(hn_managed) entry;
	struct hn_service *service;
	char socket[300];       /* path of its QMP socket: its identity */
	uint64_t socket_inode;  /* another socket at the same path is another QEMU */
	char name[HN_NAME_MAX]; /* from the socket, then from QMP */
	struct hn_qmp *qmp;
	struct hn_introspection *introspection;
	struct event *tick;         /* next look */
	struct event *reintrospect; /* after an event, debounced */
	struct hn_guest *guest;     /* NULL until introspected */
	bool identified;            /* pid and start time are known */
	bool ranges_checked;        /* QMP's addresses lie in the process's mappings */
	bool looking;               /* a look is under way */
	uint64_t generation;        /* counts make-ups: see look_generation */
	uint64_t introspected_ns;   /* when it was last asked what it is made of */
	uint64_t look_generation;   /* of the look under way: an answer to an older make-up is dropped */
	struct hn_sample *sample;
	size_t history_count;
	struct hn_thread_history *history;
	struct hn_placement *home;
	struct hn_plan *plan;
	struct hn_looks looks;
	struct hn_regret *regret; /* NULL before the first look */
	struct hn_operation operation; /* the latest */
	struct hn_running_operation *running;
	char problem[HN_ERROR_MAX]; /* "" when all is well */
};

/* Starts to manage the guest whose QMP socket is at path; appended to the service's list. -ENOMEM,
 * -ENAMETOOLONG. */
int hn_managed_new(struct hn_service *service, const char *path, uint64_t inode, struct hn_error *err);

/* Forgets the guest: takes it from the list, drops its connection, stops its operation. */
void hn_managed_free(struct hn_managed *managed);

/* By name, or NULL. */
struct hn_managed *hn_managed_find(struct hn_service *service, const char *name);
struct hn_managed *hn_managed_find_socket(struct hn_service *service, const char *path);

/* The next look happens in that time (0: as soon as the loop turns) instead of at its tick. */
void hn_managed_look_in(struct hn_managed *managed, uint64_t ns);

/* The process has ended: what was learnt of it is forgotten, while its socket is still tried. */
void hn_managed_process_gone(struct hn_managed *managed);

/* Records and logs (once while it does not change) what is wrong with the guest; NULL: nothing any more. */
void hn_managed_set_problem(struct hn_managed *managed, const struct hn_error *err);

/* Fills ret (backend_count long at least) with where the cell's memory is, every cell's for -1. Returns how
 * many. */
size_t hn_managed_ranges(const struct hn_guest *guest, int cell, struct hn_range *ret);

/* What the API says of the guest. NULL when out of memory. */
struct hn_report *hn_managed_report(const struct hn_managed *managed);
