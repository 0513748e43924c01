/*
 * Which files are written with what, on made-up hierarchies of v1 and v2, and what is refused. What the
 * kernel does with it is tried on the rig (tests/rig/jobs/cpuset).
 */
#include "host/cpuset.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "tree.h"

#define V1_MOUNTS                                                                       \
	"31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"           \
	"32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime shared:5 - cgroup cgroup rw,cpu\n" \
	"34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset\n"    \
	"41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
#define V2_MOUNTS "31 23 0:28 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n"

static const struct hn_process QEMU = {.pid = 100, .start_ticks = 1};

struct layout {
	struct tree tree;
	const char *mount, *guest; /* folder of the hierarchy; the guest's group in it */
	bool v1;
};

static void write_group(const struct layout *layout, const char *group, const char *mems,
			const char *effective, const char *processes)
{
	char path[300];

	snprintf(path, sizeof(path), "%s%s/cpuset.mems", layout->mount, group);
	tree_write(&layout->tree, path, "%s\n", mems);
	snprintf(path, sizeof(path), "%s%s/%s", layout->mount, group,
		 layout->v1 ? "cpuset.effective_mems" : "cpuset.mems.effective");
	tree_write(&layout->tree, path, "%s\n", effective);
	snprintf(path, sizeof(path), "%s%s/cgroup.procs", layout->mount, group);
	tree_write(&layout->tree, path, "%s", processes);
	if (!layout->v1)
		return;
	snprintf(path, sizeof(path), "%s%s/cpuset.memory_migrate", layout->mount, group);
	tree_write(&layout->tree, path, "1\n");
}

static void write_thread(const struct layout *layout, pid_t tid, const char *group)
{
	char path[64];

	snprintf(path, sizeof(path), "proc/100/task/%d/cgroup", (int)tid);
	if (layout->v1)
		tree_write(&layout->tree, path,
			   "9:name=systemd:/\n3:cpuset:%s\n1:cpu,cpuacct:/other\n0::/else\n", group);
	else
		tree_write(&layout->tree, path, "0::%s\n", group);
}

/* A guest of libvirt's with three groups that may use nodes 0-1, on a host of four nodes and one without
 * memory. */
static void layout_init(struct layout *layout, bool v1, const char *parts_mems)
{
	static const char *const PARTS[] = {"emulator", "vcpu0", "vcpu1"};
	char group[200];

	layout->v1 = v1;
	layout->mount = v1 ? "sys/fs/cgroup/cpuset" : "sys/fs/cgroup";
	layout->guest = "/machine/qemu-1-demo.libvirt-qemu";
	tree_init(&layout->tree);
	tree_write_process(&layout->tree, 100, 1);
	tree_write_process(&layout->tree, 200, 2);
	tree_write(&layout->tree, "proc/100/cmdline", "x");
	tree_write(&layout->tree, "proc/200/cmdline", "x");
	tree_write(&layout->tree, "proc/self/mountinfo", "%s", v1 ? V1_MOUNTS : V2_MOUNTS);
	tree_write(&layout->tree, "sys/devices/system/node/has_memory", "0-3\n");
	tree_write(&layout->tree, "sys/devices/system/node/online", "0-4\n");
	write_group(layout, "", v1 ? "0-3" : "", "0-3", "1\n200\n");
	write_group(layout, "/machine", v1 ? "0-3" : "", "0-3", "");
	write_group(layout, layout->guest, v1 ? "0-3" : "", "0-3", v1 ? "" : "100\n");
	for (size_t i = 0; i < HN_COUNT(PARTS); i++) {
		snprintf(group, sizeof(group), "%s/%s", layout->guest, PARTS[i]);
		write_group(layout, group, parts_mems, parts_mems[0] ? parts_mems : "0-3", "100\n");
		write_thread(layout, 100 + (pid_t)i, group);
		if (i == 0)
			tree_write(&layout->tree, "proc/100/cgroup", v1 ? "3:cpuset:%s\n0::/\n" : "0::%s\n",
				   group);
	}
}

