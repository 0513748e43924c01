/* Which way of looking is chosen, when looks cost what docs/host.md says they do. */
#include "policy/look-cost.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/units.h"

#define SAMPLES 2816

/* A guest and what looks at it cost in truth. */
struct stage {
	struct hn_guest *guest;
	struct hn_sample *sample;
	struct hn_look_cost costs;
	double walk_ns, sample_ns;
	unsigned looks[HN_LOOK_WAY_COUNT];
	double spent_ns;
};

static void add_cell(struct hn_guest *guest, uint64_t bytes, uint64_t page_bytes)
{
	int id = (int)guest->cell_count;
	struct hn_cell *cell = hn_guest_add_cell(guest, id);
	struct hn_backend *backend;

	cell->memory_bytes = bytes;
	backend = hn_guest_add_backend(guest, "ram");
	backend->cell = id;
	backend->bytes = bytes;
	backend->page_bytes = page_bytes;
	backend->host_address = 0x7f0000000000 + (uint64_t)id * HN_GIB * 64;
}

static void begin(struct stage *stage, uint64_t bytes, uint64_t page_bytes)
{
	*stage = (struct stage){.guest = hn_guest_new("g")};
	add_cell(stage->guest, bytes, page_bytes);
}

static void end(struct stage *stage)
{
	hn_guest_free(stage->guest);
	hn_sample_free(stage->sample);
}

static void look(struct stage *stage, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		enum hn_look_way way = hn_look_choose(stage->guest, stage->sample, &stage->costs, SAMPLES);
		double ns = way == HN_LOOK_WALK ? stage->walk_ns : stage->sample_ns;

		stage->looks[way]++;
		stage->spent_ns += ns;
		hn_look_learn(&stage->costs, stage->guest, stage->sample, SAMPLES, way, (uint64_t)ns);
	}
}

static void a_large_guest_of_small_pages_is_sampled(void **state)
{
	struct stage stage;

	begin(&stage, 64 * HN_GIB, 4096);
	stage.walk_ns = 64 * 10e6;
	stage.sample_ns = 1e6;
	look(&stage, 10000);
	assert_int_equal(stage.looks[HN_LOOK_WALK], 0);
	end(&stage);
}

static void a_guest_of_huge_pages_is_walked(void **state)
{
	struct stage stage;

	begin(&stage, 4 * HN_GIB, 2 * HN_MIB);
	stage.walk_ns = 0.2e6 + 4 * 0.1e6;
	stage.sample_ns = 1e6;
	look(&stage, 1);
	assert_int_equal(stage.looks[HN_LOOK_WALK], 1);
	look(&stage, 999);
	assert_true(stage.looks[HN_LOOK_WALK] >= 980);
	end(&stage);
}

/* Each backend is predicted by its own pages: 8 GiB of huge ones beside 32 MiB of small ones are cheap,
 * beside 8 GiB of small ones not. */
static void backends_are_predicted_one_by_one(void **state)
{
	struct stage stage;

	begin(&stage, 2 * HN_GIB, 2 * HN_MIB);
	add_cell(stage.guest, 32 * HN_MIB, 4096);
	assert_int_equal(hn_look_choose(stage.guest, NULL, &stage.costs, SAMPLES), HN_LOOK_WALK);
	add_cell(stage.guest, 8 * HN_GIB, 4096);
	assert_int_equal(hn_look_choose(stage.guest, NULL, &stage.costs, SAMPLES), HN_LOOK_SAMPLE);
	/* whose memory is not known cannot be walked for */
	stage.guest->backends[2].host_address = 0;
	assert_int_equal(hn_look_choose(stage.guest, NULL, &stage.costs, SAMPLES), HN_LOOK_WALK);
	end(&stage);
}

