/*
 * domain-memory - what a guest's memory is made of: page sizes, sharing, DIMMs, and host nodes.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/pages.h"
#include "base/units.h"
#include "model/check.h"
#include "xml/domain-parts.h"

#define PAGE_LEAST 4096

/* Base pages are no huge ones to libvirt, either (qemuProcessNeedHugepagesPath). */
static void set_page_bytes(struct hn_guest *guest, const struct hn_set *cells, uint64_t page_bytes)
{
	for (size_t i = 0; i < guest->cell_count; i++)
		if (hn_set_has(cells, guest->cells[i].id))
			guest->cells[i].page_bytes = page_bytes == hn_base_page_bytes() ? 0 : page_bytes;
}

static struct hn_set cell_ids(const struct hn_guest *guest)
{
	struct hn_set ids = {0};

	for (size_t i = 0; i < guest->cell_count; i++)
		hn_set_add(&ids, guest->cells[i].id);
	return ids;
}

static int read_page_size(xmlNodePtr page, const char *attribute, uint64_t *ret, struct hn_error *err)
{
	int r = hn_xml_bytes(page, attribute, ret, err);

	if (r == 0 && (*ret < PAGE_LEAST || (*ret & (*ret - 1))))
		return hn_xml_fail(page, err, "size of %llu bytes is no power of two from %d on",
				   (unsigned long long)*ret, PAGE_LEAST);
	return r;
}

/* A page size for the cells in its nodeset; one without goes to the cells no other names. */
static int read_page(xmlNodePtr page, struct hn_set *named, struct hn_guest *guest, struct hn_error *err)
{
	struct hn_set cells = cell_ids(guest), beyond;
	uint64_t page_bytes;
	int r = read_page_size(page, "size", &page_bytes, err);

	if (r < 0)
		return r;
	if (!hn_xml_has(page, "nodeset")) {
		hn_set_subtract(&cells, named);
		set_page_bytes(guest, &cells, page_bytes);
		return 0;
	}
	if ((r = hn_xml_set(page, "nodeset", &beyond, err)) < 0)
		return r;
	set_page_bytes(guest, &beyond, page_bytes);
	hn_set_or(named, &beyond);
	hn_set_subtract(&beyond, &cells);
	if (!hn_set_empty(&beyond))
		return hn_xml_fail(page, err, "nodeset names cell %d, which the guest does not have",
				   hn_set_next(&beyond, 0));
	return 0;
}

static int read_huge_pages(xmlNodePtr huge, struct hn_guest *guest, struct hn_error *err)
{
	struct hn_set all = cell_ids(guest), named = {0};
	int r;

	if (!huge)
		return 0;
	if (!hn_xml_child(huge, "page"))
		set_page_bytes(guest, &all, hn_huge_page_bytes());
	HN_XML_FOREACH(page, huge, "page")
	{
		if ((r = read_page(page, &named, guest, err)) < 0)
			return r;
	}
	return 0;
}

int hn_domain_backing_read(xmlNodePtr domain, struct hn_guest *guest, struct hn_error *err)
{
	xmlNodePtr backing = hn_xml_child(domain, "memoryBacking");
	xmlNodePtr allocation = hn_xml_child(backing, "allocation");
	bool prealloc = hn_xml_is(allocation, "mode", "immediate") || hn_xml_child(backing, "locked");
	int r = read_huge_pages(hn_xml_child(backing, "hugepages"), guest, err);

	for (size_t i = 0; i < guest->backend_count; i++) {
		int cell = hn_guest_cell_index(guest, guest->backends[i].cell);

		guest->backends[i].page_bytes = guest->cells[cell].page_bytes;
		guest->backends[i].prealloc = prealloc || guest->cells[cell].page_bytes > 0;
	}
	return r;
}

static bool is_virtio_mem(xmlNodePtr device)
{
	return hn_xml_is(device, "model", "virtio-mem");
}

/* A part of what virtio-mem maps, 0 where nothing is said. hn_xml_bytes() takes no 0. */
static int read_part(xmlNodePtr target, const char *name, uint64_t mapped, uint64_t *ret,
		     struct hn_error *err)
{
	xmlNodePtr part = hn_xml_child(target, name);
	int r;

	*ret = 0;
	if (!part || (r = hn_xml_number(part, NULL, 0, INT64_MAX, ret, err)) < 0 || *ret == 0)
		return part ? r : 0;
	if ((r = hn_xml_bytes(part, NULL, ret, err)) < 0)
		return r;
	return *ret <= mapped ? 0 : hn_xml_fail(part, err, "is more than the size");
}

