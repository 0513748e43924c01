/* The large pieces of an address space: as the kernel writes them, and of a child that maps some. */
#include "host/mappings.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/pages.h"
#include "base/units.h"
#include "lacking.h"
#include "tests/unit/child.h"
#include "tree.h"

static const struct hn_process QEMU = {.pid = 100, .start_ticks = 1};

/* As Linux 6.18 lists them for QEMU 7.2: a stack right below a RAM block, a file in two pieces. */
static const char MAPS[] =
	"55b595bb8000-55b597054000 rw-p 00000000 00:00 0                          [heap]\n"
	"7f0000000000-7f0040000000 rwxp 00000000 00:00 0 \n"
	"7f00a0000000-7f00a8000000 r--p 00000000 08:01 99                         /usr/share/x\n"
	"7ff0ef400000-7ff0efc00000 rw-p 00000000 00:00 0 \n"
	"7ff0efc00000-7ff0f7c00000 rw-p 00000000 00:00 0 \n"
	"7ff0f7c00000-7ff0f7c01000 ---p 00000000 00:00 0 \n"
	"7ff100000000-7ff104000000 rw-s 00000000 00:01 4711                       "
	"/memfd:memory-backend-memfd (deleted)\n"
	"7ff104000000-7ff108000000 rw-s 04000000 00:01 4711                       "
	"/memfd:memory-backend-memfd (deleted)\n"
	"7ff108000000-7ff10c000000 rw-s 00000000 00:01 4712                       "
	"/memfd:memory-backend-memfd (deleted)\n"
	"7ff200000000-7ff208000000 rw-p 00000000 00:2a 5                          "
	"/dev/hugepages/libvirt/qemu/1-a "
	"b/qemu_back_mem._objects_ram-node0.RwBQVD (deleted)\n";

static size_t read_all(const struct tree *tree, uint64_t least, bool policies, struct hn_mapping **ret)
{
	struct hn_error err = {0};
	size_t count;

	assert_int_equal(hn_mappings_read(tree->root, &QEMU, least, policies, ret, &count, &err), 0);
	return count;
}

static void large_writable_ones_are_told(void **state)
{
	HN_AUTO(memory) struct hn_mapping *mappings = NULL;
	struct tree tree;

	tree_init(&tree);
	tree_write_process(&tree, 100, 1);
	tree_write(&tree, "proc/100/maps", "%s", MAPS);
	assert_int_equal(read_all(&tree, 64 * HN_MIB, false, &mappings), 4);
	assert_int_equal(mappings[0].start, 0x7ff0efc00000);
	assert_int_equal(mappings[0].bytes, 128 * HN_MIB);
	assert_string_equal(mappings[0].name, "");
	assert_false(mappings[0].shared);
	assert_int_equal(mappings[0].page_bytes, sysconf(_SC_PAGESIZE));
	assert_string_equal(mappings[0].policy, "");
	/* two pieces of one file, and one of another behind them */
	assert_int_equal(mappings[1].start, 0x7ff100000000);
	assert_int_equal(mappings[1].bytes, 128 * HN_MIB);
	assert_string_equal(mappings[1].name, "/memfd:memory-backend-memfd");
	assert_true(mappings[1].shared);
	assert_int_equal(mappings[1].page_bytes, 0); /* its file is not to be seen here */
	assert_int_equal(mappings[2].start, 0x7ff108000000);
	assert_int_equal(mappings[2].bytes, 64 * HN_MIB);
	assert_string_equal(mappings[3].name,
			    "/dev/hugepages/libvirt/qemu/1-a b/qemu_back_mem._objects_ram-node0.RwBQVD");
	tree_done(&tree);
}

static void policies_are_those_of_numa_maps(void **state)
{
	static const struct {
		const char *said, *policy, *nodes;
		uint64_t page_bytes; /* 0: the base page's */
	} cases[] = {
		{"default anon=3 N0=3 kernelpagesize_kB=4", "default", "", 4096},
		{"bind:0-1,4 anon=3 N0=3 kernelpagesize_kB=4", "bind", "0-1,4", 4096},
		{"bind=static:2 anon=3", "bind", "2", 0},
		{"bind=static|balancing:3", "bind", "3", 0},
		{"prefer:1 file=/memfd:x\\040(deleted) huge dirty=3 kernelpagesize_kB=2048", "preferred", "1",
		 2 * HN_MIB},
		{"prefer (many):0,2 anon=1", "preferred", "0,2", 0},
		{"interleave:0-3", "interleave", "0-3", 0},
		{"weighted interleave:1-2 anon=1", "interleave", "1-2", 0},
		{"local", "local", "", 0},
		{"something-new:1", "", "", 0},
	};

	for (size_t i = 0; i < HN_COUNT(cases); i++) {
		HN_AUTO(memory) struct hn_mapping *mappings = NULL;
		struct tree tree;
		char nodes[64];

		tree_init(&tree);
		tree_write_process(&tree, 100, 1);
		tree_write(&tree, "proc/100/maps", "%s", MAPS);
		tree_write(&tree, "proc/100/numa_maps",
			   "55b595bb8000 bind:5 heap\n7ff0ef400000 bind:6 stack\n7ff0efc00000 %s\n"
			   "7ff0f7c00000 bind:7\n7ff100000000 bind:0 file=/memfd:\n7ff104000000 bind:1 "
			   "file=/memfd:\n",
			   cases[i].said);
		assert_int_equal(read_all(&tree, 64 * HN_MIB, true, &mappings), 4);
		assert_string_equal(mappings[0].policy, cases[i].policy);
		assert_string_equal(hn_set_format(&mappings[0].nodes, nodes, sizeof(nodes)), cases[i].nodes);
		assert_int_equal(mappings[0].page_bytes,
				 cases[i].page_bytes ? cases[i].page_bytes : hn_base_page_bytes());
		/* its two pieces disagree */
		assert_string_equal(mappings[1].policy, "");
		assert_true(hn_set_empty(&mappings[1].nodes));
		tree_done(&tree);
	}
}

