#include "daemon/guest.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "daemon/balancer.h"
#include "daemon/hands-channel.h"
#include "daemon/look.h"
#include "daemon/operation.h"
#include "host/residency.h"
#include "policy/locality.h"

#define REINTROSPECT_AFTER_NS (200 * HN_NS_PER_MS)
#define IDENTIFY_RETRY_NS (5 * HN_NS_PER_S)
#define REINTROSPECT_EVERY_NS (60 * HN_NS_PER_S) /* QEMU sends no event when a device has been added */

/* Sentences from qmp/ name the guest, where here that is said already. */
static const char *without_name(const struct hn_managed *managed, const char *message)
{
	char prefix[HN_NAME_MAX + 16];
	int length = snprintf(prefix, sizeof(prefix), "guest '%s': ", managed->name);

	return strncmp(message, prefix, (size_t)length) == 0 ? message + length : message;
}

void hn_managed_set_problem(struct hn_managed *managed, const struct hn_error *err)
{
	const char *message = err ? without_name(managed, err->message) : "";

	if (!err) {
		if (managed->problem[0])
			hn_log(HN_LOG_INFO, "guest '%s': recovered from: %s", managed->name,
			       managed->problem);
		managed->problem[0] = '\0';
		return;
	}
	if (strcmp(managed->problem, message) == 0)
		return;
	hn_log(HN_LOG_WARNING, "guest '%s': %s", managed->name, message);
	snprintf(managed->problem, sizeof(managed->problem), "%s", message);
}

struct hn_managed *hn_managed_find(struct hn_service *service, const char *name)
{
	struct hn_managed *managed;

	TAILQ_FOREACH(managed, &service->guests, entry)
	if (strcmp(managed->name, name) == 0)
		return managed;
	return NULL;
}

struct hn_managed *hn_managed_find_socket(struct hn_service *service, const char *path)
{
	struct hn_managed *managed;

	TAILQ_FOREACH(managed, &service->guests, entry)
	if (strcmp(managed->socket, path) == 0)
		return managed;
	return NULL;
}

void hn_managed_look_in(struct hn_managed *managed, uint64_t ns)
{
	struct timeval wait = hn_timeval(ns);

	event_add(managed->tick, &wait);
}

/* Everything that was learnt of a process or a make-up that is no more. */
static void forget_looks(struct hn_managed *managed)
{
	for (size_t i = 0; i < managed->history_count; i++)
		free(managed->history[i].residency);
	free(managed->history);
	managed->history = NULL;
	managed->history_count = 0;
	hn_sample_free(hn_steal(managed->sample));
	hn_plan_free(hn_steal(managed->plan));
	managed->looks = (struct hn_looks){0};
	hn_regret_free(hn_steal(managed->regret));
}

void hn_managed_process_gone(struct hn_managed *managed)
{
	if (managed->identified)
		hn_log(HN_LOG_INFO, "guest '%s': QEMU (pid %d) has ended", managed->name,
		       managed->guest->pid);
	forget_looks(managed);
	hn_placement_free(hn_steal(managed->home));
	managed->identified = false;
	managed->guest->state = HN_RUN_SHUTDOWN;
	managed->guest->pid = 0;
	managed->guest->thread_count = 0;
	hn_balancer_update(managed->service->balancer);
}

/* The name QMP tells, unless another guest has it already. */
static void take_name(struct hn_managed *managed, const char *name)
{
	struct hn_managed *other = hn_managed_find(managed->service, name);

	if (other && other != managed) {
		hn_log(HN_LOG_WARNING, "guest '%s' (%s): the name '%s' belongs to the guest at %s already",
		       managed->name, managed->socket, name, other->socket);
		return;
	}
	snprintf(managed->name, sizeof(managed->name), "%s", name);
}

static void apply_rule(struct hn_managed *managed, struct hn_guest *guest)
{
	const struct hn_guest_rule *rule = hn_config_rule(managed->service->config, managed->name);

	snprintf(guest->name, sizeof(guest->name), "%s", managed->name);
	guest->mode = rule && rule->has_mode ? rule->mode : managed->service->config->mode;
	if (rule && rule->has_class)
		guest->class = rule->class;
	snprintf(guest->policy, sizeof(guest->policy), "%s",
		 rule && rule->policy[0] ? rule->policy : "home-node");
}

