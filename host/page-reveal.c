/*
 * page-reveal - a hint fault on the guest's behalf.
 *
 * Kernel NUMA balancing makes page table entries inaccessible to see who touches them next. Up to Linux 6.11
 * move_pages cannot move such a page (-ENOENT), and memory its guest leaves idle stays so for ever, also
 * after balancing has been switched off: on a Debian 12 host all the idle memory of a busy guest is in that
 * state. A read through process_vm_readv(2) takes the fault that makes the entry accessible again.
 *
 * That fault may move the page to the node of the CPU it is taken on. A memory policy of one's own that does
 * not ask for "migrate on fault" prevents it, so the calling thread has one for as long as this takes.
 */
#include "host/page-reveal.h"

#include <limits.h>
#include <numaif.h>
#include <stdint.h>
#include <sys/uio.h>

#define CALL_PAGES 512 /* below IOV_MAX */

_Static_assert(CALL_PAGES <= IOV_MAX, "one system call takes them all");

/* Longer than any kernel's set of nodes (MAX_NUMNODES is at most 1024). */
#define NODE_MASK_BITS 2048

struct policy {
	int mode;
	unsigned long nodes[NODE_MASK_BITS / (8 * sizeof(unsigned long))];
};

static size_t pages_touch(pid_t pid, void *const *pages, size_t count)
{
	struct iovec remote[CALL_PAGES];
	char bytes[CALL_PAGES];
	struct iovec local = {.iov_base = bytes, .iov_len = count};
	ssize_t got;

	for (size_t i = 0; i < count; i++)
		remote[i] = (struct iovec){.iov_base = pages[i], .iov_len = 1};
	got = process_vm_readv(pid, &local, 1, remote, count, 0);
	return got > 0 ? (size_t)got : 0;
}

size_t hn_pages_reveal(pid_t pid, void *const *pages, size_t count)
{
	struct policy before = {0};
	size_t touched = 0;

	if (get_mempolicy(&before.mode, before.nodes, NODE_MASK_BITS, NULL, 0) ||
	    set_mempolicy(MPOL_LOCAL, NULL, 0))
		return 0;
	for (size_t i = 0; i < count;) {
		size_t part = count - i < CALL_PAGES ? count - i : CALL_PAGES;
		size_t done = pages_touch(pid, &pages[i], part);

		touched += done;
		i += done < part ? done + 1 : part; /* a call ends at the first page that refuses */
	}
	/* the default takes no nodes, and no mask of none (get_nodes() of mm/mempolicy.c) */
	if (before.mode == MPOL_DEFAULT)
		set_mempolicy(MPOL_DEFAULT, NULL, 0);
	else
		set_mempolicy(before.mode, before.nodes, NODE_MASK_BITS);
	return touched;
}
