/* What a source tells, held against what is known. */
#include "daemon/make-up.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "daemon/config.h"
#include "daemon/domain.h"
#include "daemon/inspect.h"
#include "scene.h"

#define UUID "11111111-2222-3333-4444-555555555555"

/* vCPUs, then threads that no source names. */
static struct hn_guest *make_guest(size_t vcpus, size_t others, bool backwards)
{
	struct hn_guest *guest = hn_guest_new("web");

	assert_non_null(guest);
	assert_non_null(hn_guest_add_cell(guest, 0));
	guest->thread_count = vcpus + others;
	guest->threads = calloc(guest->thread_count + 1, sizeof(*guest->threads));
	assert_non_null(guest->threads);
	for (size_t i = 0; i < guest->thread_count; i++) {
		size_t number = i < vcpus && backwards ? vcpus - 1 - i : i;

		guest->threads[i] = (struct hn_thread){
			.tid = 100 + (pid_t)number,
			.kind = i < vcpus ? HN_THREAD_VCPU : HN_THREAD_EMULATOR,
			.vcpu = i < vcpus ? (int)number : -1,
		};
	}
	return guest;
}

static bool is_same(struct hn_guest *known, struct hn_guest *told)
{
	bool same = hn_make_up_is_same(known, told);

	hn_guest_free(known);
	hn_guest_free(told);
	return same;
}

static void threads_are_known_by_what_they_are(void **state)
{
	struct hn_guest *known = make_guest(2, 3, false), *told = make_guest(2, 0, false);

	assert_true(hn_make_up_is_same(known, told));
	told->threads[1].vcpu = 2;
	assert_false(hn_make_up_is_same(known, told));
	told->threads[1].vcpu = 1;
	told->threads[1].kind = HN_THREAD_IOTHREAD;
	assert_false(hn_make_up_is_same(known, told));
	told->threads[1].kind = HN_THREAD_VCPU;
	told->threads[1].tid = 7;
	assert_false(hn_make_up_is_same(known, told));
	known->threads[1].tid_inside = 7; /* what its container calls it */
	assert_true(hn_make_up_is_same(known, told));
	assert_true(is_same(known, told));
	assert_false(is_same(make_guest(0, 0, false), make_guest(1, 0, false)));
	assert_true(is_same(make_guest(0, 0, false), make_guest(0, 0, false)));
}

/* Each compared with each would take hours. */
static void many_threads_in_another_order_are_the_same(void **state)
{
	assert_true(is_same(make_guest(1 << 19, 16, false), make_guest(1 << 19, 0, true)));
}

static struct hn_placement *home_on(const struct scene *scene, const struct hn_guest *guest, int node)
{
	struct hn_placement *home = hn_placement_new(scene->node_count, guest->cell_count);

	assert_non_null(home);
	home->cells[0].cell = guest->cells[0].id;
	home->cells[0].nodes = hn_set_of(node);
	home->cells[0].bytes[node] = guest->cells[0].memory_bytes;
	return home;
}

/* A DIMM has come: whether there is room for it at home is the policy's to say. vCPUs that come are others.
 */
static void a_home_outlives_memory_that_comes(void **state)
{
	struct scene *scene = scene_new(2);
	struct hn_managed *managed = &scene_add(scene, "g", 1, HN_GIB)->managed;
	struct hn_guest *told = hn_guest_copy(managed->guest);

	hn_placement_free(managed->home);
	managed->home = home_on(scene, managed->guest, 1);
	told->cells[0].memory_bytes += HN_GIB;
	assert_non_null(hn_guest_add_backend(told, "memdimm0"));
	told->backends[told->backend_count - 1].bytes = HN_GIB;
	assert_true(hn_make_up_take(managed, told));
	assert_non_null(managed->home);
	assert_true(hn_set_has(&managed->home->cells[0].nodes, 1));
	assert_int_equal(managed->guest->cells[0].memory_bytes, 2 * HN_GIB);
	told = hn_guest_copy(managed->guest);
	hn_set_add(&told->cells[0].vcpus, 7);
	assert_true(hn_make_up_take(managed, told));
	assert_null(managed->home);
	scene_free(scene);
}

