/* KVM's statistics in a debugfs made up. */
#include "host/kvm-counters.h"

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

static void write_vm(const struct tree *tree, const char *vm, unsigned first)
{
	char path[128];

	for (size_t i = 0; i < HN_KVM_COUNTER_COUNT; i++) {
		snprintf(path, sizeof(path), "sys/kernel/debug/kvm/%s/%s", vm,
			 hn_counter_name(HN_COUNTERS_KVM, i));
		tree_write(tree, path, "%u\n", first + (unsigned)i);
	}
}

/* QEMU 100 with some files open, and its VM as that descriptor. */
static void write_process(const struct tree *tree, const char *vm)
{
	tree_write_process(tree, 100, 1);
	tree_link(tree, "proc/100/fd/0", "/dev/null");
	tree_link(tree, "proc/100/fd/3", "/dev/kvm");
	tree_link(tree, "proc/100/fd/9", "anon_inode:kvm-vcpu:0");
	tree_link(tree, "proc/100/fd/5", "/tmp/anon_inode:kvm-vm");
	tree_link(tree, vm, "anon_inode:kvm-vm");
}

static void a_vm_is_found_by_process_and_descriptor(void **state)
{
	static const char *const vms[][2] = {{"proc/100/fd/8", "100-8"}, {"proc/100/fd/700", "100-700"}};

	for (size_t i = 0; i < HN_COUNT(vms); i++) {
		struct hn_process later = {.pid = 100, .start_ticks = 2};
		struct hn_counters counters;
		struct tree tree;

		tree_init(&tree);
		write_process(&tree, vms[i][0]);
		write_vm(&tree, "10-8", 1000);
		write_vm(&tree, "1000-8", 2000);
		write_vm(&tree, "100-3", 3000);
		write_vm(&tree, vms[i][1], 50);
		hn_kvm_counters_read(tree.root, &QEMU, &counters);
		assert_int_equal(counters.family, HN_COUNTERS_KVM);
		assert_int_equal(counters.node, -1);
		for (size_t j = 0; j < HN_KVM_COUNTER_COUNT; j++) {
			assert_true(hn_counter_known(&counters, j));
			assert_int_equal(counters.values[j], 50 + j);
		}
		hn_kvm_counters_read(tree.root, &later, &counters);
		assert_int_equal(counters.known, 0);
		tree_done(&tree);
	}
}

static void what_an_older_kernel_has_not_is_unknown(void **state)
{
	struct hn_counters counters;
	struct tree tree;

	tree_init(&tree);
	write_process(&tree, "proc/100/fd/8");
	hn_kvm_counters_read(tree.root, &QEMU, &counters);
	assert_int_equal(counters.known, 0);
	write_vm(&tree, "100-8", 10);
	tree_remove(&tree, "sys/kernel/debug/kvm/100-8/pf_taken");
	tree_write(&tree, "sys/kernel/debug/kvm/100-8/pages_4k", "-7\n");
	hn_kvm_counters_read(tree.root, &QEMU, &counters);
	assert_false(hn_counter_known(&counters, HN_KVM_FAULTS));
	assert_false(hn_counter_known(&counters, HN_KVM_PAGES_4K));
	assert_true(hn_counter_known(&counters, HN_KVM_PAGES_2M));
	tree_done(&tree);
}

/* The same names for another VM: descriptors and pids come again. */
static void another_vm_is_another_source(void **state)
{
	struct hn_counters first, second;
	struct tree tree;

	tree_init(&tree);
	write_process(&tree, "proc/100/fd/8");
	write_vm(&tree, "100-8", 10);
	write_vm(&tree, "100-10", 10);
	hn_kvm_counters_read(tree.root, &QEMU, &first);
	hn_kvm_counters_read(tree.root, &QEMU, &second);
	assert_true(first.known && first.source == second.source);
	tree_remove(&tree, "proc/100/fd/8");
	tree_link(&tree, "proc/100/fd/10", "anon_inode:kvm-vm");
	hn_kvm_counters_read(tree.root, &QEMU, &second);
	assert_true(second.known && first.source != second.source);
	tree_done(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vm_is_found_by_process_and_descriptor),
		cmocka_unit_test(what_an_older_kernel_has_not_is_unknown),
		cmocka_unit_test(another_vm_is_another_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
