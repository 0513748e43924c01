/*
 * One command at a time: first the table of steps, then gpa2hva for each place that is asked about. Only run
 * state and vCPUs are indispensable, and the whole must be a guest that can be. Another command that QEMU
 * refuses (not there on this target or in this version) costs what it would have told, and a note; a
 * connection that fails ends the pass.
 *
 * The client answers each command exactly once, so the pass is kept until the answer to its last command is
 * in; when it was cancelled in between, that answer only frees it.
 */
#include "qmp/introspect.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "model/check.h"
#include "qmp/assembly.h"
#include "qmp/facts.h"
#include "qmp/regions.h"

#define PROBES_MAX 512 /* a guest with more places than that is no guest */

enum importance {
	REQUIRED,
	USEFUL,  /* missing is noted */
	CURIOUS, /* missing is normal */
};

static const struct step {
	const char *command;
	const char *argument; /* JSON of its arguments, NULL: none */
	enum importance importance;
	hn_facts_take take;
} steps[] = {
	{"query-status", NULL, REQUIRED, hn_facts_take_status},
	{"query-name", NULL, CURIOUS, hn_facts_take_name},
	{"query-uuid", NULL, CURIOUS, hn_facts_take_uuid},
	{"query-cpus-fast", NULL, REQUIRED, hn_facts_take_vcpus},
	{"query-iothreads", NULL, USEFUL, hn_facts_take_iothreads},
	{"query-memdev", NULL, USEFUL, hn_facts_take_memdevs},
	{"human-monitor-command", "info numa", USEFUL, hn_facts_take_numa},
	{"human-monitor-command", "info ramblock", USEFUL, hn_facts_take_ramblocks},
	{"human-monitor-command", "info mtree -f", USEFUL, hn_facts_take_mtree},
	/* behind the tree, so that it tells of all that is plugged in there: no event says that it was */
	{"query-memory-devices", NULL, CURIOUS, hn_facts_take_devices},
	{"query-sev", NULL, CURIOUS, hn_facts_take_sev},
	{"qom-get", "confidential-guest-support", CURIOUS, hn_facts_take_confidential},
};

struct hn_introspection {
	struct hn_qmp *qmp;
	char name[HN_NAME_MAX];
	hn_introspect_done done; /* NULL once called or cancelled */
	void *context;
	struct hn_facts facts;
	size_t step;
	struct hn_region *regions;
	size_t region_count, region, probe; /* of those, the ones asked about */
	size_t asked;
};

static void introspection_free(struct hn_introspection *pass)
{
	hn_facts_done(&pass->facts);
	free(pass->regions);
	free(pass);
}
HN_CLEANUP_DEFINE(introspection, struct hn_introspection *, introspection_free);

void hn_introspect_cancel(struct hn_introspection *introspection)
{
	if (introspection)
		introspection->done = NULL;
}

static void fail(struct hn_introspection *pass, struct hn_error *err)
{
	hn_introspect_done done = pass->done;

	pass->done = NULL;
	if (done)
		done(NULL, err, pass->context);
	introspection_free(pass);
}

static void succeed(struct hn_introspection *pass)
{
	HN_AUTO(introspection) struct hn_introspection *owned = pass;
	hn_introspect_done done = pass->done;
	struct hn_introspect_result result = {0};
	struct hn_error err;

	if (hn_assembly_guest(&pass->facts, pass->regions, pass->region_count, pass->name, &result.guest,
			      &err) < 0 ||
	    hn_guest_check_shape(result.guest, &err) < 0) {
		hn_guest_free(result.guest);
		fail(hn_steal(owned), &err);
		return;
	}
	result.note_count = pass->facts.note_count;
	result.notes = (const char *const *)pass->facts.notes;
	pass->done = NULL;
	done(&result, NULL, pass->context);
	hn_guest_free(result.guest);
}

/* qom-get's argument names a property of the machine, the human monitor's is a command line. */
static json_object *arguments_new(const struct step *step)
{
	HN_AUTO(json) json_object *arguments = json_object_new_object();
	int r;

	if (!arguments)
		return NULL;
	if (strcmp(step->command, "qom-get") == 0) {
		r = hn_json_add_string(arguments, "path", "/machine");
		if (r == 0)
			r = hn_json_add_string(arguments, "property", step->argument);
	} else {
		r = hn_json_add_string(arguments, "command-line", step->argument);
	}
	return r == 0 ? hn_steal(arguments) : NULL;
}

static int execute(struct hn_introspection *pass, const struct step *step, hn_qmp_reply reply,
		   struct hn_error *err)
{
	json_object *arguments = NULL;

	if (step->argument && !(arguments = arguments_new(step)))
		return hn_oom(err);
	return hn_qmp_execute(pass->qmp, step->command, arguments, 0, reply, pass, err);
}

static const struct hn_region_probe *next_probe(struct hn_introspection *pass)
{
	for (; pass->region < pass->region_count; pass->region++, pass->probe = 0) {
		const struct hn_region *region = &pass->regions[pass->region];
		/* Known from "info ramblock", or given up: only its own answers may be checked further. */
		bool settled = pass->probe == 0 && region->host_address;

		if (!settled && pass->probe < region->probe_count)
			return &region->probes[pass->probe];
	}
	return NULL;
}