/* Virtio-mem gives more of what it maps: no other guest, and what is known of it stays known. */
static void more_of_the_same_memory_is_no_news(void **state)
{
	struct scene *scene = scene_new(2);
	struct hn_managed *managed = &scene_add(scene, "g", 1, HN_GIB)->managed;
	const struct hn_sample *sample = managed->sample;
	unsigned generation = managed->generation;
	struct hn_guest *told = hn_guest_copy(managed->guest);

	assert_non_null(sample);
	told->cells[0].memory_bytes += 2 * HN_MIB;
	assert_false(hn_make_up_take(managed, told));
	assert_int_equal(managed->guest->cells[0].memory_bytes, HN_GIB + 2 * HN_MIB);
	assert_ptr_equal(managed->sample, sample);
	assert_int_equal(managed->generation, generation);
	scene_free(scene);
}

/* QMP told of it first, and libvirt's XML came after. */
static void xml_that_comes_late_tells_of_the_same_memory(void **state)
{
	struct scene *scene = scene_new(2);
	struct hn_managed *managed = &scene_add(scene, "g", 1, HN_GIB)->managed;
	struct hn_guest *told = hn_guest_copy(managed->guest);
	uint64_t seizures = managed->seizures;
	struct hn_backend_memo memo = {.told = HN_MOVABLE};

	managed->memos = &memo;
	told->cells[0].page_bytes = 2 * HN_MIB;
	told->backends[0].movability = HN_IMMOVABLE_PINNED;
	assert_false(hn_make_up_take(managed, told));
	assert_int_equal(managed->guest->cells[0].page_bytes, 2 * HN_MIB);
	assert_int_equal(managed->guest->backends[0].movability, HN_IMMOVABLE_PINNED);
	assert_int_equal(memo.told, HN_IMMOVABLE_PINNED); /* the next inspection starts from that */
	assert_int_equal(managed->seizures, seizures + 1);

	/* the device is gone again: whether something else holds the memory, an inspection tells */
	told = hn_guest_copy(managed->guest);
	told->backends[0].movability = HN_MOVABLE;
	assert_false(hn_make_up_take(managed, told));
	assert_int_equal(managed->guest->backends[0].movability, HN_IMMOVABLE_PINNED);
	assert_int_equal(memo.told, HN_MOVABLE);
	assert_int_equal(managed->seizures, seizures + 1);
	managed->memos = NULL;
	scene_free(scene);
}

/* It has grown, and homenoded was started again: where it was at home it still is, with all it has. */
static void a_home_on_file_is_taken_with_other_memory(void **state)
{
	struct scene *scene = scene_new(2);
	struct hn_managed *managed = &scene_add(scene, "g", 1, HN_GIB)->managed;
	struct hn_reservation *reservation =
		hn_reservation_new(hn_guest_copy(managed->guest), home_on(scene, managed->guest, 1));
	struct hn_set all = {0};

	assert_non_null(reservation);
	reservation->state = HN_RESERVATION_MADE;
	assert_int_equal(hn_reservations_put(&scene->service.reservations, reservation, NULL), 0);
	hn_placement_free(managed->home);
	managed->home = NULL;
	managed->guest->cells[0].memory_bytes = 3 * HN_GIB;
	hn_make_up_identified(managed, &(struct hn_process){managed->guest->pid, managed->guest->start_ticks},
			      &all);
	assert_non_null(managed->home);
	assert_int_equal(managed->home->cells[0].bytes[1], 3 * HN_GIB);
	assert_int_equal(managed->home->cells[0].bytes[0], 0);
	scene_free(scene);
}

/* The guest that libvirt tells of is the one at a socket, found out late: it lives on, and has come for what
 * was promised. */
