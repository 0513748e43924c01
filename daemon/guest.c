#include "daemon/guest.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/pages.h"
#include "base/plain.h"
#include "base/units.h"
#include "daemon/agent.h"
#include "daemon/balancer.h"
#include "daemon/bound-threads.h"
#include "daemon/domain.h"
#include "daemon/draining.h"
#include "daemon/events.h"
#include "daemon/fence.h"
#include "daemon/gauge.h"
#include "daemon/guest-devices.h"
#include "daemon/inspect.h"
#include "daemon/make-up.h"
#include "daemon/monitor.h"
#include "daemon/operation.h"
#include "daemon/rota.h"
#include "daemon/window.h"
#include "host/residency.h"
#include "policy/locality.h"
#include "policy/remote-cost.h"

#define REINTROSPECT_EVERY_NS (60 * HN_NS_PER_S) /* QEMU sends no event when a device has been added */

static void tell_problem(const struct hn_managed *managed)
{
	json_object *json = json_object_new_object();
	const char *problem = hn_managed_problem(managed);

	if (json)
		hn_json_add_string(json, "problem", problem ? problem : "");
	hn_event_emit(managed->service, HN_EVENT_PROBLEM, managed->name, json);
}

static void tell_gone(const struct hn_managed *managed)
{
	if (managed->identified)
		hn_event_emit(managed->service, HN_EVENT_GUEST_GONE, managed->name, NULL);
}

/* Sentences from qmp/ name the guest, where here that is said already. */
static const char *without_name(const struct hn_managed *managed, const char *message)
{
	char prefix[HN_NAME_MAX + 16];
	int length = snprintf(prefix, sizeof(prefix), "guest '%s': ", managed->name);

	return strncmp(message, prefix, (size_t)length) == 0 ? message + length : message;
}

/* What is wrong in one respect. */
static void set_problem(struct hn_managed *managed, char **slot, const struct hn_error *err)
{
	const char *message = err ? without_name(managed, err->message) : "";

	if (!err) {
		if (!*slot)
			return;
		hn_log(HN_LOG_INFO, "guest '%s': recovered from: %s", managed->name, *slot);
		free(hn_steal(*slot));
		tell_problem(managed);
		return;
	}
	if (*slot && strcmp(*slot, message) == 0)
		return;
	hn_log(HN_LOG_WARNING, "guest '%s': %s", managed->name, message);
	free(*slot);
	*slot = strdup(message);
	tell_problem(managed);
}

void hn_managed_set_problem(struct hn_managed *managed, const struct hn_error *err)
{
	set_problem(managed, &managed->problem, err);
}

void hn_managed_set_unread(struct hn_managed *managed, const struct hn_error *err)
{
	set_problem(managed, &managed->domain->unread, err);
}

const char *hn_managed_problem(const struct hn_managed *managed)
{
	return managed->problem || !managed->domain ? managed->problem : managed->domain->unread;
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
	if (managed->socket && strcmp(managed->socket, path) == 0)
		return managed;
	return NULL;
}

struct hn_managed *hn_managed_find_inode(struct hn_service *service, uint64_t inode)
{
	struct hn_managed *managed;

	TAILQ_FOREACH(managed, &service->guests, entry)
	if (managed->socket && managed->socket_inode == inode)
		return managed;
	return NULL;
}

void hn_managed_look_in(struct hn_managed *managed, uint64_t ns)
{
	struct timeval wait = hn_timeval(ns);

	event_add(managed->tick, &wait);
}

/* Everything that was learnt of a process or a make-up that is no more. */
void hn_managed_forget_looks(struct hn_managed *managed)
{
	for (size_t i = 0; i < managed->history_count; i++)
		free(managed->history[i].residency);
	free(managed->history);
	managed->history = NULL;
	managed->history_count = 0;
	hn_guest_agent_forget(managed->agent);
	managed->trend = (struct hn_trend_looks){0};
	free(hn_steal(managed->cell_trends));
	managed->cell_trend_count = 0;
	hn_inspect_forget(managed);
	hn_sample_free(hn_steal(managed->sample));
	hn_readings_done(&managed->readings);
	hn_plan_free(hn_steal(managed->plan));
	managed->looks = (struct hn_looks){0};
	managed->drain_tries = 0;
	managed->look_cost = (struct hn_look_cost){0};
	hn_cadence_forget(&managed->service->cadence, &managed->turn);
	hn_regret_free(hn_steal(managed->regret));
}

