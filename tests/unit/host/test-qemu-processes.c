/* QEMUs in a made-up /proc: on the host, in containers, and what only looks like one. */
#include "host/qemu-processes.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "lacking.h"
#include "tree.h"

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void write_process(const struct tree *tree, pid_t pid, const char *ns_pids,
			  const char *const *arguments)
{
	char path[64];

	tree_write_process(tree, pid, (uint64_t)pid * 2);
	snprintf(path, sizeof(path), "proc/%d/status", (int)pid);
	tree_write(tree, path, "Name:\tqemu\nTgid:\t%d\nUid:\t1\t107\t1\t1\nNSpid:\t%s\nNSsid:\t1\n",
		   (int)pid, ns_pids);
	tree_write_command(tree, pid, arguments);
}

static size_t read_all(const struct tree *tree, struct hn_qemu_list **ret)
{
	struct hn_error err = {0};

	assert_int_equal(hn_qemu_processes_read(tree->root, ret, &err), 0);
	return (*ret)->count;
}

static void write_socket(const struct tree *tree, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	tree_write(tree, path, "%s", "");
	tree_remove(tree, path);
	assert_true(snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", tree->root, path) <
		    (int)sizeof(address.sun_path));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
}

static void qemus_are_found_in_order(void **state)
{
	HN_AUTO(hn_qemu_list) struct hn_qemu_list *list = NULL;
	const struct hn_qemu_process *found;
	struct tree tree;

	tree_init(&tree);
	write_process(&tree, 1200, "1200",
		      ARGUMENTS("/usr/bin/qemu-system-x86_64", "-name", "guest=web,x=y"));
	write_process(&tree, 300, "300",
		      ARGUMENTS("/usr/libexec/qemu-kvm", "-uuid", "ABCDEF00-0000-0000-0000-000000000000",
				"-qmp", "unix:/run/not-there.qmp,server=on"));
	/* told by its executable only */
	write_process(&tree, 400, "400", ARGUMENTS("renamed", "-machine", "pc"));
	tree_link(&tree, "proc/400/exe", "/opt/qemu/bin/qemu-system-aarch64 (deleted)");
	/* these are none */
	write_process(&tree, 500, "500", ARGUMENTS("/usr/bin/qemu-img", "-name", "x"));
	write_process(&tree, 501, "501", ARGUMENTS("/bin/sh", "-c", "qemu-system-x86_64 -name x"));
	write_process(&tree, 502, "502", ARGUMENTS("qemu-system-x86_64", "-S", "-machine", "none,accel=kvm"));
	write_process(&tree, 503, "503", ARGUMENTS("qemu-system-x86_64", "-name", "dead"));
	tree_write_stat(&tree, "proc/503/stat", &(struct stat_line){.pid = 503, .name = "q", .state = 'Z'});
	tree_write(&tree, "proc/504/cmdline", "%s", "");
	tree_write(&tree, "proc/uptime", "1 1\n");
	tree_write_command(&tree, 505, ARGUMENTS("qemu-kvm", "-name", "vanishes"));

	assert_int_equal(read_all(&tree, &list), 3);
	found = list->processes;
	assert_int_equal(found[0].process.pid, 300);
	assert_int_equal(found[0].process.start_ticks, 600);
	assert_int_equal(found[0].uid, 107);
	assert_string_equal(found[0].name, "");
	assert_string_equal(found[0].uuid, "abcdef00-0000-0000-0000-000000000000");
	assert_int_equal(found[0].container, -1);
	assert_int_equal(list->container_count, 0);
	assert_int_equal(found[0].pid_inside, 300);
	assert_int_equal(found[1].process.pid, 400);
	assert_int_equal(found[2].process.pid, 1200);
	assert_string_equal(found[2].name, "web");
	tree_done(&tree);
}

