#pragma once
/*
 * report - what the API says of one guest: its make-up, where it is, where it belongs, what is being done
 * about it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "model/activity.h"
#include "model/calls.h"
#include "model/device-place.h"
#include "model/guest.h"
#include "model/interval.h"
#include "model/placement.h"
#include "model/plan.h"
#include "model/reported.h"
#include "model/sample.h"
#include "model/trend.h"

enum hn_operation_state {
	HN_OPERATION_NONE, /* none yet */
	HN_OPERATION_RUNNING,
	HN_OPERATION_DONE,      /* carried out to the end; some pages may have stayed, see message */
	HN_OPERATION_FAILED,    /* broken off: message says why */
	HN_OPERATION_CANCELLED, /* the guest or the daemon went away, or someone said stop */
	HN_OPERATION_COUNT,
};
const char *hn_operation_state_name(enum hn_operation_state state);
int hn_operation_state_parse(const char *text, enum hn_operation_state *ret, struct hn_error *err);

/* The latest carrying-out of a plan for a guest. */
struct hn_operation {
	uint64_t id; /* 0: none yet */
	enum hn_operation_state state;
	uint64_t elapsed_ns;
	uint64_t to_move_bytes; /* predicted */
	uint64_t moved_bytes;
	uint64_t stayed_bytes;
	uint64_t bytes_per_second; /* the cap in force, 0: none */
	uint64_t cpu_ns;           /* billed: CPU time of moving */
	uint64_t stall_ns; /* likewise: time in which pages were being moved, the most its threads waited */
	bool paused;       /* by an operator, while it runs */
	unsigned threads_bound;
	int cell, to_node; /* being moved now, -1 none */
	char message[HN_REASON_MAX];
};

struct hn_report {
	struct hn_guest *guest;
	bool locality_known;
	struct hn_interval locality;       /* of the whole guest */
	struct hn_interval *cell_locality; /* in the guest's order; NULL while unknown */
	enum hn_trend *cell_trend;         /* of these; NULL as they are */
	enum hn_trend trend;               /* of the guest's locality */
	bool remote_cost_known;
	/* share of its vCPU time that it waits for remote memory; estimated: from
	 * where pages are; else the hardware counted how much went to other nodes */
	struct hn_interval remote_cost;
	bool remote_cost_estimated;
	uint64_t age_ns;              /* of the sample */
	struct hn_sample *sample;     /* may be NULL */
	struct hn_placement *home;    /* may be NULL */
	struct hn_plan *plan;         /* may be NULL */
	struct hn_reported *reported; /* what the guest says of itself; may be NULL */
	struct hn_access *access;     /* what follows from it; may be NULL */
	struct hn_activity *activity; /* what the host's kernel counts of it; may be NULL */
	size_t device_count;
	struct hn_device_place *devices; /* of the host's, that it uses; in the guest's order */
	struct hn_calls calls;
	uint64_t window_left_ns; /* until the window that its operator has opened closes; 0: none is open */
	char inside[HN_REASON_MAX]; /* what can only be mended inside the guest, "" nothing */
	struct hn_operation operation;
	char problem[HN_ERROR_MAX]; /* what keeps homenode from knowing or helping this guest, "" none */
};

void hn_report_free(struct hn_report *report); /* NULL is fine; frees all it points to */
HN_CLEANUP_DEFINE(hn_report, struct hn_report *, hn_report_free);
struct hn_report *hn_report_new(void);

/* Room for that many cells' localities and trends, which it had none of; zeroed. -ENOMEM. */
int hn_report_add_cell_localities(struct hn_report *report, size_t cell_count);
