/*
 * page-table - two files that are arrays of 64-bit words: an entry for each page of the address space, and
 * flags for each frame of memory.
 *
 * Up to Linux 6.x a read of one entry walks on to the next multiple of 2 MiB and throws the rest away, so one
 * read for all pages wanted out of such a block costs hardly more than one for the first. No read here
 * crosses a block.
 */
#include "host/page-table.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/pages.h"
#include "host/frame-nodes.h"
#include "host/proc-file.h"

_Static_assert(HN_PAGE_ABSENT == -ENOENT && HN_PAGE_UNKNOWN == -EIO, "the header spares its readers errno.h");

#define BLOCK_PAGES 512 /* also those of a huge page of 2 MiB, none of which is cut by a read */

/* Linux Documentation/admin-guide/mm/pagemap.rst */
#define FRAME_COMPOUND_TAIL (UINT64_C(1) << 16)
#define FRAME_HUGETLB (UINT64_C(1) << 17)
#define FRAME_MERGED (UINT64_C(1) << 21)
#define FRAME_THP (UINT64_C(1) << 22)
#define FRAME_ZERO_PAGE (UINT64_C(1) << 24)
#define ENTRY_PRESENT (UINT64_C(1) << 63)
#define ENTRY_FRAME ((UINT64_C(1) << 55) - 1) /* reads as 0 without CAP_SYS_ADMIN */

struct hn_page_table {
	char *root;
	int pagemap, kpageflags;       /* -1: not to be had */
	int page_shift;                /* a page has 2 to the power of so many bytes */
	struct hn_frame_nodes *frames; /* read when first needed */
	struct hn_frame_span latest;   /* found among them: the next frame most often lies there, too */
};

void hn_page_table_free(struct hn_page_table *table)
{
	if (!table)
		return;
	hn_cleanup_fd(&table->pagemap);
	hn_cleanup_fd(&table->kpageflags);
	hn_frame_nodes_free(table->frames);
	free(table->root);
	free(table);
}

int hn_page_table_new(const char *root, int directory, struct hn_page_table **ret, struct hn_error *err)
{
	struct hn_page_table *table = calloc(1, sizeof(*table));

	if (!table)
		return hn_oom(err);
	table->pagemap = openat(directory, "pagemap", O_RDONLY | O_CLOEXEC);
	table->kpageflags = hn_proc_open(root, 0, "proc/kpageflags");
	table->page_shift = __builtin_ctzll(hn_base_page_bytes());
	table->root = strdup(root ? root : "");
	if (!table->root) {
		hn_page_table_free(table);
		return hn_oom(err);
	}
	*ret = table;
	return 0;
}

bool hn_page_table_readable(const struct hn_page_table *table)
{
	return table->pagemap >= 0;
}

static uint64_t page_number(const struct hn_page_table *table, const void *page)
{
	return (uint64_t)page >> table->page_shift;
}

