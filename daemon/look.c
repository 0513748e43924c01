#include "daemon/look.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/units.h"
#include "daemon/bound-threads.h"
#include "daemon/chronicle.h"
#include "daemon/decision.h"
#include "daemon/gauge.h"
#include "daemon/guest-calls.h"
#include "daemon/hands-channel.h"
#include "daemon/inspect.h"
#include "daemon/make-up.h"
#include "daemon/rota.h"
#include "daemon/window.h"
#include "host/residency.h"
#include "policy/locality.h"

#define AUTO_MEMORY __attribute__((cleanup(hn_cleanup_memory)))

const struct hn_thread_reading *hn_look_find(const struct hn_thread_reading *readings, size_t count,
					     pid_t tid)
{
	const struct hn_thread_reading wanted = {.tid = tid};

	return count ? bsearch(&wanted, readings, count, sizeof(*readings), hn_thread_readings_order) : NULL;
}

static bool is_named_by_qmp(enum hn_thread_kind kind)
{
	return kind == HN_THREAD_VCPU || kind == HN_THREAD_IOTHREAD;
}

/* Of a thread that QMP does not name. */
static enum hn_thread_kind kind_of(const struct hn_thread_reading *reading)
{
	if (reading->helper)
		return HN_THREAD_HELPER;
	return strncmp(reading->name, "vhost-", 6) == 0 ? HN_THREAD_VHOST : HN_THREAD_EMULATOR;
}

/* Threads as they are now: those of QMP that still run, then the rest of the process. */
static int update_threads(struct hn_guest *guest, const struct hn_thread_reading *readings, size_t count)
{
	HN_AUTO(memory) bool *named = calloc(count + 1, sizeof(*named));
	size_t kept = 0;

	if (!named)
		return -ENOMEM;
	for (size_t i = 0; i < guest->thread_count; i++) {
		const struct hn_thread_reading *reading =
			hn_look_find(readings, count, guest->threads[i].tid);

		if (!reading || !is_named_by_qmp(guest->threads[i].kind))
			continue;
		guest->threads[kept] = guest->threads[i];
		snprintf(guest->threads[kept].name, sizeof(guest->threads[kept].name), "%s", reading->name);
		named[reading - readings] = true;
		kept++;
	}
	guest->thread_count = kept;
	for (size_t i = 0; i < count; i++) {
		struct hn_thread *thread;

		if (named[i])
			continue;
		thread = hn_guest_add_thread(guest, readings[i].tid, kind_of(&readings[i]));
		if (!thread)
			return -ENOMEM;
		snprintf(thread->name, sizeof(thread->name), "%s", readings[i].name);
	}
	return 0;
}

static enum hn_scheduler scheduler_of(const struct hn_thread_reading *reading)
{
	switch (reading->scheduling_policy) {
	case SCHED_FIFO:
		return HN_SCHEDULER_FIFO;
	case SCHED_RR:
		return HN_SCHEDULER_RR;
	case SCHED_DEADLINE:
		return HN_SCHEDULER_DEADLINE;
	default:
		return HN_SCHEDULER_OTHER;
	}
}

static struct hn_set isolated_cpus(const struct hn_host *host)
{
	struct hn_set cpus = {0};

	for (size_t i = 0; i < host->cpu_count; i++)
		if (host->cpus[i].isolated)
			hn_set_add(&cpus, host->cpus[i].id);
	return cpus;
}

bool hn_look_runs_realtime(const struct hn_host *host, const struct hn_guest *guest,
			   const struct hn_thread_reading *readings, size_t reading_count)
{
	size_t vcpus = 0, realtime = 0, alone = 0;
	struct hn_set isolated = isolated_cpus(host);

	for (size_t i = 0; i < guest->thread_count; i++) {
		const struct hn_thread_reading *reading =
			hn_look_find(readings, reading_count, guest->threads[i].tid);

		if (guest->threads[i].kind != HN_THREAD_VCPU || !reading)
			continue;
		vcpus++;
		realtime += scheduler_of(reading) != HN_SCHEDULER_OTHER;
		alone += hn_set_inside(&reading->allowed, &isolated);
	}
	return vcpus > 0 && (realtime == vcpus || alone == vcpus);
}

static int by_history(const void *a, const void *b)
{
	const struct hn_thread_history *left = a, *right = b;

	return (left->tid > right->tid) - (left->tid < right->tid);
}

/* Takes a thread's residency out of the old history, or starts a new one. */
static struct hn_residency *take_residency(struct hn_thread_history *history, size_t count, pid_t tid,
					   size_t nodes)
{
	const struct hn_thread_history wanted = {.tid = tid};
	struct hn_thread_history *old =
		count ? bsearch(&wanted, history, count, sizeof(*history), by_history) : NULL;

	if (old && old->residency && old->residency->node_count == nodes)
		return hn_steal(old->residency);
	return hn_residency_new(nodes);
}

