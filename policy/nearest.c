#include "policy/nearest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"

/* The snapshot with another guest in the place of the one that was refused. */
struct variant {
	struct hn_snapshot snapshot;
	struct hn_guest_state *guests;
	size_t guest;
	const struct hn_guest *asked;
	struct hn_guest *changed;
	const struct hn_solver_limits *limits;
};

static int variant_init(struct variant *variant, const struct hn_snapshot *snapshot, size_t guest,
			const struct hn_solver_limits *limits)
{
	*variant = (struct variant){.snapshot = *snapshot,
				    .guest = guest,
				    .asked = snapshot->guests[guest].guest,
				    .limits = limits};
	variant->guests = calloc(snapshot->guest_count, sizeof(*variant->guests));
	variant->changed = hn_guest_copy(variant->asked);
	if (!variant->guests || !variant->changed)
		return -ENOMEM;
	for (size_t i = 0; i < snapshot->guest_count; i++)
		variant->guests[i] = snapshot->guests[i];
	variant->guests[guest] = (struct hn_guest_state){.guest = variant->changed};
	variant->snapshot.guests = variant->guests;
	return 0;
}

static void variant_done(struct variant *variant)
{
	hn_guest_free(variant->changed);
	free(variant->guests);
}

/* 1, 0 or -ENOMEM */
static int fits(const struct variant *variant)
{
	HN_AUTO(hn_placement) struct hn_placement *placement = NULL;
	struct hn_error why = {0};
	int r = hn_solve(&variant->snapshot, variant->guest, variant->limits, &placement, &why);

	return r == -ENOMEM ? r : r == 0;
}

/* Memory cut down to so many 1024ths, whole pages. */
static void cut_memory(struct variant *variant, uint64_t part)
{
	for (size_t i = 0; i < variant->asked->cell_count; i++) {
		const struct hn_cell *cell = &variant->asked->cells[i];
		uint64_t unit = cell->page_bytes ? cell->page_bytes : HN_MIB;
		uint64_t bytes = (uint64_t)((unsigned __int128)cell->memory_bytes * part / 1024);

		variant->changed->cells[i].memory_bytes = bytes / unit * unit;
	}
}

/* Every cell keeps its share of so many vCPUs, the first of what it had. */
static void cut_vcpus(struct variant *variant, unsigned vcpus)
{
	unsigned all = (unsigned)hn_guest_vcpu_count(variant->asked), passed = 0, given = 0;

	for (size_t i = 0; i < variant->asked->cell_count; i++) {
		const struct hn_set *had = &variant->asked->cells[i].vcpus;
		struct hn_set *has = &variant->changed->cells[i].vcpus;
		unsigned upto;

		passed += (unsigned)hn_set_count(had);
		upto = (unsigned)((uint64_t)passed * vcpus / all);
		hn_set_clear(has);
		for (int vcpu = hn_set_next(had, 0); vcpu >= 0 && given < upto;
		     vcpu = hn_set_next(had, vcpu + 1), given++)
			hn_set_add(has, vcpu);
	}
}

/* The same guest in so many cells alike. False when it cannot be. */
static int divide(struct variant *variant, unsigned cells)
{
	uint64_t memory = hn_guest_memory_bytes(variant->asked);
	uint64_t unit = variant->asked->cells[0].page_bytes ? variant->asked->cells[0].page_bytes : HN_MIB;
	unsigned vcpus = (unsigned)hn_guest_vcpu_count(variant->asked), vcpu = 0;

	while (variant->changed->cell_count < cells)
		if (!hn_guest_add_cell(variant->changed, (int)variant->changed->cell_count))
			return -ENOMEM;
	for (unsigned i = 0; i < cells; i++) {
		struct hn_cell *cell = &variant->changed->cells[i];

		cell->id = (int)i;
		cell->page_bytes = variant->asked->cells[0].page_bytes;
		cell->memory_bytes = (memory / cells + unit - 1) / unit * unit;
		hn_set_clear(&cell->vcpus);
		for (; vcpu < (uint64_t)vcpus * (i + 1) / cells; vcpu++)
			hn_set_add(&cell->vcpus, (int)vcpu);
	}
	return 0;
}

