/* What /metrics says of guests made up by hand, the bound on its series, and docs/metrics.md against the
 * code. */
#include "daemon/metrics.h"

#include <event2/buffer.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/pages.h"
#include "base/units.h"
#include "daemon/guest.h"

struct scene {
	struct hn_service service;
	struct hn_config config;
	char *text; /* what was written last */
};

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	if (!scene)
		return -1;
	hn_config_init(&scene->config);
	scene->service.config = &scene->config;
	scene->service.host = hn_host_new("h", 2, 2);
	scene->service.host->nodes[0].memory_bytes = 8 * HN_GIB;
	scene->service.host->nodes[0].free_bytes = 3 * HN_GIB;
	scene->service.host->nodes[1].pool_count = 1;
	scene->service.host->nodes[1].pools[0] = (struct hn_page_pool){2 * HN_MIB, 10, 7};
	TAILQ_INIT(&scene->service.guests);
	TAILQ_INIT(&scene->service.reservations.list);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;
	struct hn_managed *managed;

	while ((managed = TAILQ_FIRST(&scene->service.guests))) {
		TAILQ_REMOVE(&scene->service.guests, managed, entry);
		hn_guest_free(managed->guest);
		hn_sample_free(managed->sample);
		hn_readings_done(&managed->readings);
		free(managed->problem);
		free(managed);
	}
	hn_host_free(scene->service.host);
	hn_config_done(&scene->config);
	free(scene->text);
	free(scene);
	return 0;
}

/* A guest of one cell and one vCPU on node 0, with that many of 100 sampled pages there and the rest on
 * node 1. */
static struct hn_managed *add_guest(struct scene *scene, const char *name, uint64_t bytes, uint64_t pages)
{
	struct hn_managed *managed = calloc(1, sizeof(*managed));
	struct hn_thread *thread;
	struct hn_cell *cell;

	assert_non_null(managed);
	managed->service = &scene->service;
	snprintf(managed->name, sizeof(managed->name), "%s", name);
	managed->guest = hn_guest_new(name);
	cell = hn_guest_add_cell(managed->guest, 0);
	cell->memory_bytes = bytes;
	hn_set_add(&cell->vcpus, 0);
	thread = hn_guest_add_thread(managed->guest, 7, HN_THREAD_VCPU);
	thread->vcpu = 0;
	thread->cell = 0;
	managed->sample = hn_sample_new(2, 1, 1);
	managed->sample->taken_ns = hn_now_ns();
	managed->sample->exhaustive = true;
	managed->sample->cells[0].sampled = 100;
	managed->sample->cells[0].on_node[0] = pages;
	managed->sample->cells[0].on_node[1] = 100 - pages;
	managed->sample->threads[0].tid = 7;
	managed->sample->threads[0].last_node = 0;
	managed->sample->threads[0].busy = 1;
	managed->sample->threads[0].residency[0] = 1;
	TAILQ_INSERT_TAIL(&scene->service.guests, managed, entry);
	return managed;
}

static const char *written(struct scene *scene)
{
	struct evbuffer *out = evbuffer_new();
	struct hn_error err;
	size_t length;

	scene->service.host_refreshed_ns = hn_now_ns(); /* the host is not read again */
	assert_int_equal(hn_metrics_write(&scene->service, out, &err), 0);
	length = evbuffer_get_length(out);
	free(scene->text);
	scene->text = calloc(1, length + 2);
	scene->text[0] = '\n';
	evbuffer_remove(out, scene->text + 1, length);
	evbuffer_free(out);
	return scene->text;
}

static void check_line(struct scene *scene, const char *line)
{
	char wanted[500];

	snprintf(wanted, sizeof(wanted), "\n%s\n", line);
	if (!strstr(written(scene), wanted))
		fail_msg("'%s' is not in:%s", line, scene->text);
}