void hn_managed_set_run_state(struct hn_managed *managed, enum hn_run_state state)
{
	if (!managed->guest)
		return;
	managed->guest->state = state;
	hn_window_heed(managed);
}

/* Its reservation alone stands for it from now on. */
static void unsee(struct hn_managed *managed)
{
	struct hn_reservation *reservation =
		managed->guest ? hn_reservations_find(&managed->service->reservations, managed->guest->uuid,
						      managed->name)
			       : NULL;

	if (reservation)
		reservation->seen = false;
	managed->promised_ns = 0;
}

void hn_managed_process_gone(struct hn_managed *managed)
{
	if (managed->identified)
		hn_log(HN_LOG_INFO, "guest '%s': QEMU (pid %d) has ended", managed->name,
		       managed->guest->pid);
	hn_operation_abandon(managed, "QEMU has ended");
	hn_set_clear(&managed->fence_owed);
	tell_gone(managed);
	hn_managed_forget_looks(managed);
	hn_bound_threads_forget(managed);
	hn_placement_free(hn_steal(managed->home));
	unsee(managed);
	managed->identified = managed->runs_realtime = false;
	managed->calls = (struct hn_calls){0};
	managed->guest->state = HN_RUN_SHUTDOWN;
	managed->guest->pid = 0;
	managed->guest->thread_count = 0;
	hn_balancer_update(managed->service->balancer);
	hn_draining_review(managed->service);
}

/* Ten per cent of jitter keeps guests that appeared together apart. */
static uint64_t next_tick_ns(struct hn_managed *managed)
{
	uint64_t tick = hn_cadence_interval(&managed->service->cadence, &managed->turn);

	return tick - tick / 20 + hn_random_below(&managed->service->random, tick / 10 + 1);
}

static bool source_is_ready(const struct hn_managed *managed)
{
	return managed->qmp ? hn_qmp_ready(managed->qmp) : managed->domain != NULL;
}

/* By the clock, too: windows open and close. Who is not to be looked after any more is let go. */
static void heed_settings(struct hn_managed *managed)
{
	struct hn_error ignored; /* nothing runs */

	hn_make_up_apply_settings(managed);
	hn_window_heed(managed);
	hn_fence_heed(managed);
	if (managed->guest->mode == HN_MODE_OFF && managed->running)
		(void)hn_operation_cancel(managed, "its mode is off now", &ignored);
}

static void on_tick_due(evutil_socket_t fd, short what, void *context)
{
	struct hn_managed *managed = context;

	hn_managed_look_in(managed, next_tick_ns(managed));
	hn_domain_tend_wire(managed);
	if (!source_is_ready(managed) && !managed->identified)
		return;
	if (source_is_ready(managed) &&
	    (!managed->guest || hn_now_ns() > managed->introspected_ns + REINTROSPECT_EVERY_NS))
		hn_make_up_start(managed);
	if (!managed->guest)
		return;
	if (managed->identified)
		heed_settings(managed);
	if (managed->looking || managed->guest->mode == HN_MODE_OFF)
		return;
	if (managed->identified) {
		if (hn_inspect_is_due(managed))
			hn_inspect_start(managed);
		if (managed->inspected_ns)
			hn_rota_join(managed);
	} else if (managed->qmp) {
		hn_monitor_identify(managed);
	} else {
		hn_make_up_start(managed);
	}
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
	hn_make_plain(name);
}

/* NULL when out of memory. */
static struct hn_managed *new_guest(struct hn_service *service, const char *name)
{
	struct hn_managed *managed = calloc(1, sizeof(*managed));

	if (!managed)
		return NULL;
	managed->service = service;
	managed->operation.cell = managed->operation.to_node = -1;
	snprintf(managed->name, sizeof(managed->name), "%s", name);
	TAILQ_INSERT_TAIL(&service->guests, managed, entry);
	managed->tick = event_new(service->base, -1, 0, on_tick_due, managed);
	if (managed->tick && hn_guest_agent_new(managed, &managed->agent, NULL) == 0)
		return managed;
	hn_managed_free(managed);
	return NULL;
}

