#include "model/request.h"

#include <errno.h>
#include <inttypes.h>

#include "base/units.h"

static int check_pages(const struct hn_request *request, struct hn_error *err)
{
	uint64_t page = request->page_bytes;

	if (page == 0)
		return 0;
	if ((page & (page - 1)) != 0 || page < 4 * HN_KIB)
		return hn_fail(err, -EINVAL, "hugepages: %" PRIu64 " bytes is no size of pages", page);
	if (request->memory_bytes % page != 0 || request->memory_bytes / page < request->cells)
		return hn_fail(err, -EINVAL,
			       "memory: %" PRIu64
			       " bytes cannot be divided over %u cells in pages of %" PRIu64,
			       request->memory_bytes, request->cells, page);
	return 0;
}

int hn_request_check(const struct hn_request *request, struct hn_error *err)
{
	if (request->vcpus == 0 || request->vcpus > HN_REQUEST_VCPUS_MAX)
		return hn_fail(err, -EINVAL, "vcpus: %u is not within 1 and %d", request->vcpus,
			       HN_REQUEST_VCPUS_MAX);
	if (request->cells == 0 || request->cells > request->vcpus)
		return hn_fail(err, -EINVAL, "cells: %u is not within 1 and the %u vCPUs", request->cells,
			       request->vcpus);
	if (request->cells > HN_REQUEST_CELLS_MAX)
		return hn_fail(err, -EINVAL, "cells: %u is not within 1 and %d", request->cells,
			       HN_REQUEST_CELLS_MAX);
	if (request->memory_bytes / HN_MIB < request->cells)
		return hn_fail(err, -EINVAL,
			       "memory: %" PRIu64 " bytes is less than a MiB for each of %u cells",
			       request->memory_bytes, request->cells);
	if (request->memory_bytes > UINT64_MAX >> 4)
		return hn_fail(err, -EINVAL, "memory: %" PRIu64 " bytes is more than any host has",
			       request->memory_bytes);
	if ((unsigned)request->class >= HN_CLASS_COUNT)
		return hn_fail(err, -EINVAL, "class: %d is none", (int)request->class);
	return check_pages(request, err);
}

int hn_request_guest(const struct hn_request *request, const char *name, struct hn_guest **ret,
		     struct hn_error *err)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
	uint64_t unit = request->page_bytes ? request->page_bytes : 4 * HN_KIB, units;
	int vcpu = 0, r = hn_request_check(request, err);

	if (r < 0)
		return r;
	guest = hn_guest_new(name);
	if (!guest)
		return hn_oom(err);
	guest->mode = HN_MODE_ENFORCE;
	guest->class = request->class;
	units = (request->memory_bytes + unit - 1) / unit;
	for (unsigned i = 0; i < request->cells; i++) {
		struct hn_cell *cell = hn_guest_add_cell(guest, (int)i);
		unsigned vcpus = request->vcpus / request->cells + (i < request->vcpus % request->cells);

		if (!cell)
			return hn_oom(err);
		cell->memory_bytes = (units / request->cells + (i < units % request->cells)) * unit;
		cell->page_bytes = request->page_bytes;
		for (; vcpus > 0; vcpus--)
			hn_set_add(&cell->vcpus, vcpu++);
	}
	*ret = hn_steal(guest);
	return 0;
}