static void guests_are_told_one_by_one(void **state)
{
	struct scene *scene = *state;
	struct hn_managed *managed = add_guest(scene, "web", HN_GIB, 25);
	char line[100];

	managed->sample->cells[0].on_node[1] = 50;
	managed->sample->cells[0].absent = 15;
	managed->sample->cells[0].unknown = 10;
	managed->problem = strdup("x");
	check_line(scene, "homenode_guest_memory_bytes{guest=\"web\",node=\"0\"} 268435456");
	check_line(scene, "homenode_guest_memory_bytes{guest=\"web\",node=\"1\"} 536870912");
	check_line(scene, "homenode_guest_absent_bytes{guest=\"web\"} 161061273");
	check_line(scene, "homenode_guest_unknown_bytes{guest=\"web\"} 107374182");
	check_line(scene, "homenode_guest_problem{guest=\"web\"} 1");
	check_line(scene, "homenode_guest_at_home{guest=\"web\"} 0");
	check_line(scene, "homenode_node_memory_free_bytes{node=\"1\",page=\"2097152\"} 14680064");
	check_line(scene, "homenode_node_memory_size_bytes{node=\"1\",page=\"2097152\"} 20971520");
	snprintf(line, sizeof(line), "homenode_node_memory_free_bytes{node=\"0\",page=\"%llu\"} 3221225472",
		 (unsigned long long)hn_base_page_bytes());
	check_line(scene, line);
	assert_null(strstr(written(scene), "\"other\""));
}

static void guests_beyond_the_limit_are_told_together(void **state)
{
	struct scene *scene = *state;

	scene->config.metrics_guests = 2;
	add_guest(scene, "a", HN_GIB, 100);
	add_guest(scene, "b", HN_GIB, 0);
	assert_null(strstr(written(scene), "\"other\""));
	add_guest(scene, "c", HN_GIB, 100);
	add_guest(scene, "d", 3 * HN_GIB, 0);
	check_line(scene, "homenode_guest_locality_ratio{guest=\"a\"} 1");
	check_line(scene, "homenode_guest_locality_ratio{guest=\"b\"} 0");
	check_line(scene, "homenode_guest_locality_ratio{guest=\"other\"} 0.25");
	check_line(scene, "homenode_guest_memory_bytes{guest=\"other\",node=\"0\"} 1073741824");
	check_line(scene, "homenode_guest_memory_bytes{guest=\"other\",node=\"1\"} 3221225472");
	assert_null(strstr(written(scene), "\"c\""));
	scene->config.metrics_guests = 0;
	check_line(scene, "homenode_guest_memory_bytes{guest=\"other\",node=\"0\"} 2147483648");
	assert_null(strstr(written(scene), "\"a\""));
}

/* Else its series would be there twice, which Prometheus refuses as a whole. */
static void a_guest_called_other_is_among_the_others(void **state)
{
	struct scene *scene = *state;
	const char *first;

	scene->config.metrics_guests = 2;
	add_guest(scene, "other", HN_GIB, 100);
	add_guest(scene, "b", HN_GIB, 0);
	add_guest(scene, "c", HN_GIB, 0);
	check_line(scene, "homenode_guest_memory_bytes{guest=\"other\",node=\"0\"} 1073741824");
	check_line(scene, "homenode_guest_locality_ratio{guest=\"c\"} 0");
	first = strstr(written(scene), "homenode_guest_problem{guest=\"other\"}");
	assert_non_null(first);
	assert_null(strstr(first + 1, "homenode_guest_problem{guest=\"other\"}"));
}

static void a_thousand_guests_are_the_most(void **state)
{
	struct scene *scene = *state;
	unsigned series = 0;
	char name[20];

	for (int i = 0; i < 1100; i++) {
		snprintf(name, sizeof(name), "g%d", i);
		add_guest(scene, name, HN_GIB, 50);
	}
	for (const char *at = written(scene); (at = strstr(at, "\nhomenode_guest_problem{")); at++)
		series++;
	assert_int_equal(series, 1001);
	check_line(scene, "homenode_guest_memory_bytes{guest=\"other\",node=\"0\"} 53687091200");
	check_line(scene, "homenode_guests{mode=\"observe\"} 0");
}

