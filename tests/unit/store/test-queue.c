/* The queue: order, and who gives way when it is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scene.h"
#include "store/queue.h"

static void add(struct hn_queue *queue, enum hn_record_kind kind, unsigned number)
{
	hn_queue_add(queue, scene_record(kind, number), number);
}

/* Takes one and compares the number it was added with. */
static void expect(struct hn_queue *queue, enum hn_record_kind kind, unsigned number)
{
	struct hn_entry *entry = hn_queue_take(queue);

	assert_non_null(entry);
	assert_int_equal(entry->record->kind, kind);
	assert_int_equal(entry->uptime_ns, number);
	hn_entry_free(entry);
}

static void they_come_out_as_they_went_in(void **state)
{
	struct hn_queue queue;

	hn_queue_init(&queue, 100);
	for (unsigned i = 0; i < 60; i++)
		add(&queue, (enum hn_record_kind)(i * 7 % HN_RECORD_KIND_COUNT), i);
	for (unsigned i = 0; i < 60; i++)
		expect(&queue, (enum hn_record_kind)(i * 7 % HN_RECORD_KIND_COUNT), i);
	assert_null(hn_queue_take(&queue));
	assert_int_equal(queue.count, 0);
	hn_queue_done(&queue);
}

static void the_oldest_samples_give_way_before_anything_else(void **state)
{
	struct hn_queue queue;

	hn_queue_init(&queue, 4);
	add(&queue, HN_RECORD_MOVE, 0);
	add(&queue, HN_RECORD_SAMPLE, 1);
	add(&queue, HN_RECORD_SAMPLE, 2);
	add(&queue, HN_RECORD_DECISION, 3);
	add(&queue, HN_RECORD_SAMPLE, 4); /* 1 goes */
	add(&queue, HN_RECORD_MOVE, 5);   /* 2 goes */
	assert_int_equal(queue.lost_samples, 2);
	add(&queue, HN_RECORD_MOVE, 6); /* 4 goes */
	add(&queue, HN_RECORD_MOVE, 7); /* now 0 has to */
	assert_int_equal(queue.lost_samples, 3);
	assert_int_equal(queue.lost_events, 1);
	expect(&queue, HN_RECORD_DECISION, 3);
	expect(&queue, HN_RECORD_MOVE, 5);
	expect(&queue, HN_RECORD_MOVE, 6);
	hn_queue_done(&queue);
}

static void what_comes_back_takes_its_old_place(void **state)
{
	struct hn_entry *first, *second, *third;
	struct hn_queue queue;

	hn_queue_init(&queue, 4);
	for (unsigned i = 0; i < 3; i++)
		add(&queue, i == 1 ? HN_RECORD_MOVE : HN_RECORD_SAMPLE, i);
	first = hn_queue_take(&queue);
	second = hn_queue_take(&queue);
	third = hn_queue_take(&queue);
	add(&queue, HN_RECORD_SAMPLE, 3);
	add(&queue, HN_RECORD_MOVE, 4);
	hn_queue_return(&queue, third);
	hn_queue_return(&queue, second);
	hn_queue_return(&queue, first); /* it is the oldest sample, and there is no room for five */
	assert_int_equal(queue.lost_samples, 1);
	expect(&queue, HN_RECORD_MOVE, 1);
	expect(&queue, HN_RECORD_SAMPLE, 2);
	expect(&queue, HN_RECORD_SAMPLE, 3);
	expect(&queue, HN_RECORD_MOVE, 4);
	hn_queue_done(&queue);
}

static void losses_are_counted(void **state)
{
	struct hn_queue queue;

	hn_queue_init(&queue, 10);
	hn_queue_add(&queue, NULL, 0);
	assert_int_equal(queue.lost_samples, 1);
	for (unsigned i = 0; i < 5; i++)
		add(&queue, i < 2 ? HN_RECORD_DECISION : HN_RECORD_SAMPLE, i);
	hn_queue_drop(&queue);
	assert_int_equal(queue.lost_samples, 4);
	assert_int_equal(queue.lost_events, 2);
	assert_int_equal(queue.count, 0);
	queue.max = 0;
	add(&queue, HN_RECORD_MOVE, 9);
	assert_int_equal(queue.lost_events, 3);
	assert_int_equal(queue.count, 0);
	hn_queue_done(&queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_come_out_as_they_went_in),
		cmocka_unit_test(the_oldest_samples_give_way_before_anything_else),
		cmocka_unit_test(what_comes_back_takes_its_old_place),
		cmocka_unit_test(losses_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
