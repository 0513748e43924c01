/*
 * domain-cells - vCPUs and the cells they are in.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "xml/domain-parts.h"

/* <vcpus> tells of each vCPU whether it is there. */
static int read_enabled(xmlNodePtr vcpus, uint64_t most, struct hn_set *present, struct hn_error *err)
{
	HN_XML_FOREACH(vcpu, vcpus, "vcpu")
	{
		uint64_t id;
		int r = hn_xml_number(vcpu, "id", 0, most - 1, &id, err);

		if (r < 0)
			return r;
		if (hn_xml_is(vcpu, "enabled", "yes"))
			hn_set_add(present, (int)id);
		else if (hn_xml_is(vcpu, "enabled", "no"))
			hn_set_remove(present, (int)id);
		else
			return hn_xml_fail(vcpu, err, "enabled is neither yes nor no");
	}
	return 0;
}

int hn_domain_vcpus_read(xmlNodePtr domain, struct hn_set *all, struct hn_set *present, struct hn_error *err)
{
	xmlNodePtr vcpu = hn_xml_child(domain, "vcpu");
	uint64_t most = 1, current;
	int r;

	if (vcpu && (r = hn_xml_number(vcpu, NULL, 1, HN_SET_MAX, &most, err)) < 0)
		return r;
	current = most;
	if (vcpu && hn_xml_has(vcpu, "current") &&
	    (r = hn_xml_number(vcpu, "current", 1, most, &current, err)) < 0)
		return r;
	for (int i = 0; i < (int)most; i++) {
		hn_set_add(all, i);
		if (i < (int)current)
			hn_set_add(present, i);
	}
	return read_enabled(hn_xml_child(domain, "vcpus"), most, present, err);
}

/* source: the cell's element, or <memory>; what a cell does not say of sharing, the guest's default does. */
static int add_backend(xmlNodePtr domain, xmlNodePtr source, const char *id, const struct hn_cell *cell,
		       struct hn_guest *guest, struct hn_error *err)
{
	struct hn_backend *backend = hn_guest_add_backend(guest, id);
	xmlNodePtr access = hn_xml_child(hn_xml_child(domain, "memoryBacking"), "access");

	if (!backend)
		return hn_oom(err);
	backend->cell = cell->id;
	backend->bytes = cell->memory_bytes;
	backend->shared = hn_xml_has(source, "memAccess") ? hn_xml_is(source, "memAccess", "shared")
							  : hn_xml_is(access, "mode", "shared");
	return 0;
}

/* Takes the cell's vCPUs out of those left. */
static int read_cpus(xmlNodePtr element, int vcpu_count, struct hn_set *left, struct hn_set *ret,
		     struct hn_error *err)
{
	struct hn_set cpus, twice;
	int r, beyond;

	if (!hn_xml_has(element, "cpus"))
		return 0;
	if ((r = hn_xml_set(element, "cpus", &cpus, err)) < 0)
		return r;
	beyond = hn_set_next(&cpus, vcpu_count);
	if (beyond >= 0)
		return hn_xml_fail(element, err, "cpus names vCPU %d, but the guest has %d", beyond,
				   vcpu_count);
	twice = cpus;
	hn_set_subtract(&twice, left);
	if (!hn_set_empty(&twice))
		return hn_xml_fail(element, err, "cpus names vCPU %d, which another cell has too",
				   hn_set_next(&twice, 0));
	hn_set_subtract(left, &cpus);
	*ret = cpus;
	return 0;
}

static int read_cell(xmlNodePtr domain, xmlNodePtr element, int vcpu_count, struct hn_set *left,
		     struct hn_guest *guest, struct hn_error *err)
{
	uint64_t id = guest->cell_count;
	struct hn_cell *cell;
	char name[32];
	int r = 0;

	if (hn_xml_has(element, "id") && (r = hn_xml_number(element, "id", 0, HN_SET_MAX - 1, &id, err)) < 0)
		return r;
	if (id >= HN_SET_MAX)
		return hn_xml_fail(element, err, "a guest of more than %d cells is not handled", HN_SET_MAX);
	if (hn_guest_cell_index(guest, (int)id) >= 0)
		return hn_xml_fail(element, err, "id %d is there twice", (int)id);
	cell = hn_guest_add_cell(guest, (int)id);
	if (!cell)
		return hn_oom(err);
	if ((r = read_cpus(element, vcpu_count, left, &cell->vcpus, err)) < 0 ||
	    (r = hn_xml_bytes(element, "memory", &cell->memory_bytes, err)) < 0)
		return r;
	snprintf(name, sizeof(name), "ram-node%d", cell->id);
	return add_backend(domain, element, name, cell, guest, err);
}

static int compare_cells(const void *a, const void *b)
{
	const struct hn_cell *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int read_cells(xmlNodePtr domain, xmlNodePtr numa, const struct hn_set *all,
		      const struct hn_set *present, struct hn_guest *guest, struct hn_error *err)
{
	struct hn_set left = *all;
	int r;

	HN_XML_FOREACH(element, numa, "cell")
	{
		if ((r = read_cell(domain, element, hn_set_count(all), &left, guest, err)) < 0)
			return r;
	}
	qsort(guest->cells, guest->cell_count, sizeof(*guest->cells), compare_cells);
	hn_set_or(&guest->cells[0].vcpus, &left);
	for (size_t i = 0; i < guest->cell_count; i++)
		hn_set_and(&guest->cells[i].vcpus, present);
	return 0;
}

/* Without cells the guest is one. */
static int make_one_cell(xmlNodePtr domain, const struct hn_set *present, struct hn_guest *guest,
			 struct hn_error *err)
{
	xmlNodePtr memory = hn_xml_child(domain, "memory");
	struct hn_cell *cell;
	int r;

	if (!memory)
		return hn_xml_fail(domain, err, "<memory> is missing");
	cell = hn_guest_add_cell(guest, 0);
	if (!cell)
		return hn_oom(err);
	cell->vcpus = *present;
	if ((r = hn_xml_bytes(memory, NULL, &cell->memory_bytes, err)) < 0)
		return r;
	return add_backend(domain, memory, "pc.ram", cell, guest, err);
}

int hn_domain_cells_read(xmlNodePtr domain, struct hn_guest *guest, struct hn_error *err)
{
	xmlNodePtr numa = hn_xml_child(hn_xml_child(domain, "cpu"), "numa");
	struct hn_set all = {0}, present = {0};
	int r = hn_domain_vcpus_read(domain, &all, &present, err);

	if (r < 0)
		return r;
	return hn_xml_child(numa, "cell") ? read_cells(domain, numa, &all, &present, guest, err)
					  : make_one_cell(domain, &present, guest, err);
}