static void counters_count(void **state)
{
	struct scene *scene = *state;
	struct hn_operation record = {.state = HN_OPERATION_FAILED, .moved_bytes = 5, .cpu_ns = 500000000};

	hn_tally_operation(&scene->service.tally, &record);
	record.state = HN_OPERATION_DONE;
	record.moved_bytes = 7;
	record.stayed_bytes = 3;
	hn_tally_operation(&scene->service.tally, &record);
	scene->service.tally.look_ns = 250000000;
	check_line(scene, "homenode_operations_total{outcome=\"failed\"} 1");
	check_line(scene, "homenode_operations_total{outcome=\"done\"} 1");
	check_line(scene, "homenode_operations_total{outcome=\"cancelled\"} 0");
	check_line(scene, "homenode_moved_bytes_total 12");
	check_line(scene, "homenode_stayed_bytes_total 3");
	check_line(scene, "homenode_move_cpu_seconds_total 1");
	check_line(scene, "homenode_look_seconds_total 0.25");
}

/* As the hands read them just now. */
static void what_the_kernel_tells_is_told(void **state)
{
	struct scene *scene = *state;
	struct hn_evidence *evidence = hn_evidence_new(2);

	assert_null(strstr(written(scene), "\nhomenode_host_swap_pages_total{")); /* nothing is known yet */
	assert_non_null(evidence);
	evidence->taken_ns = hn_now_ns();
	evidence->stalls[HN_RESOURCE_MEMORY] = (struct hn_stall){
		.some_known = true, .full_known = true, .some_ns = 2500000000, .full_ns = 500000000};
	evidence->counters[0].node = -1;
	evidence->counters[1] = (struct hn_counters){.family = HN_COUNTERS_NODE, .node = 1};
	hn_counter_set(&evidence->counters[0], HN_KERNEL_SWAP_OUT, 9);
	hn_counter_set(&evidence->counters[0], HN_KERNEL_HINT_FAULTS, 100);
	hn_counter_set(&evidence->counters[0], HN_KERNEL_HINT_FAULTS_LOCAL, 60);
	hn_counter_set(&evidence->counters[0], HN_KERNEL_BALANCED, 11);
	hn_counter_set(&evidence->counters[0], HN_KERNEL_THP_SPLIT, 4);
	hn_counter_set(&evidence->counters[1], HN_NODE_MISS, 123456789);
	hn_readings_put(&scene->service.readings, evidence);
	check_line(scene, "homenode_host_pressure_seconds_total{resource=\"memory\",tasks=\"some\"} 2.5");
	check_line(scene, "homenode_host_pressure_seconds_total{resource=\"memory\",tasks=\"all\"} 0.5");
	check_line(scene, "homenode_host_swap_pages_total{direction=\"out\"} 9");
	check_line(scene, "homenode_kernel_balancing_faults_total{memory=\"local\"} 60");
	check_line(scene, "homenode_kernel_balancing_faults_total{memory=\"remote\"} 40");
	check_line(scene, "homenode_kernel_balancing_moved_pages_total 11");
	check_line(scene, "homenode_host_migrated_huge_pages_total{outcome=\"split\"} 4");
	check_line(scene, "homenode_node_allocations_total{node=\"1\",event=\"numa_miss\"} 123456789");
	assert_null(strstr(scene->text, "direction=\"in\"")); /* what is unknown is not 0 */
	assert_null(strstr(scene->text, "resource=\"cpu\""));
	assert_null(strstr(scene->text, "event=\"numa_hit\""));
	evidence->taken_ns = 0; /* the hands have not answered for long */
	assert_null(strstr(written(scene), "direction=\"out\""));
	hn_readings_done(&scene->service.readings);
}

/* Two readings ten seconds apart, with that pressure and that share of remote traffic. */
static void add_readings(struct hn_managed *managed, double avg10, double remote)
{
	for (int i = 0; i < 2; i++) {
		struct hn_evidence *evidence = hn_evidence_new(1);

		assert_non_null(evidence);
		evidence->taken_ns = hn_now_ns() - (i == 0 ? 10 * HN_NS_PER_S : 0);
		evidence->stalls[HN_RESOURCE_CPU] =
			(struct hn_stall){.some_known = true, .some_avg10 = avg10};
		evidence->counters[0] = (struct hn_counters){.family = HN_COUNTERS_BANDWIDTH, .node = -1};
		hn_counter_set(&evidence->counters[0], HN_BANDWIDTH_TOTAL,
			       (uint64_t)i * UINT64_C(10000000000));
		hn_counter_set(&evidence->counters[0], HN_BANDWIDTH_LOCAL,
			       (uint64_t)((1 - remote) * 1e10) * (uint64_t)i);
		hn_readings_put(&managed->readings, evidence);
	}
}