static void a_command_line_that_is_too_long_is_not_known(void **state)
{
	HN_AUTO(hn_qemu_list) struct hn_qemu_list *list = NULL;
	const size_t length = 300 << 10;
	char *filler = malloc(length + 1);
	struct tree tree;

	assert_non_null(filler);
	memset(filler, 'x', length);
	filler[length] = '\0';
	tree_init(&tree);
	write_process(&tree, 300, "300", ARGUMENTS("qemu-kvm", "-name", "long", "-append", filler));
	write_process(&tree, 301, "301", ARGUMENTS("some-other", "-name", "long", "-append", filler));
	filler[200 << 10] = '\0';
	write_process(&tree, 302, "302", ARGUMENTS("qemu-kvm", "-name", "long", "-append", filler));
	assert_int_equal(read_all(&tree, &list), 2);
	assert_int_equal(list->processes[0].process.pid, 300);
	assert_string_equal(list->processes[0].name, "");
	assert_string_equal(list->processes[1].name, "long");
	tree_done(&tree);
	free(filler);
}

static void one_users_many_do_not_push_out_anothers(void **state)
{
	enum { FAKES = HN_QEMUS_MAX + 10, FIRST = 10000 };
	HN_AUTO(hn_qemu_list) struct hn_qemu_list *list = NULL;
	size_t guests = 0;
	struct tree tree;

	tree_init(&tree);
	for (pid_t pid = FIRST; pid < FIRST + FAKES; pid++) {
		char path[64];

		write_process(&tree, pid, "1", ARGUMENTS("qemu-kvm", "-name", "fake"));
		snprintf(path, sizeof(path), "proc/%d/status", (int)pid);
		tree_write(&tree, path, "Name:\tx\nUid:\t1000\t1000\t1000\t1000\n");
	}
	/* of user 107: the first and the last that /proc may list */
	for (pid_t i = 0; i < 10; i++) {
		write_process(&tree, 300 + i, "1", ARGUMENTS("qemu-kvm", "-name", "guest"));
		write_process(&tree, 90000 + i, "1", ARGUMENTS("qemu-kvm", "-name", "guest"));
	}
	assert_int_equal(read_all(&tree, &list), HN_QEMUS_MAX);
	assert_int_equal(list->left_out, 30);
	for (size_t i = 0; i < list->count; i++) {
		guests += strcmp(list->processes[i].name, "guest") == 0;
		assert_true(i == 0 || list->processes[i - 1].process.pid < list->processes[i].process.pid);
	}
	assert_int_equal(guests, 20);
	tree_done(&tree);
}

static void none_is_an_answer_and_no_proc_is_not(void **state)
{
	HN_AUTO(hn_qemu_list) struct hn_qemu_list *list = NULL;
	struct hn_error err = {0};
	struct tree tree;

	tree_init(&tree);
	assert_int_equal(hn_qemu_processes_read(tree.root, &list, &err), -ENOENT);
	tree_write(&tree, "proc/self/x", "%s", "");
	assert_int_equal(read_all(&tree, &list), 0);
	tree_done(&tree);
}

static void sockets_in_a_container_are_seen_from_here(void **state)
{
	HN_AUTO(hn_qemu_list) struct hn_qemu_list *list = NULL;
	char expected[PATH_MAX];
	struct tree tree;

	if (lacks(SYS_openat2, "openat2"))
		skip();
	tree_init(&tree);
	write_process(&tree, 300, "300 17\t7",
		      ARGUMENTS("qemu-kvm", "-name", "vm", "-qmp", "unix:/gone,server=on", "-qmp",
				"unix:/var/run/a.qmp,server=on", "-qmp", "unix:/escape/b.qmp,server=on",
				"-qmp", "unix:/plain,server=on"));
	write_socket(&tree, "proc/300/root/run/a.qmp");
	tree_link(&tree, "proc/300/root/var/run", "/run"); /* its own /run */
	/* a link that would lead out to the host's */
	write_socket(&tree, "out/b.qmp");
	snprintf(expected, sizeof(expected), "%s/out", tree.root);
	tree_link(&tree, "proc/300/root/escape", expected);
	tree_write(&tree, "proc/300/root/plain", "a file\n");
	write_socket(&tree, "proc/300/root/run/libvirt/virtqemud-sock");

	assert_int_equal(read_all(&tree, &list), 1);
	assert_int_equal(list->container_count, 1);
	assert_int_equal(list->processes[0].container, 0);
	assert_int_equal(list->processes[0].pid_inside, 7);
	snprintf(expected, sizeof(expected), "%s/proc/300/root/run/a.qmp", tree.root);
	assert_string_equal(list->containers[0].monitors[0], expected);
	assert_string_equal(list->containers[0].monitors[1], "");
	snprintf(expected, sizeof(expected), "%s/proc/300/root/run/libvirt/virtqemud-sock", tree.root);
	assert_string_equal(list->containers[0].libvirt, expected);
	tree_done(&tree);
}

