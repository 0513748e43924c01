/* What holds memory, on made-up trees and on this very process with a ring of its own. */
#include "host/process-pins.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "tree.h"

#define NO_MEMORY "VmLck:\t0 kB\nVmPin:\t0 kB\nVmPTE:\t44 kB\n"

static const struct hn_process QEMU = {.pid = 100, .start_ticks = 1};

static void write_status(const struct tree *tree, const char *lines)
{
	tree_write(tree, "proc/100/status", "Name:\tqemu\n%s", lines);
}

static struct hn_process_pins pins_of(const struct tree *tree)
{
	struct hn_process_pins pins;
	struct hn_error err;

	assert_int_equal(hn_process_pins_read(tree->root, &QEMU, &pins, &err), 0);
	assert_true(pins.hold.known);
	return pins;
}

static void files_tell_what_holds(void **state)
{
	static const struct {
		const char *target;
		unsigned pins;
		enum hn_movability movability;
	} files[] = {
		{"/dev/null", 0, HN_MOVABLE},
		{"socket:[12345]", 0, HN_MOVABLE},
		{"anon_inode:kvm-vm", 0, HN_MOVABLE},
		{"/dev/vhost-net", 0, HN_MOVABLE},
		{"/dev/vfiox", 0, HN_MOVABLE},
		{"/dev/vfio/vfio", 1u << HN_PIN_VFIO, HN_IMMOVABLE_PINNED},
		{"/dev/vfio/12", 1u << HN_PIN_VFIO, HN_IMMOVABLE_PINNED},
		{"/dev/vfio/devices/vfio0", 1u << HN_PIN_VFIO, HN_IMMOVABLE_PINNED},
		{"anon_inode:[vfio-device]", 1u << HN_PIN_VFIO, HN_IMMOVABLE_PINNED},
		{"/dev/iommu", 1u << HN_PIN_IOMMUFD, HN_IMMOVABLE_PINNED},
		{"/dev/vhost-vdpa-0", 1u << HN_PIN_VDPA, HN_IMMOVABLE_PINNED},
		{"/dev/infiniband/uverbs0", 1u << HN_PIN_RDMA, HN_IMMOVABLE_PINNED},
		{"/dev/sev", 1u << HN_PIN_SEV, HN_IMMOVABLE_ENCRYPTED},
		{"anon_inode:[kvm-gmem]", 1u << HN_PIN_GUEST_MEMFD, HN_IMMOVABLE_ENCRYPTED},
		{"/[kvm-gmem] (deleted)", 1u << HN_PIN_GUEST_MEMFD,
		 HN_IMMOVABLE_ENCRYPTED}, /* Linux 6.19: a file system of its own */
	};
	struct hn_process_pins pins;
	struct hn_error err;
	struct tree tree;

	tree_init(&tree);
	tree_write_process(&tree, 100, 1);
	write_status(&tree, NO_MEMORY);
	assert_int_equal(hn_process_pins_read(tree.root, &QEMU, &pins, &err), -ENOENT); /* not to be seen */
	tree_link(&tree, "proc/100/fd/0", "/dev/null");
	for (size_t i = 0; i < HN_COUNT(files); i++) {
		tree_link(&tree, "proc/100/fd/7", files[i].target);
		pins = pins_of(&tree);
		if (pins.hold.pins != files[i].pins)
			fail_msg("%s: %x", files[i].target, pins.hold.pins);
		assert_int_equal(pins.all, files[i].pins != 0);
		assert_int_equal(hn_pins_movability(&pins, 4096, 4096), files[i].movability);
		tree_remove(&tree, "proc/100/fd/7");
	}
	tree_done(&tree);
}

static void rings_hold_their_buffers_alone(void **state)
{
	struct hn_process_pins pins;
	struct tree tree;

	tree_init(&tree);
	tree_write_process(&tree, 100, 1);
	write_status(&tree, "VmPin:\t1024 kB\n");
	tree_link(&tree, "proc/100/fd/5", "anon_inode:[io_uring]");
	tree_write(&tree, "proc/100/fdinfo/5",
		   "pos:\t0\nSqMask:\t0x7\nUserFiles:\t1\n    0: /dev/null\nUserBufs:\t2\n"
		   "    0: 0x10000/524288\n    1: 0x200000/524288\nPollList:\n    9: 0x5000000/4096\n");
	pins = pins_of(&tree);
	assert_int_equal(pins.hold.pins, 1u << HN_PIN_IO_URING);
	assert_false(pins.all);
	assert_int_equal(pins.range_count, 2);
	assert_int_equal(hn_pins_movability(&pins, 0x20000, 4096), HN_IMMOVABLE_PINNED);
	assert_int_equal(hn_pins_movability(&pins, 0x8000, 0x9000), HN_IMMOVABLE_PINNED);
	assert_int_equal(hn_pins_movability(&pins, 0x8000, 0x8000), HN_MOVABLE);  /* ends where it begins */
	assert_int_equal(hn_pins_movability(&pins, 0x90000, 0x1000), HN_MOVABLE); /* begins where it ends */
	/* busy at that moment: buffers are announced and not listed */
	tree_write(&tree, "proc/100/fdinfo/5", "UserBufs:\t2\nPollList:\n");
	pins = pins_of(&tree);
	assert_true(pins.all);
	assert_int_equal(hn_pins_movability(&pins, 0x8000, 0x1000), HN_IMMOVABLE_PINNED);
	/* without buffers, as QEMU's aio=io_uring has it */
	write_status(&tree, NO_MEMORY);
	tree_write(&tree, "proc/100/fdinfo/5", "UserFiles:\t0\nUserBufs:\t0\nPollList:\n");
	pins = pins_of(&tree);
	assert_int_equal(pins.hold.pins, 0);
	tree_done(&tree);
}

