#pragma once
/*
 * introspect - asks a QEMU over QMP what the guest is made of, and answers with a model guest.
 *
 * One pass runs its commands one after the other and ends in one callback. What it finds (facts of QEMU 5.2
 * to 10, see docs/qmp.md): run state, name and uuid; vCPUs with thread ids and cells (query-cpus-fast),
 * iothreads, memory backends (query-memdev) with size, policy, host nodes, sharing, prealloc; DIMMs
 * (query-memory-devices) with their cell; where each backend lies in QEMU's address space (info mtree -f and
 * gpa2hva through human-monitor-command; info ramblock where it prints the host address). A guest without
 * -numa is one cell 0 with all vCPUs and all memory. A backend whose place cannot be found has host_address
 * 0; that is no error, it is a sentence in notes.
 */
#include <stdint.h>

#include "base/error.h"
#include "model/guest.h"
#include "qmp/client.h"

struct hn_introspection;

struct hn_introspect_result {
	/*
	 * hn_guest_check_shape() says 0 of it. The receiver takes it by setting this NULL. pid and
	 * start_ticks are not filled.
	 */
	struct hn_guest *guest;
	size_t note_count; /* what could not be found out, one sentence each; borrowed */
	const char *const *notes;
};

/* Exactly once: result, or NULL with err. Not from inside hn_introspect_start(). */
typedef void (*hn_introspect_done)(struct hn_introspect_result *result, const struct hn_error *err,
				   void *context);

/*
 * Starts a pass on a ready client, bounded by the client's command time-outs; *ret is valid until done is
 * called or hn_introspect_cancel(). name is used when the guest has none of its own.
 */
int hn_introspect_start(struct hn_qmp *qmp, const char *name, hn_introspect_done done, void *context,
			struct hn_introspection **ret, struct hn_error *err);

/*
 * Forgets the pass; done is not called. NULL is fine. Freeing the client ends its passes by itself: done is
 * called with -ECANCELED then, unless they were cancelled before.
 */
void hn_introspect_cancel(struct hn_introspection *introspection);

/*
 * Whether a QMP event changes what introspection would find: hot-unplug, resizing, reset, a change of run
 * state. QEMU has no event for what is plugged in: ask again now and then as well.
 */
bool hn_introspect_event_matters(const char *event);
