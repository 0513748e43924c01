/*
 * outside - what host/ sees of QEMUs without asking them, for the tests to compare with what QEMU says.
 *
 *     outside find                              a line each: PID PID_INSIDE CONTAINED NAME UUID LIBVIRT
 * MONITOR... outside helpers PID                       their process ids outside match PID
 * ID:CELL:BYTES[:POLICY:NODES]...   "ID ADDRESS" each, and "note SENTENCE"; reads policies when they are said
 * to tell more
 * "-" stands for nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "host/helpers.h"
#include "host/mappings.h"
#include "host/qemu-processes.h"

static const char *or_dash(const char *text)
{
	return text[0] ? text : "-";
}

static int find(struct hn_error *err)
{
	static const struct hn_qemu_container NOWHERE;
	HN_AUTO(hn_qemu_list) struct hn_qemu_list *list = NULL;
	int r = hn_qemu_processes_read(NULL, &list, err);

	for (size_t i = 0; r == 0 && i < list->count; i++) {
		const struct hn_qemu_process *found = &list->processes[i];
		const struct hn_qemu_container *container =
			found->container < 0 ? &NOWHERE : &list->containers[found->container];

		printf("%d %d %d %s %s %s", (int)found->process.pid, (int)found->pid_inside,
		       found->container >= 0, or_dash(found->name), or_dash(found->uuid),
		       or_dash(container->libvirt));
		for (size_t j = 0; j < HN_QEMU_SOCKETS_MAX && container->monitors[j][0]; j++)
			printf(" %s", container->monitors[j]);
		puts("");
	}
	return r;
}

static int helpers(const struct hn_process *process, struct hn_error *err)
{
	struct hn_process found[HN_HELPERS_MAX];
	size_t count = 0;
	int r = hn_helpers_find(NULL, process, found, &count, err);

	for (size_t i = 0; r == 0 && i < count; i++)
		printf("%d\n", (int)found[i].pid);
	return r;
}

static int add_backend(struct hn_guest *guest, const char *text, struct hn_error *err)
{
	char id[64], policy[16] = "", nodes[64] = "";
	struct hn_backend *backend;
	uint64_t bytes;
	int cell;

	if (sscanf(text, "%63[^:]:%d:%" SCNu64 ":%15[^:]:%63s", id, &cell, &bytes, policy, nodes) < 3)
		return hn_fail(err, -EINVAL, "no backend: %s", text);
	backend = hn_guest_add_backend(guest, id);
	if (!backend)
		return hn_oom(err);
	backend->cell = cell;
	backend->bytes = bytes;
	snprintf(backend->policy, sizeof(backend->policy), "%s", policy);
	return hn_set_parse(nodes, &backend->host_nodes, err);
}

static int match_once(const struct hn_process *process, struct hn_guest *guest, bool with_policies,
		      struct hn_backing_notes *notes, struct hn_error *err)
{
	HN_AUTO(memory) struct hn_mapping *mappings = NULL;
	size_t count = 0;
	int r = hn_mappings_read(NULL, process, 1 << 20, with_policies, &mappings, &count, err);

	if (r == 0)
		hn_backing_match(guest, mappings, count, notes);
	return r;
}

static int match(const struct hn_process *process, int argc, char **argv, struct hn_error *err)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = hn_guest_new("g");
	struct hn_backing_notes notes;
	int r = guest ? 0 : hn_oom(err);

	for (int i = 3; r == 0 && i < argc; i++)
		r = add_backend(guest, argv[i], err);
	if (r == 0)
		r = match_once(process, guest, false, &notes, err);
	if (r == 0 && notes.ambiguous)
		r = match_once(process, guest, true, &notes, err);
	for (size_t i = 0; r == 0 && i < guest->backend_count; i++)
		printf("%s %" PRIu64 "\n", guest->backends[i].id, guest->backends[i].host_address);
	for (size_t i = 0; r == 0 && i < notes.count; i++)
		printf("note %s\n", notes.notes[i]);
	return r;
}

int main(int argc, char **argv)
{
	struct hn_error err = {0};
	struct hn_process process;
	int r = -EINVAL;

	if (argc == 2 && strcmp(argv[1], "find") == 0)
		r = find(&err);
	else if (argc >= 3 && (r = hn_process_of_thread(NULL, atoi(argv[2]), &process, NULL, &err)) == 0)
		r = strcmp(argv[1], "helpers") == 0 ? helpers(&process, &err)
						    : match(&process, argc, argv, &err);
	if (r < 0)
		fprintf(stderr, "outside: %s\n", err.message);
	return r < 0;
}
