#pragma once
/*
 * decision - what would be decided about a guest of a snapshot, said with its reasons: what replay and
 * explain print.
 */
#include "cli/command.h"
#include "model/snapshot.h"
#include "policy/decide.h"

/*
 * Decides about snapshot->guests[guest] and prints the plan and why the cells are where they are; with
 * invocation->json, *ret is {"guest", "plan", "explanation"} instead, explanation null where there is nothing
 * to explain. -EINVAL, -ENOMEM.
 */
int hn_decision_print(const struct hn_invocation *invocation, const struct hn_snapshot *snapshot,
		      size_t guest, const struct hn_decide_options *options, json_object **ret,
		      struct hn_error *err);

/* The index of the guest of that name, or -ENOENT with its sentence. */
int hn_snapshot_find(const struct hn_snapshot *snapshot, const char *name, struct hn_error *err);