static void names_that_are_too_long_keep_their_end(void **state)
{
	HN_AUTO(memory) struct hn_mapping *mappings = NULL;
	struct tree tree;
	char folder[201];

	memset(folder, 'd', 200);
	folder[200] = '\0';
	tree_init(&tree);
	tree_write_process(&tree, 100, 1);
	tree_write(&tree, "proc/100/maps", "7f0000000000-7f0040000000 rw-s 00000000 00:2a 5 /%s/ram-node7\n",
		   folder);
	assert_int_equal(read_all(&tree, 1, false, &mappings), 1);
	assert_int_equal(strlen(mappings[0].name), sizeof(mappings[0].name) - 1);
	assert_string_equal(strrchr(mappings[0].name, '/'), "/ram-node7");
	tree_done(&tree);
}

static void too_many_are_refused(void **state)
{
	struct hn_mapping *mappings = NULL;
	struct hn_error err = {0};
	struct tree tree;
	char *text, *at;
	size_t count;

	tree_init(&tree);
	tree_write_process(&tree, 100, 1);
	at = text = malloc((HN_MAPPINGS_MAX + 1) * 64);
	assert_non_null(text);
	for (uint64_t i = 0; i < HN_MAPPINGS_MAX; i++)
		at += sprintf(at, "%lx-%lx rw-p 00000000 00:00 0 \n", (i + 1) << 20,
			      ((i + 1) << 20) + 0x2000);
	tree_write(&tree, "proc/100/maps", "%s", text);
	assert_int_equal(hn_mappings_read(tree.root, &QEMU, 0x2000, false, &mappings, &count, &err), 0);
	assert_int_equal(count, HN_MAPPINGS_MAX);
	free(mappings);
	mappings = NULL;
	sprintf(at, "7f0000000000-7f0000002000 rw-p 00000000 00:00 0 \n");
	tree_write(&tree, "proc/100/maps", "%s", text);
	assert_int_equal(hn_mappings_read(tree.root, &QEMU, 0x2000, false, &mappings, &count, &err), -E2BIG);
	/* small ones do not count */
	assert_int_equal(hn_mappings_read(tree.root, &QEMU, 0x2001, false, &mappings, &count, &err), 0);
	assert_int_equal(count, 0);
	free(mappings);
	free(text);
	tree_done(&tree);
}

static void a_process_that_is_gone_is_told(void **state)
{
	struct hn_mapping *mappings = NULL;
	struct hn_error err = {0};
	struct tree tree;
	size_t count;

	tree_init(&tree);
	tree_write_process(&tree, 100, 2);
	tree_write(&tree, "proc/100/maps", "%s", MAPS);
	assert_int_equal(hn_mappings_read(tree.root, &QEMU, 1, false, &mappings, &count, &err), -ESRCH);
	assert_null(mappings);
	tree_done(&tree);
}

/* A child maps memory of an odd size, shared and bound to the first node, and tells where. */
static pid_t start_mapper(size_t bytes, uint64_t *ret_start)
{
	int told[2];
	pid_t pid;

	assert_int_equal(pipe(told), 0);
	pid = child_fork();
	if (pid == 0) {
		int fd = (int)syscall(SYS_memfd_create, "memory-backend-memfd", 0);
		unsigned long mask = 1;
		void *memory;

		(void)!ftruncate(fd, (off_t)bytes);
		memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		(void)!syscall(SYS_mbind, memory, bytes, MPOL_BIND, &mask, 8 * sizeof(mask), 0);
		(void)!write(told[1], &memory, sizeof(memory));
		pause();
		_exit(0);
	}
	close(told[1]);
	assert_int_equal(read(told[0], ret_start, sizeof(*ret_start)), sizeof(*ret_start));
	close(told[0]);
	return pid;
}

static void a_child_is_seen_as_it_is(void **state)
{
	HN_AUTO(memory) struct hn_mapping *mappings = NULL;
	size_t bytes = 37 * (size_t)HN_MIB + hn_base_page_bytes(), count, found = 0;
	struct hn_process child;
	struct hn_error err = {0};
	uint64_t start;
	pid_t pid;

	if (lacks(SYS_mbind, "mbind"))
		skip();
	pid = start_mapper(bytes, &start);
	assert_int_equal(hn_process_of_thread(NULL, pid, &child, NULL, &err), 0);
	assert_int_equal(hn_mappings_read(NULL, &child, 37 * HN_MIB, true, &mappings, &count, &err), 0);
	for (size_t i = 0; i < count; i++) {
		if (mappings[i].start != start)
			continue;
		found++;
		assert_int_equal(mappings[i].bytes, bytes);
		assert_string_equal(mappings[i].name, "/memfd:memory-backend-memfd");
		assert_true(mappings[i].shared);
		assert_string_equal(mappings[i].policy, "bind");
		assert_true(hn_set_has(&mappings[i].nodes, 0) && hn_set_count(&mappings[i].nodes) == 1);
	}
	assert_int_equal(found, 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(large_writable_ones_are_told),
		cmocka_unit_test(policies_are_those_of_numa_maps),
		cmocka_unit_test(names_that_are_too_long_keep_their_end),
		cmocka_unit_test(too_many_are_refused),
		cmocka_unit_test(a_process_that_is_gone_is_told),
		cmocka_unit_test(a_child_is_seen_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
