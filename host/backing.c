/*
 * backing - which mapping is which backend, told from outside.
 *
 * The size of a RAM block's mapping is the backend's, exactly. Order tells nothing: blocks are mapped from
 * the top of the address space down as they are made, but into any gap they fit (docs/host.md). So what is
 * left when names, sizes and policies have been used is left open.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "host/mappings.h"

#define QEMU_FILE "qemu_back_mem."
#define LIBVIRT_FOLDER "/qemu/ram/"

struct match {
	struct hn_guest *guest;
	const struct hn_mapping *mappings;
	size_t count;
	struct hn_backing_notes *notes;
};

static void __attribute__((format(printf, 2, 3)))
note(struct hn_backing_notes *notes, const char *format, ...)
{
	va_list arguments;

	if (notes->count == HN_BACKING_NOTES_MAX)
		return;
	va_start(arguments, format);
	vsnprintf(notes->notes[notes->count++], HN_ERROR_MAX, format, arguments);
	va_end(arguments);
}

/*
 * The id that a memory file's name carries, "" none. QEMU makes qemu_back_mem.ID.RANDOM in a folder it is
 * given, ID "_objects_" and the backend's id with older machine types; a file it is given by name is called
 * after the backend by libvirt (.../qemu/ram/GUEST/ram-node0).
 */
static void id_of(const char *name, char *ret, size_t size)
{
	const char *file = basename(name), *end;

	*ret = '\0';
	if (strncmp(file, QEMU_FILE, strlen(QEMU_FILE)) == 0) {
		file += strlen(QEMU_FILE);
		end = strrchr(file, '.');
		if (strncmp(file, "_objects_", strlen("_objects_")) == 0)
			file += strlen("_objects_");
		snprintf(ret, size, "%.*s", (int)(end && end > file ? end - file : (long)strlen(file)), file);
	} else if (strstr(name, LIBVIRT_FOLDER)) {
		snprintf(ret, size, "%s", file);
	}
}

/* What never is guest memory though its size may fit. */
static bool is_foreign(const struct hn_mapping *mapping)
{
	return mapping->name[0] == '[' || strncmp(mapping->name, "/SYSV", 5) == 0 ||
	       (strncmp(mapping->name, "/dev/", 5) == 0 && strncmp(mapping->name, "/dev/shm/", 9) != 0 &&
		strncmp(mapping->name, "/dev/hugepages", 14) != 0 &&
		strncmp(mapping->name, "/dev/dax", 8) != 0 && strcmp(mapping->name, "/dev/zero") != 0);
}

static bool is_taken(const struct match *match, size_t mapping)
{
	for (size_t i = 0; i < match->guest->backend_count; i++)
		if (match->guest->backends[i].host_address == match->mappings[mapping].start)
			return true;
	return false;
}

static void take(const struct match *match, size_t backend, size_t mapping)
{
	struct hn_backend *which = &match->guest->backends[backend];
	const struct hn_mapping *found = &match->mappings[mapping];

	which->host_address = found->start;
	which->page_bytes = found->page_bytes;
	which->shared = found->shared;
	if (!found->policy[0])
		return;
	memcpy(which->policy, found->policy, sizeof(which->policy));
	which->host_nodes = found->nodes;
}

/*
 * Whether the file is called after the backend. A file that libvirt names has a device's alias for its name,
 * to which the backend's id is "mem" and the alias (qemuGetMemoryBackingPath).
 */
static bool is_called(const struct match *match, size_t mapping, const char *id)
{
	const char *name = match->mappings[mapping].name;
	char said[HN_NAME_MAX];

	id_of(name, said, sizeof(said));
	if (!said[0] || strcmp(said, id) == 0)
		return said[0];
	return strstr(name, LIBVIRT_FOLDER) && strncmp(id, "mem", strlen("mem")) == 0 &&
	       strcmp(said, id + strlen("mem")) == 0;
}