static void two_that_are_one_go_on_as_one(void **state)
{
	struct scene *scene = scene_new(2);
	struct hn_managed *managed = &scene_add(scene, "g", 0, HN_GIB)->managed, *other = NULL;
	struct hn_reservation *reservation;
	struct hn_error err;

	snprintf(managed->guest->uuid, sizeof(managed->guest->uuid), UUID);
	assert_int_equal(hn_managed_new_domain(&scene->service, "g", &other, &err), 0);
	other->domain = calloc(1, sizeof(*other->domain));
	snprintf(other->domain->uuid, sizeof(other->domain->uuid), UUID);
	other->guest = hn_guest_copy(managed->guest);
	other->identified = true;
	other->promised_ns = 4711;
	reservation = hn_reservation_new(hn_guest_copy(managed->guest), home_on(scene, managed->guest, 1));
	reservation->state = HN_RESERVATION_STARTED;
	reservation->since_ns = hn_now_ns();
	reservation->seen = true;
	assert_int_equal(hn_reservations_put(&scene->service.reservations, reservation, NULL), 0);
	hn_managed_join(managed, UUID);
	assert_true(reservation->seen);
	assert_int_equal(managed->promised_ns, 4711);
	assert_ptr_equal(hn_managed_of_domain(&scene->service, UUID), managed);
	hn_domain_free(hn_steal(managed->domain));
	scene_free(scene);
}

/* What the guest is allowed when its operator says wished, its cgroups cpuset, and its container contained.
 */
static void assert_allowed(const char *wished, const char *cpuset, const char *contained, const char *allowed,
			   const char *problem)
{
	struct scene *scene = scene_new(4);
	struct scene_guest *guest = scene_add(scene, "web", 0, HN_GIB);
	struct hn_guest_rule rule = {.pattern = "web"};
	struct hn_set container = {0};
	char text[64];

	rule.settings.said = 1u << HN_SETTING_NODES;
	assert_int_equal(hn_set_parse(wished, &rule.settings.nodes, NULL), 0);
	assert_int_equal(hn_set_parse(cpuset, &guest->managed.cpuset_nodes, NULL), 0);
	assert_int_equal(hn_set_parse(contained, &container, NULL), 0);
	guest->managed.container_nodes = &container;
	scene->config.rules = &rule;
	scene->config.rule_count = 1;
	for (int i = 0; i < 2; i++) { /* whatever was there before */
		HN_AUTO(hn_report) struct hn_report *report = NULL;

		hn_make_up_apply_settings(&guest->managed);
		hn_set_format(&guest->managed.guest->allowed_nodes, text, sizeof(text));
		assert_string_equal(text, allowed);
		report = hn_managed_report(&guest->managed);
		assert_non_null(strstr(report->problem, problem));
		assert_int_equal(*report->problem != 0, *problem != 0);
	}
	hn_set_clear(&guest->managed.cpuset_nodes);
	hn_set_clear(&container);
	hn_make_up_apply_settings(&guest->managed);
	assert_null(guest->managed.unheeded);
	hn_set_format(&guest->managed.guest->allowed_nodes, text, sizeof(text));
	assert_string_equal(text, wished);
	scene->config.rules = NULL;
	scene->config.rule_count = 0;
	guest->managed.container_nodes = NULL;
	scene_free(scene);
}

static void nodes_that_its_limits_rule_out_are_not_all_nodes(void **state)
{
	assert_allowed("0", "1", "", "1", "nodes = 0 cannot be heeded");
	assert_allowed("0", "", "2-3", "2-3", "node 2-3 alone");
	assert_allowed("0", "1-2", "2-3", "2", "node 2 alone");
	assert_allowed("0-2", "1", "2-3", "1",
		       ""); /* of limits that have nothing in common the first holds */
	assert_allowed("0-2", "1-3", "", "1-2", "");
	assert_allowed("0-2", "", "", "0-2", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_are_known_by_what_they_are),
		cmocka_unit_test(a_home_outlives_memory_that_comes),
		cmocka_unit_test(more_of_the_same_memory_is_no_news),
		cmocka_unit_test(xml_that_comes_late_tells_of_the_same_memory),
		cmocka_unit_test(a_home_on_file_is_taken_with_other_memory),
		cmocka_unit_test(two_that_are_one_go_on_as_one),
		cmocka_unit_test(many_threads_in_another_order_are_the_same),
		cmocka_unit_test(nodes_that_its_limits_rule_out_are_not_all_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
