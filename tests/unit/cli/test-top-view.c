/* What is drawn: on every size, of hosts and guests of every kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "cli/top-view.h"
#include "pictures.h"

static const struct hn_top_view live = {
	.now_ns = 10 * HN_NS_PER_S, .patience_ns = 5 * HN_NS_PER_S, .page_bytes = 4096, .keys = true};

static struct hn_canvas *draw(struct hn_top *top, unsigned rows, unsigned columns,
			      const struct hn_top_view *view)
{
	struct hn_canvas *canvas = hn_canvas_new(rows, columns, true);

	assert_non_null(canvas);
	hn_top_draw(top, canvas, view);
	return canvas;
}

static const char *row_of(const struct hn_canvas *canvas, unsigned row)
{
	static char text[2048];

	return hn_canvas_row(canvas, row, false, text, sizeof(text));
}

/* The row that has the text in it, or -1. */
static int find(const struct hn_canvas *canvas, const char *text)
{
	for (unsigned row = 0; row < canvas->rows; row++)
		if (strstr(row_of(canvas, row), text))
			return (int)row;
	return -1;
}

static void take(struct hn_top *top, struct hn_picture *picture, uint64_t now_ns)
{
	assert_int_equal(hn_top_take(top, picture, now_ns, NULL), 0);
}

static struct hn_picture *some_guests(size_t nodes)
{
	struct hn_picture *picture = make_picture(nodes);
	struct hn_report *report = add_guest(picture, "web-17", 2);
	uint64_t pages[64] = {10, 90};

	set_locality(report, 0.71, 0.04);
	set_busy(picture, 1.5, 0);
	set_pages(picture, report, 0, pages);
	set_pages(picture, report, 1, pages);
	report->home = hn_placement_new(nodes, 2);
	hn_set_add(&report->home->cells[0].nodes, 0);
	hn_set_add(&report->home->cells[1].nodes, 1);
	report->operation.id = 1;
	report->operation.state = HN_OPERATION_RUNNING;
	report->operation.to_node = 1;
	report->operation.to_move_bytes = 4 * HN_GIB;
	report->operation.moved_bytes = HN_GIB;
	report->operation.elapsed_ns = 4 * HN_NS_PER_S;
	snprintf(add_guest(picture, "sick", 1)->problem, HN_ERROR_MAX, "its monitor is taken");
	return picture;
}

static void a_guest_reads_in_one_line(void **state)
{
	struct hn_top top = {0};
	HN_AUTO(hn_canvas) struct hn_canvas *canvas = NULL;

	take(&top, some_guests(2), live.now_ns);
	canvas = draw(&top, 24, 80, &live);
	assert_string_equal(row_of(canvas, 3),
			    "    1    4   0 %     8 GiB [###############---------------]  50 %     4 GiB");
	assert_int_equal(find(canvas, " testhost  2 guests, 1 moving, 1 in trouble"), 0);
	/* 1.5 of 4 CPUs */
	assert_int_equal(find(canvas, "    0    4  38 %"), 2);
	/* a quarter is moved; a tenth is on node 0 and the rest on node 1 */
	assert_true(find(canvas, "web-17       run enf sha [####--]  71 ±4 % ▁█   0-1") > 0);
	assert_true(find(canvas, "to 1 [#----] 25 %") > 0);
	assert_int_equal(find(canvas, "  cell 1 vCPU 2-3"), find(canvas, "  cell 0 vCPU 0-1") + 1);
	assert_true(find(canvas, "sick") > 0);
	/* the whole sentence: 3 GiB at 1 GiB in 4 s */
	assert_int_equal(find(canvas, "web-17: moving 4 GiB to node 1  [###-------] 25 %  12 s left"), 22);
	assert_int_equal(find(canvas, "q quit"), 23);
	hn_top_done(&top);
}

static void wide_screens_write_words(void **state)
{
	struct hn_top top = {0};
	HN_AUTO(hn_canvas) struct hn_canvas *canvas = NULL;

	take(&top, some_guests(2), live.now_ns);
	canvas = draw(&top, 40, 160, &live);
	assert_true(find(canvas, "running  enforce shared       2 GiB [#########---]") > 0);
	assert_true(find(canvas, "moving 4 GiB to node 1  [###-------] 25 %") > 0);
	hn_top_done(&top);
}

static void silence_is_said_and_greys_all(void **state)
{
	struct hn_error why = {.code = -ECONNREFUSED, .message = "cannot reach it"};
	struct hn_top_view later = live;
	struct hn_top top = {0};
	HN_AUTO(hn_canvas) struct hn_canvas *canvas = NULL, *second = NULL;

	take(&top, some_guests(2), live.now_ns);
	later.now_ns += 12 * HN_NS_PER_S;
	canvas = draw(&top, 24, 80, &later);
	assert_int_equal(find(canvas, " homenoded has not answered for 12 s"), 0);
	assert_int_equal(canvas->cells[1].tone, HN_TONE_BAD);
	for (unsigned i = 80; i < 22 * 80; i++)
		assert_true(canvas->cells[i].symbol == L' ' || canvas->cells[i].tone == HN_TONE_FAINT);
	assert_true(find(canvas, "web-17") > 0);
	hn_top_miss(&top, &why);
	second = draw(&top, 24, 80, &live);
	assert_int_equal(find(second, " homenoded has not answered for 1 s"), 0);
	assert_int_equal(find(second, "cannot reach it"), 22);
	hn_top_done(&top);
}