/* Such a file is no other's, whatever its size. */
static bool is_called_after_any(const struct match *match, size_t mapping)
{
	for (size_t i = 0; i < match->guest->backend_count; i++)
		if (is_called(match, mapping, match->guest->backends[i].id))
			return true;
	return false;
}

static void match_by_name(const struct match *match, size_t backend)
{
	struct hn_backend *which = &match->guest->backends[backend];
	size_t found = 0, at = 0;

	for (size_t i = 0; i < match->count; i++)
		if (is_called(match, i, which->id) && match->mappings[i].bytes == which->bytes) {
			found++;
			at = i;
		}
	if (found == 1)
		take(match, backend, at);
}

static bool is_open(const struct match *match, size_t backend)
{
	return match->guest->backends[backend].host_address == 0;
}

static bool could_be(const struct match *match, size_t mapping, uint64_t bytes)
{
	return match->mappings[mapping].bytes == bytes && !is_foreign(&match->mappings[mapping]) &&
	       !is_taken(match, mapping) && !is_called_after_any(match, mapping);
}

/* Backends and mappings of one size that are still open; policy and nodes narrow them down when given. */
struct group {
	uint64_t bytes;
	const char *policy; /* NULL any */
	const struct hn_set *nodes;
	size_t backends, mappings;
	bool one_cell;
};

static bool policy_fits(const struct group *group, const char *policy, const struct hn_set *nodes)
{
	return !group->policy || (strcmp(group->policy, policy) == 0 && hn_set_equal(group->nodes, nodes));
}

static bool backend_in(const struct match *match, const struct group *group, size_t backend)
{
	const struct hn_backend *which = &match->guest->backends[backend];

	return is_open(match, backend) && which->bytes == group->bytes &&
	       policy_fits(group, which->policy, &which->host_nodes);
}

static bool mapping_in(const struct match *match, const struct group *group, size_t mapping)
{
	return could_be(match, mapping, group->bytes) &&
	       policy_fits(group, match->mappings[mapping].policy, &match->mappings[mapping].nodes);
}

static void group_count(const struct match *match, struct group *group)
{
	int cell = 0;

	group->backends = group->mappings = 0;
	group->one_cell = true;
	for (size_t i = 0; i < match->guest->backend_count; i++) {
		if (!backend_in(match, group, i))
			continue;
		if (group->backends++ > 0 && match->guest->backends[i].cell != cell)
			group->one_cell = false;
		cell = match->guest->backends[i].cell;
	}
	for (size_t i = 0; i < match->count; i++)
		group->mappings += mapping_in(match, group, i);
}

static bool is_told(const struct group *group)
{
	return group->backends == group->mappings && (group->backends == 1 || group->one_cell);
}

/* Those of a group that is told: in order, which matters to nobody when they are several. */
static void group_take(const struct match *match, const struct group *group)
{
	size_t mapping = 0;

	for (size_t i = 0; i < match->guest->backend_count; i++) {
		if (!backend_in(match, group, i))
			continue;
		while (mapping < match->count && !mapping_in(match, group, mapping))
			mapping++;
		if (mapping < match->count)
			take(match, i, mapping);
	}
}

/* Every open backend of that size has a policy, and as many mappings have each of them. */
static bool policies_agree(const struct match *match, uint64_t bytes)
{
	for (size_t i = 0; i < match->guest->backend_count; i++) {
		const struct hn_backend *backend = &match->guest->backends[i];
		struct group group = {bytes, backend->policy, &backend->host_nodes, 0, 0, false};

		if (!is_open(match, i) || backend->bytes != bytes)
			continue;
		group_count(match, &group);
		if (!backend->policy[0] || group.backends != group.mappings)
			return false;
	}
	return true;
}

