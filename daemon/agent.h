#pragma once
/*
 * agent - asks a guest now and then how it is doing: its agent, over the socket NAME.qga beside NAME.qmp or
 * through libvirt, and its balloon, over the monitor. Nothing is decided on what it says.
 *
 * For each time it is connected to anew and let go again, since an agent's socket serves one client. A guest
 * that does not answer is asked less and less often, down to a sixteenth; one that is not running or is a
 * realtime guest is not asked. What the answers cost is bounded by qmp/report.h.
 */
#include "daemon/guest.h"

struct hn_guest_agent;

/* Asks every config->agent_ns; *ret is NULL when that is 0. -ENOMEM. */
int hn_guest_agent_new(struct hn_managed *managed, struct hn_guest_agent **ret, struct hn_error *err);
void hn_guest_agent_free(struct hn_guest_agent *agent); /* NULL is fine */

/* What is asked at the moment is dropped: to be called before the guest's monitor is freed. NULL is fine. */
void hn_guest_agent_stop(struct hn_guest_agent *agent);

/* What it said was of another process or make-up. NULL is fine. */
void hn_guest_agent_forget(struct hn_guest_agent *agent);

/* Adds what the guest says of itself, and what follows from it. NULL is fine. -ENOMEM. */
int hn_guest_agent_report(const struct hn_guest_agent *agent, struct hn_report *report);
