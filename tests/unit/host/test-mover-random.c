/*
 * Thousands of small, nasty memories: whatever the mix of huge, busy, pinned, shared, absent and hidden
 * pages, room and limit, the books agree with where the pages really are.
 */
#include "host/mover.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/units.h"
#include "fake-kernel.h"
#include "host/move-piece.h"

#define PAGE hn_base_page_bytes()
#define TARGET 1
#define ROUNDS 1500

struct world {
	struct fake_kernel fake;
	struct hn_move_order order;
	struct hn_range ranges[3];
	struct hn_move_progress progress;
	uint64_t there_before, absent_before;
	bool room;      /* on the target, for all */
	bool cut;       /* huge pages may be cut */
	bool troubled;  /* some pages fail to move */
	bool tractable; /* all that can move has to */
};

static uint64_t below(struct hn_random *random, uint64_t bound)
{
	return hn_random_below(random, bound);
}

/* Of each kind of trouble none, a little, or plenty. */
static uint64_t per_mille(struct hn_random *random)
{
	const uint64_t choices[] = {0, 0, 3, 200};

	return choices[below(random, HN_COUNT(choices))];
}

static void pages_make(struct hn_random *random, struct world *world)
{
	uint64_t pinned = per_mille(random), busy = per_mille(random), shared = per_mille(random);
	uint64_t lost = per_mille(random), absent = 3 * per_mille(random), huge = below(random, 3);
	struct fake_kernel *fake = &world->fake;

	/* Where plenty ends groups and plenty fails in them, the mover gives up before it has tried all. */
	world->troubled = pinned || busy;
	world->tractable = pinned + busy < 100 || lost + shared < 100;
	for (uint64_t i = 0; i < fake->count;) {
		struct fake_page *page = &fake->pages[i];
		uint64_t length = 1;

		page->node = below(random, 1000) < absent ? -1 : (int)below(random, FAKE_NODES);
		if (huge && i % FAKE_HUGE == 0 && i + FAKE_HUGE <= fake->count && below(random, 3) < huge) {
			fake_kernel_huge(fake, i, (int)below(random, FAKE_NODES));
			length = FAKE_HUGE;
		}
		page->pinned = below(random, 1000) < pinned;
		page->lost = below(random, 1000) < lost;
		page->busy = below(random, 1000) < busy ? (int)below(random, 4) : 0;
		for (uint64_t k = i; k < i + length; k++) {
			fake->pages[k].shared = k == i ? below(random, 1000) < shared : fake->pages[i].shared;
			fake->pages[k].lost = page->lost;
		}
		i += length;
	}
}

/*
 * One to three ranges in order of address, with gaps wide enough that none shares a huge page with
 * another.
 */
static void ranges_make(struct hn_random *random, struct world *world)
{
	uint64_t at = 0, count = 1 + below(random, 3);

	world->order.ranges = world->ranges;
	for (uint64_t i = 0; i < count && at < world->fake.count; i++) {
		uint64_t start = at + (i ? FAKE_HUGE : 0) + below(random, 600), left;

		if (start >= world->fake.count)
			break;
		left = world->fake.count - start;
		at = start + 1 + below(random, i + 1 == count ? left : left / 2 + 1);
		if (at > world->fake.count)
			at = world->fake.count;
		world->ranges[world->order.range_count++] =
			(struct hn_range){.start = FAKE_BASE + start * PAGE, .bytes = (at - start) * PAGE};
	}
}

static uint64_t pages_in_ranges(const struct world *world, int node)
{
	uint64_t count = 0;

	for (size_t i = 0; i < world->order.range_count; i++) {
		uint64_t first = (world->ranges[i].start - FAKE_BASE) / PAGE;

		for (uint64_t k = first; k < first + world->ranges[i].bytes / PAGE; k++)
			count += world->fake.pages[k].node == node;
	}
	return count;
}

