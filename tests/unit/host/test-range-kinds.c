/* Kinds of memory, of this very process's mappings, and of maps made up. */
#include "host/range-kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/pages.h"
#include "lacking.h"
#include "tree.h"

#define LENGTH (8ul << 20)

static struct hn_process self(void)
{
	struct hn_process process;
	struct hn_error err;

	assert_int_equal(hn_process_of_thread(NULL, getpid(), &process, NULL, &err), 0);
	return process;
}

static char *map(int flags, int fd)
{
	char *memory = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, flags, fd, 0);

	assert_ptr_not_equal(memory, MAP_FAILED);
	return memory;
}

static struct hn_range_kind kind_of(const char *memory, size_t length)
{
	const struct hn_range range = {(uint64_t)memory, length, 0};
	const struct hn_process process = self();
	struct hn_range_kind kind;
	struct hn_error err;

	assert_int_equal(hn_range_kinds_read(NULL, &process, &range, 1, &kind, &err), 0);
	return kind;
}

static void mappings_are_told_apart(void **state)
{
	char path[] = "/tmp/homenode-kinds-XXXXXX";
	int memfd = memfd_create("guest", MFD_CLOEXEC), file = mkstemp(path);
	struct hn_range_kind kind;
	struct statfs system;
	char *memory;

	assert_true(memfd >= 0 && file >= 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(ftruncate(memfd, LENGTH), 0);
	assert_int_equal(ftruncate(file, LENGTH), 0);
	assert_int_equal(fstatfs(file, &system), 0);

	memory = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	kind = kind_of(memory, LENGTH);
	assert_int_equal(kind.backing, HN_BACKING_ANONYMOUS);
	assert_false(kind.shared);
	assert_int_equal(kind.page_bytes, hn_base_page_bytes());
	munmap(memory, LENGTH);

	memory = map(MAP_SHARED | MAP_ANONYMOUS, -1);
	assert_int_equal(kind_of(memory, LENGTH).backing, HN_BACKING_SHMEM);
	munmap(memory, LENGTH);

	memory = map(MAP_SHARED, memfd);
	kind = kind_of(memory, LENGTH);
	assert_int_equal(kind.backing, HN_BACKING_SHMEM);
	assert_true(kind.shared);
	munmap(memory, LENGTH);

	memory = map(MAP_SHARED, file);
	assert_int_equal(kind_of(memory, LENGTH).backing,
			 system.f_type == TMPFS_MAGIC ? HN_BACKING_SHMEM : HN_BACKING_FILE);
	/* half of it is of another kind: nothing is said of the whole */
	assert_ptr_equal(mmap(memory + LENGTH / 2, LENGTH / 2, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			 memory + LENGTH / 2);
	assert_int_equal(kind_of(memory, LENGTH).backing, HN_BACKING_UNKNOWN);
	munmap(memory, LENGTH);
	close(memfd);
	close(file);
}

static void a_pool_s_pages_are_told_with_their_size(void **state)
{
	void *memory = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | (21 << MAP_HUGE_SHIFT), -1, 0);
	struct hn_range_kind kind;

	if (memory == MAP_FAILED)
		skip(); /* the pool is empty */
	kind = kind_of(memory, 2 << 20);
	assert_int_equal(kind.backing, HN_BACKING_HUGETLB);
	assert_int_equal(kind.page_bytes, 2 << 20);
	munmap(memory, 2 << 20);
}

/* By name, where the file behind cannot be opened: there are no map_files here. */
static void names_tell_where_files_cannot_be_asked(void **state)
{
	static const struct {
		const char *name;
		enum hn_backing backing;
		bool base_pages; /* else their size is unknown */
	} cases[] = {
		{"/memfd:memory-backend-memfd (deleted)", HN_BACKING_SHMEM, true},
		{"/dev/shm/ram", HN_BACKING_SHMEM, true},
		{"/dev/zero (deleted)", HN_BACKING_SHMEM, true},
		{"/dev/hugepages/libvirt/ram-node0", HN_BACKING_HUGETLB, false},
		{"/dev/dax0.0", HN_BACKING_DEVICE, true},
		{"/dev/mem", HN_BACKING_DEVICE, true},
		{"/var/lib/ram", HN_BACKING_UNKNOWN, false},
	};
	const struct hn_process process = {.pid = 100, .start_ticks = 1};
	const struct hn_range range = {0x10000000, 0x100000, 0};

	for (size_t i = 0; i < HN_COUNT(cases); i++) {
		struct hn_range_kind kind;
		struct hn_error err;
		struct tree tree;

		tree_init(&tree);
		tree_write_process(&tree, 100, 1);
		tree_write(&tree, "proc/100/maps",
			   "00400000-00500000 rw-p 00000000 00:00 0\n"
			   "10000000-10100000 rw-s 00000000 00:05 77 %s\n",
			   cases[i].name);
		assert_int_equal(hn_range_kinds_read(tree.root, &process, &range, 1, &kind, &err), 0);
		if (kind.backing != cases[i].backing ||
		    kind.page_bytes != (cases[i].base_pages ? hn_base_page_bytes() : 0))
			fail_msg("%s: %s", cases[i].name, hn_backing_name(kind.backing));
		assert_true(kind.shared);
		tree_done(&tree);
	}
}

#define COMPOUND_HEAD (UINT64_C(1) << 15)
#define COMPOUND_TAIL (UINT64_C(1) << 16)
#define MERGED (UINT64_C(1) << 21)
#define THP (UINT64_C(1) << 22) /* "of any size": Linux, pagemap.rst */

/* Half of the pages there are huge, parts of 512; of the others some are merged, the rest parts of 16. */
static void shares_are_of_the_pages_that_are_there(void **state)
{
	enum { PAGES = 4096, FRAME = 0x1000 };
	static uint64_t entries[PAGES], flags[PAGES];
	const struct hn_process process = {.pid = 100, .start_ticks = 1};
	const uint64_t page = hn_base_page_bytes();
	const struct hn_range range = {0x100000 * page, PAGES * page, 0};
	struct hn_range_kind kind = {0};
	struct hn_error err;
	struct tree tree;

	for (size_t i = 0; i < PAGES; i++) {
		entries[i] = i % 4 == 0 ? 0 : UINT64_C(1) << 63 | (FRAME + i);
		flags[i] = i % 4 == 1 && i >= PAGES / 2     ? MERGED
			   : i % (i < PAGES / 2 ? 512 : 16) ? THP | COMPOUND_TAIL
							    : THP | COMPOUND_HEAD;
	}
	tree_init(&tree);
	tree_write_process(&tree, 100, 1);
	assert_int_equal(hn_range_kinds_look_inside(tree.root, &process, &range, 1, 5, &kind, &err), 0);
	assert_false(kind.looked_inside); /* there is no pagemap */
	tree_write_words(&tree, "proc/100/pagemap", 0x100000, entries, PAGES);
	tree_write_words(&tree, "proc/kpageflags", FRAME, flags, PAGES);
	assert_int_equal(hn_range_kinds_look_inside(tree.root, &process, &range, 1, 5, &kind, &err), 0);
	assert_true(kind.looked_inside);
	/* of some 48 pages: 4 standard deviations */
	assert_true(kind.huge_share > 0.5 - 0.29 && kind.huge_share < 0.5 + 0.29);
	assert_true(kind.merged_share > 1. / 6 - 0.17 && kind.merged_share < 1. / 6 + 0.22);
	memset(entries, 0, sizeof(entries));
	tree_write_words(&tree, "proc/100/pagemap", 0x100000, entries, PAGES);
	kind = (struct hn_range_kind){0};
	assert_int_equal(hn_range_kinds_look_inside(tree.root, &process, &range, 1, 5, &kind, &err), 0);
	assert_false(kind.looked_inside);
	tree_done(&tree);
}

/* A sanitizer maps terabytes for itself, of which a sample tells nothing. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(WITH_SANITIZER)
#define TELLS_OWN_MEMORY false
#else
#define TELLS_OWN_MEMORY true
#endif

/* 96 MiB touched beside the range are its own; the range is not. */
static void its_own_memory_is_what_is_beside(void **state)
{
	const size_t length = 96ul << 20;
	const struct hn_process process = self();
	char *own = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t with = 0, without = 0;
	struct hn_error err;
	struct hn_range range;

	if (!TELLS_OWN_MEMORY || lacks(SYS_move_pages, "move_pages"))
		skip();
	assert_ptr_not_equal(own, MAP_FAILED);
	memset(own, 1, length);
	range = (struct hn_range){(uint64_t)own, length, 0};
	if (hn_process_own_bytes(&process, &range, 0, 3, &with, &err) == -EPERM)
		skip();
	assert_int_equal(hn_process_own_bytes(&process, &range, 1, 3, &without, &err), 0);
	assert_true(with > length * 3 / 4);
	assert_true(without < with / 2);
	munmap(own, length);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mappings_are_told_apart),
		cmocka_unit_test(a_pool_s_pages_are_told_with_their_size),
		cmocka_unit_test(names_tell_where_files_cannot_be_asked),
		cmocka_unit_test(shares_are_of_the_pages_that_are_there),
		cmocka_unit_test(its_own_memory_is_what_is_beside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
