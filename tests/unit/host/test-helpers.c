/* Who else works for a guest: in libvirt's groups of v1 and v2, and beside a QEMU that was started by hand.
 */
#include "host/helpers.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "host/affinity.h"
#include "tests/unit/child.h"
#include "tree.h"

static const struct hn_process QEMU = {.pid = 100, .start_ticks = 1};

#define V1 "34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset\n"
#define V2 "41 31 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n"
#define HYBRID V1 "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"

/* QEMU 100; 150 and 160 that may be helpers, QEMU 170 of another guest, kernel thread 180 */
static void write_processes(const struct tree *tree, const char *cgroup)
{
	struct stat_line worker = {.pid = 180, .name = "vhost-100", .flags = 0x00200000, .start = 180};

	for (pid_t pid = 100; pid < 180; pid += 10) {
		bool qemu = pid == 100 || pid == 170;

		tree_write_process(tree, pid, pid == 100 ? 1 : (uint64_t)pid);
		tree_write_command(tree, pid,
				   qemu ? (const char *const[]){"qemu-kvm", "-name", "g", NULL}
					: (const char *const[]){"swtpm", "socket", NULL});
	}
	tree_write(tree, "proc/180/cmdline", "%s", "");
	tree_write_stat(tree, "proc/180/stat", &worker);
	tree_write(tree, "proc/100/cgroup", "%s", cgroup);
}

static void assert_helpers(const struct tree *tree, const pid_t *pids)
{
	struct hn_process found[HN_HELPERS_MAX];
	struct hn_error err = {0};
	size_t count = 77, expected = 0;

	assert_int_equal(hn_helpers_find(tree->root, &QEMU, found, &count, &err), 0);
	for (; pids[expected]; expected++) {
		assert_true(expected < count);
		assert_int_equal(found[expected].pid, pids[expected]);
		assert_int_equal(found[expected].start_ticks, pids[expected]);
	}
	assert_int_equal(count, expected);
}

static void libvirts_groups_hold_them(void **state)
{
	static const struct {
		const char *mounts, *cgroup, *procs, *threads;
	} layouts[] = {
		{V1, "3:cpuset:/machine/qemu-2-a.b.libvirt-qemu/emulator\n0::/\n",
		 "sys/fs/cgroup/cpuset/machine/qemu-2-a.b.libvirt-qemu/emulator/cgroup.procs", NULL},
		/* v2 without systemd: helpers are told by the group that holds the processes */
		{V2, "0::/machine/qemu-2-a.libvirt-qemu/emulator\n",
		 "sys/fs/cgroup/machine/qemu-2-a.libvirt-qemu/cgroup.procs", NULL},
		{V2, "0::/machine.slice/machine-qemu\\x2d1\\x2da.scope/libvirt/emulator\n",
		 "sys/fs/cgroup/machine.slice/machine-qemu\\x2d1\\x2da.scope/libvirt/cgroup.procs", NULL},
		/* cpusets switched off in libvirt's configuration: another hierarchy tells */
		{HYBRID, "3:cpuset:/\n0::/machine/qemu-2-a.libvirt-qemu/emulator\n",
		 "sys/fs/cgroup/unified/machine/qemu-2-a.libvirt-qemu/emulator/cgroup.procs", NULL},
	};

	for (size_t i = 0; i < HN_COUNT(layouts); i++) {
		struct tree tree;

		tree_init(&tree);
		tree_write(&tree, "proc/self/mountinfo", "%s", layouts[i].mounts);
		write_processes(&tree, layouts[i].cgroup);
		assert_helpers(&tree, (const pid_t[]){0});
		tree_write(&tree, layouts[i].procs, "160\n100\n150\n170\n180\n190\n160\n");
		assert_helpers(&tree, (const pid_t[]){150, 160, 0});
		tree_done(&tree);
	}
}

static void a_slice_of_many_machines_is_no_guests(void **state)
{
	struct tree tree;

	tree_init(&tree);
	tree_write(&tree, "proc/self/mountinfo", "%s", V2);
	write_processes(&tree, "0::/machine.slice/x.libvirt-lxc\n");
	tree_write(&tree, "sys/fs/cgroup/machine.slice/x.libvirt-lxc/cgroup.procs", "100\n150\n");
	assert_helpers(&tree, (const pid_t[]){0});
	tree_done(&tree);
}

static void no_more_are_told_than_there_is_room_for(void **state)
{
	struct hn_process found[HN_HELPERS_MAX + 1] = {[HN_HELPERS_MAX] = {.pid = -7}};
	struct hn_error err;
	struct tree tree;
	char pids[1024] = "", *at = pids;
	size_t count;

	tree_init(&tree);
	tree_write(&tree, "proc/self/mountinfo", "%s", V1);
	write_processes(&tree, "3:cpuset:/qemu-1-a.libvirt-qemu\n");
	for (pid_t pid = 1000; pid < 1000 + HN_HELPERS_MAX + 10; pid++) {
		char path[64];

		at += sprintf(at, "%d\n", (int)pid);
		tree_write_process(&tree, pid, 5);
		snprintf(path, sizeof(path), "proc/%d/cmdline", (int)pid);
		tree_write(&tree, path, "swtpm");
	}
	tree_write(&tree, "sys/fs/cgroup/cpuset/qemu-1-a.libvirt-qemu/cgroup.procs", "%s", pids);
	assert_int_equal(hn_helpers_find(tree.root, &QEMU, found, &count, &err), 0);
	assert_int_equal(count, HN_HELPERS_MAX);
	assert_int_equal(found[HN_HELPERS_MAX].pid, -7);
	assert_int_equal(hn_helpers_find(tree.root, &(struct hn_process){100, 9}, found, &count, &err),
			 -ESRCH);
	tree_done(&tree);
}