int hn_managed_new(struct hn_service *service, const char *path, uint64_t inode, struct hn_error *err)
{
	struct hn_managed *managed;
	char name[HN_NAME_MAX];
	int r;

	if (strlen(path) >= HN_SOCKET_PATH_MAX)
		return hn_fail(err, -ENAMETOOLONG, "the path '%.60s...' is too long", path);
	name_from_path(path, name, sizeof(name));
	managed = new_guest(service, name);
	if (!managed)
		return hn_oom(err);
	managed->socket = strdup(path);
	managed->socket_inode = inode;
	r = managed->socket ? hn_monitor_new(managed, err) : hn_oom(err);
	if (r < 0)
		hn_managed_free(managed);
	return r;
}

int hn_managed_new_domain(struct hn_service *service, const char *name, struct hn_managed **ret,
			  struct hn_error *err)
{
	struct hn_managed *managed = new_guest(service, name);

	if (!managed)
		return hn_oom(err);
	hn_managed_look_in(managed, next_tick_ns(managed));
	*ret = managed;
	return 0;
}

struct hn_process hn_managed_process(const struct hn_managed *managed)
{
	if (!managed->guest || !managed->identified)
		return (struct hn_process){0};
	return (struct hn_process){managed->guest->pid, managed->guest->start_ticks};
}

struct hn_managed *hn_managed_of_domain(struct hn_service *service, const char *uuid)
{
	struct hn_managed *managed;

	TAILQ_FOREACH(managed, &service->guests, entry)
	if (managed->domain && strcmp(managed->domain->uuid, uuid) == 0)
		return managed;
	return NULL;
}

static void let_go(struct hn_managed *managed);

void hn_managed_join(struct hn_managed *managed, const char *uuid)
{
	struct hn_managed *other = hn_managed_of_domain(managed->service, uuid);

	if (!other || other == managed || other->socket)
		return;
	/* what it has asked libvirt for is found by its domain */
	hn_operation_abandon(other, "it is one guest with the one at a socket of its own");
	hn_domain_free(managed->domain);
	managed->domain = hn_steal(other->domain);
	if (managed->promised_ns == 0)
		managed->promised_ns = other->promised_ns;
	let_go(other);
}

void hn_managed_part_with_domain(struct hn_managed *managed)
{
	if (!managed->socket) {
		hn_managed_free(managed);
		return;
	}
	hn_operation_abandon(managed, "libvirt runs it no more");
	hn_domain_free(hn_steal(managed->domain));
	hn_make_up_apply_settings(managed);
}

void hn_managed_part_with_socket(struct hn_managed *managed)
{
	if (!managed->domain) {
		hn_managed_free(managed);
		return;
	}
	free(hn_steal(managed->socket));
	hn_introspect_cancel(hn_steal(managed->introspection));
	hn_guest_agent_stop(managed->agent);
	hn_qmp_free(hn_steal(managed->qmp));
	hn_make_up_soon(managed);
}

void hn_managed_free(struct hn_managed *managed)
{
	hn_operation_abandon(managed, "the guest is gone");
	tell_gone(managed);
	unsee(managed);
	let_go(managed);
}

/* Of what is told of it here; the guest may live on in another. */
static void let_go(struct hn_managed *managed)
{
	struct hn_service *service = managed->service;

	hn_hands_forget(service->hands, managed);
	managed->looking = false;
	hn_rota_leave(managed);
	hn_introspect_cancel(managed->introspection);
	hn_guest_agent_free(hn_steal(managed->agent));
	hn_qmp_free(managed->qmp);
	hn_domain_free(managed->domain);
	if (managed->tick)
		event_free(managed->tick);
	if (managed->reintrospect)
		event_free(managed->reintrospect);
	if (managed->window_end)
		event_free(managed->window_end);
	hn_managed_forget_looks(managed);
	free(managed->socket);
	free(managed->container_nodes);
	free(managed->problem);
	free(managed->note);
	free(managed->unheeded);
	hn_bound_threads_forget(managed);
	hn_guest_free(managed->guest);
	hn_placement_free(managed->home);
	TAILQ_REMOVE(&service->guests, managed, entry);
	free(managed);
	if (service->balancer)
		hn_balancer_update(service->balancer);
}

