#include "model/guest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "model/names.h"

static const char *const mode_names[HN_MODE_COUNT] = {"off", "observe", "advise", "enforce"};
static const char *const class_names[HN_CLASS_COUNT] = {"shared", "dedicated", "realtime"};
static const char *const run_state_names[HN_RUN_COUNT] = {"unknown", "running", "paused", "incoming",
							  "shutdown"};
static const char *const thread_kind_names[HN_THREAD_KIND_COUNT] = {"vcpu", "iothread", "emulator", "vhost",
								    "helper"};
static const char *const movability_names[HN_MOVABILITY_COUNT] = {"movable", "pinned", "encrypted", "unknown",
								  "large-pages"};
static const char *const backing_names[HN_BACKING_COUNT] = {"unknown", "anonymous", "shmem",
							    "file",    "hugetlb",   "device"};

/* The name and the parse function of one enum over its table. */
#define DEFINE_NAMES(prefix, type, table, what)                                 \
	const char *prefix##_name(type value)                                   \
	{                                                                       \
		return hn_name_of(table, HN_COUNT(table), (size_t)value);       \
	}                                                                       \
	int prefix##_parse(const char *text, type *ret, struct hn_error *err)   \
	{                                                                       \
		int r = hn_name_parse(table, HN_COUNT(table), what, text, err); \
		if (r < 0)                                                      \
			return r;                                               \
		*ret = (type)r;                                                 \
		return 0;                                                       \
	}

DEFINE_NAMES(hn_mode, enum hn_mode, mode_names, "mode")
DEFINE_NAMES(hn_class, enum hn_class, class_names, "class")
DEFINE_NAMES(hn_run_state, enum hn_run_state, run_state_names, "run state")
DEFINE_NAMES(hn_thread_kind, enum hn_thread_kind, thread_kind_names, "thread kind")
DEFINE_NAMES(hn_movability, enum hn_movability, movability_names, "movability")
DEFINE_NAMES(hn_backing, enum hn_backing, backing_names, "backing")

void hn_guest_free(struct hn_guest *guest)
{
	if (!guest)
		return;
	free(guest->cells);
	free(guest->threads);
	free(guest->backends);
	free(guest->devices);
	free(guest);
}

struct hn_guest *hn_guest_new(const char *name)
{
	struct hn_guest *guest = calloc(1, sizeof(*guest));

	if (guest)
		snprintf(guest->name, sizeof(guest->name), "%s", name);
	return guest;
}

static int copy_array(void *ret_slot, const void *array, size_t count, size_t size)
{
	void *copy;

	if (count == 0)
		return 0;
	copy = malloc(count * size);
	if (!copy)
		return -1;
	memcpy(copy, array, count * size);
	memcpy(ret_slot, &copy, sizeof(copy));
	return 0;
}

struct hn_guest *hn_guest_copy(const struct hn_guest *guest)
{
	HN_AUTO(hn_guest) struct hn_guest *copy = malloc(sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *guest;
	copy->cells = NULL;
	copy->threads = NULL;
	copy->backends = NULL;
	copy->devices = NULL;
	if (copy_array(&copy->cells, guest->cells, guest->cell_count, sizeof(*guest->cells)) < 0 ||
	    copy_array(&copy->threads, guest->threads, guest->thread_count, sizeof(*guest->threads)) < 0 ||
	    copy_array(&copy->backends, guest->backends, guest->backend_count, sizeof(*guest->backends)) <
		    0 ||
	    copy_array(&copy->devices, guest->devices, guest->device_count, sizeof(*guest->devices)) < 0)
		return NULL;
	return hn_steal(copy);
}

/* Grows an array by one zeroed element; the slot is a pointer to the array's pointer. */
static void *append(void *slot, size_t *count, size_t size)
{
	void *array, *grown;

	memcpy(&array, slot, sizeof(array));
	grown = reallocarray(array, *count + 1, size);
	if (!grown)
		return NULL;
	memcpy(slot, &grown, sizeof(grown));
	return memset((char *)grown + (*count)++ * size, 0, size);
}

struct hn_cell *hn_guest_add_cell(struct hn_guest *guest, int id)
{
	struct hn_cell *cell = append(&guest->cells, &guest->cell_count, sizeof(*guest->cells));

	if (cell)
		cell->id = id;
	return cell;
}

struct hn_thread *hn_guest_add_thread(struct hn_guest *guest, pid_t tid, enum hn_thread_kind kind)
{
	struct hn_thread *thread = append(&guest->threads, &guest->thread_count, sizeof(*guest->threads));