static void assert_control(const struct layout *layout, const char *group, const char *control,
			   const char *value)
{
	char text[64];

	assert_true(file_read(text, sizeof(text), layout->tree.root, "%s%s%s/%s", layout->mount,
			      layout->guest, group, control) >= 0);
	text[strcspn(text, "\n")] = '\0';
	assert_string_equal(text, value);
}

static void assert_all(const struct layout *layout, const char *mems)
{
	assert_control(layout, "/emulator", "cpuset.mems", mems);
	assert_control(layout, "/vcpu0", "cpuset.mems", mems);
	assert_control(layout, "/vcpu1", "cpuset.mems", mems);
}

static struct hn_set set_of(const char *text)
{
	struct hn_set set;

	assert_int_equal(hn_set_parse(text, &set, NULL), 0);
	return set;
}

/* What the kernel would do with a write. */
static void settle(const struct layout *layout, const char *mems)
{
	static const char *const PARTS[] = {"/emulator", "/vcpu0", "/vcpu1"};

	for (size_t i = 0; i < HN_COUNT(PARTS); i++) {
		char group[200];

		snprintf(group, sizeof(group), "%s%s", layout->guest, PARTS[i]);
		write_group(layout, group, mems, mems, "100\n");
	}
}

static void all_groups_are_widened_and_narrowed(void **state)
{
	for (int v1 = 0; v1 <= 1; v1++) {
		struct hn_set more = set_of("2-3"), nodes;
		struct hn_error err = {0};
		struct layout layout;

		layout_init(&layout, v1, "0-1");
		assert_int_equal(hn_cpuset_nodes(layout.tree.root, &QEMU, &nodes, &err), 0);
		assert_true(hn_set_equal(&nodes, &(struct hn_set){{3}}));
		assert_int_equal(hn_cpuset_widen(layout.tree.root, &QEMU, &more, &err), 0);
		assert_all(&layout, "0-3");
		settle(&layout, "0-3");
		assert_int_equal(hn_cpuset_narrow(layout.tree.root, &QEMU, &more, &err), 0);
		assert_all(&layout, "2-3");
		/* those above stay as they are, and v1 moves pages again when told to */
		assert_control(&layout, "", "cpuset.mems", v1 ? "0-3" : "");
		if (v1)
			assert_control(&layout, "/vcpu1", "cpuset.memory_migrate", "1");
		tree_done(&layout.tree);
	}
}

static void what_is_so_already_is_not_written(void **state)
{
	struct hn_set all = set_of("0-3"), two = set_of("2"), nodes;
	struct hn_error err = {0};
	struct layout layout;

	/* without mems of their own they have what is above them, and keep it that way */
	layout_init(&layout, false, "");
	assert_int_equal(hn_cpuset_nodes(layout.tree.root, &QEMU, &nodes, &err), 0);
	assert_true(hn_set_equal(&nodes, &all));
	assert_int_equal(hn_cpuset_widen(layout.tree.root, &QEMU, &two, &err), 0);
	assert_int_equal(hn_cpuset_narrow(layout.tree.root, &QEMU, &all, &err), 0);
	assert_all(&layout, "");
	tree_done(&layout.tree);
}

static void assert_refused(const struct layout *layout, int result, const char *why, const char *nodes)
{
	struct hn_set set = set_of(nodes);
	struct hn_error err = {0};

	assert_int_equal(hn_cpuset_widen(layout->tree.root, &QEMU, &set, &err), result);
	if (!strstr(err.message, why))
		fail_msg("\"%s\" does not say \"%s\"", err.message, why);
	err = (struct hn_error){0};
	assert_int_equal(hn_cpuset_narrow(layout->tree.root, &QEMU, &set, &err), result);
	assert_non_null(strstr(err.message, why));
}

static void nodes_without_memory_are_refused(void **state)
{
	struct hn_set none = {0};
	struct hn_error err;
	struct layout layout;

	layout_init(&layout, true, "0-1");
	assert_refused(&layout, -EINVAL, "those are '0-3'", "2,4");
	assert_refused(&layout, -EINVAL, "those are '0-3'", "9");
	assert_int_equal(hn_cpuset_narrow(layout.tree.root, &QEMU, &none, &err), -EINVAL);
	assert_all(&layout, "0-1");
	tree_done(&layout.tree);
}

