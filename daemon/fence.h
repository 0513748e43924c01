#pragma once
/*
 * fence - the nodes that a guest's cgroups let its memory come from: widened before pages move to a node
 * outside, narrowed to the home afterwards, so that new memory comes from there. Only where its operator has
 * said cpuset = follow.
 *
 * Through libvirt for guests in mode restrictive (its record stays true), else the hands write the cgroups
 * (host/cpuset.h).
 */
#include "daemon/guest.h"

enum hn_fence_step {
	HN_FENCE_WIDEN,  /* adds the nodes to what is allowed */
	HN_FENCE_NARROW, /* allows these nodes only */
};

/* err is NULL when it was done. Never from inside hn_fence_start(). */
typedef void (*hn_fence_done)(const struct hn_error *err, void *context);

struct hn_fence;

/* Whether memory may go to these nodes only after the fence was widened, and that is allowed. */
bool hn_fence_is_in_the_way(const struct hn_managed *managed, const struct hn_set *nodes);
/* Whether the fence is to be narrowed to these nodes. */
bool hn_fence_is_too_wide(const struct hn_managed *managed, const struct hn_set *nodes);

/* -ENOMEM, and what asking libvirt or the hands returns. */
int hn_fence_start(struct hn_managed *managed, enum hn_fence_step step, const struct hn_set *nodes,
		   hn_fence_done done, void *context, struct hn_fence **ret, struct hn_error *err);

/* Narrows them to these nodes, which they allowed before, for an operation that has ended without moving
 * anything. What cannot be put back is logged. */
void hn_fence_back(struct hn_managed *managed, const struct hn_set *nodes);

/* The nodes that they are being put back to, or are yet to be: from now on the caller's to see to. Empty:
 * none. What has been asked for already is still done, before anything asked for later. */
struct hn_set hn_fence_take_over(struct hn_managed *managed);

/* Does that for one which was left open because it could not be touched, once it can. */
void hn_fence_heed(struct hn_managed *managed);

/* Forgets it; done is not called. NULL is fine. */
void hn_fence_cancel(struct hn_fence *fence);