/* What was never touched has no page table entries. */
static void absent_memory_makes_a_walk_cheap(void **state)
{
	struct stage stage;

	begin(&stage, 1 * HN_GIB, 4096);
	assert_int_equal(hn_look_choose(stage.guest, NULL, &stage.costs, SAMPLES), HN_LOOK_SAMPLE);
	stage.sample = hn_sample_new(1, 1, 0);
	stage.sample->cells[0].sampled = 1000;
	stage.sample->cells[0].absent = 980;
	stage.sample->cells[0].on_node[0] = 20;
	assert_int_equal(hn_look_choose(stage.guest, stage.sample, &stage.costs, SAMPLES), HN_LOOK_WALK);
	/* unknown is not absent */
	stage.sample->cells[0].absent = 0;
	stage.sample->cells[0].unknown = 980;
	assert_int_equal(hn_look_choose(stage.guest, stage.sample, &stage.costs, SAMPLES), HN_LOOK_SAMPLE);
	end(&stage);
}

/* 512 MiB of transparent huge pages look like small ones until they have been walked. */
static void huge_pages_nobody_told_of_are_found_out(void **state)
{
	struct stage stage;

	begin(&stage, 512 * HN_MIB, 4096);
	stage.walk_ns = 0.25e6;
	stage.sample_ns = 0.4e6;
	look(&stage, 3000);
	assert_true(stage.looks[HN_LOOK_WALK] > 2000);
	stage.looks[HN_LOOK_WALK] = stage.looks[HN_LOOK_SAMPLE] = 0;
	/* they have been broken up */
	stage.walk_ns = 5e6;
	stage.sample_ns = 1.2e6;
	look(&stage, 3000);
	assert_true(stage.looks[HN_LOOK_SAMPLE] > 2700);
	end(&stage);
}

/* Trying the dearer way adds some hundredths to what sampling alone would cost. */
static void trials_cost_little(void **state)
{
	struct stage stage;

	begin(&stage, 512 * HN_MIB, 4096);
	stage.walk_ns = 5e6;
	stage.sample_ns = 1.2e6;
	look(&stage, 20000);
	assert_true(stage.looks[HN_LOOK_WALK] > 0);
	assert_true(stage.spent_ns < 1.03 * 20000 * stage.sample_ns);
	end(&stage);
}

static void a_realtime_guest_is_never_walked(void **state)
{
	struct stage stage;

	begin(&stage, 64 * HN_MIB, 2 * HN_MIB);
	stage.walk_ns = 1;
	stage.sample_ns = 1e9;
	stage.guest->class = HN_CLASS_REALTIME;
	look(&stage, 10000);
	assert_int_equal(stage.looks[HN_LOOK_WALK], 0);
	stage.guest->class = HN_CLASS_DEDICATED;
	stage.costs.walk_barred = true;
	look(&stage, 100);
	assert_int_equal(stage.looks[HN_LOOK_WALK], 0);
	stage.costs.walk_barred = false;
	look(&stage, 100);
	assert_true(stage.looks[HN_LOOK_WALK] > 0);
	end(&stage);
}

/* However dear a sample is: a walk of more than HN_WALK_MOST_NS would hold the guest up. */
static void a_long_walk_is_not_begun(void **state)
{
	struct stage stage;

	begin(&stage, 4 * HN_GIB, 4096);
	stage.walk_ns = 40e6;
	stage.sample_ns = 100e6;
	look(&stage, 1000);
	assert_int_equal(stage.looks[HN_LOOK_WALK], 0);
	end(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_large_guest_of_small_pages_is_sampled),
		cmocka_unit_test(a_guest_of_huge_pages_is_walked),
		cmocka_unit_test(backends_are_predicted_one_by_one),
		cmocka_unit_test(absent_memory_makes_a_walk_cheap),
		cmocka_unit_test(huge_pages_nobody_told_of_are_found_out),
		cmocka_unit_test(trials_cost_little),
		cmocka_unit_test(a_realtime_guest_is_never_walked),
		cmocka_unit_test(a_long_walk_is_not_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
