#include "policy/locality.h"

#include <math.h>

/* How much a thread counts: its CPU use, with a trifle so that an idle guest has a place too. */
static double thread_weight(const struct hn_thread_sample *thread)
{
	return thread->busy + 1e-6;
}

double hn_residency_of_thread(const struct hn_thread_sample *thread, size_t node_count, size_t node)
{
	double known = 0;

	for (size_t i = 0; i < node_count; i++)
		known += thread->residency[i];
	if (known > 0)
		return thread->residency[node] / known;
	return thread->last_node == (int)node ? 1 : 0;
}

static bool is_vcpu_of(const struct hn_guest *guest, size_t thread, size_t cell)
{
	return guest->threads[thread].kind == HN_THREAD_VCPU &&
	       guest->threads[thread].cell == guest->cells[cell].id;
}

static double cell_weight(const struct hn_guest *guest, const struct hn_sample *sample, size_t cell)
{
	double weight = 0;

	for (size_t i = 0; i < guest->thread_count; i++)
		if (is_vcpu_of(guest, i, cell))
			weight += thread_weight(&sample->threads[i]);
	return weight;
}

double hn_residency_of_cell(const struct hn_guest *guest, const struct hn_sample *sample, size_t cell,
			    size_t node)
{
	double total = cell_weight(guest, sample, cell), on_node = 0;

	for (size_t i = 0; i < guest->thread_count; i++)
		if (is_vcpu_of(guest, i, cell))
			on_node += thread_weight(&sample->threads[i]) *
				   hn_residency_of_thread(&sample->threads[i], sample->node_count, node);
	return total > 0 ? on_node / total : 0;
}

bool hn_locality_of_cell(const struct hn_guest *guest, const struct hn_sample *sample, size_t cell,
			 struct hn_interval *ret)
{
	const struct hn_cell_sample *pages = &sample->cells[cell];
	uint64_t present = hn_cell_sample_present(pages, sample->node_count);
	double local = 0, resident = 0;

	if (present == 0)
		return false;
	for (size_t node = 0; node < sample->node_count; node++) {
		double residency = hn_residency_of_cell(guest, sample, cell, node);

		resident += residency;
		local += residency * (double)pages->on_node[node] / (double)present;
	}
	if (resident <= 0)
		return false;
	local /= resident;
	*ret = hn_interval_wilson((uint64_t)llround(local * (double)present), present);
	ret->value = local;
	if (sample->exhaustive)
		ret->low = ret->high = local;
	ret->low = fmin(ret->low, local);
	ret->high = fmax(ret->high, local);
	return true;
}

bool hn_locality_of_guest(const struct hn_guest *guest, const struct hn_sample *sample,
			  struct hn_interval *ret)
{
	struct hn_interval sum = {0};
	double weights = 0;

	for (size_t i = 0; i < guest->cell_count; i++) {
		double weight = cell_weight(guest, sample, i);
		struct hn_interval cell;

		if (!hn_locality_of_cell(guest, sample, i, &cell))
			continue;
		sum.low += weight * cell.low;
		sum.value += weight * cell.value;
		sum.high += weight * cell.high;
		weights += weight;
	}
	if (weights <= 0)
		return false;
	*ret = (struct hn_interval){sum.low / weights, sum.value / weights, sum.high / weights};
	return true;
}
