#pragma once
/*
 * checkup - what is looked at to tell whether this host suits homenode and its guests, and whether it suits
 * one guest; and what was found. The checks are one table (checkup.c): from it come the order, the words,
 * `homenode check --list` and docs/checks.md.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"

enum hn_check {
	HN_CHECK_NODES,
	HN_CHECK_MEMORY_ONLY,
	HN_CHECK_KERNEL,
	HN_CHECK_NUMA,
	HN_CHECK_PRESSURE,
	HN_CHECK_BALANCING,
	HN_CHECK_ZONE_RECLAIM,
	HN_CHECK_THP,
	HN_CHECK_KSM,
	HN_CHECK_HUGE_PAGES,
	HN_CHECK_SWAP,
	HN_CHECK_ISOLATED_CPUS,
	HN_CHECK_MOVES,
	HN_CHECK_IRQBALANCE,
	HN_CHECK_RIGHTS,
	HN_CHECK_CGROUPS,
	HN_CHECK_HOOK,
	HN_CHECK_NUMAD,
	HN_CHECK_NUMAD_RUNNING,
	HN_CHECK_QEMU_VERSION,
	HN_CHECK_STRANGERS,
	/* of one guest, from here on */
	HN_CHECK_VCPU_CORES,
	HN_CHECK_VCPU_ISOLATION,
	HN_CHECK_VCPU_SCHEDULER,
	HN_CHECK_EMULATOR_CPUS,
	HN_CHECK_GUEST_NODES,
	HN_CHECK_DEVICES_NEAR,
	HN_CHECK_MEMORY_PAGES,
	HN_CHECK_MEMORY_THERE,
	HN_CHECK_MEMORY_LOCKED,
	HN_CHECK_MEMORY_MOVES,
	HN_CHECK_MEMORY_MERGING,
	HN_CHECK_MEMORY_BALANCING,
	HN_CHECK_MEMORY_SWAPPED,
	HN_CHECK_CPU_TICK,
	HN_CHECK_CPU_CALLBACKS,
	HN_CHECK_CPU_INTERRUPTS,
	HN_CHECK_CPU_TIMERS,
	HN_CHECK_CPU_IDLE,
	HN_CHECK_CPU_FREQUENCY,
	HN_CHECK_CPU_THROTTLING,
	HN_CHECK_COUNT,
	HN_CHECK_OF_GUEST = HN_CHECK_VCPU_CORES,
};
/* Whether it is looked at for one guest, not for the host. */
static inline bool hn_check_is_of_guest(enum hn_check check)
{
	return check >= HN_CHECK_OF_GUEST;
}
const char *hn_check_name(enum hn_check check);
int hn_check_parse(const char *text, enum hn_check *ret, struct hn_error *err);
const char *hn_check_subject(enum hn_check check); /* what is looked at, no full stop */
const char *hn_check_why(enum hn_check check);     /* why it matters, one sentence */

enum hn_finding_verdict {
	HN_FINDING_OK,
	HN_FINDING_NOTE,    /* worth knowing; nothing has to be done */
	HN_FINDING_WARNING, /* guests are slower, or are placed worse, than they could be */
	HN_FINDING_FAIL,    /* homenode cannot do its work, or another works against it */
	HN_FINDING_UNKNOWN, /* it cannot be told: the sentence says what kept it back */
	HN_FINDING_VERDICT_COUNT,
};
/* "ok", "note", "warning", "fail", "cannot-tell" */
const char *hn_finding_verdict_name(enum hn_finding_verdict verdict);
int hn_finding_verdict_parse(const char *text, enum hn_finding_verdict *ret, struct hn_error *err);

/* Plain data, so that it can be sent as a struct. */
struct hn_finding {
	enum hn_check check;
	enum hn_finding_verdict verdict;
	char found[320];  /* what was found, a sentence without its full stop */
	char remedy[240]; /* the command, or the lines of a file, that mend it; "" none, always for ok */
};

/* At most one finding a check, in the checks' order. */
struct hn_checkup {
	size_t count;
	struct hn_finding findings[HN_CHECK_COUNT];
};

/* Puts a finding into its place, instead of one of the same check, without a remedy. Returns it. */
struct hn_finding *hn_checkup_put(struct hn_checkup *checkup, enum hn_check check,
				  enum hn_finding_verdict verdict, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Gives a finding its remedy; the finding is what hn_checkup_put() returned. */
void hn_finding_mend(struct hn_finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* NULL when there is no such finding. */
const struct hn_finding *hn_checkup_find(const struct hn_checkup *checkup, enum hn_check check);
