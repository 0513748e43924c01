#include "daemon/survey.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "daemon/census.h"
#include "daemon/domain.h"
#include "daemon/guest-calls.h"
#include "daemon/hands-channel.h"
#include "daemon/inspect.h"
#include "daemon/look.h"
#include "daemon/make-up.h"

#define LEAST_BYTES (4 * HN_MIB) /* of a mapping that could be a guest's memory */

static int cell_of_vcpu(const struct hn_guest *guest, int vcpu)
{
	for (size_t i = 0; i < guest->cell_count; i++)
		if (hn_set_has(&guest->cells[i].vcpus, vcpu))
			return guest->cells[i].id;
	return -1;
}

/* "CPU 3/KVM" is vCPU 3; comm is cut at 15 characters, so "CPU 1000/KVM" still is whole. */
static bool is_vcpu(const char *name, int *ret)
{
	char slash;

	return sscanf(name, "CPU %d%c", ret, &slash) == 2 && slash == '/';
}

/* QEMU's own workers are called "IO " too. */
static bool is_iothread(const char *name)
{
	return strncmp(name, "IO ", 3) == 0 && strncmp(name, "IO mon_", 7) != 0;
}

static int add_threads(struct hn_guest *guest, const struct hn_thread_reading *readings, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct hn_thread *thread;
		int vcpu = -1;
		bool named = is_vcpu(readings[i].name, &vcpu);

		if (readings[i].helper || (!named && !is_iothread(readings[i].name)))
			continue;
		thread = hn_guest_add_thread(guest, readings[i].tid,
					     named ? HN_THREAD_VCPU : HN_THREAD_IOTHREAD);
		if (!thread)
			return -ENOMEM;
		thread->vcpu = vcpu;
		thread->cell = named ? cell_of_vcpu(guest, vcpu) : -1;
		snprintf(thread->name, sizeof(thread->name), "%s", readings[i].name);
	}
	return 0;
}

int hn_survey_merge(const struct hn_guest *from_xml, const struct hn_thread_reading *readings,
		    size_t reading_count, const struct hn_mapping *mappings, size_t mapping_count,
		    struct hn_guest **ret, struct hn_backing_notes *notes, struct hn_error *err)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = hn_guest_copy(from_xml);

	if (!guest || add_threads(guest, readings, reading_count) < 0)
		return hn_oom(err);
	if (guest->thread_count == 0)
		return hn_fail(
			err, -ENOENT,
			"none of its threads is called after a vCPU: QEMU runs without debug-threads=on");
	hn_backing_match(guest, mappings, mapping_count, notes);
	*ret = hn_steal(guest);
	return 0;
}

/* The reply's two arrays, checked against its length. */
static int unpack(const void *body, size_t length, struct hn_hands_surveyed *ret,
		  const struct hn_thread_reading **ret_threads, const struct hn_mapping **ret_mappings,
		  struct hn_error *err)
{
	const char *bytes = body;

	if (length < sizeof(*ret))
		return hn_fail(err, -EPROTO, "a survey came back with %zu bytes", length);
	memcpy(ret, bytes, sizeof(*ret));
	if (length != sizeof(*ret) + ret->thread_count * sizeof(**ret_threads) +
			      ret->mapping_count * sizeof(**ret_mappings))
		return hn_fail(err, -EPROTO,
			       "a survey came back with %u threads and %u mappings in %zu bytes",
			       ret->thread_count, ret->mapping_count, length);
	bytes += sizeof(*ret);
	*ret_threads = (const struct hn_thread_reading *)(const void *)bytes;
	bytes += ret->thread_count * sizeof(**ret_threads);
	*ret_mappings = (const struct hn_mapping *)(const void *)bytes;
	return 0;
}

static void take_notes(struct hn_managed *managed, const struct hn_backing_notes *notes)
{
	for (size_t i = 0; i < notes->count; i++)
		hn_log(HN_LOG_INFO, "guest '%s': %s", managed->name, notes->notes[i]);
	free(hn_steal(managed->note));
	if (notes->count)
		managed->note = strdup(notes->notes[0]);
}

static int take_survey(struct hn_managed *managed, const void *body, size_t length, struct hn_error *err)
{
	struct hn_backing_notes notes = {0};
	struct hn_hands_surveyed surveyed;
	const struct hn_thread_reading *threads = NULL;
	const struct hn_mapping *mappings = NULL;
	const struct hn_process process = managed->process;
	struct hn_guest *told;
	int r = unpack(body, length, &surveyed, &threads, &mappings, err);

	if (r == 0)
		r = hn_survey_merge(managed->domain->guest, threads, surveyed.thread_count, mappings,
				    surveyed.mapping_count, &told, &notes, err);
	if (r < 0)
		return r;
	managed->runs_realtime =
		hn_look_runs_realtime(managed->service->host, told, threads, surveyed.thread_count);
	/* to read the policies is to walk all its pages: not of a realtime guest that runs */
	if (notes.ambiguous && !managed->surveyed_policies && told->class != HN_CLASS_REALTIME &&
	    hn_guest_calls_make(managed, HN_CALL_WALK, 1, NULL) == 0) {
		hn_guest_free(told);
		hn_survey_start(managed, true);
		return 0;
	}
	told->state = managed->domain->state;
	if (hn_make_up_take(managed, told)) {
		take_notes(managed, &notes);
		hn_make_up_identified(managed, &process, &surveyed.nodes);
	} else {
		/* its operator may have given its cgroups other nodes */
		hn_inspect_take_nodes(managed, &surveyed.nodes);
		hn_make_up_apply_settings(managed);
	}
	return 0;
}

static void on_survey_reply(int result, const void *body, size_t length, const struct hn_error *err,
			    void *context)
{
	struct hn_managed *managed = context;
	struct hn_error why;

	managed->surveying = false;
	if (!managed->domain || !managed->domain->guest)
		return;
	if (result == -ESRCH)
		hn_census_soon(managed->service->census);
	if (result < 0)
		hn_make_up_failed(managed, err);
	else if (take_survey(managed, body, length, &why) < 0)
		hn_make_up_failed(managed, &why);
}

void hn_survey_start(struct hn_managed *managed, bool with_policies)
{
	const struct hn_process known = hn_managed_process(managed);
	const struct hn_qemu_process *qemu;
	const struct hn_qemu_container *container;
	struct hn_hands_survey survey = {.least_bytes = LEAST_BYTES, .with_policies = with_policies};
	struct hn_error err;
	int r;

	if (!managed->domain->guest)
		return;
	r = hn_census_find(managed->service->census, managed->domain->uuid, &known, &qemu, &err);
	if (r == -ENOENT)
		hn_census_soon(managed->service->census);
	else if (r < 0)
		hn_make_up_failed(managed, &err);
	if (r < 0)
		return;
	container = hn_census_container(managed->service->census, qemu);
	survey.process = managed->process = qemu->process;
	free(hn_steal(managed->container_nodes));
	if (container && (managed->container_nodes = malloc(sizeof(*managed->container_nodes))))
		*managed->container_nodes = container->nodes;
	managed->surveyed_policies = with_policies;
	if (hn_hands_request(managed->service->hands, HN_HANDS_SURVEY,
			     &(struct hn_hands_part){&survey, sizeof(survey)}, 1, NULL, on_survey_reply,
			     managed, &err) < 0)
		hn_make_up_failed(managed, &err);
	else
		managed->surveying = true;
}