static void on_identify_reply(int result, const void *body, size_t length, const struct hn_error *err,
			      void *context)
{
	struct hn_managed *managed = context;
	struct hn_hands_identity identity;

	managed->looking = false;
	if (result < 0 || length != sizeof(identity)) {
		hn_managed_set_problem(managed, err);
		hn_managed_look_in(managed, IDENTIFY_RETRY_NS);
		return;
	}
	memcpy(&identity, body, sizeof(identity));
	if (!managed->guest)
		return;
	managed->identified = true;
	managed->ranges_checked = false;
	managed->guest->pid = identity.process.pid;
	managed->guest->start_ticks = identity.process.start_ticks;
	for (size_t i = 0; identity.pinned && i < managed->guest->backend_count; i++)
		if (managed->guest->backends[i].movability == HN_MOVABLE)
			managed->guest->backends[i].movability = HN_IMMOVABLE_PINNED;
	hn_log(HN_LOG_INFO, "guest '%s': pid %d, %zu cells, %d vCPUs, mode %s", managed->name,
	       managed->guest->pid, managed->guest->cell_count, hn_guest_vcpu_count(managed->guest),
	       hn_mode_name(managed->guest->mode));
	hn_balancer_update(managed->service->balancer);
	hn_managed_look_in(managed, 0);
}

/* Which process is it? The threads that QMP named tell, if they belong to whoever listens on the socket. */
static int request_identity(struct hn_managed *managed, struct hn_error *err)
{
	struct hn_hands_identify identify = {.uid = -1};
	int32_t tids[HN_HANDS_TIDS_MAX];
	pid_t peer;
	uid_t uid;

	for (size_t i = 0; i < managed->guest->thread_count && identify.tid_count < HN_HANDS_TIDS_MAX; i++)
		tids[identify.tid_count++] = managed->guest->threads[i].tid;
	if (identify.tid_count == 0)
		return hn_fail(err, -ENOENT, "QMP named none of its threads");
	if (hn_qmp_peer(managed->qmp, &peer, &uid, NULL) == 0)
		identify.uid = uid;
	return hn_hands_request(managed->service->hands, HN_HANDS_IDENTIFY,
				(struct hn_hands_part[]){{&identify, sizeof(identify)},
							 {tids, identify.tid_count * sizeof(tids[0])}},
				2, NULL, on_identify_reply, managed, err);
}

static void identify(struct hn_managed *managed)
{
	struct hn_error err;

	if (managed->looking)
		return;
	if (request_identity(managed, &err) < 0) {
		hn_managed_set_problem(managed, &err);
		hn_managed_look_in(managed, IDENTIFY_RETRY_NS);
		return;
	}
	managed->looking = true;
}

/* A make-up with other cells makes everything known about the old one worthless. */
static bool same_cells(const struct hn_guest *a, const struct hn_guest *b)
{
	if (a->cell_count != b->cell_count)
		return false;
	for (size_t i = 0; i < a->cell_count; i++)
		if (a->cells[i].id != b->cells[i].id ||
		    a->cells[i].memory_bytes != b->cells[i].memory_bytes ||
		    !hn_set_equal(&a->cells[i].vcpus, &b->cells[i].vcpus))
			return false;
	return true;
}

static bool has_thread(const struct hn_guest *guest, const struct hn_thread *thread)
{
	for (size_t i = 0; i < guest->thread_count; i++)
		if (guest->threads[i].tid == thread->tid && guest->threads[i].kind == thread->kind &&
		    guest->threads[i].vcpu == thread->vcpu)
			return true;
	return false;
}

static bool has_backend(const struct hn_guest *guest, const struct hn_backend *backend)
{
	for (size_t i = 0; i < guest->backend_count; i++)
		if (strcmp(guest->backends[i].id, backend->id) == 0 &&
		    guest->backends[i].bytes == backend->bytes &&
		    guest->backends[i].host_address == backend->host_address &&
		    guest->backends[i].cell == backend->cell)
			return true;
	return false;
}

/* Whether what QMP tells now is what is known: known has more threads, those that QMP does not name. */
static bool same_make_up(const struct hn_guest *known, const struct hn_guest *told)
{
	if (!same_cells(known, told) || known->backend_count != told->backend_count)
		return false;
	for (size_t i = 0; i < told->thread_count; i++)
		if (!has_thread(known, &told->threads[i]))
			return false;
	for (size_t i = 0; i < told->backend_count; i++)
		if (!has_backend(known, &told->backends[i]))
			return false;
	return true;
}