static void the_hosts_libvirt_is_not_taken_for_a_containers(void **state)
{
	HN_AUTO(hn_qemu_list) struct hn_qemu_list *list = NULL;
	char from[PATH_MAX], to[PATH_MAX];
	struct tree tree;

	tree_init(&tree);
	write_process(&tree, 300, "300 7", ARGUMENTS("qemu-kvm", "-name", "vm"));
	write_socket(&tree, "run/libvirt/libvirt-sock");
	tree_write(&tree, "proc/300/root/run/libvirt/x", "%s", "");
	snprintf(from, sizeof(from), "%s/run/libvirt/libvirt-sock", tree.root);
	snprintf(to, sizeof(to), "%s/proc/300/root/run/libvirt/libvirt-sock", tree.root);
	assert_int_equal(link(from, to), 0);
	assert_int_equal(read_all(&tree, &list), 1);
	assert_string_equal(list->containers[0].libvirt, "");
	tree_done(&tree);
}

static void a_containers_limits_are_its_groups(void **state)
{
	static const struct {
		const char *group, *cpus;
	} cases[] = {
		{"/kubepods/pod1/abc", "2-3"},
		/* groups that libvirt made in the container are not the container's */
		{"/kubepods/pod1/abc/machine/qemu-1-vm.libvirt-qemu/emulator", "2-3"},
		{"/kubepods", ""}, /* as the whole machine: no limit */
		{"/elsewhere", ""},
	};

	for (size_t i = 0; i < HN_COUNT(cases); i++) {
		HN_AUTO(hn_qemu_list) struct hn_qemu_list *list = NULL;
		struct tree tree;
		char text[64];

		tree_init(&tree);
		write_process(&tree, 300, "300 7", ARGUMENTS("qemu-kvm", "-name", "vm"));
		tree_write(&tree, "proc/self/mountinfo", "31 23 0:28 / /cg rw - cgroup2 cgroup2 rw\n");
		tree_write(&tree, "proc/300/cgroup", "0::%s\n", cases[i].group);
		tree_write(&tree, "cg/cpuset.cpus.effective", "0-7\n");
		tree_write(&tree, "cg/cpuset.mems.effective", "0-1\n");
		tree_write(&tree, "cg/kubepods/pod1/abc/cpuset.cpus.effective", "2-3\n");
		tree_write(&tree, "cg/kubepods/pod1/abc/cpuset.mems.effective", "0-1\n");
		tree_write(
			&tree,
			"cg/kubepods/pod1/abc/machine/qemu-1-vm.libvirt-qemu/emulator/cpuset.cpus.effective",
			"3\n");
		assert_int_equal(read_all(&tree, &list), 1);
		assert_string_equal(hn_set_format(&list->containers[0].cpus, text, sizeof(text)),
				    cases[i].cpus);
		assert_true(hn_set_empty(&list->containers[0].nodes));
		tree_done(&tree);
	}
}

/* Of a machine with very many mounts; looked through for each of them, they would take many minutes. */
static void mounts_are_looked_through_once_for_all(void **state)
{
	enum { MOUNTS = 1000000, PROCESSES = 4000 };
	static const char mount[] = "30 23 0:27 / /a rw - tmpfs none rw\n",
			  group[] = "31 23 0:28 / /cg rw - cgroup2 cgroup2 rw\n";
	HN_AUTO(memory) char *text = malloc(MOUNTS * sizeof(mount) + sizeof(group));
	HN_AUTO(hn_qemu_list) struct hn_qemu_list *list = NULL;
	struct tree tree;

	assert_non_null(text);
	for (size_t i = 0; i < MOUNTS; i++)
		memcpy(text + i * (sizeof(mount) - 1), mount, sizeof(mount) - 1);
	memcpy(text + MOUNTS * (sizeof(mount) - 1), group, sizeof(group));
	tree_init(&tree);
	tree_write(&tree, "proc/self/mountinfo", "%s", text);
	tree_write(&tree, "cg/cpuset.cpus.effective", "0-7\n");
	tree_write(&tree, "cg/pod/cpuset.cpus.effective", "2-3\n");
	for (pid_t pid = 1000; pid < 1000 + PROCESSES; pid++) {
		char path[64];

		write_process(&tree, pid, "300 7", ARGUMENTS("qemu-kvm", "-name", "vm"));
		snprintf(path, sizeof(path), "proc/%d/cgroup", (int)pid);
		tree_write(&tree, path, "0::/pod\n");
	}
	assert_int_equal(read_all(&tree, &list), PROCESSES);
	assert_int_equal(list->container_count, PROCESSES);
	assert_int_equal(hn_set_count(&list->containers[PROCESSES - 1].cpus), 2);
	tree_done(&tree);
}