static void write_slots(const struct tree *tree, unsigned count, const char *empty, const char *last)
{
	char text[32768];
	size_t used = (size_t)snprintf(text, sizeof(text), "UserBufs:\t%u\n", count + (*last ? 1 : 0));

	for (unsigned i = 0; i < count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%5u: %s\n", i, empty);
	if (*last)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%5u: %s\n", count, last);
	assert_in_range(used, 1, sizeof(text) - 1);
	tree_write(tree, "proc/100/fdinfo/5", "%sPollList:\n", text);
}

/* A table of more slots than are listed at most, as Linux since 6.13, before it and in between writes it. */
static void empty_slots_of_a_ring_hold_nothing(void **state)
{
	static const char *const empty[] = {"<none>", "0xffffffffffffffff/1",
					    "0xffffffffffffffff/4294967295"};
	struct tree tree;

	tree_init(&tree);
	tree_write_process(&tree, 100, 1);
	tree_link(&tree, "proc/100/fd/5", "anon_inode:[io_uring]");
	for (size_t i = 0; i < HN_COUNT(empty); i++) {
		struct hn_process_pins pins;

		write_status(&tree, NO_MEMORY);
		write_slots(&tree, HN_PINNED_RANGES_MAX + 44, empty[i], "");
		pins = pins_of(&tree);
		assert_int_equal(pins.hold.pins, 0);
		assert_int_equal(hn_pins_movability(&pins, 0x20000, 4096), HN_MOVABLE);
		write_status(&tree, "VmPin:\t512 kB\n");
		write_slots(&tree, HN_PINNED_RANGES_MAX + 44, empty[i], "0x10000/524288");
		pins = pins_of(&tree);
		assert_int_equal(pins.hold.pins, 1u << HN_PIN_IO_URING);
		assert_int_equal(hn_pins_movability(&pins, 0x20000, 4096), HN_IMMOVABLE_PINNED);
		assert_int_equal(hn_pins_movability(&pins, 0x90000, 4096), HN_MOVABLE);
		/* and explain nothing that is pinned */
		write_status(&tree, "VmPin:\t1024 kB\n");
		assert_int_equal(pins_of(&tree).hold.pins, 1u << HN_PIN_IO_URING | 1u << HN_PIN_OTHER);
	}
	tree_done(&tree);
}

static void pages_that_nothing_explains_are_unknown(void **state)
{
	struct hn_process_pins pins;
	struct tree tree;

	tree_init(&tree);
	tree_write_process(&tree, 100, 1);
	tree_link(&tree, "proc/100/fd/0", "/dev/null");
	write_status(&tree, "VmLck:\t2048 kB\nVmPin:\t64 kB\nVmPTE:\t96 kB\n");
	pins = pins_of(&tree);
	assert_int_equal(pins.hold.pins, 1u << HN_PIN_OTHER);
	assert_int_equal(pins.hold.pinned_bytes, 64 << 10);
	assert_int_equal(pins.hold.locked_bytes, 2048 << 10);
	assert_int_equal(pins.hold.page_table_bytes, 96 << 10);
	assert_int_equal(hn_pins_movability(&pins, 0x8000, 0x1000), HN_IMMOVABLE_UNKNOWN);
	tree_link(&tree, "proc/100/fd/3", "/dev/infiniband/uverbs1");
	assert_int_equal(pins_of(&tree).hold.pins, 1u << HN_PIN_RDMA);
	/* locked memory alone moves */
	tree_remove(&tree, "proc/100/fd/3");
	write_status(&tree, "VmLck:\t2048 kB\nVmPin:\t0 kB\n");
	pins = pins_of(&tree);
	assert_int_equal(hn_pins_movability(&pins, 0x8000, 0x1000), HN_MOVABLE);
	tree_done(&tree);
}

/* The kernel's own word on a ring of this process. */
static void a_real_ring_is_seen(void **state)
{
	const size_t length = 1 << 20;
	struct io_uring_params params = {0};
	struct hn_process_pins pins;
	struct hn_process self;
	struct hn_error err;
	struct iovec buffer;
	char *memory;
	int ring = (int)syscall(SYS_io_uring_setup, 8, &params);

	if (ring < 0)
		skip(); /* io_uring is switched off here */
	assert_int_equal(hn_process_of_thread(NULL, getpid(), &self, NULL, &err), 0);
	memory = mmap(NULL, 2 * length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	assert_int_equal(hn_process_pins_read(NULL, &self, &pins, &err), 0);
	assert_false(pins.hold.pins & 1u << HN_PIN_IO_URING);
	buffer = (struct iovec){memory, length};
	if (syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &buffer, 1) < 0)
		skip(); /* RLIMIT_MEMLOCK */
	assert_int_equal(hn_process_pins_read(NULL, &self, &pins, &err), 0);
	assert_int_equal(pins.hold.pins, 1u << HN_PIN_IO_URING);
	assert_int_equal(hn_pins_movability(&pins, (uint64_t)memory, length), HN_IMMOVABLE_PINNED);
	if (!pins.all) /* where fdinfo lists them */
		assert_int_equal(hn_pins_movability(&pins, (uint64_t)memory + length, length), HN_MOVABLE);
	close(ring);
	munmap(memory, 2 * length);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_tell_what_holds),
		cmocka_unit_test(rings_hold_their_buffers_alone),
		cmocka_unit_test(empty_slots_of_a_ring_hold_nothing),
		cmocka_unit_test(pages_that_nothing_explains_are_unknown),
		cmocka_unit_test(a_real_ring_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