static void take_make_up(struct hn_managed *managed, struct hn_guest *told)
{
	forget_looks(managed);
	if (managed->home && !same_cells(managed->guest, told))
		hn_placement_free(hn_steal(managed->home));
	hn_guest_free(managed->guest);
	managed->guest = told;
	managed->identified = false;
	managed->generation++;
	take_name(managed, told->name);
	apply_rule(managed, told);
	identify(managed);
}

static void on_introspect_done(struct hn_introspect_result *result, const struct hn_error *err, void *context)
{
	struct hn_managed *managed = context;

	managed->introspection = NULL;
	if (!result) {
		hn_managed_set_problem(managed, err);
		hn_managed_look_in(managed, IDENTIFY_RETRY_NS);
		return;
	}
	managed->introspected_ns = hn_now_ns();
	hn_managed_set_problem(managed, NULL);
	if (managed->guest && managed->identified && same_make_up(managed->guest, result->guest)) {
		managed->guest->state = result->guest->state;
		return;
	}
	for (size_t i = 0; i < result->note_count; i++)
		hn_log(HN_LOG_INFO, "guest '%s': %s", managed->name, result->notes[i]);
	take_make_up(managed, hn_steal(result->guest));
}

static void start_introspection(struct hn_managed *managed)
{
	struct hn_error err;

	hn_introspect_cancel(hn_steal(managed->introspection));
	if (hn_introspect_start(managed->qmp, managed->name, on_introspect_done, managed,
				&managed->introspection, &err) < 0)
		hn_managed_set_problem(managed, &err);
}

static void on_qmp_ready(struct hn_qmp *qmp, void *context)
{
	start_introspection(context);
}

static void on_qmp_down(struct hn_qmp *qmp, const struct hn_error *why, uint64_t retry_ns, void *context)
{
	struct hn_managed *managed = context;

	hn_introspect_cancel(hn_steal(managed->introspection));
	hn_managed_set_problem(managed, why);
}

static void set_run_state(struct hn_managed *managed, enum hn_run_state state)
{
	if (managed->guest)
		managed->guest->state = state;
}

static void on_qmp_event(struct hn_qmp *qmp, const char *name, json_object *data, void *context)
{
	static const struct {
		const char *name;
		enum hn_run_state state;
	} changes[] = {{"STOP", HN_RUN_PAUSED}, {"RESUME", HN_RUN_RUNNING}, {"SHUTDOWN", HN_RUN_SHUTDOWN}};
	struct hn_managed *managed = context;
	struct timeval wait = hn_timeval(REINTROSPECT_AFTER_NS);

	hn_log(HN_LOG_DEBUG, "guest '%s': event %s", managed->name, name);
	for (size_t i = 0; i < HN_COUNT(changes); i++)
		if (strcmp(changes[i].name, name) == 0)
			set_run_state(managed, changes[i].state);
	if (hn_introspect_event_matters(name))
		event_add(managed->reintrospect, &wait);
}

static void on_reintrospect_due(evutil_socket_t fd, short what, void *context)
{
	struct hn_managed *managed = context;

	if (hn_qmp_ready(managed->qmp))
		start_introspection(managed);
}

/* Ten per cent of jitter keeps guests that appeared together apart. */
static uint64_t next_tick_ns(struct hn_managed *managed)
{
	uint64_t tick = managed->service->config->tick_ns;

	return tick - tick / 20 + hn_random_below(&managed->service->random, tick / 10 + 1);
}

static void on_tick_due(evutil_socket_t fd, short what, void *context)
{
	struct hn_managed *managed = context;

	hn_managed_look_in(managed, next_tick_ns(managed));
	if (!managed->introspection && hn_qmp_ready(managed->qmp) &&
	    (!managed->guest || hn_now_ns() > managed->introspected_ns + REINTROSPECT_EVERY_NS))
		start_introspection(managed);
	if (!managed->guest || managed->looking || managed->guest->mode == HN_MODE_OFF)
		return;
	if (managed->identified)
		hn_look_start(managed);
	else if (hn_qmp_ready(managed->qmp))
		identify(managed);
}