/* Of a backend that is made of such pages as it lies there; else 0: its QEMU may tell what cannot be. */
static uint64_t hugetlb_page_bytes(const struct hn_backend *backend)
{
	uint64_t bytes = backend->page_bytes;

	return bytes > hn_base_page_bytes() && backend->host_address % bytes == 0 &&
			       backend->bytes % bytes == 0
		       ? bytes
		       : 0;
}

struct hn_range hn_managed_range(const struct hn_backend *backend)
{
	return (struct hn_range){backend->host_address, backend->bytes, backend->cell,
				 hugetlb_page_bytes(backend)};
}

size_t hn_managed_ranges(const struct hn_guest *guest, int cell, struct hn_range *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < guest->backend_count; i++) {
		const struct hn_backend *backend = &guest->backends[i];

		if (backend->host_address == 0 || backend->cell < 0 || (cell >= 0 && backend->cell != cell))
			continue;
		ret[count++] = hn_managed_range(backend);
	}
	return count;
}

/* An interval and a trend for each cell and an interval for the guest; false while nothing is known. */
static bool report_locality(const struct hn_managed *managed, struct hn_report *report)
{
	if (hn_report_add_cell_localities(report, managed->guest->cell_count) < 0 ||
	    !hn_locality_of_guest(managed->guest, managed->sample, &report->locality))
		return false;
	for (size_t i = 0; i < managed->guest->cell_count; i++) {
		if (!hn_locality_of_cell(managed->guest, managed->sample, i, &report->cell_locality[i]))
			report->cell_locality[i] = (struct hn_interval){0, 0, 1};
		if (i < managed->cell_trend_count)
			report->cell_trend[i] = hn_trend_of(&managed->cell_trends[i]);
	}
	return true;
}

static void report_remote_cost(const struct hn_managed *managed, struct hn_report *report)
{
	const struct hn_host *host = managed->service->host;

	report->trend = hn_trend_of(&managed->trend);
	if (managed->sample->node_count != host->node_count)
		return;
	if (hn_remote_cost_counted(host, managed->guest, managed->sample, report->activity,
				   &report->remote_cost)) {
		report->remote_cost_known = true;
		return;
	}
	report->remote_cost_known =
		hn_remote_cost_of_guest(host, managed->guest, managed->sample, &report->remote_cost);
	report->remote_cost_estimated = report->remote_cost_known;
}

struct hn_report *hn_managed_report(const struct hn_managed *managed)
{
	HN_AUTO(hn_report) struct hn_report *report = hn_report_new();
	const char *problem = hn_managed_problem(managed);

	if (!report)
		return NULL;
	report->guest = managed->guest ? hn_guest_copy(managed->guest) : hn_guest_new(managed->name);
	report->operation = managed->operation;
	if (problem || managed->unheeded)
		snprintf(report->problem, sizeof(report->problem), "%s",
			 problem ? problem : managed->unheeded);
	if (!report->guest || (managed->home && !(report->home = hn_placement_copy(managed->home))) ||
	    (managed->plan && !(report->plan = hn_plan_copy(managed->plan))) ||
	    (managed->sample && !(report->sample = hn_sample_copy(managed->sample))))
		return NULL;
	if (hn_readings_tell(&managed->readings, hn_now_ns(), hn_gauge_max_age(managed->service),
			     &report->activity) < 0)
		return NULL;
	if (managed->sample) {
		report->age_ns = hn_now_ns() - managed->sample->taken_ns;
		report->locality_known = report_locality(managed, report);
		report_remote_cost(managed, report);
	}
	report->calls = managed->calls;
	report->window_left_ns = hn_window_left_ns(managed);
	if (hn_guest_devices_place(managed, &report->devices, &report->device_count) < 0 ||
	    hn_guest_agent_report(managed->agent, report) < 0)
		return NULL;
	return hn_steal(report);
}
