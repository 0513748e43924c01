#pragma once
/*
 * look - what is the same in every look at a guest, whatever it is looked at for.
 * Pure: no I/O, clock, logging or globals. Private to policy/.
 */
#include "base/error.h"
#include "policy/actions.h"

void hn_look_conclude(struct hn_plan *plan, enum hn_verdict verdict, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Verdicts that need no home: true when the plan is concluded, left alone or unknown. */
bool hn_look_is_moot(const struct hn_look *look);

/*
 * The CPUs in the home of the plan. A dedicated or realtime guest keeps those it has; a shared one's are what
 * is nobody's own. Where there are too few whole cores, any CPU of its nodes will do, and a note says so.
 * -ENOMEM.
 */
int hn_look_choose_cpus(const struct hn_look *look, struct hn_error *why);