static void guests_are_told_with_what_is_read_of_them(void **state)
{
	struct scene *scene = *state;

	scene->config.metrics_guests = 1;
	add_readings(add_guest(scene, "a", HN_GIB, 100), 25, 0.5);
	add_guest(scene, "b", HN_GIB, 100);
	add_readings(add_guest(scene, "c", HN_GIB, 100), 50, 0.25);
	add_readings(add_guest(scene, "d", HN_GIB, 100), 12.5, 0.75);
	check_line(scene, "homenode_guest_pressure_ratio{guest=\"a\",resource=\"cpu\"} 0.25");
	check_line(scene, "homenode_guest_remote_traffic_ratio{guest=\"a\"} 0.5");
	check_line(scene, "homenode_guest_pressure_ratio{guest=\"other\",resource=\"cpu\"} 0.5");
	check_line(scene, "homenode_guest_remote_traffic_ratio{guest=\"other\"} 0.75");
	assert_null(strstr(scene->text, "resource=\"memory\""));
	scene->config.metrics_guests = 9;
	assert_null(strstr(written(scene), "homenode_guest_pressure_ratio{guest=\"b\""));
}

static void names_are_escaped(void **state)
{
	static const struct {
		const char *name, *label;
	} cases[] = {
		{"a\"b\\c\nd", "a\\\"b\\\\c\\nd"},
		{"K\xc3\xa4se \xe2\x82\xac \xf0\x9f\x8d\x80", "K\xc3\xa4se \xe2\x82\xac \xf0\x9f\x8d\x80"},
		{"\xff"
		 "a\xc3",
		 "?a?"},
		{"\xc0\xaf", "??"},           /* overlong */
		{"\xed\xa0\x80", "???"},      /* a surrogate */
		{"\xf5\x80\x80\x80", "????"}, /* beyond U+10FFFF */
		{"\xe2\x82", "??"},
	};

	for (size_t i = 0; i < HN_COUNT(cases); i++) {
		struct evbuffer *out = evbuffer_new();

		hn_metrics_add_label(out, cases[i].name);
		evbuffer_add(out, "", 1);
		assert_string_equal((const char *)evbuffer_pullup(out, -1), cases[i].label);
		evbuffer_free(out);
	}
}

static void the_page_has_the_table_of_the_code(void **state)
{
	const char *source = getenv("HOMENODE_SOURCE"), *name, *type, *help;
	char path[4096], page[65536], row[1024];
	size_t length, rows = 0, families = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/docs/metrics.md", source ? source : ".");
	file = fopen(path, "r");
	assert_non_null(file);
	length = fread(page, 1, sizeof(page) - 1, file);
	page[length] = '\0';
	fclose(file);
	for (; hn_metrics_family(families, &name, &type, &help); families++) {
		snprintf(row, sizeof(row), "\n| `%s` | %s | %s |\n", name, type, help);
		if (!strstr(page, row))
			fail_msg("docs/metrics.md lacks the row%s", row);
	}
	for (const char *at = page; (at = strstr(at, "\n| `")); at++)
		rows++;
	assert_int_equal(rows, families);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(guests_are_told_one_by_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(guests_beyond_the_limit_are_told_together, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_guest_called_other_is_among_the_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_thousand_guests_are_the_most, set_up, tear_down),
		cmocka_unit_test_setup_teardown(counters_count, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_the_kernel_tells_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(guests_are_told_with_what_is_read_of_them, set_up, tear_down),
		cmocka_unit_test(names_are_escaped),
		cmocka_unit_test(the_page_has_the_table_of_the_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
