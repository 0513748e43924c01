#pragma once
/*
 * history - what is kept of guests over time: what was seen of them, what was decided about them, what was
 * done. Plain records; store/ keeps them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/set.h"
#include "model/guest.h"
#include "model/interval.h"
#include "model/placement.h"
#include "model/plan.h"
#include "model/report.h"

#define HN_UUID_MAX 40 /* an uuid as text, with its NUL */

enum hn_record_kind {
	HN_RECORD_SAMPLE,
	HN_RECORD_DECISION, /* written when the verdict or the home changes, not at every look */
	HN_RECORD_MOVE,     /* an operation that has ended */
	HN_RECORD_KIND_COUNT,
};
/* "samples", "decisions", "moves"; -EINVAL lists them. */
int hn_record_kind_parse(const char *text, enum hn_record_kind *ret, struct hn_error *err);

/* Looks at a cell or at a whole guest: one, or as many as were taken together when they had become old. */
struct hn_sample_record {
	int cell; /* cell id, -1 the whole guest */
	unsigned looks;
	bool locality_known;
	struct hn_interval locality; /* of several looks: the lowest low, the mean, the highest high */
	double busy;                 /* mean share of the time that its vCPUs ran, 0..1 */
	size_t node_count;
	double *memory_share; /* of its pages that were seen, by host node index; all 0 while unknown */
};

struct hn_cell_nodes {
	int cell;
	struct hn_set nodes; /* ids */
};

struct hn_decision_record {
	enum hn_verdict verdict;
	bool verdict_changed, home_changed; /* neither: the first since the guest came or homenoded began */
	char reason[HN_REASON_MAX];
	size_t cell_count; /* of the home; 0 while there is none */
	struct hn_cell_nodes *home;
};

struct hn_move_record {
	uint64_t operation;       /* its id */
	double price;             /* vCPU-seconds, as predicted: see policy/price.h */
	uint64_t predicted_bytes; /* to move */
	double predicted_gain;    /* share of the time of busy vCPUs, 0..1; 0 where none was predicted */
	uint64_t moved_bytes, stayed_bytes;
	uint64_t cpu_ns; /* billed */
	uint64_t elapsed_ns;
	enum hn_operation_state outcome;
	char message[HN_REASON_MAX];
};

struct hn_record {
	enum hn_record_kind kind;
	uint64_t
		sequence; /* order of records on this host, over boots and clocks set back; 0: not kept yet */
	uint64_t time_ns; /* wall clock, since 1970; of several looks: of the last */
	char boot[HN_UUID_MAX]; /* the kernel's id of the boot it was made in, "" not kept yet */
	char uuid[HN_UUID_MAX]; /* "" unknown */
	char guest[HN_NAME_MAX];
	union {
		struct hn_sample_record sample;
		struct hn_decision_record decision;
		struct hn_move_record move;
	};
};

void hn_record_free(struct hn_record *record); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_record, struct hn_record *, hn_record_free);

/* Each zeroed, of that guest (its texts are cut to fit), the arrays of that size. NULL: out of memory. */
struct hn_record *hn_record_new_sample(const char *guest, const char *uuid, int cell, size_t node_count);
struct hn_record *hn_record_new_decision(const char *guest, const char *uuid, size_t cell_count);
struct hn_record *hn_record_new_move(const char *guest, const char *uuid);

/* The answer to a question about the past. */
struct hn_history {
	size_t count;
	struct hn_record **records; /* newest first */
	bool more;                  /* there are older ones than the limit allowed */
	uint64_t lost;              /* samples that could not be kept since homenoded began, of any guest */
	char problem[HN_ERROR_MAX]; /* why nothing new is kept at present, "" when it is */
};

void hn_history_free(struct hn_history *history); /* and its records; NULL is fine */
HN_CLEANUP_DEFINE(hn_history, struct hn_history *, hn_history_free);
struct hn_history *hn_history_new(void);
/* Takes the record over, also when it fails. NULL is -ENOMEM as well. */
int hn_history_add(struct hn_history *history, struct hn_record *record);