/* A child whose command line is a QEMU's that is a client of the socket. */
static pid_t start_qemu(const char *socket, int *ret_input)
{
	char chardev[200];
	int ends[2];
	pid_t pid;

	snprintf(chardev, sizeof(chardev), "socket,id=c0,path=%s", socket);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = child_fork();
	if (pid == 0) {
		dup2(ends[0], 0);
		execl("/bin/sh", "qemu-system-test", "-c", "read line", "-name", "g", "-chardev", chardev,
		      NULL);
		_exit(1);
	}
	close(ends[0]);
	*ret_input = ends[1];
	return pid;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static bool finds_only(const struct hn_process *qemu, pid_t pid)
{
	struct hn_process found[HN_HELPERS_MAX];
	struct hn_error err;
	size_t count = 0;

	return hn_helpers_find(NULL, qemu, found, &count, &err) == 0 && count == 1 && found[0].pid == pid;
}

/* This very test listens on the socket that the child's command line names: it is the helper. */
static void who_holds_its_socket_is_one(void **state)
{
	char path[] = "/tmp/homenode-helper-XXXXXX", socket_path[64];
	struct hn_process qemu, self;
	struct hn_set all = {0};
	struct hn_error err = {0};
	int fd, input, tries = 0;
	bool found = false;
	pid_t pid;

	assert_non_null(mkdtemp(path));
	snprintf(socket_path, sizeof(socket_path), "%s/fs.sock", path);
	fd = listen_at(socket_path);
	pid = start_qemu(socket_path, &input);
	assert_int_equal(hn_process_of_thread(NULL, pid, &qemu, NULL, &err), 0);
	assert_int_equal(hn_process_of_thread(NULL, getpid(), &self, NULL, &err), 0);
	for (; tries < 200 && !found; tries++) {
		found = finds_only(&qemu, getpid());
		usleep(5000);
	}
	if (!found && access("/sys/fs/cgroup/cgroup.procs", R_OK) != 0 &&
	    access("/sys/fs/cgroup/unified/cgroup.procs", R_OK) != 0) {
		print_message("skipped: no cgroup v2 here\n");
		skip();
	}
	assert_true(found);
	/* so its threads may be bound for the guest; a process that is no helper's may not */
	for (int cpu = 0; cpu < HN_SET_MAX; cpu++)
		hn_set_add(&all, cpu);
	assert_int_equal(hn_thread_bind(&qemu, getpid(), &all, &err), 0);
	assert_int_equal(hn_thread_bind(&qemu, getppid(), &all, &err), -EPERM);
	close(fd);
	assert_false(finds_only(&qemu, getpid()));
	assert_int_equal(hn_thread_bind(&qemu, getpid(), &all, &err), -EPERM);
	unlink(socket_path);
	rmdir(path);
	close(input);
	waitpid(pid, NULL, 0);
}

static void their_threads_come_with_qemus_in_order(void **state)
{
	HN_AUTO(memory) struct hn_thread_reading *threads = NULL;
	struct hn_error err = {0};
	struct tree tree;
	size_t count;

	tree_init(&tree);
	tree_write(&tree, "proc/self/mountinfo", "%s", V1);
	write_processes(&tree, "3:cpuset:/qemu-1-a.libvirt-qemu/emulator\n");
	tree_write(&tree, "sys/fs/cgroup/cpuset/qemu-1-a.libvirt-qemu/emulator/cgroup.procs", "100\n150\n");
	for (pid_t pid = 100; pid <= 150; pid += 50) {
		const pid_t tid = pid == 100 ? 101 : 99;
		char path[64];

		snprintf(path, sizeof(path), "proc/%d/task/%d/stat", (int)pid, (int)tid);
		tree_write_stat(&tree, path, &(struct stat_line){.pid = tid, .name = "x", .start = 1});
		snprintf(path, sizeof(path), "proc/%d/task/%d/status", (int)pid, (int)tid);
		tree_write(&tree, path, "Name:\tx\nCpus_allowed_list:\t0-3\n");
	}
	tree_link(&tree, "proc/100/fd/0", "/dev/null");
	tree_link(&tree, "proc/150/fd/0", "/dev/null");
	assert_int_equal(hn_guest_threads_read(tree.root, &QEMU, &threads, &count, &err), 0);
	assert_int_equal(count, 2);
	assert_int_equal(threads[0].tid, 99);
	assert_true(threads[0].helper);
	assert_int_equal(threads[1].tid, 101);
	assert_false(threads[1].helper);
	tree_done(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(libvirts_groups_hold_them),
		cmocka_unit_test(a_slice_of_many_machines_is_no_guests),
		cmocka_unit_test(no_more_are_told_than_there_is_room_for),
		cmocka_unit_test(who_holds_its_socket_is_one),
		cmocka_unit_test(their_threads_come_with_qemus_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
