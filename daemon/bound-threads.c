#include "daemon/bound-threads.h"

#include <stdlib.h>

#include "base/hash.h"

static int by_tid(const void *a, const void *b)
{
	const struct hn_bound_thread *left = a, *right = b;

	return (left->tid > right->tid) - (left->tid < right->tid);
}

static struct hn_bound_thread *find(struct hn_bound_thread *threads, size_t count, pid_t tid)
{
	const struct hn_bound_thread wanted = {.tid = tid};

	return count == 0 ? NULL : bsearch(&wanted, threads, count, sizeof(wanted), by_tid);
}

/* 256 bytes a thread would be much of what a guest may cost in memory. */
static uint64_t hash_of(const struct hn_set *cpus)
{
	return hn_hash(HN_HASH_BEGIN, cpus, sizeof(*cpus));
}

void hn_bound_threads_note(struct hn_managed *managed, const struct hn_plan *plan)
{
	size_t known = managed->bound_count;
	struct hn_bound_thread *grown =
		reallocarray(managed->bound, known + plan->action_count + 1, sizeof(*grown));

	if (!grown)
		return;
	managed->bound = grown;
	for (size_t i = 0; i < plan->action_count; i++) {
		const struct hn_action *action = &plan->actions[i];
		struct hn_bound_thread *thread;

		if (action->kind != HN_ACTION_BIND)
			continue;
		thread = find(grown, known, action->tid);
		if (!thread) {
			thread = &grown[managed->bound_count++];
			thread->cpus = 0;
		}
		*thread = (struct hn_bound_thread){
			.tid = action->tid, .cpus = hash_of(&action->cpus), .before = thread->cpus};
	}
	qsort(grown, managed->bound_count, sizeof(*grown), by_tid);
}

void hn_bound_threads_revert(struct hn_managed *managed, const struct hn_plan *plan)
{
	for (size_t i = 0; i < plan->action_count; i++) {
		struct hn_bound_thread *thread =
			find(managed->bound, managed->bound_count, plan->actions[i].tid);

		if (thread)
			thread->cpus = thread->before;
	}
}

/* A tid may be another thread's one day. */
static void drop_unseen(struct hn_managed *managed)
{
	size_t kept = 0;

	for (size_t i = 0; i < managed->bound_count; i++)
		if (managed->bound[i].seen)
			managed->bound[kept++] = managed->bound[i];
	managed->bound_count = kept;
}

void hn_bound_threads_heed(struct hn_managed *managed)
{
	for (size_t i = 0; i < managed->bound_count; i++)
		managed->bound[i].seen = false;
	for (size_t i = 0; i < managed->guest->thread_count; i++) {
		struct hn_thread *thread = &managed->guest->threads[i];
		struct hn_bound_thread *known = find(managed->bound, managed->bound_count, thread->tid);

		thread->ours = known && known->cpus == hash_of(managed->sample->threads[i].allowed);
		if (known)
			known->seen = true;
	}
	drop_unseen(managed);
}

void hn_bound_threads_forget(struct hn_managed *managed)
{
	free(managed->bound);
	managed->bound = NULL;
	managed->bound_count = 0;
}
