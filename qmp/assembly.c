/*
 * A cell is every node that anything mentions: "info numa", a vCPU, a memory device. A guest without any is
 * one cell 0 that everything belongs to.
 */
#include "qmp/assembly.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/pages.h"

static void collect_cells(const struct hn_facts *facts, struct hn_set *ret)
{
	hn_set_clear(ret);
	for (size_t i = 0; i < facts->node_count; i++)
		hn_set_add(ret, facts->nodes[i].id);
	/* Without -numa QEMU gives DIMMs node 0 and vCPUs none: nothing to tell cells by. */
	for (size_t i = 0; i < facts->vcpu_count; i++)
		hn_set_add(ret, facts->vcpus[i].node);
	if (hn_set_empty(ret))
		hn_set_add(ret, 0);
	for (size_t i = 0; i < facts->device_count; i++)
		hn_set_add(ret, facts->devices[i].node);
}

/* A vCPU's own word counts most, then that of "info numa". */
static int cell_of_vcpu(const struct hn_facts *facts, const struct hn_guest *guest,
			const struct hn_fact_vcpu *vcpu)
{
	if (vcpu->node >= 0)
		return vcpu->node;
	for (size_t i = 0; i < facts->node_count; i++)
		if (hn_set_has(&facts->nodes[i].vcpus, vcpu->index))
			return facts->nodes[i].id;
	return guest->cells[0].id;
}

static int add_threads(const struct hn_facts *facts, struct hn_guest *guest, struct hn_error *err)
{
	for (size_t i = 0; i < facts->vcpu_count; i++) {
		const struct hn_fact_vcpu *vcpu = &facts->vcpus[i];
		struct hn_thread *thread = hn_guest_add_thread(guest, vcpu->tid, HN_THREAD_VCPU);

		if (!thread)
			return hn_oom(err);
		thread->vcpu = vcpu->index;
		thread->cell = cell_of_vcpu(facts, guest, vcpu);
		snprintf(thread->name, sizeof(thread->name), "CPU %d", vcpu->index);
		hn_set_add(&guest->cells[hn_guest_cell_index(guest, thread->cell)].vcpus, vcpu->index);
	}
	for (size_t i = 0; i < facts->iothread_count; i++) {
		struct hn_thread *thread =
			hn_guest_add_thread(guest, facts->iothreads[i].tid, HN_THREAD_IOTHREAD);

		if (!thread)
			return hn_oom(err);
		thread->vcpu = -1;
		thread->cell = -1;
		snprintf(thread->name, sizeof(thread->name), "%.*s", (int)sizeof(thread->name) - 1,
			 facts->iothreads[i].id);
	}
	return 0;
}

static struct hn_backend *add_backend(const struct hn_facts *facts, const struct hn_region *region,
				      struct hn_guest *guest)
{
	struct hn_backend *backend = hn_guest_add_backend(guest, region->id);

	if (!backend)
		return NULL;
	backend->cell = region->cell;
	backend->host_address = region->host_address;
	backend->bytes = region->bytes;
	backend->page_bytes = region->page_bytes;
	backend->dimm = region->device != NULL;
	if (region->memdev) {
		backend->shared = region->memdev->shared;
		backend->prealloc = region->memdev->prealloc;
		snprintf(backend->policy, sizeof(backend->policy), "%s", region->memdev->policy);
		backend->host_nodes = region->memdev->host_nodes;
	}
	backend->movability = HN_MOVABLE;
	if (facts->encrypted || (region->device && region->device->epc))
		backend->movability = HN_IMMOVABLE_ENCRYPTED;
	return backend;
}

/* One mapping that serves several nodes becomes one backend a node: its slices lie in the order of the nodes.
 */
static int add_slices(const struct hn_facts *facts, const struct hn_region *region, struct hn_guest *guest,
		      struct hn_error *err)
{
	uint64_t offset = 0;

	for (size_t i = 0; i < region->node_count; i++) {
		const struct hn_numa_node *node = &facts->nodes[region->first_node + i];
		uint64_t bytes = node->bytes - node->plugged_bytes;
		struct hn_backend *backend;

		if (node->plugged_bytes >= node->bytes)
			continue;
		backend = add_backend(facts, region, guest);
		if (!backend)
			return hn_oom(err);
		snprintf(backend->id, sizeof(backend->id), "%.100s/node%d", region->id, node->id);
		backend->cell = node->id;
		backend->bytes = bytes;
		if (backend->host_address)
			backend->host_address += offset;
		offset += bytes;
	}
	return 0;
}

static int add_backends(const struct hn_facts *facts, const struct hn_region *regions, size_t region_count,
			struct hn_guest *guest, struct hn_error *err)
{
	int r = 0;

	for (size_t i = 0; i < region_count && r == 0; i++) {
		if (regions[i].node_count > 1)
			r = add_slices(facts, &regions[i], guest, err);
		else if (!add_backend(facts, &regions[i], guest))
			r = hn_oom(err);
	}
	return r;
}

static uint64_t idle_bytes_of(const struct hn_facts *facts, const char *id)
{
	for (size_t i = 0; i < facts->device_count; i++)
		if (strcmp(facts->devices[i].memdev, id) == 0)
			return facts->devices[i].idle_bytes;
	return 0;
}

static void sum_memory(const struct hn_facts *facts, struct hn_guest *guest)
{
	for (size_t i = 0; i < guest->backend_count; i++) {
		const struct hn_backend *backend = &guest->backends[i];
		uint64_t idle = idle_bytes_of(facts, backend->id);
		int cell = hn_guest_cell_index(guest, backend->cell);

		if (cell >= 0)
			guest->cells[cell].memory_bytes += idle < backend->bytes ? backend->bytes - idle : 0;
	}
}

int hn_assembly_guest(struct hn_facts *facts, const struct hn_region *regions, size_t region_count,
		      const char *name, struct hn_guest **ret, struct hn_error *err)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = hn_guest_new(facts->name[0] ? facts->name : name);
	struct hn_set cells;
	int r;

	if (!guest)
		return hn_oom(err);
	snprintf(guest->uuid, sizeof(guest->uuid), "%s", facts->uuid);
	guest->state = facts->state;
	collect_cells(facts, &cells);
	HN_SET_FOREACH (id, &cells)
		if (!hn_guest_add_cell(guest, id))
			return hn_oom(err);
	r = add_threads(facts, guest, err);
	if (r == 0)
		r = add_backends(facts, regions, region_count, guest, err);
	if (r < 0)
		return r;
	if (region_count == 0)
		hn_facts_note(facts, "no memory of the guest was found");
	sum_memory(facts, guest);
	for (size_t i = 0; i < guest->cell_count; i++)
		guest->cells[i].page_bytes = hn_guest_cell_pages(guest, i, hn_base_page_bytes());
	*ret = hn_steal(guest);
	return 0;
}
