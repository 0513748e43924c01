/* Which libvirts are connected to: that of the host, and one a container, whoever in it shows the way; and
 * what becomes of what they tell. What connects is stood in for. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "daemon/domain.h"
#include "daemon/guest.h"
#include "daemon/make-up.h"
#include "scene.h"
#include "virt/virt.h"

#define MOST (HN_VIRTS_MAX + 8)

static struct line {
	char uri[200];
	bool made, up;
	unsigned number; /* of all that were made */
} lines[MOST];
static unsigned made;
static struct hn_virt_listener heard; /* of the last one made */
static int far_end = -1;              /* of the last wire */
static unsigned wires;

int __wrap_hn_virt_new(struct event_base *base, const char *uri, const struct hn_virt_listener *listener,
		       struct hn_virt **ret, struct hn_error *err);
void __wrap_hn_virt_free(struct hn_virt *virt);
bool __wrap_hn_virt_connected(const struct hn_virt *virt);
int __wrap_hn_virt_wire_open(struct hn_virt *virt, const char *uuid, enum hn_virt_wire wire, int *ret_fd,
			     struct hn_error *err);

int __wrap_hn_virt_new(struct event_base *base, const char *uri, const struct hn_virt_listener *listener,
		       struct hn_virt **ret, struct hn_error *err)
{
	size_t free_one = 0;

	while (lines[free_one].made)
		free_one++;
	assert_true(free_one < MOST);
	lines[free_one] = (struct line){.made = true, .up = true, .number = ++made};
	snprintf(lines[free_one].uri, sizeof(lines[free_one].uri), "%s", uri);
	heard = *listener;
	*ret = (struct hn_virt *)&lines[free_one];
	return 0;
}

void __wrap_hn_virt_free(struct hn_virt *virt)
{
	((struct line *)virt)->made = false;
}

bool __wrap_hn_virt_connected(const struct hn_virt *virt)
{
	return ((const struct line *)virt)->up;
}

int __wrap_hn_virt_wire_open(struct hn_virt *virt, const char *uuid, enum hn_virt_wire wire, int *ret_fd,
			     struct hn_error *err)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	*ret_fd = ends[0];
	far_end = ends[1];
	wires++;
	return 0;
}

static struct line *line_to(const char *socket)
{
	for (size_t i = 0; i < MOST; i++)
		if (lines[i].made && strstr(lines[i].uri, socket))
			return &lines[i];
	return NULL;
}

static size_t line_count(void)
{
	size_t count = 0;

	for (size_t i = 0; i < MOST; i++)
		count += lines[i].made;
	return count;
}

struct place {
	struct hn_service service;
	struct hn_config config;
	struct hn_virts *virts;
};

static int set_up(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	memset(lines, 0, sizeof(lines));
	made = 0;
	TAILQ_INIT(&place->service.guests);
	place->service.config = &place->config;
	strcpy(place->config.libvirt_uri, "qemu:///system");
	*state = place;
	return hn_virts_new(&place->service, &place->virts, NULL);
}

static int tear_down(void **state)
{
	struct place *place = *state;

	hn_virts_free(place->virts);
	free(place);
	return line_count() == 0 ? 0 : -1;
}

static void two_in_one_container_have_one(void **state)
{
	const struct hn_virts_socket both[] = {{"/proc/10/root/sock", {10, 1}, 1, 7},
					       {"/proc/11/root/sock", {11, 1}, 1, 7}};
	struct place *place = *state;
	const struct line *line;

	hn_virts_keep(place->virts, both, 2);
	assert_int_equal(line_count(), 2); /* with the host's */
	line = line_to("/proc/10/root/sock");
	assert_non_null(line);
	/* the first of them ends: the other one's domains stay known */
	hn_virts_keep(place->virts, &both[1], 1);
	assert_ptr_equal(line_to("/proc/10/root/sock"), line);
	assert_int_equal(line_count(), 2);
	hn_virts_keep(place->virts, NULL, 0);
	assert_int_equal(line_count(), 1);
	assert_non_null(line_to("qemu:///system"));
}

