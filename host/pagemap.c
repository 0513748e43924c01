/*
 * pagemap - two files that are arrays of 64-bit words, indexed by page number.
 *
 * One pread for a run of neighbours costs hardly more than for one page, since the kernel walks the page
 * table once; callers therefore look for runs first.
 */
#include "host/pagemap.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

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

int hn_pagemap_read(int pagemap, uint64_t address, size_t count, uint64_t *ret)
{
	return words_read(pagemap, address / hn_base_page_bytes(), count, ret);
}

int hn_frame_flags_read(int kpageflags, uint64_t frame, size_t count, uint64_t *ret)
{
	return words_read(kpageflags, frame, count, ret);
}

size_t hn_pages_run(void *const *pages, size_t count, size_t max)
{
	uint64_t step = hn_base_page_bytes();
	size_t run = 1;

	while (run < count && run < max && (uint64_t)pages[run] == (uint64_t)pages[run - 1] + step)
		run++;
	return run;
}

uint64_t hn_base_page_bytes(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}