/*
 * What it maps, and what it gives: virtio-mem not all it could, but what is requested of it, be it nothing,
 * or what the guest has, as long as it has not given back what is no longer wanted.
 */
static int read_sizes(xmlNodePtr device, uint64_t *ret_mapped, uint64_t *ret_given, struct hn_error *err)
{
	xmlNodePtr target = hn_xml_child(device, "target"), size = hn_xml_child(target, "size");
	uint64_t current;
	int r;

	if (!size)
		return hn_xml_fail(device, err, "the target's size is missing");
	if ((r = hn_xml_bytes(size, NULL, ret_mapped, err)) < 0)
		return r;
	*ret_given = *ret_mapped;
	if (!is_virtio_mem(device) || !hn_xml_child(target, "requested"))
		return 0;
	if ((r = read_part(target, "requested", *ret_mapped, ret_given, err)) < 0 ||
	    (r = read_part(target, "current", *ret_mapped, &current, err)) < 0)
		return r;
	if (current > *ret_given)
		*ret_given = current;
	return 0;
}

/*
 * QEMU's object is called after the device's alias (qemuBuildMemoryDimmBackendStr in libvirt's
 * qemu_command.c): a DIMM's has its slot's number, virtio-mem's counts on its own, and an operator may give
 * another. What is not running has none, and is called by its place here.
 */
static void read_id(xmlNodePtr device, size_t place, char *ret, size_t size)
{
	xmlNodePtr alias = hn_xml_child(device, "alias");
	struct hn_error ignored;

	memcpy(ret, "mem", sizeof("mem"));
	if (!alias)
		snprintf(ret, size, "mem%s%zu", is_virtio_mem(device) ? "virtiomem" : "dimm", place);
	else if (hn_xml_text(alias, "name", ret + strlen("mem"), size - strlen("mem"), &ignored) < 0)
		snprintf(ret, size, "memory device %zu", place); /* its alias is longer than names are kept */
}

static int read_target_cell(xmlNodePtr device, struct hn_guest *guest, struct hn_cell **ret,
			    struct hn_error *err)
{
	xmlNodePtr node = hn_xml_child(hn_xml_child(device, "target"), "node");
	uint64_t id = 0;
	int r, cell;

	if (node && (r = hn_xml_number(node, NULL, 0, HN_SET_MAX - 1, &id, err)) < 0)
		return r;
	cell = hn_guest_cell_index(guest, (int)id);
	if (cell < 0)
		return hn_xml_fail(node ? node : device, err, "there is no cell %d", (int)id);
	*ret = &guest->cells[cell];
	return 0;
}

static uint64_t mapped_by(const struct hn_guest *guest, int cell)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < guest->backend_count; i++)
		bytes += guest->backends[i].cell == cell ? guest->backends[i].bytes : 0;
	return bytes;
}

static int read_memory_device(xmlNodePtr device, size_t place, struct hn_guest *guest, struct hn_error *err)
{
	xmlNodePtr source = hn_xml_child(device, "source");
	xmlNodePtr page = hn_xml_child(source, "pagesize"), nodes = hn_xml_child(source, "nodemask");
	struct hn_backend *backend;
	struct hn_cell *cell = NULL;
	uint64_t mapped = 0, given = 0;
	char id[HN_NAME_MAX];
	int r;

	if ((r = read_target_cell(device, guest, &cell, err)) < 0 ||
	    (r = read_sizes(device, &mapped, &given, err)) < 0)
		return r;
	read_id(device, place, id, sizeof(id));
	if (mapped > HN_MEMORY_MAX - mapped_by(guest, cell->id))
		return hn_xml_fail(device, err, "size brings cell %d to more than 2^63-1 bytes", cell->id);
	backend = hn_guest_add_backend(guest, id);
	if (!backend)
		return hn_oom(err);
	cell->memory_bytes += given;
	backend->cell = cell->id;
	backend->bytes = mapped;
	backend->dimm = true;
	backend->page_bytes = cell->page_bytes;
	if (page && (r = read_page_size(page, NULL, &backend->page_bytes, err)) < 0)
		return r;
	if (nodes && (r = hn_xml_set(nodes, NULL, &backend->host_nodes, err)) < 0)
		return r;
	if (nodes)
		snprintf(backend->policy, sizeof(backend->policy), "bind");
	return 0;
}

/* What is plugged in may be of smaller pages than the cell it is plugged into. */
static void choose_pages(struct hn_guest *guest)
{
	for (size_t i = 0; i < guest->backend_count; i++) {
		int index = hn_guest_cell_index(guest, guest->backends[i].cell);
		struct hn_cell *cell = &guest->cells[index];

		if (guest->backends[i].dimm && cell->page_bytes && cell->memory_bytes % cell->page_bytes)
			cell->page_bytes = hn_guest_cell_pages(guest, (size_t)index, hn_base_page_bytes());
	}
}