static void too_small_is_said(void **state)
{
	struct hn_top top = {0};

	take(&top, some_guests(2), live.now_ns);
	for (unsigned rows = 1; rows <= 12; rows++)
		for (unsigned columns = 1; columns <= 62; columns++) {
			HN_AUTO(hn_canvas) struct hn_canvas *canvas = draw(&top, rows, columns, &live);
			bool small = rows < 10 || columns < 60;

			if (columns >= 5)
				assert_int_equal(strncmp(row_of(canvas, 0), "too ", 4) == 0, small);
		}
	hn_top_done(&top);
}

/* Every page at every size, with many nodes and few: what a sanitizer does not like is seen. */
static void every_size_can_be_drawn(void **state)
{
	static const size_t nodes[] = {1, 2, 9, 64};
	static const char *const keys[] = {"", "c", "?", "n", "\n"};

	for (size_t n = 0; n < HN_COUNT(nodes); n++)
		for (size_t k = 0; k < HN_COUNT(keys); k++) {
			struct hn_top top = {0};

			take(&top, some_guests(nodes[n] < 2 ? 2 : nodes[n]), live.now_ns);
			for (const char *key = keys[k]; *key; key++)
				hn_top_key(&top, *key);
			for (unsigned rows = 10; rows < 60; rows += 3)
				for (unsigned columns = 60; columns < 300; columns += 7) {
					HN_AUTO(hn_canvas)
					struct hn_canvas *canvas = draw(&top, rows, columns, &live);

					hn_top_key(&top, rows % 2 ? HN_KEY_END : HN_KEY_RIGHT);
					assert_true(*row_of(canvas, 0) == ' ');
					assert_true(*row_of(canvas, rows - 1) == ' ');
				}
			hn_top_done(&top);
		}
}

static void many_nodes_are_counted_and_have_a_page(void **state)
{
	struct hn_top top = {0};
	HN_AUTO(hn_canvas) struct hn_canvas *canvas = NULL, *page = NULL;

	take(&top, some_guests(64), live.now_ns);
	canvas = draw(&top, 24, 80, &live);
	assert_true(find(canvas, "and 57 more nodes; n shows them") > 0);
	hn_top_key(&top, 'n');
	hn_top_key(&top, HN_KEY_END);
	page = draw(&top, 24, 80, &live);
	assert_int_equal(find(page, "   63    4"), 21);
	hn_top_done(&top);
}

/* In the header in words, and behind the number of each node that drains; of the others nothing. */
static void nodes_that_drain_are_marked(void **state)
{
	struct hn_top top = {0};
	struct hn_picture *picture = some_guests(4);
	HN_AUTO(hn_canvas) struct hn_canvas *none = NULL, *one = NULL, *two = NULL, *page = NULL;

	take(&top, picture, live.now_ns);
	none = draw(&top, 24, 80, &live);
	assert_int_equal(find(none, "drain"), -1);
	assert_int_equal(find(none, "   3d"), -1);
	picture->host->nodes[3].draining = true;
	one = draw(&top, 24, 80, &live);
	assert_int_equal(find(one, "node 3 drains"), 0);
	assert_int_equal(find(one, "    3d"), 5);
	assert_int_equal(find(one, "    2d"), -1);
	picture->host->nodes[2].draining = true;
	two = draw(&top, 24, 80, &live);
	assert_int_equal(find(two, "nodes 2-3 drain"), 0);
	assert_int_equal(find(two, "    2d"), 4);
	hn_top_key(&top, 'n');
	page = draw(&top, 24, 80, &live);
	assert_true(find(page, "    3d") > 0);
	hn_top_done(&top);
}

