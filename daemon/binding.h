#pragma once
/*
 * binding - lets a guest's threads run where a plan wants them: through libvirt, so that its own record stays
 * true, and directly what libvirt does not know (vhost workers, helpers) or will not do (guests of
 * type='qemu').
 *
 * What its operator has pinned is left alone (daemon/domain.h).
 */
#include "daemon/guest.h"

struct hn_binding_outcome {
	unsigned bound;           /* threads; a pin of libvirt's counts once */
	unsigned kept;            /* left where their operator has pinned them */
	char note[HN_REASON_MAX]; /* worth saying, "" nothing */
};

/* err is NULL exactly when all that could be bound was. Never from inside hn_binding_start(). */
typedef void (*hn_binding_done)(const struct hn_binding_outcome *outcome, const struct hn_error *err,
				void *context);

struct hn_binding;

/* plan is borrowed until done. -ENOMEM, and what asking libvirt or the hands returns. */
int hn_binding_start(struct hn_managed *managed, const struct hn_plan *plan, hn_binding_done done,
		     void *context, struct hn_binding **ret, struct hn_error *err);

/* Forgets it; done is not called. NULL is fine. */
void hn_binding_cancel(struct hn_binding *binding);
