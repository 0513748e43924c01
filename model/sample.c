#include "model/sample.h"

#include <errno.h>
#include <string.h>

#include "model/names.h"

static const char *const scheduler_names[HN_SCHEDULER_COUNT] = {"other", "fifo", "rr", "deadline"};

const char *hn_scheduler_name(enum hn_scheduler scheduler)
{
	return hn_name_of(scheduler_names, HN_COUNT(scheduler_names), (size_t)scheduler);
}

int hn_scheduler_parse(const char *text, enum hn_scheduler *ret, struct hn_error *err)
{
	int r = hn_name_parse(scheduler_names, HN_COUNT(scheduler_names), "scheduler", text, err);

	if (r < 0)
		return r;
	*ret = (enum hn_scheduler)r;
	return 0;
}

static const struct hn_set NO_CPUS;

void hn_sample_free(struct hn_sample *sample)
{
	if (!sample)
		return;
	for (size_t i = 0; i < sample->cell_count; i++)
		free(sample->cells[i].on_node);
	for (size_t i = 0; i < sample->thread_count; i++)
		free(sample->threads[i].residency);
	for (size_t i = 0; i < sample->set_count; i++)
		free(sample->sets[i]);
	free(sample->sets);
	free(sample->cells);
	free(sample->threads);
	free(sample);
}

struct hn_sample *hn_sample_new(size_t node_count, size_t cell_count, size_t thread_count)
{
	HN_AUTO(hn_sample) struct hn_sample *sample = calloc(1, sizeof(*sample));
	size_t nodes = node_count ? node_count : 1;

	if (!sample)
		return NULL;
	sample->node_count = node_count;
	sample->cells = calloc(cell_count ? cell_count : 1, sizeof(*sample->cells));
	sample->threads = calloc(thread_count ? thread_count : 1, sizeof(*sample->threads));
	if (!sample->cells || !sample->threads)
		return NULL;
	for (; sample->cell_count < cell_count; sample->cell_count++) {
		sample->cells[sample->cell_count].on_node = calloc(nodes, sizeof(uint64_t));
		if (!sample->cells[sample->cell_count].on_node)
			return NULL;
	}
	for (; sample->thread_count < thread_count; sample->thread_count++) {
		struct hn_thread_sample *thread = &sample->threads[sample->thread_count];

		thread->last_cpu = -1;
		thread->last_node = -1;
		thread->allowed = &NO_CPUS;
		thread->residency = calloc(nodes, sizeof(double));
		if (!thread->residency)
			return NULL;
	}
	return hn_steal(sample);
}

struct hn_sample *hn_sample_copy(const struct hn_sample *sample)
{
	HN_AUTO(hn_sample)
	struct hn_sample *copy = hn_sample_new(sample->node_count, sample->cell_count, sample->thread_count);

	if (!copy)
		return NULL;
	copy->taken_ns = sample->taken_ns;
	copy->cost_ns = sample->cost_ns;
	copy->exhaustive = sample->exhaustive;
	for (size_t i = 0; i < sample->cell_count; i++) {
		uint64_t *on_node = copy->cells[i].on_node;

		copy->cells[i] = sample->cells[i];
		copy->cells[i].on_node = on_node;
		memcpy(on_node, sample->cells[i].on_node, sample->node_count * sizeof(*on_node));
	}
	for (size_t i = 0; i < sample->thread_count; i++) {
		double *residency = copy->threads[i].residency;

		copy->threads[i] = sample->threads[i];
		copy->threads[i].residency = residency;
		memcpy(residency, sample->threads[i].residency, sample->node_count * sizeof(*residency));
		copy->threads[i].allowed = &NO_CPUS;
		if (hn_sample_allow(copy, i, sample->threads[i].allowed) < 0)
			return NULL;
	}
	return hn_steal(copy);
}

int hn_sample_allow(struct hn_sample *sample, size_t thread, const struct hn_set *cpus)
{
	HN_AUTO(memory) struct hn_set *set = NULL;
	void *grown;

	for (size_t i = 0; i < sample->set_count; i++)
		if (hn_set_equal(sample->sets[i], cpus)) {
			sample->threads[thread].allowed = sample->sets[i];
			return 0;
		}
	set = malloc(sizeof(*set));
	grown = reallocarray(sample->sets, sample->set_count + 1, sizeof(*sample->sets));
	if (grown)
		sample->sets = grown;
	if (!set || !grown)
		return -ENOMEM;
	*set = *cpus;
	sample->threads[thread].allowed = sample->sets[sample->set_count++] = hn_steal(set);
	return 0;
}

uint64_t hn_cell_sample_present(const struct hn_cell_sample *cell, size_t node_count)
{
	uint64_t present = 0;

	for (size_t i = 0; i < node_count; i++)
		present += cell->on_node[i];
	return present;
}

struct hn_interval hn_cell_sample_share(const struct hn_cell_sample *cell, size_t node_count, size_t node,
					bool exhaustive)
{
	uint64_t present = hn_cell_sample_present(cell, node_count);
	struct hn_interval share = hn_interval_wilson(cell->on_node[node], present);

	if (exhaustive && present > 0)
		share.low = share.high = share.value;
	return share;
}
