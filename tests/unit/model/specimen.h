#pragma once
/*
 * specimen - hosts, guests and all the rest, drawn from a seed with every member set and no two alike; and
 * comparison member by member, so that a member that a codec or a copy forgets is seen.
 */
#include <json-c/json.h>
#include <stdbool.h>

#include "base/random.h"
#include "model/activity.h"
#include "model/checkup.h"
#include "model/history.h"
#include "model/report.h"
#include "model/snapshot.h"

struct hn_host *specimen_host(struct hn_random *random);
struct hn_guest *specimen_guest(struct hn_random *random);
/* Of that many nodes, cells and threads, its counts adding up. */
struct hn_sample *specimen_sample(struct hn_random *random, size_t nodes, size_t cells, size_t threads);
struct hn_placement *specimen_placement(struct hn_random *random, size_t nodes, size_t cells);
struct hn_plan *specimen_plan(struct hn_random *random);
struct hn_report *specimen_report(struct hn_random *random);
struct hn_reported *specimen_reported(struct hn_random *random);
struct hn_access *specimen_access(struct hn_random *random);
struct hn_activity *specimen_activity(struct hn_random *random);
struct hn_checkup *specimen_checkup(struct hn_random *random);
struct hn_snapshot *specimen_snapshot(struct hn_random *random);
struct hn_record *specimen_record(struct hn_random *random);
struct hn_history *specimen_history(struct hn_random *random);

/* False when any member differs; either may be NULL. */
bool same_host(const struct hn_host *a, const struct hn_host *b);
bool same_guest(const struct hn_guest *a, const struct hn_guest *b);
bool same_sample(const struct hn_sample *a, const struct hn_sample *b);
bool same_placement(const struct hn_placement *a, const struct hn_placement *b);
bool same_plan(const struct hn_plan *a, const struct hn_plan *b);
bool same_reported(const struct hn_reported *a, const struct hn_reported *b);
bool same_access(const struct hn_access *a, const struct hn_access *b);
bool same_activity(const struct hn_activity *a, const struct hn_activity *b);
bool same_checkup(const struct hn_checkup *a, const struct hn_checkup *b);
bool same_report(const struct hn_report *a, const struct hn_report *b);
bool same_snapshot(const struct hn_snapshot *a, const struct hn_snapshot *b);
bool same_record(const struct hn_record *a, const struct hn_record *b);
bool same_history(const struct hn_history *a, const struct hn_history *b);

/* The kinds of document, for tests that treat all alike. */
struct document {
	const char *name;
	void *(*draw)(struct hn_random *random);
	json_object *(*encode)(const void *thing);
	int (*decode)(json_object *json, void *ret, struct hn_error *err);
	void (*free)(void *thing);
	bool (*same)(const void *a, const void *b);
};
#define DOCUMENT_COUNT 13
extern const struct document documents[DOCUMENT_COUNT];