static void free_history(struct hn_thread_history *history, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(history[i].residency);
	free(history);
}

/* The only node a thread may run on, or the one it was last seen on. */
static int node_of(const struct hn_host *host, const struct hn_thread_reading *reading)
{
	int only = -1;

	for (size_t i = 0; i < host->node_count; i++) {
		struct hn_set both = reading->allowed;

		hn_set_and(&both, &host->nodes[i].cpus);
		if (hn_set_empty(&both))
			continue;
		if (only >= 0)
			return hn_host_cpu_node(host, reading->last_cpu);
		only = (int)i;
	}
	return only >= 0 ? only : hn_host_cpu_node(host, reading->last_cpu);
}

/* A thread that was bound elsewhere is not where it ran before. */
static void leave_nodes(const struct hn_host *host, const struct hn_thread_reading *reading,
			struct hn_residency *residency)
{
	if (hn_set_empty(&reading->allowed))
		return;
	for (size_t i = 0; i < host->node_count; i++) {
		struct hn_set both = reading->allowed;

		hn_set_and(&both, &host->nodes[i].cpus);
		if (hn_set_empty(&both))
			hn_residency_leave(residency, i);
	}
}

static int fill_threads(const struct hn_host *host, const struct hn_guest *guest,
			const struct hn_thread_reading *readings, size_t reading_count, uint64_t now_ns,
			struct hn_thread_history *old, size_t old_count, struct hn_thread_history *history,
			struct hn_sample *sample)
{
	for (size_t i = 0; i < guest->thread_count; i++) {
		const struct hn_thread_reading *reading =
			hn_look_find(readings, reading_count, guest->threads[i].tid);
		struct hn_thread_sample *thread = &sample->threads[i];

		history[i].tid = reading->tid;
		history[i].residency = take_residency(old, old_count, reading->tid, host->node_count);
		if (!history[i].residency)
			return -ENOMEM;
		thread->tid = reading->tid;
		thread->last_cpu = reading->last_cpu;
		thread->last_node = node_of(host, reading);
		thread->cpu_ns = reading->cpu_ns;
		if (hn_sample_allow(sample, i, &reading->allowed) < 0)
			return -ENOMEM;
		thread->scheduler = scheduler_of(reading);
		hn_residency_add(history[i].residency, now_ns, reading->cpu_ns, thread->last_node);
		leave_nodes(host, reading, history[i].residency);
		thread->busy = hn_residency_read(history[i].residency, thread->residency);
	}
	return 0;
}

/*
 * Of the pages looked at, those that virtio-mem maps and has not plugged: the guest has not been given them,
 * and they are absent. What is left stands for its memory.
 */
static uint64_t unplugged_of(const struct hn_guest *guest, size_t cell, const struct hn_page_counts *counts)
{
	uint64_t mapped = 0, given = guest->cells[cell].memory_bytes, unplugged;

	for (size_t i = 0; i < guest->backend_count; i++)
		if (guest->backends[i].cell == guest->cells[cell].id && guest->backends[i].host_address)
			mapped += guest->backends[i].bytes;
	if (mapped <= given)
		return 0;
	unplugged = (uint64_t)((unsigned __int128)counts->sampled * (mapped - given) / mapped);
	return unplugged < counts->absent ? unplugged : counts->absent;
}

static void fill_cells(const struct hn_host *host, const struct hn_guest *guest,
		       const struct hn_page_counts *counts, struct hn_sample *sample)
{
	for (size_t i = 0; i < guest->cell_count; i++) {
		struct hn_cell_sample *cell = &sample->cells[i];

		cell->cell = guest->cells[i].id;
		cell->sampled = counts[i].sampled - unplugged_of(guest, i, &counts[i]);
		cell->absent = counts[i].absent - (counts[i].sampled - cell->sampled);
		cell->unknown = counts[i].sampled - counts[i].absent;
		for (size_t node = 0; node < host->node_count; node++) {
			cell->on_node[node] = counts[i].on_node[host->nodes[node].id];
			cell->unknown -=
				cell->on_node[node]; /* pages on a node that is not online count as unknown */
		}
	}
}

int hn_look_merge(const struct hn_host *host, struct hn_guest *guest, const struct hn_page_counts *counts,
		  const struct hn_thread_reading *readings, size_t reading_count, uint64_t now_ns,
		  struct hn_thread_history **history, size_t *history_count, struct hn_sample **ret,
		  struct hn_error *err)
{
	HN_AUTO(hn_sample) struct hn_sample *sample = NULL;
	struct hn_thread_history *fresh = NULL;
	int r = update_threads(guest, readings, reading_count);

