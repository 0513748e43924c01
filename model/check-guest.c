#include "model/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool is_power_of_two(uint64_t number)
{
	return number != 0 && (number & (number - 1)) == 0;
}

/* One that virtio-mem can give some later. */
static bool may_get_memory(const struct hn_guest *guest, const struct hn_cell *cell)
{
	for (size_t i = 0; i < guest->backend_count; i++)
		if (guest->backends[i].cell == cell->id && guest->backends[i].bytes > 0)
			return true;
	return false;
}

static int check_cell(const struct hn_guest *guest, const struct hn_cell *cell, uint64_t *total,
		      struct hn_set *vcpus, struct hn_error *err)
{
	struct hn_set twice = cell->vcpus;

	if (cell->memory_bytes == 0 && hn_set_empty(&cell->vcpus) && !may_get_memory(guest, cell))
		return hn_fail(err, -EINVAL, "memory_bytes 0 and no vcpus either");
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
	size_t vcpu_count;
	int r;

	if (guest->cell_count == 0)
		return hn_fail(err, -EINVAL, "cells: 0 of them");
	for (size_t i = 0; i < guest->cell_count; i++) {
		const struct hn_cell *cell = &guest->cells[i];

		if (cell->id < 0)
			return hn_fail(err, -EINVAL, "cells[%zu]: id %d is negative", i, cell->id);
		if (i && cell->id == cell[-1].id)
			return hn_fail(err, -EINVAL, "cells: id %d is there twice", cell->id);
		if (i && cell->id < cell[-1].id)
			return hn_fail(err, -EINVAL, "cells: id %d comes behind %d, out of order", cell->id,
				       cell[-1].id);
		if ((r = check_cell(guest, cell, &total, &vcpus, err)) < 0) {
			hn_error_prefix(err, "cell %d", cell->id);
			return r;
		}
	}
	vcpu_count = (size_t)hn_set_count(&vcpus);
	if (vcpu_count == 0)
		return hn_fail(err, -EINVAL, "vcpus: 0 of them in all cells");
	if (guest->cell_count > vcpu_count)
		return hn_fail(err, -EINVAL, "cells: %zu of them are more than its %zu vcpus",
			       guest->cell_count, vcpu_count);
	if (total == 0)
		return hn_fail(err, -EINVAL, "memory_bytes: 0 in all cells");
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

static int check_nodes(const struct hn_set *nodes, const char *whose, const struct hn_host *host,
		       struct hn_error *err)
{
	HN_SET_FOREACH (node, nodes) {
		if (hn_host_node_index(host, node) < 0)
			return hn_fail(err, -EINVAL, "%sallowed_nodes: id %d is no node of the host's", whose,
				       node);
	}
	return 0;
}

/* One of the nodes that a cell is allowed can be a home. */
static int check_cell_allowed(const struct hn_guest *guest, size_t cell, const struct hn_host *host,
			      struct hn_error *err)
{
	const struct hn_set *own = &guest->cells[cell].allowed_nodes;
	struct hn_set homes = hn_host_home_nodes(host);
	char whose[32], text[64];
	int r;

	snprintf(whose, sizeof(whose), "cells[%zu].", cell);
	if ((r = check_nodes(own, whose, host, err)) < 0)
		return r;
	HN_SET_FOREACH (node, &homes) {
		if (hn_guest_allows(guest, cell, node))
			return 0;
	}
	return hn_fail(err, -EINVAL, "%sallowed_nodes: %s have no node with CPUs and memory among them%s",
		       whose, hn_set_format(own, text, sizeof(text)),
		       hn_set_empty(&guest->allowed_nodes) ? "" : " that the guest is allowed");
}

static int check_allowed(const struct hn_guest *guest, const struct hn_host *host, struct hn_error *err)
{
	struct hn_set homes = hn_host_home_nodes(host), allowed = guest->allowed_nodes;
	char text[64];
	int r = check_nodes(&allowed, "", host, err);

	hn_set_and(&allowed, &homes);
	if (r == 0 && !hn_set_empty(&guest->allowed_nodes) && hn_set_empty(&allowed))
		r = hn_fail(err, -EINVAL, "allowed_nodes: %s have no node with CPUs and memory among them",
			    hn_set_format(&guest->allowed_nodes, text, sizeof(text)));
	for (size_t cell = 0; r == 0 && cell < guest->cell_count; cell++)
		if (!hn_set_empty(&guest->cells[cell].allowed_nodes))
			r = check_cell_allowed(guest, cell, host, err);
	return r;
}

int hn_guest_check(const struct hn_guest *guest, const struct hn_host *host, struct hn_error *err)
{
	int r;

	if (guest->name[0] == '\0')
		return hn_fail(err, -EINVAL, "guest: name '' is empty");
	if ((r = check_cells(guest, err)) < 0 || (r = check_parts(guest, err)) < 0 ||
	    (r = check_words(guest, err)) < 0 || (host && (r = check_allowed(guest, host, err)) < 0))
		hn_error_prefix(err, "guest '%s'", guest->name);
	return r;
}
