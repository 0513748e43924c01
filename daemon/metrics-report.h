#pragma once
/*
 * metrics-report - a scrape's answer while it is written: what the files that write families share.
 */
#include <event2/buffer.h>

#include "daemon/guest.h"

/* What is told of one guest, or of all others together. */
struct hn_metrics_row {
	const char *name;
	const struct hn_managed *managed; /* NULL: of others */
	uint64_t memory_bytes;            /* that its locality is weighted with */
	bool locality_known;
	struct hn_interval locality;
	uint64_t *on_node, *home_node; /* bytes by host node index */
	uint64_t absent_bytes, unknown_bytes;
	uint64_t age_ns; /* of the sample; the oldest of others */
	bool looked_at;
	unsigned problems, at_home, members;
	/* what its kernel tells; -1: unknown. Of others the highest */
	double stalled[HN_RESOURCE_COUNT], remote_traffic;
};

struct hn_metrics_report {
	struct hn_service *service;
	struct evbuffer *out;
	const char *family;
	const struct hn_evidence *evidence; /* of the host, NULL: none */
	size_t row_count;
	struct hn_metrics_row *rows; /* others last, if there are any */
	uint64_t *figures;           /* what the rows' arrays are in */
};

/* One sample of the family: pairs of label and value, NULL behind them. */
void hn_metrics_add(const struct hn_metrics_report *report, double value, const char *const labels[]);
#define HN_METRIC(report, value, ...) \
	hn_metrics_add(report, (double)(value), (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

/* The id of the node with that index. Returns text. */
const char *hn_metrics_node(const struct hn_metrics_report *report, size_t index, char text[16]);

/* Adds what the latest readings of a guest tell to its row. */
void hn_metrics_count_readings(struct hn_metrics_row *row, const struct hn_managed *managed);

/* Families from evidence. What is not known has no sample. */
void hn_metrics_tell_pressure(const struct hn_metrics_report *report);
void hn_metrics_tell_allocations(const struct hn_metrics_report *report);
void hn_metrics_tell_swap(const struct hn_metrics_report *report);
void hn_metrics_tell_updates(const struct hn_metrics_report *report);
void hn_metrics_tell_faults(const struct hn_metrics_report *report);
void hn_metrics_tell_balanced(const struct hn_metrics_report *report);
void hn_metrics_tell_migrated(const struct hn_metrics_report *report);
void hn_metrics_tell_migrated_huge(const struct hn_metrics_report *report);
void hn_metrics_tell_guest_pressure(const struct hn_metrics_report *report);
void hn_metrics_tell_guest_traffic(const struct hn_metrics_report *report);