	if (r == 0) {
		sample = hn_sample_new(host->node_count, guest->cell_count, guest->thread_count);
		fresh = calloc(guest->thread_count + 1, sizeof(*fresh));
		r = sample && fresh ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = fill_threads(host, guest, readings, reading_count, now_ns, *history, *history_count,
				 fresh, sample);
	if (r < 0) {
		free_history(fresh, fresh ? guest->thread_count : 0);
		return hn_oom(err);
	}
	fill_cells(host, guest, counts, sample);
	sample->taken_ns = now_ns;
	free_history(*history, *history_count);
	qsort(fresh, guest->thread_count, sizeof(*fresh), by_history);
	*history = fresh;
	*history_count = guest->thread_count;
	*ret = hn_steal(sample);
	return 0;
}

/* The reply's two arrays, checked against what was asked. */
static int unpack(const struct hn_managed *managed, const void *body, size_t length,
		  struct hn_hands_view *view, const struct hn_page_counts **ret_counts,
		  const struct hn_thread_reading **ret_readings, struct hn_error *err)
{
	const char *bytes = body;

	if (length < sizeof(*view))
		return hn_fail(err, -EPROTO, "a look came back with %zu bytes", length);
	memcpy(view, bytes, sizeof(*view));
	if (view->cell_count != managed->guest->cell_count ||
	    length != sizeof(*view) + view->cell_count * sizeof(**ret_counts) +
			      view->thread_count * sizeof(**ret_readings))
		return hn_fail(err, -EPROTO, "a look came back with %u cells and %u threads in %zu bytes",
			       view->cell_count, view->thread_count, length);
	bytes += sizeof(*view);
	*ret_counts = (const struct hn_page_counts *)(const void *)bytes;
	bytes += view->cell_count * sizeof(**ret_counts);
	*ret_readings = (const struct hn_thread_reading *)(const void *)bytes;
	for (size_t i = 1; i < view->thread_count; i++)
		if ((*ret_readings)[i].tid < (*ret_readings)[i - 1].tid)
			return hn_fail(err, -EPROTO, "a look came back with threads that are not in order");
	return 0;
}

/* For trends. Without memory for those of cells there are none. */
static void keep_localities(struct hn_managed *managed)
{
	size_t cells = managed->guest->cell_count;
	struct hn_interval locality;

	if (hn_locality_of_guest(managed->guest, managed->sample, &locality))
		hn_trend_add(&managed->trend, locality.value);
	if (managed->cell_trend_count != cells) {
		free(managed->cell_trends);
		managed->cell_trends = calloc(cells + 1, sizeof(*managed->cell_trends));
		managed->cell_trend_count = managed->cell_trends ? cells : 0;
	}
	for (size_t i = 0; i < managed->cell_trend_count; i++)
		if (hn_locality_of_cell(managed->guest, managed->sample, i, &locality))
			hn_trend_add(&managed->cell_trends[i], locality.value);
}

/* What it cost tells how to look the next time. */
static void learn_cost(struct hn_managed *managed, const struct hn_hands_view *view)
{
	struct hn_look_cost *costs = &managed->look_cost;

	if (managed->walk_asked && !view->walked)
		costs->walk_barred = true; /* and what it cost is of both ways */
	else
		hn_look_learn(costs, managed->guest, managed->sample,
			      (uint32_t)managed->service->config->samples_per_cell,
			      view->walked ? HN_LOOK_WALK : HN_LOOK_SAMPLE, view->pages_ns);
}

/* A guest that turns out to be realtime is left alone from now on. */
static void heed_scheduling(struct hn_managed *managed, const struct hn_thread_reading *readings,
			    size_t count)
{
	bool realtime = hn_look_runs_realtime(managed->service->host, managed->guest, readings, count);
	enum hn_class before = managed->guest->class;

	if (realtime == managed->runs_realtime)
		return;
	managed->runs_realtime = realtime;
	hn_log(HN_LOG_INFO, "guest '%s': the threads of its vCPUs %s realtime", managed->name,
	       realtime ? "are" : "are no longer");
	hn_make_up_apply_settings(managed);
	/* the home of another class has no cores of its own */
	if (managed->guest->class != before)
		hn_placement_free(hn_steal(managed->home));
	hn_window_heed(managed);
}

static int take_view(struct hn_managed *managed, const void *body, size_t length, struct hn_error *err)
{
	const struct hn_thread_reading *readings = NULL;
	const struct hn_page_counts *counts = NULL;
	struct hn_sample *sample = NULL;
	struct hn_hands_view view;
	int r = unpack(managed, body, length, &view, &counts, &readings, err);

	if (r == 0)
		r = hn_look_merge(managed->service->host, managed->guest, counts, readings, view.thread_count,
				  hn_now_ns(), &managed->history, &managed->history_count, &sample, err);
	if (r < 0)
		return r;
	hn_make_up_keep_threads(managed); /* those that no source names are new with each look */
	if ((r = hn_gauge_take(managed, &view, readings, err)) < 0) {
		hn_sample_free(sample);
		return r;
	}
	sample->cost_ns = view.cost_ns;
	sample->exhaustive = view.whole;
	learn_cost(managed, &view);
	managed->service->tally.look_ns += view.cost_ns;
	hn_sample_free(managed->sample);
	managed->sample = sample;
	hn_bound_threads_heed(managed);
	managed->ranges_checked = true;
	keep_localities(managed);
	heed_scheduling(managed, readings, view.thread_count);
	return 0;
}

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * HN_NS_PER_S + (uint64_t)now.tv_nsec;
}