/* What was found below /proc/10 cannot be found there again. */
static void one_that_is_down_is_found_by_another_way(void **state)
{
	const struct hn_virts_socket both[] = {{"/proc/10/root/sock", {10, 1}, 1, 7},
					       {"/proc/11/root/sock", {11, 1}, 1, 7}};
	struct place *place = *state;

	hn_virts_keep(place->virts, both, 2);
	line_to("/proc/10/")->up = false;
	hn_virts_keep(place->virts, both, 2); /* it is tried again by itself */
	assert_non_null(line_to("/proc/10/"));
	hn_virts_keep(place->virts, &both[1], 1);
	assert_null(line_to("/proc/10/"));
	assert_non_null(line_to("/proc/11/"));
	assert_int_equal(line_count(), 2);
}

static void containers_differ_by_device_or_inode(void **state)
{
	const struct hn_virts_socket all[] = {{"/proc/10/root/sock", {10, 1}, 1, 7},
					      {"/proc/11/root/sock", {11, 1}, 2, 7},
					      {"/proc/12/root/sock", {12, 1}, 1, 8}};
	struct place *place = *state;

	hn_virts_keep(place->virts, all, HN_COUNT(all));
	assert_int_equal(line_count(), 1 + HN_COUNT(all));
	/* another process has the number of one that has ended */
	hn_virts_keep(place->virts, &(struct hn_virts_socket){"/proc/10/root/sock", {10, 2}, 3, 7}, 1);
	assert_int_equal(line_count(), 2);
	assert_true(line_to("/proc/10/")->number > 3);
}

/* Its socket is another file then. Its domains, and what is being done to them, are no news. */
static void a_libvirt_that_starts_anew_keeps_its_connection(void **state)
{
	struct hn_virts_socket one = {"/proc/10/root/sock", {10, 1}, 1, 7};
	struct place *place = *state;
	const struct line *line;

	hn_virts_keep(place->virts, &one, 1);
	line = line_to("/proc/10/");
	line_to("/proc/10/")->up = false;
	one.inode = 8;
	hn_virts_keep(place->virts, &one, 1);
	assert_ptr_equal(line_to("/proc/10/"), line);
	assert_int_equal(line->number, 2);
	assert_int_equal(line_count(), 2);
}

static void there_is_a_limit(void **state)
{
	struct hn_virts_socket all[MOST];
	char paths[MOST][40];
	struct place *place = *state;

	for (size_t i = 0; i < MOST; i++) {
		snprintf(paths[i], sizeof(paths[i]), "/proc/%zu/root/sock", 100 + i);
		all[i] = (struct hn_virts_socket){paths[i], {(pid_t)(100 + i), 1}, 1, i};
	}
	hn_virts_keep(place->virts, all, MOST);
	assert_int_equal(line_count(), HN_VIRTS_MAX);
	/* whose turn it is not finds room when others have gone */
	hn_virts_keep(place->virts, all + MOST - 2, 2);
	assert_int_equal(line_count(), 3);
}

#define WEB "11111111-2222-3333-4444-555555555555"
#define XML(SETTING)                                                                         \
	"<domain type='kvm' id='1'><name>web</name><uuid>" WEB "</uuid><metadata>"           \
	"<h:guest xmlns:h='" HN_DOMAIN_NAMESPACE "' " SETTING                                \
	"/></metadata><memory unit='KiB'>1048576</memory>"                                   \
	"<vcpu placement='static'>1</vcpu><cputune><vcpupin vcpu='0' cpuset='1'/></cputune>" \
	"<os><type arch='x86_64' machine='pc'>hvm</type></os><devices/></domain>"

static struct scene *scene_with_libvirt(void)
{
	struct scene *scene = scene_new(2);

	memset(lines, 0, sizeof(lines));
	wires = 0;
	scene->config.mode = HN_MODE_ENFORCE;
	assert_int_equal(hn_virts_new(&scene->service, &scene->service.virts, NULL), 0);
	return scene;
}

static void scene_end(struct scene *scene)
{
	hn_virts_free(scene->service.virts);
	scene_free(scene);
}

/* libvirt tells of the domain; the guest that it is. */
static struct hn_managed *tell(struct scene *scene, int id, const char *xml)
{
	const struct hn_virt_domain told = {
		.uuid = WEB, .name = "web", .id = id, .state = HN_RUN_RUNNING, .xml = xml};
	struct hn_managed *managed;

