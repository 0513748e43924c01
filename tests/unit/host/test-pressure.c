/* Pressure of a host and of guests' control groups, as the kernel writes it, or does not. */
#include "host/pressure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "tree.h"

static const struct hn_process QEMU = {.pid = 100, .start_ticks = 1};

#define V2 "41 31 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n"

static void both_lines_of_each_resource_are_read(void **state)
{
	struct hn_stall stalls[HN_RESOURCE_COUNT];
	struct tree tree;

	tree_init(&tree);
	tree_write(&tree, "proc/pressure/cpu", "some avg10=1.53 avg60=0.87 avg300=0.73 total=1085\n");
	tree_write(&tree, "proc/pressure/memory",
		   "some avg10=12.00 avg60=0.87 avg300=0.73 total=7\nfull avg10=0.50 avg60=0.00 avg300=0.00 "
		   "total=3\n");
	hn_pressure_of_host(tree.root, stalls);
	assert_true(stalls[HN_RESOURCE_CPU].some_known && !stalls[HN_RESOURCE_CPU].full_known);
	assert_true(stalls[HN_RESOURCE_CPU].some_avg10 == 1.53);
	assert_int_equal(stalls[HN_RESOURCE_CPU].some_ns, 1085000);
	assert_true(stalls[HN_RESOURCE_MEMORY].some_known && stalls[HN_RESOURCE_MEMORY].full_known);
	assert_true(stalls[HN_RESOURCE_MEMORY].some_avg10 == 12 &&
		    stalls[HN_RESOURCE_MEMORY].full_avg10 == 0.5);
	assert_int_equal(stalls[HN_RESOURCE_MEMORY].full_ns, 3000);
	assert_false(stalls[HN_RESOURCE_IO].some_known || stalls[HN_RESOURCE_IO].full_known);
	tree_done(&tree);
}

static void what_is_no_pressure_is_unknown(void **state)
{
	static const char *const texts[] = {
		"",
		"some\n",
		"some avg10=x avg60=0 avg300=0 total=1\n",
		"some avg10=-1 avg60=0 avg300=0 total=1\n",
		"some avg10=100.01 avg60=0 avg300=0 total=1\n",
		"some avg10=nan avg60=0 avg300=0 total=1\n",
		"some avg10=1 avg60=0 avg300=0\n",
		"some avg10=1 avg60=0 avg300=0 total=18446744073709551615\n",
		"lonesome avg10=1 avg60=0 avg300=0 total=1\n",
	};

	for (size_t i = 0; i < HN_COUNT(texts); i++) {
		struct hn_stall stalls[HN_RESOURCE_COUNT];
		struct tree tree;

		tree_init(&tree);
		tree_write(&tree, "proc/pressure/io", "%s", texts[i]);
		hn_pressure_of_host(tree.root, stalls);
		if (stalls[HN_RESOURCE_IO].some_known || stalls[HN_RESOURCE_IO].full_known)
			fail_msg("'%s' is believed", texts[i]);
		tree_done(&tree);
	}
}

/* QEMU 100, in that group, with that pressure on memory in that file. */
static bool guest_is_known(const char *cgroup, const char *procs, const char *members, const char *file)
{
	struct hn_stall stalls[HN_RESOURCE_COUNT];
	struct tree tree;

	tree_init(&tree);
	tree_write(&tree, "proc/self/mountinfo", "%s", V2);
	tree_write_process(&tree, 100, 1);
	tree_write(&tree, "proc/100/cgroup", "%s", cgroup);
	if (procs)
		tree_write(&tree, procs, "%s", members);
	tree_write(&tree, file, "some avg10=3.00 avg60=0.00 avg300=0.00 total=9\n");
	hn_pressure_of_guest(tree.root, &QEMU, stalls);
	tree_done(&tree);
	assert_false(stalls[HN_RESOURCE_CPU].some_known);
	return stalls[HN_RESOURCE_MEMORY].some_known && stalls[HN_RESOURCE_MEMORY].some_avg10 == 3 &&
	       stalls[HN_RESOURCE_MEMORY].some_ns == 9000;
}

static void of_the_group_that_libvirt_made(void **state)
{
	assert_true(guest_is_known(
		"0::/machine.slice/machine-qemu\\x2d1\\x2da.scope/libvirt/emulator\n", NULL, NULL,
		"sys/fs/cgroup/machine.slice/machine-qemu\\x2d1\\x2da.scope/memory.pressure"));
}

/* A group that others are in tells of them as well. */
static void of_a_group_of_its_own_only(void **state)
{
	static const char group[] = "0::/user.slice/a.scope\n",
			  procs[] = "sys/fs/cgroup/user.slice/a.scope/cgroup.procs",
			  file[] = "sys/fs/cgroup/user.slice/a.scope/memory.pressure";

	assert_true(guest_is_known(group, procs, "100\n", file));
	assert_false(guest_is_known(group, procs, "100\n101\n", file));
	assert_false(guest_is_known(group, procs, "101\n", file));
	assert_false(guest_is_known("0::/\n", "sys/fs/cgroup/cgroup.procs", "100\n",
				    "sys/fs/cgroup/memory.pressure"));
	assert_false(guest_is_known("3:cpuset:/x\n", procs, "100\n", file));
}

static void of_another_process_nothing_is_told(void **state)
{
	struct hn_process later = {.pid = 100, .start_ticks = 2};
	struct hn_stall stalls[HN_RESOURCE_COUNT];
	struct tree tree;

	tree_init(&tree);
	tree_write(&tree, "proc/self/mountinfo", "%s", V2);
	tree_write_process(&tree, 100, 1);
	tree_write(&tree, "proc/100/cgroup", "0::/machine/qemu-1-a.libvirt-qemu\n");
	tree_write(&tree, "sys/fs/cgroup/machine/qemu-1-a.libvirt-qemu/memory.pressure",
		   "some avg10=3.00 avg60=0.00 avg300=0.00 total=9\n");
	hn_pressure_of_guest(tree.root, &QEMU, stalls);
	assert_true(stalls[HN_RESOURCE_MEMORY].some_known);
	hn_pressure_of_guest(tree.root, &later, stalls);
	assert_false(stalls[HN_RESOURCE_MEMORY].some_known);
	tree_done(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_lines_of_each_resource_are_read),
		cmocka_unit_test(what_is_no_pressure_is_unknown),
		cmocka_unit_test(of_the_group_that_libvirt_made),
		cmocka_unit_test(of_a_group_of_its_own_only),
		cmocka_unit_test(of_another_process_nothing_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