static void parents_are_not_overruled(void **state)
{
	for (int v1 = 0; v1 <= 1; v1++) {
		struct layout layout;

		layout_init(&layout, v1, "0-1");
		write_group(&layout, layout.guest, "0-2", "0-2", "");
		assert_refused(&layout, -EPERM, "qemu-1-demo.libvirt-qemu allows the nodes '0-2'", "3");
		assert_all(&layout, "0-1");
		tree_done(&layout.tree);
	}
}

static void groups_with_others_are_left_alone(void **state)
{
	struct hn_set two = set_of("2");
	struct hn_error err = {0};
	struct layout layout;

	/* not one of libvirt's: who is beside QEMU is a stranger */
	layout_init(&layout, false, "0-1");
	write_group(&layout, "/user.slice", "0-1", "0-1", "100\n200\n");
	for (pid_t tid = 100; tid < 103; tid++)
		write_thread(&layout, tid, "/user.slice");
	tree_write(&layout.tree, "proc/100/cgroup", "0::/user.slice\n");
	assert_refused(&layout, -EPERM, "holds process 200", "2");
	write_group(&layout, "/user.slice", "0-1", "0-1", "100\n");
	assert_int_equal(hn_cpuset_widen(layout.tree.root, &QEMU, &two, &err), 0);
	tree_done(&layout.tree);
	/* in libvirt's group of the guest, it is its helper */
	layout_init(&layout, true, "0-1");
	write_group(&layout, "/machine/qemu-1-demo.libvirt-qemu/emulator", "0-1", "0-1", "100\n200\n");
	assert_int_equal(hn_cpuset_widen(layout.tree.root, &QEMU, &two, &err), 0);
	assert_all(&layout, "0-2");
	tree_done(&layout.tree);
}

/* v1, Linux before 6.4: QEMU's vhost workers and KVM's recovery thread are kernel threads in its group. */
static void kernel_threads_of_the_guest_are_no_strangers(void **state)
{
	struct stat_line worker = {.pid = 180, .name = "kvm-nx-lpage-re", .flags = 0x00200040, .start = 180};
	struct hn_set two = set_of("2");
	struct hn_error err = {0};
	struct layout layout;
	int r;

	layout_init(&layout, true, "0-1");
	tree_write(&layout.tree, "proc/180/cmdline", "%s", "");
	tree_write_stat(&layout.tree, "proc/180/stat", &worker);
	write_group(&layout, "/machine/qemu-1-demo.libvirt-qemu/emulator", "0-1", "0-1", "100\n180\n");
	r = hn_cpuset_widen(layout.tree.root, &QEMU, &two, &err);
	if (r)
		fail_msg("%d: %s", r, err.message);
	assert_all(&layout, "0-2");
	tree_done(&layout.tree);
}

static void groups_that_differ_are_left_alone(void **state)
{
	struct hn_set nodes;
	struct hn_error err = {0};
	struct layout layout;

	layout_init(&layout, true, "0-1");
	write_group(&layout, "/machine/qemu-1-demo.libvirt-qemu/vcpu1", "1-2", "1-2", "100\n");
	assert_int_equal(hn_cpuset_nodes(layout.tree.root, &QEMU, &nodes, &err), 0);
	assert_true(hn_set_equal(&nodes, &(struct hn_set){{2}}));
	assert_refused(&layout, -EPERM, "different memory nodes", "3");
	tree_done(&layout.tree);
}

static void the_root_and_groups_without_a_cpuset_are_left_alone(void **state)
{
	struct hn_set one = set_of("1");
	struct hn_error err = {0};
	struct layout layout;

	layout_init(&layout, false, "0-1");
	write_group(&layout, "", "", "0-2", "");
	for (pid_t tid = 100; tid < 103; tid++)
		write_thread(&layout, tid, "/");
	assert_refused(&layout, -EPERM, "root of all control groups", "3");
	for (pid_t tid = 100; tid < 103; tid++)
		write_thread(&layout, tid, "/machine/plain");
	tree_write(&layout.tree, "sys/fs/cgroup/machine/plain/cgroup.procs", "100\n");
	/* what it has from above is not narrowed, and widening by that is nothing to do */
	assert_int_equal(hn_cpuset_narrow(layout.tree.root, &QEMU, &one, &err), -EPERM);
	assert_non_null(strstr(err.message, "no cpuset of its own"));
	assert_int_equal(hn_cpuset_widen(layout.tree.root, &QEMU, &one, &err), 0);
	tree_done(&layout.tree);
}

