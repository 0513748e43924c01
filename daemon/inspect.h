#pragma once
/*
 * inspect - asks the hands what kind of memory a guest has, what holds it where it is, which nodes its
 * cgroups allow it, and which of the host's devices it uses: before the first look at it, and now and then,
 * since all of these come and go.
 */
#include "daemon/guest.h"

/* What was found out of a backend besides what its make-up tells, kept from one inspection to the next. */
struct hn_backend_memo {
	enum hn_movability told; /* by QEMU or the XML */
	bool moves;              /* a page of it has been moved, and back */
};

/* Starts one of an identified guest; nothing happens while one is running. The first is followed by a look,
 * and that is what tells whether the guest is realtime: no page of it is looked at or tried before. */
void hn_inspect_start(struct hn_managed *managed);
/* Though it may rest since it hung (daemon/rota.h). */
void hn_inspect_now(struct hn_managed *managed);
/* After its first look: the same again, with what is only done to others than realtime guests. */
void hn_inspect_inside(struct hn_managed *managed);

/* What the last one found has proved wrong: the next is due, and nothing is moved before. */
void hn_inspect_soon(struct hn_managed *managed);

/* Nodes that its cgroups were found to allow; while an operation changes them, that one's word counts. */
void hn_inspect_take_nodes(struct hn_managed *managed, const struct hn_set *nodes);

/* It is told anew what holds the same memory, as by XML that came after QMP; told is the caller's. */
void hn_inspect_take_told(struct hn_managed *managed, const struct hn_guest *told);

/* What its settings allow has changed: whether a page of that size may be copied while it waits. */
void hn_inspect_weigh(struct hn_managed *managed);

/* It is due: the first, or a minute has passed and looks have cost several times as much as it will. */
bool hn_inspect_is_due(const struct hn_managed *managed);

/* The last is more than a minute old: daemon/admission.h lets nothing be moved before there is another. */
bool hn_inspect_is_old(const struct hn_managed *managed);

/* What was learnt of a make-up that is no more. */
void hn_inspect_forget(struct hn_managed *managed);
