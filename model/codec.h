#pragma once
/*
 * codec - the model as JSON and back: one schema for the API, snapshots, replay and the fleet.
 *
 * Sets are strings ("0-3,8"), per-node values are arrays in the order of the host's nodes, sizes are bytes
 * and end in _bytes, times end in _ns. Encoders return a new object, or NULL when out of memory. Decoders
 * check every member, name the one that is wrong (-EPROTO), refuse arrays longer than HN_CODEC_ITEMS_MAX and
 * tables (of cells or threads by nodes) larger than HN_CODEC_TABLE_MAX, and give the caller a value to free.
 * What they read is what the encoder of the same version wrote; unknown members are skipped, and those that
 * an earlier version did not write may be missing. A snapshot is checked as a whole besides (model/check.h).
 */
#include <json-c/json.h>

#include "base/error.h"
#include "model/activity.h"
#include "model/checkup.h"
#include "model/explanation.h"
#include "model/fit-answer.h"
#include "model/guest.h"
#include "model/history.h"
#include "model/host.h"
#include "model/placement.h"
#include "model/plan.h"
#include "model/report.h"
#include "model/reported.h"
#include "model/reservation.h"
#include "model/sample.h"
#include "model/snapshot.h"

#define HN_CODEC_ITEMS_MAX 65536
#define HN_CODEC_TABLE_MAX (1 << 22)

json_object *hn_host_encode(const struct hn_host *host);
int hn_host_decode(json_object *json, struct hn_host **ret, struct hn_error *err);

json_object *hn_guest_encode(const struct hn_guest *guest);
int hn_guest_decode(json_object *json, struct hn_guest **ret, struct hn_error *err);

json_object *hn_sample_encode(const struct hn_sample *sample);
int hn_sample_decode(json_object *json, struct hn_sample **ret, struct hn_error *err);

json_object *hn_placement_encode(const struct hn_placement *placement);
int hn_placement_decode(json_object *json, struct hn_placement **ret, struct hn_error *err);

json_object *hn_plan_encode(const struct hn_plan *plan);
int hn_plan_decode(json_object *json, struct hn_plan **ret, struct hn_error *err);

json_object *hn_report_encode(const struct hn_report *report);
int hn_report_decode(json_object *json, struct hn_report **ret, struct hn_error *err);

json_object *hn_reservation_encode(const struct hn_reservation *reservation);
int hn_reservation_decode(json_object *json, struct hn_reservation **ret, struct hn_error *err);

json_object *hn_reported_encode(const struct hn_reported *reported);
int hn_reported_decode(json_object *json, struct hn_reported **ret, struct hn_error *err);

json_object *hn_access_encode(const struct hn_access *access);
int hn_access_decode(json_object *json, struct hn_access **ret, struct hn_error *err);

/* As an object of its own, and, of the host, among the members that hn_host_encode() wrote. */
json_object *hn_activity_encode(const struct hn_activity *activity);
int hn_activity_decode(json_object *json, struct hn_activity **ret, struct hn_error *err);

json_object *hn_snapshot_encode(const struct hn_snapshot *snapshot);
int hn_snapshot_decode(json_object *json, struct hn_snapshot **ret, struct hn_error *err);

json_object *hn_explanation_encode(const struct hn_explanation *explanation);
int hn_explanation_decode(json_object *json, struct hn_explanation **ret, struct hn_error *err);

/* host: its name. */
json_object *hn_fit_answer_encode(const struct hn_fit_answer *answer, const char *host);

/* As a report has it. */
json_object *hn_operation_encode(const struct hn_operation *operation);

/* A record's kind is one word: "sample", "decision", "move". */
json_object *hn_record_encode(const struct hn_record *record);
int hn_record_decode(json_object *json, struct hn_record **ret, struct hn_error *err);

json_object *hn_history_encode(const struct hn_history *history);
int hn_history_decode(json_object *json, struct hn_history **ret, struct hn_error *err);
json_object *hn_checkup_encode(const struct hn_checkup *checkup);
/* Untouched on failure. */
int hn_checkup_decode(json_object *json, struct hn_checkup *ret, struct hn_error *err);
