#pragma once
/*
 * request - a guest that somebody asks for by its sizes, before there is one.
 */
#include <stdint.h>

#include "base/error.h"
#include "model/guest.h"

#define HN_REQUEST_VCPUS_MAX 1024 /* as many as QEMU gives a guest, with room to spare */
#define HN_REQUEST_CELLS_MAX 64   /* pairs of them are tried before it is answered */

struct hn_request {
	unsigned vcpus;
	uint64_t memory_bytes;
	unsigned cells; /* evenly divided; what does not divide goes to the first */
	enum hn_class class;
	uint64_t page_bytes; /* of the hugetlb pages it wants; 0: base pages */
};

/*
 * Refuses what no guest can be, or has no answer in time, with -EINVAL, the field and its value: no vCPUs or
 * no memory, no cells, too many or more cells than vCPUs, less than a page or a MiB a cell, pages of a size
 * that is no power of two or that does not divide the memory.
 */
int hn_request_check(const struct hn_request *request, struct hn_error *err);

/*
 * The guest that is asked for: cells 0.. with vCPUs numbered on, no threads, no backends; mode enforce, state
 * unknown. The caller frees *ret. -EINVAL as above, -ENOMEM.
 */
int hn_request_guest(const struct hn_request *request, const char *name, struct hn_guest **ret,
		     struct hn_error *err);
