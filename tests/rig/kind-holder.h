#pragma once
/*
 * kind-holder - a process that has 32 MiB of memory of one kind on node 0, and does with it what it is told.
 * Troubles end the program.
 */
#include "base/units.h"
#include "host/process.h"

#define KIND_BYTES (32 * HN_MIB)
#define KIND_HUGE_BYTES (2 * HN_MIB)

struct kind_holder {
	struct hn_process process;
	char *memory; /* where it has it */
	int tell, told;
};

/* base, thp, hugetlb, memfd (mapped by another process as well), ksm (its halves are merged), locked, fixed
 * (its last half is a buffer of a ring of io_uring). */
void kind_holder_start(const char *kind, struct kind_holder *ret);
void kind_holder_stop(struct kind_holder *holder);

/* p: its last half becomes such a buffer; d: it gives its last half back. Returns when it has. */
void kind_holder_tell(struct kind_holder *holder, char order);

/* The number in a file. */
long kind_number(const char *path);
