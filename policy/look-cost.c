#include "policy/look-cost.h"

#include "base/units.h"

#define DRAW_NS 450.0            /* a page asked for */
#define WALK_SMALL_NS_A_GIB 10e6 /* of base pages */
#define WALK_HUGE_NS_A_GIB 0.1e6 /* of hugetlb pages */
#define WALK_BASE_NS 200e3       /* of everything else in the process, and the list of its mappings */
#define BASE_BYTES 4096          /* of a page, where draws are counted */
#define HUGE_BYTES (2 * HN_MIB)  /* pages of this size and more are huge */
#define LATEST_WEIGHS 0.25       /* in the mean of what looks have cost */
#define TRIAL_SHARE 0.02         /* of the cost of looks, that trying the other way may add */

/* Without a look all of it: a guess that never favours the walk. */
static double present_share(const struct hn_guest *guest, const struct hn_sample *sample, int cell)
{
	int index = hn_guest_cell_index(guest, cell);

	if (!sample || index < 0 || (size_t)index >= sample->cell_count || !sample->cells[index].sampled)
		return 1;
	/* what is unknown is there, or may be */
	return 1 - (double)sample->cells[index].absent / (double)sample->cells[index].sampled;
}

static double factor_of(const struct hn_look_cost *costs, enum hn_look_way way)
{
	return costs->factor[way] > 0 ? costs->factor[way] : 1;
}

static double predict_backend(const struct hn_guest *guest, const struct hn_sample *sample,
			      const struct hn_look_cost *costs, const struct hn_backend *backend)
{
	double rate = backend->page_bytes >= HUGE_BYTES ? WALK_HUGE_NS_A_GIB : WALK_SMALL_NS_A_GIB;
	double gib = (double)backend->bytes / (double)HN_GIB;

	return factor_of(costs, HN_LOOK_WALK) * rate * gib * present_share(guest, sample, backend->cell);
}

static double predict_walk(const struct hn_guest *guest, const struct hn_sample *sample,
			   const struct hn_look_cost *costs)
{
	double ns = factor_of(costs, HN_LOOK_WALK) * WALK_BASE_NS;

	for (size_t i = 0; i < guest->backend_count; i++)
		if (guest->backends[i].host_address)
			ns += predict_backend(guest, sample, costs, &guest->backends[i]);
	return ns;
}

/* A cell with fewer pages than samples is asked about whole. */
static double predict_sample(const struct hn_guest *guest, const struct hn_look_cost *costs,
			     uint32_t samples_per_cell)
{
	double draws = 0;

	for (size_t i = 0; i < guest->cell_count; i++) {
		uint64_t pages = 0;

		for (size_t j = 0; j < guest->backend_count; j++)
			if (guest->backends[j].host_address && guest->backends[j].cell == guest->cells[i].id)
				pages += guest->backends[j].bytes / BASE_BYTES;
		draws += pages < samples_per_cell ? (double)pages : samples_per_cell;
	}
	return factor_of(costs, HN_LOOK_SAMPLE) * DRAW_NS * draws;
}

static double predict(const struct hn_guest *guest, const struct hn_sample *sample,
		      const struct hn_look_cost *costs, uint32_t samples_per_cell, enum hn_look_way way)
{
	return way == HN_LOOK_WALK ? predict_walk(guest, sample, costs)
				   : predict_sample(guest, costs, samples_per_cell);
}

/* What looks since its last turn have cost pays for trying the dearer way again. */
static bool is_due(const struct hn_look_cost *costs, enum hn_look_way dearer, double price, double cheap)
{
	return (double)costs->since[dearer] * cheap * TRIAL_SHARE >= price;
}

enum hn_look_way hn_look_choose(const struct hn_guest *guest, const struct hn_sample *sample,
				const struct hn_look_cost *costs, uint32_t samples_per_cell)
{
	double walk = predict(guest, sample, costs, samples_per_cell, HN_LOOK_WALK);
	double draw = predict(guest, sample, costs, samples_per_cell, HN_LOOK_SAMPLE);

	if (guest->class == HN_CLASS_REALTIME || costs->walk_barred || walk > HN_WALK_MOST_NS)
		return HN_LOOK_SAMPLE;
	if (walk <= draw)
		return is_due(costs, HN_LOOK_SAMPLE, draw, walk) ? HN_LOOK_SAMPLE : HN_LOOK_WALK;
	return is_due(costs, HN_LOOK_WALK, walk, draw) ? HN_LOOK_WALK : HN_LOOK_SAMPLE;
}

void hn_look_learn(struct hn_look_cost *costs, const struct hn_guest *guest, const struct hn_sample *sample,
		   uint32_t samples_per_cell, enum hn_look_way way, uint64_t ns)
{
	const struct hn_look_cost untried = {0};
	double standard = predict(guest, sample, &untried, samples_per_cell, way);
	double factor = standard > 0 ? (double)ns / standard : 0;

	for (unsigned i = 0; i < HN_LOOK_WAY_COUNT; i++)
		costs->since[i] = i == (unsigned)way ? 0 : costs->since[i] + 1;
	if (costs->factor[way] > 0)
		factor = costs->factor[way] + LATEST_WEIGHS * (factor - costs->factor[way]);
	costs->factor[way] = factor;
}