/* The most 1024ths of its memory that fit; 0 none. */
static int find_memory(struct variant *variant, struct hn_nearest *ret)
{
	uint64_t fitting = 0, failing = 1024;
	int r = 0;

	while (failing - fitting > 1 && r >= 0) {
		uint64_t part = (fitting + failing) / 2;

		cut_memory(variant, part);
		r = fits(variant);
		*(r > 0 ? &fitting : &failing) = part;
	}
	cut_memory(variant, fitting);
	ret->memory_bytes = hn_guest_memory_bytes(variant->changed);
	ret->with_memory = ret->memory_bytes > 0;
	cut_memory(variant, 1024);
	return r < 0 ? r : 0;
}

static int find_vcpus(struct variant *variant, struct hn_nearest *ret)
{
	unsigned all = (unsigned)hn_guest_vcpu_count(variant->asked), failing = all;
	int r = 0;

	if (all == 0) /* there is nothing to cut, and no share of it */
		return 0;
	while (failing - ret->vcpus > 1 && r >= 0) {
		unsigned vcpus = (ret->vcpus + failing) / 2;

		cut_vcpus(variant, vcpus);
		r = fits(variant);
		*(r > 0 ? &ret->vcpus : &failing) = vcpus;
	}
	ret->with_vcpus = ret->vcpus > 0;
	cut_vcpus(variant, all);
	return r < 0 ? r : 0;
}

static int find_cells(struct variant *variant, struct hn_nearest *ret)
{
	unsigned most = (unsigned)hn_guest_vcpu_count(variant->asked);
	int r = 0;

	if (most > variant->snapshot.host->node_count)
		most = (unsigned)variant->snapshot.host->node_count;
	for (unsigned cells = (unsigned)variant->asked->cell_count + 1; cells <= most && r == 0; cells++) {
		r = divide(variant, cells);
		if (r == 0)
			r = fits(variant);
		ret->cells = cells;
	}
	ret->with_cells = r > 0;
	return r < 0 ? r : 0;
}

static void describe(struct hn_nearest *ret)
{
	char memory[HN_UNITS_TEXT_MAX], parts[3][80];
	size_t count = 0;

	if (ret->with_memory)
		snprintf(parts[count++], sizeof(parts[0]), "with %s of memory",
			 hn_bytes_format(ret->memory_bytes, memory, sizeof(memory)));
	if (ret->with_vcpus)
		snprintf(parts[count++], sizeof(parts[0]), "with %u vCPUs", ret->vcpus);
	if (ret->with_cells)
		snprintf(parts[count++], sizeof(parts[0]), "in %u cells alike", ret->cells);
	if (count == 0) {
		snprintf(ret->sentence, sizeof(ret->sentence),
			 "less memory, fewer vCPUs or more cells would not help");
		return;
	}
	snprintf(ret->sentence, sizeof(ret->sentence), "it would fit %s%s%s%s%s", parts[0],
		 count > 1 ? ", or " : "", count > 1 ? parts[1] : "", count > 2 ? ", or " : "",
		 count > 2 ? parts[2] : "");
}

int hn_nearest_find(const struct hn_snapshot *snapshot, size_t guest, const struct hn_solver_limits *limits,
		    struct hn_nearest *ret, struct hn_error *err)
{
	struct hn_solver_limits each = {.keep_free_bytes = limits->keep_free_bytes,
					.steps = limits->steps / 16 + 1};
	struct variant variant;
	int r = variant_init(&variant, snapshot, guest, &each);

	*ret = (struct hn_nearest){0};
	if (r == 0)
		r = find_memory(&variant, ret);
	if (r == 0)
		r = find_vcpus(&variant, ret);
	if (r == 0)
		r = find_cells(&variant, ret);
	variant_done(&variant);
	describe(ret);
	return r < 0 ? hn_oom(err) : 0;
}
