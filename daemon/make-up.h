#pragma once
/*
 * make-up - what a guest is made of, found out by the best source at hand, and what holds for it.
 *
 *     its own QMP socket, or libvirt's monitor where the operator allows it   daemon/monitor.h
 *     else libvirt's XML and /proc                                            daemon/survey.h
 */
#include "daemon/guest.h"

/* Asks now, unless that is under way. */
void hn_make_up_start(struct hn_managed *managed);
/* The same in a moment, once for a burst of events. */
void hn_make_up_soon(struct hn_managed *managed);

/*
 * A source has found out: told, which is taken over, is what the guest is made of. Returns false when that is
 * what is known already, true when it is news: the guest is then to be identified (hn_make_up_identified()).
 */
bool hn_make_up_take(struct hn_managed *managed, struct hn_guest *told);
/*
 * Whether what is told now is what is known, in whatever order; known has more threads, those that no source
 * names, and what virtio-mem gives of what it maps may have changed.
 */
bool hn_make_up_is_same(const struct hn_guest *known, const struct hn_guest *told);
/* A source could not: said, and tried again. */
void hn_make_up_failed(struct hn_managed *managed, const struct hn_error *err);

/*
 * told, which the caller keeps, is what the guest at a socket of its own is made of: when it is one with a
 * domain that was found by itself, that becomes this one's, and what its XML knows is written into told.
 * True when it has. A QEMU can tell any uuid: it must be the process that the census has seen with it.
 */
bool hn_make_up_join(struct hn_managed *managed, struct hn_guest *told);

/* The process behind it, and nodes that its cgroups allow, empty for all. It is inspected next. */
void hn_make_up_identified(struct hn_managed *managed, const struct hn_process *process,
			   const struct hn_set *nodes);

/* What holds for the guest (daemon/settings.h), written into it: after a change of its metadata or its
 * limits, too. */
void hn_make_up_apply_settings(struct hn_managed *managed);
/* Of them, which threads stay where their operator has pinned them: those of a new look, too. */
void hn_make_up_keep_threads(struct hn_managed *managed);