	heard.domain((struct hn_virt *)&lines[0], &told, "changed", heard.context);
	managed = hn_managed_of_domain(&scene->service, WEB);
	assert_non_null(managed);
	return managed;
}

static void tick(struct hn_managed *managed)
{
	hn_make_up_apply_settings(managed);
	hn_managed_set_problem(managed, NULL); /* a look goes well */
}

static void assert_problem(const struct hn_managed *managed, const char *problem)
{
	HN_AUTO(hn_report) struct hn_report *report = hn_managed_report(managed);

	if (*problem ? !strstr(report->problem, problem) : *report->problem)
		fail_msg("'%s' instead of '%s'", report->problem, problem);
}

static void what_cannot_be_read_changes_nothing(void **state)
{
	struct scene *scene = scene_with_libvirt();
	struct hn_managed *managed = tell(scene, 1, XML("mode='off' class='realtime'"));

	managed->guest = hn_guest_copy(managed->domain->guest);
	assert_problem(managed, "");
	for (int i = 0; i < 2; i++) { /* told again, it is no less wrong */
		tell(scene, 1, XML("mod='off' class='realtime'"));
		tick(managed);
		assert_int_equal(managed->guest->mode, HN_MODE_OFF);
		assert_int_equal(managed->guest->class, HN_CLASS_REALTIME);
		assert_true(hn_domain_keeps_pin(managed, HN_VIRT_VCPU, 0));
		assert_problem(managed, "unknown setting 'mod'");
		assert_non_null(strstr(managed->domain->xml, "mod='off'")); /* as it is */
	}
	tell(scene, 1, "<domain");
	tick(managed);
	assert_int_equal(managed->guest->mode, HN_MODE_OFF);
	assert_problem(managed, "line 1");
	tell(scene, 1, XML("mode='advise'"));
	tick(managed);
	assert_int_equal(managed->guest->mode, HN_MODE_ADVISE);
	assert_problem(managed, "");
	scene_end(scene);
}

/* As after a start of homenoded: its own socket tells what it is made of, and nothing what it wishes. */
static void what_never_could_be_read_is_watched_only(void **state)
{
	struct scene *scene = scene_with_libvirt();
	struct hn_managed *managed = tell(scene, 1, XML("mod='off'"));

	managed->guest = hn_guest_new("web");
	assert_non_null(hn_guest_add_thread(managed->guest, 10, HN_THREAD_VCPU));
	tick(managed);
	assert_int_equal(managed->guest->mode, HN_MODE_OBSERVE);
	assert_true(managed->guest->threads[0].kept);
	assert_problem(managed, "unknown setting 'mod'");
	tell(scene, 1, XML("mode='enforce' pins='override'"));
	tick(managed);
	assert_int_equal(managed->guest->mode, HN_MODE_ENFORCE);
	assert_false(managed->guest->threads[0].kept);
	assert_problem(managed, "");
	scene_end(scene);
}

static bool wire_is_broken(const struct scene *scene)
{
	const struct hn_managed *managed = hn_managed_of_domain((struct hn_service *)&scene->service, WEB);

	return managed->problem != NULL;
}

static bool wire_is_ready(const struct scene *scene)
{
	return hn_qmp_ready(hn_managed_of_domain((struct hn_service *)&scene->service, WEB)->qmp);
}

/* QEMU greets, and its first command is answered. */
static void answer_wire(const struct scene *scene)
{
	static const char greeting[] = "{\"QMP\": {\"version\": {\"qemu\": {\"major\": 7, \"minor\": 2, "
				       "\"micro\": 0}, \"package\": \"\"}, \"capabilities\": []}}\r\n";
	char asked[200] = "", id[40];

	assert_int_equal(write(far_end, greeting, sizeof(greeting) - 1), sizeof(greeting) - 1);
	while (read(far_end, asked, sizeof(asked) - 1) <= 0)
		scene_turn((struct scene *)scene);
	assert_int_equal(sscanf(strstr(asked, "\"id\""), "\"id\":%*[ ]%39[^,} ]", id) == 1 ||
				 sscanf(strstr(asked, "\"id\""), "\"id\":%39[^,} ]", id) == 1,
			 1);
	assert_true(dprintf(far_end, "{\"return\": {}, \"id\": %s}\r\n", id) > 0);
	scene_wait((struct scene *)scene, wire_is_ready);
}