int hn_domain_memory_devices_read(xmlNodePtr domain, struct hn_guest *guest, struct hn_error *err)
{
	size_t place = 0;
	int r;

	HN_XML_FOREACH(device, hn_xml_child(domain, "devices"), "memory")
	{
		if (!hn_xml_is(device, "model", "dimm") && !is_virtio_mem(device))
			continue; /* NVDIMM and virtio-pmem are files, SGX is apart */
		if ((r = read_memory_device(device, place++, guest, err)) < 0)
			return r;
	}
	choose_pages(guest);
	return 0;
}

/* QEMU's word for libvirt's mode; restrictive leaves it to the cgroup. */
static int read_mode(xmlNodePtr element, char *policy, size_t size, bool *ret_binding, struct hn_error *err)
{
	char mode[20] = "strict";
	bool is_strict, is_restrictive;
	int r;

	if (hn_xml_has(element, "mode") && (r = hn_xml_text(element, "mode", mode, sizeof(mode), err)) < 0)
		return r;
	is_strict = strcmp(mode, "strict") == 0;
	is_restrictive = strcmp(mode, "restrictive") == 0;
	if (!is_strict && !is_restrictive && strcmp(mode, "preferred") != 0 &&
	    strcmp(mode, "interleave") != 0)
		return hn_xml_fail(element, err,
				   "mode '%s' is none of strict, preferred, interleave, restrictive", mode);
	*ret_binding = is_strict || is_restrictive;
	snprintf(policy, size, "%s", is_strict ? "bind" : is_restrictive ? "default" : mode);
	return 0;
}

static void set_nodes(struct hn_guest *guest, int cell, const char *policy, const struct hn_set *nodes)
{
	for (size_t i = 0; i < guest->backend_count; i++) {
		struct hn_backend *backend = &guest->backends[i];

		if ((cell >= 0 && backend->cell != cell) || (backend->dimm && backend->policy[0]))
			continue;
		snprintf(backend->policy, sizeof(backend->policy), "%s", policy);
		backend->host_nodes = *nodes;
	}
}

/* One cell's, for which it is in place of what <memory> says. */
static int read_memnode(xmlNodePtr element, struct hn_guest *guest, struct hn_error *err)
{
	char policy[16];
	struct hn_set set;
	uint64_t cell;
	bool binding;
	int r;

	if ((r = hn_xml_number(element, "cellid", 0, HN_SET_MAX - 1, &cell, err)) < 0 ||
	    (r = read_mode(element, policy, sizeof(policy), &binding, err)) < 0 ||
	    (r = hn_xml_set(element, "nodeset", &set, err)) < 0)
		return r;
	if (hn_guest_cell_index(guest, (int)cell) < 0)
		return hn_xml_fail(element, err, "cellid %d is no cell's", (int)cell);
	set_nodes(guest, (int)cell, policy, &set);
	if (binding)
		guest->cells[hn_guest_cell_index(guest, (int)cell)].allowed_nodes = set;
	return 0;
}

/* A guest all of whose cells are bound is allowed what they are together. */
static void collect_allowed(struct hn_guest *guest)
{
	struct hn_set nodes = {0};

	for (size_t i = 0; i < guest->cell_count; i++) {
		if (hn_set_empty(&guest->cells[i].allowed_nodes))
			return;
		hn_set_or(&nodes, &guest->cells[i].allowed_nodes);
	}
	guest->allowed_nodes = nodes;
}

int hn_domain_numatune_read(xmlNodePtr domain, struct hn_guest *guest, struct hn_error *err)
{
	xmlNodePtr tune = hn_xml_child(domain, "numatune"), memory = hn_xml_child(tune, "memory");
	struct hn_set set = {0};
	char policy[16];
	bool binding = false;
	int r;

	if (memory && (r = read_mode(memory, policy, sizeof(policy), &binding, err)) < 0)
		return r;
	if (memory && hn_xml_has(memory, "nodeset") && !hn_xml_is(memory, "placement", "auto")) {
		if ((r = hn_xml_set(memory, "nodeset", &set, err)) < 0)
			return r;
		set_nodes(guest, -1, policy, &set);
		if (!binding)
			hn_set_clear(&set);
	}
	for (size_t i = 0; i < guest->cell_count; i++)
		guest->cells[i].allowed_nodes = set;
	HN_XML_FOREACH(memnode, tune, "memnode")
	{
		if ((r = read_memnode(memnode, guest, err)) < 0)
			return r;
	}
	collect_allowed(guest);
	return 0;
}