static void write_thread(const struct tree *tree, pid_t tid, const char *ns_pids)
{
	char path[64];

	snprintf(path, sizeof(path), "proc/300/task/%d/status", (int)tid);
	tree_write(tree, path, "Name:\tCPU 0/KVM\nNSpid:\t%s\n", ns_pids);
}

static void threads_are_called_what_we_call_them(void **state)
{
	const struct hn_process qemu = {300, 600};
	struct hn_error err = {0};
	int32_t tids[] = {9, 7, 8};
	struct tree tree;

	tree_init(&tree);
	write_process(&tree, 300, "300\t17\t7", ARGUMENTS("qemu-kvm", "-name", "vm"));
	write_thread(&tree, 300, "300\t17\t7");
	write_thread(&tree, 301, "301\t18\t8");
	write_thread(&tree, 305, "305\t19\t9");
	assert_int_equal(hn_threads_translate(tree.root, &qemu, tids, 3, &err), 0);
	assert_int_equal(tids[0], 305);
	assert_int_equal(tids[1], 300);
	assert_int_equal(tids[2], 301);
	/* none of its: nothing is changed */
	tids[0] = 8;
	tids[1] = 18;
	assert_int_equal(hn_threads_translate(tree.root, &qemu, tids, 2, &err), -ESRCH);
	assert_non_null(strstr(err.message, "18"));
	assert_int_equal(tids[0], 8);
	/* in our own namespace they are what they are, whether its or not */
	write_process(&tree, 300, "300", ARGUMENTS("qemu-kvm", "-name", "vm"));
	assert_int_equal(hn_threads_translate(tree.root, &qemu, tids, 2, &err), 0);
	assert_int_equal(tids[0], 8);
	assert_int_equal(tids[1], 18);
	assert_int_equal(hn_threads_translate(tree.root, &(struct hn_process){300, 1}, tids, 2, &err),
			 -ESRCH);
	tree_done(&tree);
}

static void more_threads_than_any_guests_are_not_translated(void **state)
{
	const struct hn_process qemu = {300, 600};
	struct hn_error err = {0};
	int32_t tid = 7;
	struct tree tree;

	tree_init(&tree);
	write_process(&tree, 300, "300\t7", ARGUMENTS("qemu-kvm", "-name", "vm"));
	for (pid_t i = 0; i <= HN_THREADS_MAX; i++) {
		char ids[32];

		snprintf(ids, sizeof(ids), "%d\t%d", 300 + (int)i, 7 + (int)i);
		write_thread(&tree, 300 + i, ids);
	}
	assert_int_equal(hn_threads_translate(tree.root, &qemu, &tid, 1, &err), -E2BIG);
	assert_string_equal(err.message, "process 300 has more than 8192 threads");
	tree_remove(&tree, "proc/300/task/301");
	assert_int_equal(hn_threads_translate(tree.root, &qemu, &tid, 1, &err), 0);
	assert_int_equal(tid, 300);
	tree_done(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(qemus_are_found_in_order),
		cmocka_unit_test(a_command_line_that_is_too_long_is_not_known),
		cmocka_unit_test(one_users_many_do_not_push_out_anothers),
		cmocka_unit_test(none_is_an_answer_and_no_proc_is_not),
		cmocka_unit_test(sockets_in_a_container_are_seen_from_here),
		cmocka_unit_test(the_hosts_libvirt_is_not_taken_for_a_containers),
		cmocka_unit_test(a_containers_limits_are_its_groups),
		cmocka_unit_test(mounts_are_looked_through_once_for_all),
		cmocka_unit_test(threads_are_called_what_we_call_them),
		cmocka_unit_test(more_threads_than_any_guests_are_not_translated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
