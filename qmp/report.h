#pragma once
/*
 * report - asks a guest how it is doing, and answers with a model of what it reported: its agent about NUMA
 * counters, memory and CPUs, its balloon about memory.
 *
 * One pass asks one thing after the other and ends in one callback. What the guest does not tell (Windows, an
 * old agent, no /sys, no balloon) is left unknown with a note and is no error. A pass is bounded: at most
 * HN_REPORT_NODES guest nodes, files of at most 64 KiB, and nothing new is asked after HN_REPORT_NS; what
 * comes is read with limits, and never believed (policy/reported.h).
 */
#include <stdint.h>

#include "base/error.h"
#include "model/reported.h"
#include "qmp/client.h"

#define HN_REPORT_NODES 64
#define HN_REPORT_NS (UINT64_C(10) * 1000000000)

struct hn_report_pass;

/*
 * Exactly once: reported, which the receiver takes by setting it NULL, holds what came; NULL when out of
 * memory. err, NULL when all went well, is why the agent stopped answering: it may have told something
 * before.
 */
typedef void (*hn_report_done)(struct hn_reported **reported, const struct hn_error *err, void *context);

/*
 * Starts a pass on a ready agent (HN_QMP_AGENT) and, for the balloon, on a monitor; either may be NULL, not
 * both. The balloon's statistics are switched on where they are off. *ret is valid until done is called or
 * hn_report_cancel(). done is not called from inside.
 */
int hn_report_start(struct hn_qmp *agent, struct hn_qmp *monitor, hn_report_done done, void *context,
		    struct hn_report_pass **ret, struct hn_error *err);

/* Forgets the pass; done is not called. To be called before either client is freed. NULL is fine. */
void hn_report_cancel(struct hn_report_pass *pass);