/* Words beyond the end of the file read as 0. */
static int words_read(int fd, uint64_t first, size_t count, uint64_t *ret)
{
	size_t wanted = count * sizeof(*ret), done = 0;

	while (done < wanted) {
		ssize_t got =
			pread(fd, (char *)ret + done, wanted - done, (off_t)(first * sizeof(*ret) + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	memset((char *)ret + done, 0, wanted - done);
	return 0;
}

/*
 * Nothing can be read of the table of a process that has given up its memory. Looked at afterwards: what was
 * read before is right if there is a table still. The last entry, which has the fewest behind it.
 */
static int entries_read(const struct hn_page_table *table, uint64_t first, size_t count, uint64_t *ret)
{
	off_t last = (off_t)((first + count - 1) * sizeof(*ret));
	int r = words_read(table->pagemap, first, count, ret);
	uint64_t again;

	if (r == 0 && pread(table->pagemap, &again, sizeof(again), last) == 0)
		r = -ESRCH;
	return r;
}

/* Reads and anonymous huge pages never written share one frame of zeroes; it is no memory of the process. */
static bool is_zeroes(const struct hn_page_table *table, uint64_t frame)
{
	uint64_t flags;

	return table->kpageflags >= 0 && words_read(table->kpageflags, frame, 1, &flags) == 0 &&
	       (flags & FRAME_ZERO_PAGE);
}

static int frame_node(struct hn_page_table *table, uint64_t frame, int *ret, struct hn_error *err)
{
	if (!table->frames) {
		int r = hn_frame_nodes_new(table->root, &table->frames, err);

		if (r == -ENOMEM)
			return r;
	}
	if (table->frames && (frame < table->latest.first || frame >= table->latest.end))
		table->latest = hn_frame_nodes_find(table->frames, frame);
	*ret = table->frames && table->latest.node >= 0 ? table->latest.node : HN_PAGE_UNKNOWN;
	return 0;
}

static int entry_status(struct hn_page_table *table, uint64_t entry, int *status, struct hn_error *err)
{
	uint64_t frame = entry & ENTRY_FRAME;

	if (!(entry & ENTRY_PRESENT))
		*status = HN_PAGE_ABSENT; /* a swapped page too: nothing of it can be moved */
	else if (frame == 0)
		*status = HN_PAGE_UNKNOWN;
	else if (*status == -EFAULT && is_zeroes(table, frame)) /* zeroes never answer ENOENT */
		*status = HN_PAGE_ABSENT;
	else
		return frame_node(table, frame, status, err);
	return 0;
}

/* How many pages from the first on lie in its block and behind it. */
static size_t block_length(const struct hn_page_table *table, void *const *pages, size_t count)
{
	uint64_t block = page_number(table, pages[0]) / BLOCK_PAGES;
	size_t length = 1;

	while (length < count && pages[length] > pages[length - 1] &&
	       page_number(table, pages[length]) / BLOCK_PAGES == block)
		length++;
	return length;
}

static int block_look_up(struct hn_page_table *table, void *const *pages, size_t count, int *status,
			 struct hn_error *err)
{
	uint64_t entries[BLOCK_PAGES], first;
	size_t from = 0, to = count;
	bool readable;
	int r = 0;

	while (from < to && !hn_page_is_absent(status[from]))
		from++;
	while (to > from && !hn_page_is_absent(status[to - 1]))
		to--;
	if (from == to)
		return 0;
	first = page_number(table, pages[from]);
	readable = table->pagemap >= 0 &&
		   words_read(table->pagemap, first, page_number(table, pages[to - 1]) - first + 1,
			      entries) == 0;
	for (size_t i = from; i < to && !r; i++) {
		if (!hn_page_is_absent(status[i]))
			continue;
		if (readable)
			r = entry_status(table, entries[page_number(table, pages[i]) - first], &status[i],
					 err);
		else
			status[i] = HN_PAGE_UNKNOWN;
	}
	return r;
}

int hn_page_table_look_up(struct hn_page_table *table, void *const *pages, size_t count, int *status,
			  struct hn_error *err)
{
	int r = 0;

	for (size_t i = 0, length; i < count && !r; i += length) {
		length = block_length(table, &pages[i], count - i);
		r = block_look_up(table, &pages[i], length, &status[i], err);
	}
	return r;
}

/*
 * Whether the 2 MiB of frames from first on are one compound page. Compound pages are aligned to their size,
 * so the frame in the middle is a tail exactly when one compound page begins at first, or before, and reaches
 * to the end.
 */
static int is_huge(const struct hn_page_table *table, uint64_t first)
{
	uint64_t flags;
	int r = words_read(table->kpageflags, first + BLOCK_PAGES / 2, 1, &flags);

	return r ? r : (flags & FRAME_COMPOUND_TAIL) != 0;
}

/* The first of the 512 frames in which a page lies at its own place, or 0. */
static uint64_t huge_candidate(uint64_t entry, uint64_t number)
{
	uint64_t frame = entry & ENTRY_FRAME;

	return (entry & ENTRY_PRESENT) && frame % BLOCK_PAGES == number % BLOCK_PAGES
		       ? frame - frame % BLOCK_PAGES
		       : 0;
}

/* Where the page is, of which the entry tells; zeroes and merged pages share a frame with the one before. */
static int entry_node(struct hn_page_table *table, uint64_t entry, uint64_t before, int *ret)
{
	if (!(entry & ENTRY_PRESENT))
		*ret = HN_PAGE_ABSENT;
	else if ((entry & ENTRY_FRAME) == 0 || (entry & ENTRY_FRAME) == (before & ENTRY_FRAME))
		*ret = HN_PAGE_UNKNOWN;
	else
		return frame_node(table, entry & ENTRY_FRAME, ret, NULL);
	return 0;
}

static int block_read(struct hn_page_table *table, void *const *pages, size_t count, int *ret_status,
		      bool *ret_tail)
{
	uint64_t entries[BLOCK_PAGES], first = page_number(table, pages[0]), checked = 0, before = 0,
				       last = 0;
	int r = entries_read(table, first, page_number(table, pages[count - 1]) - first + 1, entries);
	int huge = 0;

	for (size_t i = 0; i < count && r >= 0; i++) {
		uint64_t number = page_number(table, pages[i]), entry = entries[number - first],
			 start = huge_candidate(entry, number);

		if (start && start == before && start != checked) {
			r = huge = is_huge(table, start);
			checked = start;
		}
		ret_tail[i] = start && start == before && huge > 0;
		before = start;
		if (r >= 0)
			r = entry_node(table, entry, last, &ret_status[i]);
		last = entry;
	}
	return r < 0 ? r : 0;
}

int hn_page_table_read(struct hn_page_table *table, void *const *pages, size_t count, int *ret_status,
		       bool *ret_tail)
{
	int r = table->pagemap < 0 || table->kpageflags < 0 ? -EPERM : 0;

	for (size_t i = 0, length; i < count && !r; i += length) {
		length = block_length(table, &pages[i], count - i);
		r = block_read(table, &pages[i], length, &ret_status[i], &ret_tail[i]);
	}
	for (size_t i = 0; i < count && r; i++) {
		ret_status[i] = HN_PAGE_UNKNOWN;
		ret_tail[i] = false;
	}
	return r;
}

/* Linux calls compound pages of any size transparent huge ones (pagemap.rst), those of files too. */
static uint64_t frame_says(const struct hn_page_table *table, uint64_t frame, uint64_t flags)
{
	bool huge = flags & FRAME_HUGETLB ||
		    (flags & FRAME_THP && is_huge(table, frame - frame % BLOCK_PAGES) > 0);

	if (flags & FRAME_ZERO_PAGE)
		return 0;
	return HN_PAGE_IS_THERE | (huge ? HN_PAGE_IS_HUGE : 0) |
	       (flags & FRAME_MERGED ? HN_PAGE_IS_MERGED : 0);
}

int hn_page_table_flags(const struct hn_page_table *table, void *const *pages, size_t count,
			uint64_t *ret_flags)
{
	if (table->pagemap < 0 || table->kpageflags < 0)
		return -EPERM;
	for (size_t i = 0; i < count; i++) {
		uint64_t entry, flags = 0;
		int r = words_read(table->pagemap, page_number(table, pages[i]), 1, &entry);

		ret_flags[i] = 0;
		if (r == 0 && !(entry & ENTRY_PRESENT))
			continue;
		if (r == 0 && (entry & ENTRY_FRAME) == 0)
			r = -EPERM; /* the kernel hides frames from us */
		if (r == 0)
			r = words_read(table->kpageflags, entry & ENTRY_FRAME, 1, &flags);
		if (r < 0)
			return r;
		ret_flags[i] = frame_says(table, entry & ENTRY_FRAME, flags);
	}
	return 0;
}