static void take_reply(struct hn_managed *managed, int result, const void *body, size_t length,
		       const struct hn_error *err)
{
	struct hn_error why = {0};
	bool first = !managed->sample;

	managed->looking = false;
	managed->service->tally.looks++;
	managed->service->tally.look_failures += result < 0;
	if (managed->look_generation != managed->generation || !managed->guest)
		return; /* the make-up has changed since: this answers an old question */
	if (result == 0 && take_view(managed, body, length, &why) == 0) {
		hn_managed_set_problem(managed, NULL);
		hn_chronicle_sample(managed);
		if (first)
			hn_inspect_inside(managed);
		hn_decision_take(managed);
		return;
	}
	hn_managed_set_problem(managed, result < 0 ? err : &why);
	if (result == -ESRCH)
		hn_managed_process_gone(managed);
}

/* The guest is billed for the hands' time and for ours. */
static void on_look_reply(int result, const void *body, size_t length, const struct hn_error *err,
			  void *context)
{
	struct hn_managed *managed = context;
	struct hn_hands_view view = {0};
	uint64_t started = cpu_ns();

	take_reply(managed, result, body, length, err);
	if (result == 0 && length >= sizeof(view))
		memcpy(&view, body, sizeof(view));
	if (result == -ETIMEDOUT)
		hn_rota_hung(managed, "a look at it", managed->turn.started_ns);
	hn_rota_done(managed, view.cost_ns ? view.cost_ns + cpu_ns() - started : 0);
}

/* Not the first time: that look tells whether its threads are realtime, and then it never is walked. */
static bool may_walk(struct hn_managed *managed)
{
	return managed->sample &&
	       hn_look_choose(managed->guest, managed->sample, &managed->look_cost,
			      (uint32_t)managed->service->config->samples_per_cell) == HN_LOOK_WALK &&
	       hn_guest_calls_make(managed, HN_CALL_WALK, 1, NULL) == 0;
}

static int request_look(struct hn_managed *managed, struct hn_error *err)
{
	const struct hn_guest *guest = managed->guest;
	AUTO_MEMORY struct hn_range *ranges = calloc(guest->backend_count + 1, sizeof(*ranges));
	AUTO_MEMORY int32_t *cells = calloc(guest->cell_count + 2, sizeof(*cells));
	struct hn_hands_look look = {
		.process = {guest->pid, guest->start_ticks},
		.seed = hn_random_next(&managed->service->random),
		.samples_per_cell = (uint32_t)managed->service->config->samples_per_cell,
		.check_ranges = !managed->ranges_checked,
		.cell_count = (uint32_t)guest->cell_count,
		.walk = may_walk(managed),
		.with_bandwidth = hn_gauge_reads_bandwidth(managed->service),
	};

	if (!ranges || !cells)
		return hn_oom(err);
	for (size_t i = 0; i < guest->cell_count; i++)
		cells[i] = guest->cells[i].id;
	look.range_count = (uint32_t)hn_managed_ranges(guest, -1, ranges);
	if (look.range_count == 0)
		return hn_fail(err, -ENOENT, "%s",
			       managed->note ? managed->note
					     : "QMP does not tell where its memory is in the process");
	managed->look_generation = managed->generation;
	managed->walk_asked = look.walk;
	return hn_hands_request(
		managed->service->hands, HN_HANDS_LOOK,
		(struct hn_hands_part[]){{&look, sizeof(look)},
					 {cells, hn_hands_padded(guest->cell_count * sizeof(*cells))},
					 {ranges, look.range_count * sizeof(*ranges)}},
		3, NULL, on_look_reply, managed, err);
}

bool hn_look_start(struct hn_managed *managed)
{
	struct hn_error err;

	if (managed->looking)
		return false;
	if (request_look(managed, &err) < 0)
		hn_managed_set_problem(managed, &err);
	else
		managed->looking = true;
	return managed->looking;
}
