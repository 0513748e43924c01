#include "daemon/look.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/decision.h"
#include "daemon/hands-channel.h"
#include "host/residency.h"

#define AUTO_MEMORY __attribute__((cleanup(hn_cleanup_memory)))

static const struct hn_thread_reading *find_reading(const struct hn_thread_reading *readings, size_t count,
						    pid_t tid)
{
	for (size_t i = 0; i < count; i++)
		if (readings[i].tid == tid)
			return &readings[i];
	return NULL;
}

static bool is_named_by_qmp(enum hn_thread_kind kind)
{
	return kind == HN_THREAD_VCPU || kind == HN_THREAD_IOTHREAD;
}

static bool has_thread(const struct hn_guest *guest, size_t count, pid_t tid)
{
	for (size_t i = 0; i < count; i++)
		if (guest->threads[i].tid == tid)
			return true;
	return false;
}

/* Threads as they are now: those of QMP that still run, then the rest of the process. */
static int update_threads(struct hn_guest *guest, const struct hn_thread_reading *readings, size_t count)
{
	size_t kept = 0, named;

	for (size_t i = 0; i < guest->thread_count; i++) {
		const struct hn_thread_reading *reading =
			find_reading(readings, count, guest->threads[i].tid);

		if (!reading || !is_named_by_qmp(guest->threads[i].kind))
			continue;
		guest->threads[kept] = guest->threads[i];
		snprintf(guest->threads[kept].name, sizeof(guest->threads[kept].name), "%s", reading->name);
		kept++;
	}
	guest->thread_count = named = kept;
	for (size_t i = 0; i < count; i++) {
		struct hn_thread *thread;

		if (has_thread(guest, named, readings[i].tid))
			continue;
		thread = hn_guest_add_thread(
			guest, readings[i].tid,
			strncmp(readings[i].name, "vhost-", 6) == 0 ? HN_THREAD_VHOST : HN_THREAD_EMULATOR);
		if (!thread)
			return -ENOMEM;
		snprintf(thread->name, sizeof(thread->name), "%s", readings[i].name);
	}
	return 0;
}

/* Takes a thread's residency out of the old history, or starts a new one. */
static struct hn_residency *take_residency(struct hn_thread_history *history, size_t count, pid_t tid,
					   size_t nodes)
{
	for (size_t i = 0; i < count; i++)
		if (history[i].tid == tid && history[i].residency &&
		    history[i].residency->node_count == nodes)
			return hn_steal(history[i].residency);
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

static int fill_threads(const struct hn_host *host, const struct hn_guest *guest,
			const struct hn_thread_reading *readings, size_t reading_count, uint64_t now_ns,
			struct hn_thread_history *old, size_t old_count, struct hn_thread_history *history,
			struct hn_sample *sample)
{
	for (size_t i = 0; i < guest->thread_count; i++) {
		const struct hn_thread_reading *reading =
			find_reading(readings, reading_count, guest->threads[i].tid);
		struct hn_thread_sample *thread = &sample->threads[i];

		history[i].tid = reading->tid;
		history[i].residency = take_residency(old, old_count, reading->tid, host->node_count);
		if (!history[i].residency)
			return -ENOMEM;
		thread->tid = reading->tid;
		thread->last_cpu = reading->last_cpu;
		thread->last_node = node_of(host, reading);
		thread->cpu_ns = reading->cpu_ns;
		thread->allowed = reading->allowed;
		hn_residency_add(history[i].residency, now_ns, reading->cpu_ns, thread->last_node);
		thread->busy = hn_residency_read(history[i].residency, thread->residency);
	}
	return 0;
}

static void fill_cells(const struct hn_host *host, const struct hn_guest *guest,
		       const struct hn_page_counts *counts, struct hn_sample *sample)
{
	for (size_t i = 0; i < guest->cell_count; i++) {
		struct hn_cell_sample *cell = &sample->cells[i];

		cell->cell = guest->cells[i].id;
		cell->sampled = counts[i].sampled;
		cell->absent = counts[i].absent;
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
	return 0;
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
	sample->cost_ns = view.cost_ns;
	hn_sample_free(managed->sample);
	managed->sample = sample;
	managed->ranges_checked = true;
	return 0;
}

static void on_look_reply(int result, const void *body, size_t length, const struct hn_error *err,
			  void *context)
{
	struct hn_managed *managed = context;
	struct hn_error why = {0};

	managed->looking = false;
	if (managed->look_generation != managed->generation || !managed->guest)
		return; /* the make-up has changed since: this answers an old question */
	if (result == 0 && take_view(managed, body, length, &why) == 0) {
		hn_managed_set_problem(managed, NULL);
		hn_decision_take(managed);
		return;
	}
	hn_managed_set_problem(managed, result < 0 ? err : &why);
	if (result == -ESRCH)
		hn_managed_process_gone(managed);
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
	};

	if (!ranges || !cells)
		return hn_oom(err);
	for (size_t i = 0; i < guest->cell_count; i++)
		cells[i] = guest->cells[i].id;
	look.range_count = (uint32_t)hn_managed_ranges(guest, -1, ranges);
	if (look.range_count == 0)
		return hn_fail(err, -ENOENT, "QMP does not tell where its memory is in the process");
	managed->look_generation = managed->generation;
	return hn_hands_request(
		managed->service->hands, HN_HANDS_LOOK,
		(struct hn_hands_part[]){{&look, sizeof(look)},
					 {cells, hn_hands_padded(guest->cell_count * sizeof(*cells))},
					 {ranges, look.range_count * sizeof(*ranges)}},
		3, NULL, on_look_reply, managed, err);
}

void hn_look_start(struct hn_managed *managed)
{
	struct hn_error err;

	if (managed->looking)
		return;
	if (request_look(managed, &err) < 0)
		hn_managed_set_problem(managed, &err);
	else
		managed->looking = true;
}
