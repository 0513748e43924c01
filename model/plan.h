#pragma once
/*
 * plan - what should be done now about one guest, in order, with why and at what price.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/set.h"
#include "model/guest.h"
#include "model/placement.h"

enum hn_action_kind {
	HN_ACTION_BIND,    /* let a thread run on these CPUs only */
	HN_ACTION_MIGRATE, /* bring a cell's pages to a node */
	HN_ACTION_KIND_COUNT,
};
const char *hn_action_kind_name(enum hn_action_kind kind);

struct hn_action {
	enum hn_action_kind kind;
	/* HN_ACTION_BIND */
	pid_t tid;
	struct hn_set cpus;
	struct hn_set nodes; /* node ids these CPUs belong to, for people */
	/* HN_ACTION_MIGRATE */
	int cell;             /* cell id */
	int to_node;          /* node id */
	uint64_t bytes;       /* expected to move: the upper end of the sample's interval */
	uint64_t limit_bytes; /* stop after that much memory of the cell lies there (split cells); 0: all of
				 it */
	char reason[HN_REASON_MAX];
};

/* Why a plan is as it is. */
enum hn_verdict {
	HN_VERDICT_AT_HOME,    /* nothing to do */
	HN_VERDICT_ACT,        /* carry out the actions */
	HN_VERDICT_WAIT,       /* something looks wrong; one more look must agree first */
	HN_VERDICT_BLOCKED,    /* it should move and cannot; the reason says what is in the way */
	HN_VERDICT_UNKNOWN,    /* not enough is known to decide */
	HN_VERDICT_LEFT_ALONE, /* mode or class forbids it */
	HN_VERDICT_COUNT,
};
const char *hn_verdict_name(enum hn_verdict verdict);
int hn_verdict_parse(const char *text, enum hn_verdict *ret, struct hn_error *err);

struct hn_plan {
	enum hn_verdict verdict;
	char reason[HN_REASON_MAX]; /* one sentence */
	struct hn_placement *home;  /* where the guest should live, NULL unless known; owned */
	size_t action_count;
	struct hn_action *actions;
	size_t note_count; /* what the operator should know besides: immovable memory, policies that will
			      drift */
	char (*notes)[HN_REASON_MAX];
	char partner[HN_NAME_MAX]; /* guest that could change places with it, as a note says; empty: none. For
				      whoever acts on the plan; it is not in the JSON. */
};

void hn_plan_free(struct hn_plan *plan); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_plan, struct hn_plan *, hn_plan_free);
struct hn_plan *hn_plan_new(void);
struct hn_plan *hn_plan_copy(const struct hn_plan *plan);
/* Appends a zeroed action; NULL when out of memory. */
struct hn_action *hn_plan_add_action(struct hn_plan *plan, enum hn_action_kind kind);
/* Appends a sentence; -ENOMEM or 0. */
int hn_plan_add_note(struct hn_plan *plan, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Bytes all its migrations are expected to move. */
uint64_t hn_plan_migrate_bytes(const struct hn_plan *plan);