	if (thread) {
		thread->tid = tid;
		thread->kind = kind;
		thread->vcpu = -1;
		thread->cell = -1;
	}
	return thread;
}

struct hn_backend *hn_guest_add_backend(struct hn_guest *guest, const char *id)
{
	struct hn_backend *backend =
		append(&guest->backends, &guest->backend_count, sizeof(*guest->backends));

	if (backend) {
		snprintf(backend->id, sizeof(backend->id), "%s", id);
		backend->cell = -1;
	}
	return backend;
}

int hn_guest_add_device(struct hn_guest *guest, const char *name)
{
	char(*device)[32] = append(&guest->devices, &guest->device_count, sizeof(*guest->devices));

	if (!device)
		return -ENOMEM;
	snprintf(*device, sizeof(*device), "%s", name);
	return 0;
}

int hn_guest_cell_index(const struct hn_guest *guest, int cell_id)
{
	for (size_t i = 0; i < guest->cell_count; i++)
		if (guest->cells[i].id == cell_id)
			return (int)i;
	return -1;
}

bool hn_guest_same_vcpus(const struct hn_guest *a, const struct hn_guest *b)
{
	if (a->cell_count != b->cell_count)
		return false;
	for (size_t i = 0; i < a->cell_count; i++)
		if (a->cells[i].id != b->cells[i].id || !hn_set_equal(&a->cells[i].vcpus, &b->cells[i].vcpus))
			return false;
	return true;
}

bool hn_guest_same_cells(const struct hn_guest *a, const struct hn_guest *b)
{
	if (!hn_guest_same_vcpus(a, b))
		return false;
	for (size_t i = 0; i < a->cell_count; i++)
		if (a->cells[i].memory_bytes != b->cells[i].memory_bytes)
			return false;
	return true;
}

static bool lets(const struct hn_set *allowed, int node)
{
	return hn_set_empty(allowed) || hn_set_has(allowed, node);
}

bool hn_guest_allows(const struct hn_guest *guest, size_t cell, int node)
{
	return lets(&guest->allowed_nodes, node) && lets(&guest->cells[cell].allowed_nodes, node);
}

void hn_guest_allow_all(struct hn_guest *guest)
{
	hn_set_clear(&guest->allowed_nodes);
	for (size_t i = 0; i < guest->cell_count; i++)
		hn_set_clear(&guest->cells[i].allowed_nodes);
}

uint64_t hn_guest_memory_bytes(const struct hn_guest *guest)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < guest->cell_count; i++)
		bytes += guest->cells[i].memory_bytes;
	return bytes;
}

uint64_t hn_guest_largest_page(const struct hn_guest *guest, int cell_id)
{
	uint64_t largest = 0;

	for (size_t i = 0; i < guest->backend_count; i++)
		if (guest->backends[i].cell == cell_id && guest->backends[i].page_bytes > largest)
			largest = guest->backends[i].page_bytes;
	return largest;
}

static uint64_t bytes_in_pages(const struct hn_guest *guest, const struct hn_cell *cell, uint64_t page_bytes)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < guest->backend_count; i++)
		if (guest->backends[i].cell == cell->id && guest->backends[i].page_bytes == page_bytes)
			bytes += guest->backends[i].bytes;
	return bytes;
}

uint64_t hn_guest_cell_pages(const struct hn_guest *guest, size_t cell, uint64_t base_page_bytes)
{
	const struct hn_cell *of = &guest->cells[cell];
	uint64_t chosen = 0;
	uint64_t most = bytes_in_pages(guest, of, 0) + bytes_in_pages(guest, of, base_page_bytes);

	for (size_t i = 0; i < guest->backend_count; i++) {
		uint64_t page = guest->backends[i].page_bytes, bytes;

		if (guest->backends[i].cell != of->id || page <= base_page_bytes || of->memory_bytes % page)
			continue;
		bytes = bytes_in_pages(guest, of, page);
		if (bytes <= most)
			continue;
		most = bytes;
		chosen = page;
	}
	return chosen;
}

bool hn_guest_cell_movable(const struct hn_guest *guest, size_t cell)
{
	for (size_t i = 0; i < guest->backend_count; i++)
		if (guest->backends[i].cell == guest->cells[cell].id &&
		    guest->backends[i].movability != HN_MOVABLE)
			return false;
	return true;
}

int hn_guest_vcpu_count(const struct hn_guest *guest)
{
	int count = 0;

	for (size_t i = 0; i < guest->cell_count; i++)
		count += hn_set_count(&guest->cells[i].vcpus);
	return count;
}

bool hn_guest_is_untouchable(const struct hn_guest *guest)
{
	return guest->class == HN_CLASS_REALTIME && !guest->window_open &&
	       (guest->state == HN_RUN_RUNNING || guest->state == HN_RUN_UNKNOWN);
}
