#include "daemon/fence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/domain.h"
#include "daemon/guest-calls.h"
#include "daemon/hands-channel.h"

struct hn_fence {
	struct hn_managed *managed;
	enum hn_fence_step step;
	struct hn_set nodes; /* allowed once it is done */
	hn_fence_done done;
	void *context;
};

bool hn_fence_is_in_the_way(const struct hn_managed *managed, const struct hn_set *nodes)
{
	return managed->follow_cpuset && !hn_set_empty(&managed->cpuset_nodes) &&
	       !hn_set_inside(nodes, &managed->cpuset_nodes);
}

bool hn_fence_is_too_wide(const struct hn_managed *managed, const struct hn_set *nodes)
{
	return managed->follow_cpuset && !hn_set_empty(&managed->cpuset_nodes) &&
	       !hn_set_equal(nodes, &managed->cpuset_nodes);
}

void hn_fence_cancel(struct hn_fence *fence)
{
	if (!fence)
		return;
	hn_hands_forget(fence->managed->service->hands, fence);
	if (fence->managed->domain)
		hn_virt_forget(fence->managed->domain->virt, fence);
	free(fence);
}

static void end(struct hn_fence *fence, const struct hn_error *err)
{
	const struct hn_error why = err ? *err : (struct hn_error){0};
	hn_fence_done done = fence->done;
	void *context = fence->context;

	if (!err)
		fence->managed->cpuset_nodes = fence->nodes;
	hn_fence_cancel(fence);
	done(err ? &why : NULL, context);
}

static void on_cpuset_reply(int result, const void *body, size_t length, const struct hn_error *err,
			    void *context)
{
	end(context, result < 0 ? err : NULL);
}

static int ask_hands(struct hn_fence *fence, struct hn_error *err)
{
	const struct hn_hands_cpuset cpuset = {
		.process = {fence->managed->guest->pid, fence->managed->guest->start_ticks},
		.step = fence->step == HN_FENCE_WIDEN ? HN_HANDS_WIDEN : HN_HANDS_NARROW,
		.nodes = fence->nodes,
	};

	return hn_hands_request(fence->managed->service->hands, HN_HANDS_CPUSET,
				&(struct hn_hands_part){&cpuset, sizeof(cpuset)}, 1, NULL, on_cpuset_reply,
				fence, err);
}

static void on_nodes_set(const struct hn_error *err, void *context)
{
	struct hn_fence *fence = context;
	struct hn_error why;

	if (!err || err->code != -EOPNOTSUPP)
		end(fence, err);
	else if (ask_hands(fence, &why) < 0)
		end(fence, &why);
}

static bool libvirt_does_it(const struct hn_managed *managed)
{
	return managed->domain && strcmp(managed->domain->wishes.memory_mode, "restrictive") == 0;
}

static void on_back(const struct hn_error *err, void *context)
{
	struct hn_managed *managed = context;

	managed->fence_back = NULL;
	if (err && err->code != -ESRCH)
		hn_log(HN_LOG_WARNING, "guest '%s': its cgroups stay open for more nodes than before: %s",
		       managed->name, err->message);
}

void hn_fence_back(struct hn_managed *managed, const struct hn_set *nodes)
{
	struct hn_error err;

	hn_fence_cancel(hn_steal(managed->fence_back));
	if (hn_fence_start(managed, HN_FENCE_NARROW, nodes, on_back, managed, &managed->fence_back, &err) < 0)
		on_back(&err, managed);
}

struct hn_set hn_fence_take_over(struct hn_managed *managed)
{
	struct hn_fence *back = hn_steal(managed->fence_back);
	struct hn_set nodes = managed->fence_owed;

	if (back)
		nodes = managed->cpuset_nodes = back->nodes;
	hn_fence_cancel(back);
	hn_set_clear(&managed->fence_owed);
	return nodes;
}

void hn_fence_heed(struct hn_managed *managed)
{
	struct hn_set owed = managed->fence_owed;

	if (hn_set_empty(&owed) || managed->running || managed->fence_back ||
	    hn_guest_is_untouchable(managed->guest))
		return;
	hn_set_clear(&managed->fence_owed);
	hn_fence_back(managed, &owed);
}

int hn_fence_start(struct hn_managed *managed, enum hn_fence_step step, const struct hn_set *nodes,
		   hn_fence_done done, void *context, struct hn_fence **ret, struct hn_error *err)
{
	struct hn_fence *fence;
	int r = hn_guest_calls_make(managed, HN_CALL_CPUSET, 1, err);

	if (r < 0)
		return r;
	fence = calloc(1, sizeof(*fence));
	if (!fence)
		return hn_oom(err);
	*fence = (struct hn_fence){managed, step, *nodes, done, context};
	if (step == HN_FENCE_WIDEN)
		hn_set_or(&fence->nodes, &managed->cpuset_nodes);
	r = libvirt_does_it(managed)
		    ? hn_virt_set_nodes(managed->domain->virt, managed->domain->uuid, &fence->nodes,
					managed->persist, on_nodes_set, fence, err)
		    : ask_hands(fence, err);
	if (r < 0) {
		hn_fence_cancel(fence);
		return r;
	}
	*ret = fence;
	return 0;
}