static void world_make(struct hn_random *random, struct world *world)
{
	memset(world, 0, sizeof(*world));
	fake_kernel_init(&world->fake, 1 + below(random, 24 * 512));
	pages_make(random, world);
	ranges_make(random, world);
	world->order.process = (struct hn_process){.pid = 1, .start_ticks = 1};
	world->order.to_node = TARGET;
	world->order.shared = below(random, 2);
	world->order.limit_bytes = below(random, 3) ? 0 : below(random, world->fake.count) * PAGE;
	world->order.pace.bytes_per_second = below(random, 3) ? 0 : HN_MIB + below(random, 100 * HN_MIB);
	world->fake.all_allowed = below(random, 4);
	world->fake.splits = below(random, 2);
	world->fake.one_cpu = below(random, 2);
	world->room = below(random, 3);
	if (!world->room)
		world->fake.free_pages[TARGET] = below(random, world->fake.count + 1);
	world->fake.cpuset_allows[TARGET] = below(random, 12);
	if (!below(random, 3)) {
		/* Blind to huge pages, each of their other pages ends a group. */
		world->fake.blind = true;
		world->tractable = world->tractable && !world->troubled;
		world->cut = true;
	}
	world->there_before = pages_in_ranges(world, TARGET);
	world->absent_before = pages_in_ranges(world, -1);
}

static bool on_watch(void *context, const struct hn_move_progress *progress, struct hn_move_pace *pace)
{
	const struct world *world = context;
	uint64_t sum = progress->already_bytes + progress->moved_bytes + progress->absent_bytes +
		       progress->left_bytes;

	for (int i = 0; i < HN_STAY_COUNT; i++)
		sum += progress->stayed_bytes[i];
	assert_int_equal(sum, progress->scanned_bytes);
	assert_true(progress->moved_bytes <= pages_in_ranges(world, TARGET) * PAGE);
	return true;
}

static void check(const struct world *world)
{
	const struct hn_move_progress *progress = &world->progress;
	uint64_t limit = world->order.limit_bytes;

	assert_int_equal(progress->scanned_bytes, progress->total_bytes);
	assert_int_equal(progress->absent_bytes, world->absent_before * PAGE);
	/* Blind, it may cut a huge page in two pieces, and the second may take along what has been given up
	 * in the first. */
	if (!world->cut)
		assert_int_equal(progress->already_bytes + progress->moved_bytes,
				 pages_in_ranges(world, TARGET) * PAGE);
	assert_int_equal(progress->already_bytes, world->there_before * PAGE);
	if (limit) {
		assert_true(progress->moved_bytes == 0 ||
			    progress->already_bytes + progress->moved_bytes < limit + FAKE_HUGE * PAGE);
		assert_true(progress->left_bytes == 0 ||
			    progress->already_bytes + progress->moved_bytes >= limit);
	} else {
		assert_int_equal(progress->left_bytes, 0);
	}
	if (!world->fake.cpuset_allows[TARGET])
		assert_int_equal(progress->moved_bytes, 0);
	else
		assert_int_equal(progress->stayed_bytes[HN_STAY_CPUSET], 0);
	if (world->room)
		assert_int_equal(progress->stayed_bytes[HN_STAY_NO_MEMORY], 0);
	/* Calls end: 64 and the last tries for each piece, which a cap or limit may make as small as a page.
	 */
	if (!world->order.pace.bytes_per_second && !limit)
		assert_true(world->fake.moves <=
			    70 * (2 * (int)world->order.range_count +
				  (int)(world->fake.count / (HN_PIECE_LEAST_BYTES / PAGE))));
}

/* With room, rights and no limit: all that is not pinned, lost or shared is there afterwards. */
static void check_complete(const struct world *world)
{
	if (!world->tractable || !world->room || world->order.limit_bytes ||
	    !world->fake.cpuset_allows[TARGET])
		return;
	for (size_t i = 0; i < world->order.range_count; i++) {
		uint64_t first = (world->ranges[i].start - FAKE_BASE) / PAGE;

		for (uint64_t k = first; k < first + world->ranges[i].bytes / PAGE; k++) {
			const struct fake_page *page = &world->fake.pages[k],
					       *head = &world->fake.pages[page->head];
			bool may_share = world->order.shared && world->fake.all_allowed;

			if (page->node >= 0 && page->node != TARGET)
				assert_true(head->pinned || page->lost || (page->shared && !may_share));
		}
	}
}

static void the_books_agree_with_the_memory(void **state)
{
	struct hn_random random = {.state = 20240607};

	/* fewer where an emulator runs them, which is where huge pages are larger */
	for (int round = 0; round < ROUNDS * 512 / (int)FAKE_HUGE; round++) {
		struct world world;
		struct hn_error err;

		world_make(&random, &world);
		if (hn_move_with(&world.fake.kernel, &world.order, on_watch, &world, &world.progress, &err))
			fail_msg("round %d: %s", round, err.message);
		check(&world);
		check_complete(&world);
		fake_kernel_done(&world.fake);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_books_agree_with_the_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