static void on_probe_reply(struct hn_qmp *qmp, json_object *result, const struct hn_error *err,
			   void *context);

static void ask_probe(struct hn_introspection *pass)
{
	const struct hn_region_probe *probe = next_probe(pass);
	char line[48];
	const struct step step = {"human-monitor-command", line, USEFUL, NULL};
	struct hn_error err = {0};

	if (probe && pass->asked++ >= PROBES_MAX) {
		hn_facts_note(&pass->facts, "more than %d places of memory: not all were asked about",
			      PROBES_MAX);
		probe = NULL;
	}
	if (!probe) {
		succeed(pass);
		return;
	}
	snprintf(line, sizeof(line), "gpa2hva 0x%" PRIx64, probe->guest_address);
	if (execute(pass, &step, on_probe_reply, &err) < 0)
		fail(pass, &err);
}

static void take_probe(struct hn_introspection *pass, json_object *result, const struct hn_error *refused)
{
	struct hn_region *region = &pass->regions[pass->region];
	char said_region[HN_NAME_MAX];
	struct hn_error err = {0};
	uint64_t address;
	int r = -ENODATA;

	hn_fail(&err, r, "gpa2hva answers with no text");
	if (json_object_is_type(result, json_type_string))
		r = hn_mtree_parse_gpa2hva(json_object_get_string(result), said_region, &address, &err);
	if (r == 0) {
		hn_region_take_address(&pass->facts, region, pass->probe, said_region, address);
		pass->probe++;
		return;
	}
	if (refused)
		err = *refused;
	else
		hn_error_prefix(&err, "guest '%s': backend '%s'", pass->name, region->id);
	hn_facts_note_error(&pass->facts, &err);
	region->host_address = 0;
	region->probe_count = 0;
}

/* False: the pass is over, and gone. */
static bool go_on(struct hn_introspection *pass, const struct hn_error *err)
{
	struct hn_error copy;

	if (pass->done && (!err || err->code == -EREMOTEIO))
		return true;
	copy = err ? *err : (struct hn_error){0};
	fail(pass, &copy);
	return false;
}

static void on_probe_reply(struct hn_qmp *qmp, json_object *result, const struct hn_error *err, void *context)
{
	struct hn_introspection *pass = context;

	if (!go_on(pass, err))
		return;
	take_probe(pass, result, err);
	ask_probe(pass);
}

static void start_probes(struct hn_introspection *pass)
{
	struct hn_error err = {0};

	if (hn_regions_new(&pass->facts, &pass->regions, &pass->region_count, &err) < 0)
		fail(pass, &err);
	else
		ask_probe(pass);
}

/* 0 to go on. */
static int take_step(struct hn_introspection *pass, const struct step *step, json_object *result,
		     const struct hn_error *refused, struct hn_error *err)
{
	int r = -EREMOTEIO;

	if (refused)
		*err = *refused;
	else
		r = step->take(&pass->facts, result, err);
	if (!refused && r < 0)
		hn_error_prefix(err, "guest '%s': %s", pass->name,
				step->argument ? step->argument : step->command);
	if (r == 0 || (step->importance != REQUIRED && r != -ENOMEM)) {
		if (r < 0 && (step->importance == USEFUL || !refused))
			hn_facts_note_error(&pass->facts, err);
		return 0;
	}
	return r;
}

static void on_step_reply(struct hn_qmp *qmp, json_object *result, const struct hn_error *err, void *context)
{
	struct hn_introspection *pass = context;
	struct hn_error why = {0};
	int r;

	if (!go_on(pass, err))
		return;
	r = take_step(pass, &steps[pass->step], result, err, &why);
	if (r == 0 && ++pass->step == HN_COUNT(steps)) {
		start_probes(pass);
		return;
	}
	if (r == 0)
		r = execute(pass, &steps[pass->step], on_step_reply, &why);
	if (r < 0)
		fail(pass, &why);
}

int hn_introspect_start(struct hn_qmp *qmp, const char *name, hn_introspect_done done, void *context,
			struct hn_introspection **ret, struct hn_error *err)
{
	HN_AUTO(introspection) struct hn_introspection *pass = calloc(1, sizeof(*pass));
	int r;

	if (!pass)
		return hn_oom(err);
	pass->qmp = qmp;
	pass->done = done;
	pass->context = context;
	snprintf(pass->name, sizeof(pass->name), "%s", name);
	pass->facts.guest = pass->name;
	r = execute(pass, &steps[0], on_step_reply, err);
	if (r < 0)
		return r;
	*ret = hn_steal(pass);
	return 0;
}

/* No event tells of a device_add: what is plugged in is found by asking again now and then. */
bool hn_introspect_event_matters(const char *event)
{
	static const char *const events[] = {
		"ACPI_DEVICE_OST",
		"CPU_POLARIZATION_CHANGE",
		"DEVICE_DELETED",
		"GUEST_PANICKED",
		"MEMORY_DEVICE_SIZE_CHANGE",
		"MIGRATION",
		"RESET",
		"RESUME",
		"SHUTDOWN",
		"STOP",
		"SUSPEND",
		"SUSPEND_DISK",
		"WAKEUP",
		"WATCHDOG",
	};

	for (size_t i = 0; i < HN_COUNT(events); i++)
		if (strcmp(events[i], event) == 0)
			return true;
	return false;
}