/* Nothing of libvirt's tells that it is. It is tried again, ever less often. */
static void a_wire_that_breaks_is_opened_again(void **state)
{
	struct scene *scene = scene_with_libvirt();
	struct hn_managed *managed;
	uint64_t began;

	scene->config.libvirt_monitor = true;
	managed = tell(scene, 1, XML("mode='enforce'"));
	for (unsigned i = 1; i <= 3; i++) {
		assert_int_equal(wires, i);
		close(far_end);
		scene_wait(scene, wire_is_broken);
		hn_managed_set_problem(managed, NULL);
		hn_domain_tend_wire(managed); /* too soon */
		assert_int_equal(wires, i);
		managed->domain->wire_due_ns = began = hn_now_ns();
		lines[0].up = false; /* when libvirt is back it tells of the domain */
		hn_domain_tend_wire(managed);
		assert_int_equal(wires, i);
		lines[0].up = true;
		hn_managed_look_in(managed, 0);
		while (wires == i)
			scene_turn(scene);
		assert_true(managed->domain->wire_due_ns >= began + (10 * HN_NS_PER_S << i));
		assert_true(managed->domain->wire_due_ns <= hn_now_ns() + (10 * HN_NS_PER_S << i));
	}
	answer_wire(scene);
	hn_domain_tend_wire(managed);
	assert_int_equal(managed->domain->wire_tries, 4); /* it has yet to last */
	managed->domain->wire_due_ns = hn_now_ns();
	hn_domain_tend_wire(managed);
	assert_int_equal(managed->domain->wire_tries, 0);
	assert_int_equal(wires, 4);
	close(far_end);
	scene_end(scene);
}

static struct hn_reservation *reserve(struct scene *scene)
{
	struct hn_guest *guest = hn_guest_new("web");
	struct hn_reservation *reservation;

	snprintf(guest->uuid, sizeof(guest->uuid), WEB);
	reservation = hn_reservation_new(guest, hn_placement_new(2, 1));
	reservation->made_ns = hn_now_ns();
	assert_int_equal(hn_reservations_put(&scene->service.reservations, reservation, NULL), 0);
	return reservation;
}

/* The hook has told of its next start before libvirt's event tells that it has stopped. */
static void a_late_stop_leaves_the_next_start_its_room(void **state)
{
	struct scene *scene = scene_with_libvirt();
	struct hn_reservations *reservations = &scene->service.reservations;

	reserve(scene);
	tell(scene, 1, XML("mode='off'"));
	heard.gone((struct hn_virt *)&lines[0], WEB, "stopped: destroyed", heard.context);
	assert_null(hn_reservations_find(reservations, WEB, "web"));
	assert_null(hn_managed_of_domain(&scene->service, WEB));

	tell(scene, 2, XML("mode='off'"));
	reserve(scene);
	tell(scene, 2, XML("mode='advise'")); /* no other run */
	heard.gone((struct hn_virt *)&lines[0], WEB, "stopped: destroyed", heard.context);
	assert_non_null(hn_reservations_find(reservations, WEB, "web"));
	assert_null(hn_managed_of_domain(&scene->service, WEB));

	/* that start, and another that only its number tells of */
	tell(scene, 3, XML("mode='off'"));
	reserve(scene);
	tell(scene, 4, XML("mode='off'"));
	heard.gone((struct hn_virt *)&lines[0], WEB, "stopped: destroyed", heard.context);
	assert_null(hn_reservations_find(reservations, WEB, "web"));
	scene_end(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(two_in_one_container_have_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_that_is_down_is_found_by_another_way, set_up, tear_down),
		cmocka_unit_test_setup_teardown(containers_differ_by_device_or_inode, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_libvirt_that_starts_anew_keeps_its_connection, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(there_is_a_limit, set_up, tear_down),
		cmocka_unit_test(what_cannot_be_read_changes_nothing),
		cmocka_unit_test(what_never_could_be_read_is_watched_only),
		cmocka_unit_test(a_wire_that_breaks_is_opened_again),
		cmocka_unit_test(a_late_stop_leaves_the_next_start_its_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