/* "/run/x/web-17.qmp" -> "web-17" */
static void name_from_path(const char *path, char *name, size_t size)
{
	const char *base = strrchr(path, '/');
	char *dot;

	snprintf(name, size, "%s", base ? base + 1 : path);
	dot = strrchr(name, '.');
	if (dot && dot != name)
		*dot = '\0';
}

int hn_managed_new(struct hn_service *service, const char *path, uint64_t inode, struct hn_error *err)
{
	struct hn_managed *managed;
	struct hn_qmp_listener listener = {on_qmp_ready, on_qmp_down, on_qmp_event, NULL};
	int r;

	if (strlen(path) >= sizeof(managed->socket))
		return hn_fail(err, -ENAMETOOLONG, "the path '%.60s...' is too long", path);
	managed = calloc(1, sizeof(*managed));
	if (!managed)
		return hn_oom(err);
	managed->service = service;
	managed->operation.cell = managed->operation.to_node = -1;
	strcpy(managed->socket, path);
	managed->socket_inode = inode;
	name_from_path(path, managed->name, sizeof(managed->name));
	TAILQ_INSERT_TAIL(&service->guests, managed, entry);
	listener.context = managed;
	managed->tick = event_new(service->base, -1, 0, on_tick_due, managed);
	managed->reintrospect = event_new(service->base, -1, 0, on_reintrospect_due, managed);
	r = managed->tick && managed->reintrospect ? 0 : hn_oom(err);
	if (r == 0)
		r = hn_qmp_new(service->base, managed->name, path, HN_QMP_MONITOR, NULL, &listener,
			       &managed->qmp, err);
	if (r < 0)
		hn_managed_free(managed);
	return r;
}

void hn_managed_free(struct hn_managed *managed)
{
	struct hn_service *service = managed->service;

	hn_operation_abandon(managed, "the guest is gone");
	hn_hands_forget(service->hands, managed);
	hn_introspect_cancel(managed->introspection);
	hn_qmp_free(managed->qmp);
	if (managed->tick)
		event_free(managed->tick);
	if (managed->reintrospect)
		event_free(managed->reintrospect);
	forget_looks(managed);
	hn_guest_free(managed->guest);
	hn_placement_free(managed->home);
	TAILQ_REMOVE(&service->guests, managed, entry);
	free(managed);
	if (service->balancer)
		hn_balancer_update(service->balancer);
}

size_t hn_managed_ranges(const struct hn_guest *guest, int cell, struct hn_range *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < guest->backend_count; i++) {
		const struct hn_backend *backend = &guest->backends[i];

		if (backend->host_address == 0 || backend->cell < 0 || (cell >= 0 && backend->cell != cell))
			continue;
		ret[count++] = (struct hn_range){backend->host_address, backend->bytes, backend->cell};
	}
	return count;
}

/* An interval for each cell and for the guest; false while nothing is known. */
static bool report_locality(const struct hn_managed *managed, struct hn_report *report)
{
	report->cell_locality = calloc(managed->guest->cell_count + 1, sizeof(*report->cell_locality));
	if (!report->cell_locality ||
	    !hn_locality_of_guest(managed->guest, managed->sample, &report->locality))
		return false;
	for (size_t i = 0; i < managed->guest->cell_count; i++)
		if (!hn_locality_of_cell(managed->guest, managed->sample, i, &report->cell_locality[i]))
			report->cell_locality[i] = (struct hn_interval){0, 0, 1};
	return true;
}

struct hn_report *hn_managed_report(const struct hn_managed *managed)
{
	HN_AUTO(hn_report) struct hn_report *report = hn_report_new();

	if (!report)
		return NULL;
	report->guest = managed->guest ? hn_guest_copy(managed->guest) : hn_guest_new(managed->name);
	report->operation = managed->operation;
	memcpy(report->problem, managed->problem, sizeof(report->problem));
	if (!report->guest || (managed->home && !(report->home = hn_placement_copy(managed->home))) ||
	    (managed->plan && !(report->plan = hn_plan_copy(managed->plan))) ||
	    (managed->sample && !(report->sample = hn_sample_copy(managed->sample))))
		return NULL;
	if (managed->sample) {
		report->age_ns = hn_now_ns() - managed->sample->taken_ns;
		report->locality_known = report_locality(managed, report);
	}
	return hn_steal(report);
}