static void match_by_policy(const struct match *match, uint64_t bytes)
{
	if (!policies_agree(match, bytes))
		return;
	for (size_t i = 0; i < match->guest->backend_count; i++) {
		struct hn_backend *backend = &match->guest->backends[i];
		char policy[sizeof(backend->policy)];
		struct hn_set nodes = backend->host_nodes;
		struct group group = {bytes, policy, &nodes, 0, 0, false};

		memcpy(policy, backend->policy, sizeof(policy));
		if (!is_open(match, i) || backend->bytes != bytes)
			continue;
		group_count(match, &group);
		if (is_told(&group))
			group_take(match, &group);
	}
}

/* Whether the open backends of that size have policies that differ, and the mappings' were not read. */
static bool policies_could_tell(const struct match *match, uint64_t bytes)
{
	const struct hn_backend *first = NULL;
	bool differ = false;

	for (size_t i = 0; i < match->guest->backend_count; i++) {
		const struct hn_backend *backend = &match->guest->backends[i];

		if (!is_open(match, i) || backend->bytes != bytes)
			continue;
		if (!backend->policy[0])
			return false;
		if (first && (strcmp(first->policy, backend->policy) != 0 ||
			      !hn_set_equal(&first->host_nodes, &backend->host_nodes)))
			differ = true;
		first = backend;
	}
	for (size_t i = 0; i < match->count; i++)
		if (could_be(match, i, bytes) && match->mappings[i].policy[0])
			return false;
	return differ;
}

/* The ids of a group, with commas, cut where they get too long for a sentence. */
static const char *ids_format(const struct match *match, uint64_t bytes, char *buffer, size_t size)
{
	size_t used = 0;

	buffer[0] = '\0';
	for (size_t i = 0; i < match->guest->backend_count && used + 4 < size; i++) {
		int more;

		if (!is_open(match, i) || match->guest->backends[i].bytes != bytes)
			continue;
		more = snprintf(buffer + used, size - used, "%s'%s'", used ? ", " : "",
				match->guest->backends[i].id);
		used += more > 0 ? (size_t)more : 0;
	}
	return buffer;
}

static void note_group(const struct match *match, const struct group *group)
{
	char size[HN_UNITS_TEXT_MAX], ids[160];

	hn_bytes_format(group->bytes, size, sizeof(size));
	ids_format(match, group->bytes, ids, sizeof(ids));
	if (group->mappings < group->backends)
		note(match->notes,
		     "of the guest's memory %s (%s each) only %zu of %zu pieces are found in the process",
		     ids, size, group->mappings, group->backends);
	else
		note(match->notes,
		     "which of %zu mappings of %s is the guest's memory %s cannot be told from outside; give "
		     "the "
		     "guest a second QMP socket or allow its monitor to be asked",
		     group->mappings, size, ids);
}

static void match_by_size(const struct match *match, uint64_t bytes)
{
	struct group group = {.bytes = bytes};

	group_count(match, &group);
	if (!is_told(&group))
		match_by_policy(match, bytes);
	group_count(match, &group);
	if (group.backends == 0)
		return;
	if (is_told(&group)) {
		group_take(match, &group);
		return;
	}
	if (group.mappings >= group.backends && policies_could_tell(match, bytes))
		match->notes->ambiguous = true;
	note_group(match, &group);
}

/* The first open backend of its size: the others of that size are matched with it. */
static bool leads_its_size(const struct match *match, size_t backend)
{
	for (size_t i = 0; i < backend; i++)
		if (is_open(match, i) &&
		    match->guest->backends[i].bytes == match->guest->backends[backend].bytes)
			return false;
	return is_open(match, backend);
}

void hn_backing_match(struct hn_guest *guest, const struct hn_mapping *mappings, size_t count,
		      struct hn_backing_notes *ret)
{
	struct match match = {guest, mappings, count, ret};

	*ret = (struct hn_backing_notes){0};
	for (size_t i = 0; i < guest->backend_count; i++)
		guest->backends[i].host_address = 0;
	for (size_t i = 0; i < guest->backend_count; i++)
		match_by_name(&match, i);
	for (size_t i = 0; i < guest->backend_count; i++)
		if (leads_its_size(&match, i))
			match_by_size(&match, guest->backends[i].bytes);
}