/* One of the groups cannot be written: its file is one of the kernel's that can only be read. */
static void all_or_none(void **state)
{
	static const char *const PARTS[] = {"emulator", "vcpu0", "vcpu1"};
	struct hn_set two = set_of("2");

	for (size_t i = 0; i < 2 * HN_COUNT(PARTS); i++) {
		struct hn_error err = {0};
		struct layout layout;
		char file[300], path[400];

		layout_init(&layout, i % 2, "0-1");
		snprintf(file, sizeof(file), "%s%s/%s/cpuset.mems", layout.mount, layout.guest, PARTS[i / 2]);
		tree_remove(&layout.tree, file);
		tree_link(&layout.tree, file, "/sys/devices/system/node/online");
		assert_true(hn_cpuset_widen(layout.tree.root, &QEMU, &two, &err) < 0);
		assert_non_null(strstr(err.message, PARTS[i / 2]));
		snprintf(path, sizeof(path), "%s/%s", layout.tree.root, file);
		assert_int_equal(unlink(path), 0);
		tree_write(&layout.tree, file, "0-1\n");
		assert_all(&layout, "0-1");
		if (layout.v1)
			assert_control(&layout, "/emulator", "cpuset.memory_migrate", "1");
		tree_done(&layout.tree);
	}
}

static void without_cpusets_that_is_said(void **state)
{
	struct hn_set nodes;
	struct hn_error err = {0};
	struct layout layout;

	layout_init(&layout, true, "0-1");
	tree_write(&layout.tree, "proc/self/mountinfo", "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n");
	assert_int_equal(hn_cpuset_nodes(layout.tree.root, &QEMU, &nodes, &err), -ENOENT);
	assert_non_null(strstr(err.message, "cpuset"));
	assert_int_equal(hn_cpuset_nodes(layout.tree.root, &(struct hn_process){100, 2}, &nodes, &err),
			 -ESRCH);
	tree_done(&layout.tree);
}

/* A hierarchy seen from a container: what is mounted is the container's group. */
static void a_part_of_the_hierarchy_is_enough(void **state)
{
	struct hn_set nodes;
	struct hn_error err = {0};
	struct layout layout;

	layout_init(&layout, false, "0-1");
	tree_write(&layout.tree, "proc/self/mountinfo",
		   "31 23 0:28 /pod\\0407 /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	for (pid_t tid = 100; tid < 103; tid++)
		write_thread(&layout, tid, "/pod 7/machine/qemu-1-demo.libvirt-qemu/vcpu0");
	assert_int_equal(hn_cpuset_nodes(layout.tree.root, &QEMU, &nodes, &err), 0);
	assert_true(hn_set_equal(&nodes, &(struct hn_set){{3}}));
	write_thread(&layout, 102, "/pod 78/x");
	assert_int_equal(hn_cpuset_nodes(layout.tree.root, &QEMU, &nodes, &err), -ENOENT);
	tree_done(&layout.tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_groups_are_widened_and_narrowed),
		cmocka_unit_test(what_is_so_already_is_not_written),
		cmocka_unit_test(nodes_without_memory_are_refused),
		cmocka_unit_test(parents_are_not_overruled),
		cmocka_unit_test(groups_with_others_are_left_alone),
		cmocka_unit_test(kernel_threads_of_the_guest_are_no_strangers),
		cmocka_unit_test(groups_that_differ_are_left_alone),
		cmocka_unit_test(the_root_and_groups_without_a_cpuset_are_left_alone),
		cmocka_unit_test(all_or_none),
		cmocka_unit_test(without_cpusets_that_is_said),
		cmocka_unit_test(a_part_of_the_hierarchy_is_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
