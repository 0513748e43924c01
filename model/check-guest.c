#include "model/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool is_power_of_two(uint64_t number)
{
	return number != 0 && (number & (number - 1)) == 0;
}

static int check_cell(const struct hn_cell *cell, uint64_t *total, struct hn_set *vcpus, struct hn_error *err)
{
	struct hn_set twice = cell->vcpus;

	if (cell->memory_bytes > HN_MEMORY_MAX || (*total += cell->memory_bytes) > HN_MEMORY_MAX)
		return hn_fail(err, -EINVAL,
			       "memory_bytes %" PRIu64 " brings the guest's to more than %" PRIu64,
			       cell->memory_bytes, HN_MEMORY_MAX);
	if (cell->page_bytes && !is_power_of_two(cell->page_bytes))
		return hn_fail(err, -EINVAL, "page_bytes %" PRIu64 " is no power of two", cell->page_bytes);
	if (cell->page_bytes && cell->memory_bytes % cell->page_bytes)
		return hn_fail(err, -EINVAL, "memory_bytes %" PRIu64 " is no multiple of page_bytes %" PRIu64,
			       cell->memory_bytes, cell->page_bytes);
	hn_set_and(&twice, vcpus);
	if (!hn_set_empty(&twice))
		return hn_fail(err, -EINVAL, "vcpus has vCPU %d, which another cell has too",
			       hn_set_next(&twice, 0));
	hn_set_or(vcpus, &cell->vcpus);
	return 0;
}

static int check_cells(const struct hn_guest *guest, struct hn_error *err)
{
	struct hn_set vcpus = {0};
	uint64_t total = 0;
	int r;

	if (guest->cell_count == 0 || guest->cell_count > HN_SET_MAX)
		return hn_fail(err, -EINVAL, "cells: %zu of them are not within 1..%d", guest->cell_count,
			       HN_SET_MAX);
	for (size_t i = 0; i < guest->cell_count; i++) {
		const struct hn_cell *cell = &guest->cells[i];

		if (cell->id < 0)
			return hn_fail(err, -EINVAL, "cells[%zu]: id %d is negative", i, cell->id);
		if (i && cell->id == cell[-1].id)
			return hn_fail(err, -EINVAL, "cells: id %d is there twice", cell->id);
		if (i && cell->id < cell[-1].id)
			return hn_fail(err, -EINVAL, "cells: id %d comes behind %d, out of order", cell->id,
				       cell[-1].id);
		if ((r = check_cell(cell, &total, &vcpus, err)) < 0) {
			hn_error_prefix(err, "cell %d", cell->id);
			return r;
		}
	}
	return 0;
}

/* -1 stands for a cell that is not known, or for the whole guest. */
static bool has_cell(const struct hn_guest *guest, int cell)
{
	return cell == -1 || hn_guest_cell_index(guest, cell) >= 0;
}

static int check_parts(const struct hn_guest *guest, struct hn_error *err)
{
	uint64_t total = 0;

	for (size_t i = 0; i < guest->thread_count; i++)
		if (!has_cell(guest, guest->threads[i].cell))
			return hn_fail(err, -EINVAL, "threads[%zu]: cell %d is the id of none of its cells",
				       i, guest->threads[i].cell);
	for (size_t i = 0; i < guest->backend_count; i++) {
		const struct hn_backend *backend = &guest->backends[i];

		if (!has_cell(guest, backend->cell))
			return hn_fail(err, -EINVAL, "backend '%s': cell %d is the id of none of its cells",
				       backend->id, backend->cell);
		if (backend->page_bytes && !is_power_of_two(backend->page_bytes))
			return hn_fail(err, -EINVAL,
				       "backend '%s': page_bytes %" PRIu64 " is no power of two", backend->id,
				       backend->page_bytes);
		if (backend->bytes > HN_MEMORY_MAX || (total += backend->bytes) > HN_MEMORY_MAX)
			return hn_fail(err, -EINVAL,
				       "backend '%s': bytes %" PRIu64
				       " brings the guest's to more than %" PRIu64,
				       backend->id, backend->bytes, HN_MEMORY_MAX);
	}
	return 0;
}

static int check_words(const struct hn_guest *guest, struct hn_error *err)
{
	if ((unsigned)guest->mode >= HN_MODE_COUNT)
		return hn_fail(err, -EINVAL, "mode %d is unknown", (int)guest->mode);
	if ((unsigned)guest->class >= HN_CLASS_COUNT)
		return hn_fail(err, -EINVAL, "class %d is unknown", (int)guest->class);
	if ((unsigned)guest->state >= HN_RUN_COUNT)
		return hn_fail(err, -EINVAL, "state %d is unknown", (int)guest->state);
	if (guest->near[0] && strcmp(guest->near, guest->apart) == 0)
		return hn_fail(err, -EINVAL, "near and apart both name the group '%s'", guest->near);
	if (guest->device_count > HN_GUEST_DEVICES_MAX)
		return hn_fail(err, -EINVAL, "devices: %zu of them are more than %d", guest->device_count,
			       HN_GUEST_DEVICES_MAX);
	for (size_t i = 0; i < guest->device_count; i++) {
		if (guest->devices[i][0] == '\0')
			return hn_fail(err, -EINVAL, "devices[%zu]: '' is empty", i);
		for (size_t j = 0; j < i; j++)
			if (strcmp(guest->devices[i], guest->devices[j]) == 0)
				return hn_fail(err, -EINVAL, "devices: '%s' is there twice",
					       guest->devices[i]);
	}
	return 0;
}

int hn_guest_check_shape(const struct hn_guest *guest, struct hn_error *err)
{
	int r;

	if (guest->name[0] == '\0')
		return hn_fail(err, -EINVAL, "guest: name '' is empty");
	if ((r = check_cells(guest, err)) < 0 || (r = check_parts(guest, err)) < 0 ||
	    (r = check_words(guest, err)) < 0)
		hn_error_prefix(err, "guest '%s'", guest->name);
	return r;
}

/* One that virtio-mem can give some later. */
static bool may_get_memory(const struct hn_guest *guest, const struct hn_cell *cell)
{
	for (size_t i = 0; i < guest->backend_count; i++)
		if (guest->backends[i].cell == cell->id && guest->backends[i].bytes > 0)
			return true;
	return false;
}

int hn_guest_check(const struct hn_guest *guest, struct hn_error *err)
{
	int r = hn_guest_check_shape(guest, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < guest->cell_count; i++) {
		const struct hn_cell *cell = &guest->cells[i];

		if (cell->memory_bytes == 0 && hn_set_empty(&cell->vcpus) && !may_get_memory(guest, cell))
			return hn_fail(err, -EINVAL,
				       "guest '%s': cell %d: memory_bytes 0 and no vcpus either", guest->name,
				       cell->id);
	}
	if (hn_guest_vcpu_count(guest) == 0)
		return hn_fail(err, -EINVAL, "guest '%s': vcpus: 0 of them in all cells", guest->name);
	if (hn_guest_memory_bytes(guest) == 0)
		return hn_fail(err, -EINVAL, "guest '%s': memory_bytes: 0 in all cells", guest->name);
	return 0;
}