static void a_page_tells_all_of_a_guest(void **state)
{
	struct hn_picture *picture = some_guests(2);
	struct hn_report *full = picture->detail = hn_report_new();
	struct hn_thread *thread;
	struct hn_top top = {0};
	HN_AUTO(hn_canvas) struct hn_canvas *canvas = NULL;

	full->guest = hn_guest_copy(picture->guests.items[0].report->guest);
	thread = hn_guest_add_thread(full->guest, 4711, HN_THREAD_IOTHREAD);
	snprintf(thread->name, sizeof(thread->name), "IO iothread7");
	thread->cell = thread->vcpu = -1;
	hn_guest_add_backend(full->guest, "ram-node0")->movability = HN_IMMOVABLE_PINNED;
	full->plan = hn_plan_new();
	full->plan->verdict = HN_VERDICT_BLOCKED;
	snprintf(full->plan->reason, HN_REASON_MAX, "%s",
		 "node 1 has 1 GiB free of 4 GiB needed, and of the guests there none may be moved away now");
	hn_plan_add_note(full->plan, "ram-node0 is pinned");
	take(&top, picture, live.now_ns);
	while (strcmp(top.selected, "web-17") != 0)
		hn_top_key(&top, HN_KEY_DOWN);
	hn_top_key(&top, HN_KEY_ENTER);
	canvas = draw(&top, 40, 80, &live);
	assert_int_equal(find(canvas, "web-17  running, enforce, shared"), 2);
	assert_true(find(canvas, "iothread7") > find(canvas, "THREAD"));
	assert_true(find(canvas, "4711") > 0);
	assert_true(find(canvas, "ram-node0") > 0 && find(canvas, "pinned") > 0);
	assert_true(find(canvas, "Note       ram-node0 is pinned") > 0);
	/* a sentence that is too long goes on below */
	assert_true(find(canvas, "Now        blocked: node 1 has 1 GiB free of 4 GiB needed, and of the") >
		    0);
	assert_int_equal(find(canvas, "moved away now"), find(canvas, "Now        ") + 1);
	hn_top_done(&top);
}

/* What the kernel does by itself is the last row of the nodes' page; what it counts of a guest is on its own.
 */
static void pages_tell_what_the_kernel_counts(void **state)
{
	struct hn_picture *picture = some_guests(3);
	struct hn_report *full = picture->detail = hn_report_new();
	struct hn_top top = {0};
	HN_AUTO(hn_canvas) struct hn_canvas *nodes = NULL, *guest = NULL;

	picture->activity = hn_activity_new(1);
	picture->activity->rates[0].node = -1;
	picture->activity->rates[0].known = 1 << HN_KERNEL_SWAP_IN;
	picture->activity->rates[0].values[HN_KERNEL_SWAP_IN] = 77;
	full->guest = hn_guest_copy(picture->guests.items[0].report->guest);
	full->activity = hn_activity_new(1);
	full->activity->stalls[HN_RESOURCE_MEMORY] = (struct hn_stall){.some_known = true, .some_avg10 = 33};
	full->activity->rates[0].node = -1;
	full->activity->rates[0].family = HN_COUNTERS_KVM;
	full->activity->rates[0].known = 1 << HN_KVM_EXITS;
	full->activity->rates[0].values[HN_KVM_EXITS] = 4711;
	take(&top, picture, live.now_ns);
	while (strcmp(top.selected, "web-17") != 0)
		hn_top_key(&top, HN_KEY_DOWN);
	hn_top_key(&top, HN_KEY_ENTER);
	guest = draw(&top, 40, 80, &live);
	assert_true(find(guest, "Pressure   memory 33 %") > 0);
	assert_true(find(guest, "KVM        4711 exits/s") > 0);
	assert_int_equal(find(guest, "Traffic"), -1);
	hn_top_key(&top, 'n');
	nodes = draw(&top, 24, 80, &live);
	assert_true(find(nodes, "kernel  swap-in 77/s") > find(nodes, "NODE CPUS"));
	hn_top_done(&top);
}

static void all_is_printed_when_nobody_is_there_to_scroll(void **state)
{
	struct hn_top_view print = live;
	struct hn_picture *picture = make_picture(20);
	struct hn_top top = {0};
	HN_AUTO(hn_canvas) struct hn_canvas *canvas = NULL;

	for (int i = 0; i < 100; i++) {
		char name[16];

		snprintf(name, sizeof(name), "vm-%02d", i);
		add_guest(picture, name, 2);
	}
	take(&top, picture, live.now_ns);
	print.keys = false;
	/* header, nodes with a heading, a blank, guests of three lines with a heading */
	assert_int_equal(hn_top_rows_needed(&top), 1 + 21 + 1 + 1 + 300);
	canvas = draw(&top, hn_top_rows_needed(&top), 80, &print);
	assert_true(find(canvas, "vm-99") == 321);
	assert_true(find(canvas, "q quit") < 0);
	assert_true(find(canvas, "more nodes") < 0);
	hn_top_done(&top);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guest_reads_in_one_line),
		cmocka_unit_test(wide_screens_write_words),
		cmocka_unit_test(silence_is_said_and_greys_all),
		cmocka_unit_test(too_small_is_said),
		cmocka_unit_test(every_size_can_be_drawn),
		cmocka_unit_test(many_nodes_are_counted_and_have_a_page),
		cmocka_unit_test(nodes_that_drain_are_marked),
		cmocka_unit_test(a_page_tells_all_of_a_guest),
		cmocka_unit_test(pages_tell_what_the_kernel_counts),
		cmocka_unit_test(all_is_printed_when_nobody_is_there_to_scroll),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
