#include "daemon/make-up.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/units.h"
#include "daemon/arrival.h"
#include "daemon/balancer.h"
#include "daemon/census.h"
#include "daemon/domain.h"
#include "daemon/events.h"
#include "daemon/inspect.h"
#include "daemon/monitor.h"
#include "daemon/settings.h"
#include "daemon/survey.h"
#include "daemon/window.h"
#include "policy/home-node.h"

#define SOON_NS (200 * HN_NS_PER_MS)
#define RETRY_NS (5 * HN_NS_PER_S)

void hn_make_up_start(struct hn_managed *managed)
{
	if (managed->introspection || managed->surveying)
		return;
	if (managed->qmp) {
		if (hn_qmp_ready(managed->qmp))
			hn_monitor_introspect(managed);
	} else if (managed->domain) {
		hn_survey_start(managed, false);
	}
}

static void on_reintrospect_due(evutil_socket_t fd, short what, void *context)
{
	hn_make_up_start(context);
}

void hn_make_up_soon(struct hn_managed *managed)
{
	struct timeval wait = hn_timeval(SOON_NS);

	if (!managed->reintrospect)
		managed->reintrospect =
			event_new(managed->service->base, -1, 0, on_reintrospect_due, managed);
	if (managed->reintrospect)
		event_add(managed->reintrospect, &wait);
	else
		hn_make_up_start(managed); /* without memory for a timer at once */
}

void hn_make_up_failed(struct hn_managed *managed, const struct hn_error *err)
{
	hn_managed_set_problem(managed, err);
	hn_managed_look_in(managed, RETRY_NS);
}

static pid_t told_tid(const struct hn_thread *thread)
{
	return thread->tid_inside ? thread->tid_inside : thread->tid;
}

static int by_told(const void *a, const void *b)
{
	const struct hn_thread *left = a, *right = b;
	pid_t left_tid = told_tid(left), right_tid = told_tid(right);

	if (left_tid != right_tid)
		return left_tid < right_tid ? -1 : 1;
	if (left->kind != right->kind)
		return left->kind < right->kind ? -1 : 1;
	return (left->vcpu > right->vcpu) - (left->vcpu < right->vcpu);
}

/* In whatever order. Without memory they count as others. */
static bool has_threads(const struct hn_guest *guest, const struct hn_thread *threads, size_t count)
{
	HN_AUTO(memory) struct hn_thread *sorted = calloc(guest->thread_count + 1, sizeof(*sorted));

	if (!sorted)
		return false;
	if (guest->thread_count > 0)
		memcpy(sorted, guest->threads, guest->thread_count * sizeof(*sorted));
	qsort(sorted, guest->thread_count, sizeof(*sorted), by_told);
	for (size_t i = 0; i < count; i++)
		if (!bsearch(&threads[i], sorted, guest->thread_count, sizeof(*sorted), by_told))
			return false;
	return true;
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

bool hn_make_up_is_same(const struct hn_guest *known, const struct hn_guest *told)
{
	if (!hn_guest_same_vcpus(known, told) || known->backend_count != told->backend_count ||
	    !has_threads(known, told->threads, told->thread_count))
		return false;
	for (size_t i = 0; i < told->backend_count; i++)
		if (!has_backend(known, &told->backends[i]))
			return false;
	return true;
}

static const char *place_of(const struct hn_managed *managed)
{
	return managed->socket ? managed->socket : "libvirt";
}

/* The name it tells, unless another guest has it already. */
static void take_name(struct hn_managed *managed, const char *name)
{
	struct hn_managed *other = hn_managed_find(managed->service, name);

	if (other && other != managed) {
		hn_log(HN_LOG_WARNING, "guest '%s' (%s): the name '%s' belongs to the guest at %s already",
		       managed->name, place_of(managed), name, place_of(other));
		return;
	}
	snprintf(managed->name, sizeof(managed->name), "%s", name);
}

/* The home it was promised before it started, or had when the daemon ended. */
static void take_reserved_home(struct hn_managed *managed)
{
	struct hn_reservation *reservation =
		hn_reservations_find(&managed->service->reservations, managed->guest->uuid, managed->name);

	if (!reservation || reservation->state == HN_RESERVATION_PARKED)
		return;
	reservation->seen = true;
	managed->promised_ns = reservation->promised ? hn_now_ns() : 0;
	if (managed->home || reservation->home->node_count != managed->service->host->node_count ||
	    !hn_guest_same_vcpus(reservation->guest, managed->guest))
		return;
	managed->home = hn_placement_copy(reservation->home);
	if (managed->home) /* memory may have come and gone since */
		hn_home_node_resize(managed->guest, managed->home);
}

/* Without it the next look says what is wrong. */
static bool has_known_memory(const struct hn_guest *guest)
{
	for (size_t i = 0; i < guest->backend_count; i++)
		if (guest->backends[i].host_address && guest->backends[i].cell >= 0)
			return true;
	return false;
}

bool hn_make_up_join(struct hn_managed *managed, struct hn_guest *told)
{
	const struct hn_managed *other;
	struct hn_process known;
	pid_t pid;
	uid_t uid;

	if (!managed->socket || managed->domain || !told->uuid[0])
		return false;
	other = hn_managed_of_domain(managed->service, told->uuid);
	if (!other || other->socket || hn_qmp_peer(managed->qmp, &pid, &uid, NULL) < 0)
		return false;
	known = hn_managed_process(other);
	if (!hn_census_is(managed->service->census, told->uuid, &known, pid)) {
		if (!managed->doubted)
			hn_log(HN_LOG_INFO,
			       "guest '%s': says that it is '%s', and has not been seen to be its process "
			       "(%d)",
			       managed->name, other->name, (int)pid);
		managed->doubted = true;
		hn_census_soon(managed->service->census);
		return false;
	}
	managed->doubted = false;
	hn_managed_join(managed, told->uuid);
	if (managed->identified)
		take_reserved_home(managed);
	hn_domain_complete(managed->domain, told);
	take_name(managed, told->name);
	return true;
}

/* The same memory devices: virtio-mem gives more or less of them than before, or XML that came after QMP
 * knows their pages. */
static void take_given_memory(struct hn_guest *guest, const struct hn_guest *told)
{
	for (size_t i = 0; i < guest->cell_count; i++) {
		guest->cells[i].memory_bytes = told->cells[i].memory_bytes;
		guest->cells[i].page_bytes = told->cells[i].page_bytes;
	}
}

bool hn_make_up_take(struct hn_managed *managed, struct hn_guest *told)
{
	managed->introspected_ns = hn_now_ns();
	if (has_known_memory(told))
		hn_managed_set_problem(managed, NULL);
	if (!hn_make_up_join(managed, told) && managed->domain)
		hn_domain_complete(managed->domain, told);
	if (managed->guest && managed->identified && hn_make_up_is_same(managed->guest, told)) {
		hn_managed_set_run_state(managed, told->state);
		take_given_memory(managed->guest, told);
		hn_inspect_take_told(managed, told);
		hn_guest_free(told);
		if (hn_inspect_is_due(managed)) /* a device may have come or gone */
			hn_inspect_start(managed);
		return false;
	}
	hn_managed_forget_looks(managed);
	/* memory that comes and goes is the policy's to find room for: see policy/home-node.h */
	if (managed->home && !hn_guest_same_vcpus(managed->guest, told)) {
		hn_placement_free(managed->home);
		managed->home = NULL;
	}
	hn_guest_free(managed->guest);
	managed->guest = told;
	managed->identified = false;
	managed->generation++;
	take_name(managed, told->name);
	hn_make_up_apply_settings(managed);
	return true;
}

/* The empty set is all. False, and nodes as they were, when they have none in common. */
static bool limit(struct hn_set *nodes, const struct hn_set *to)
{
	struct hn_set common = *nodes;

	if (hn_set_empty(to))
		return true;
	hn_set_and(&common, to);
	if (hn_set_empty(&common) && !hn_set_empty(nodes))
		return false;
	*nodes = hn_set_empty(nodes) ? *to : common;
	return true;
}

/* How long the window of its settings is open yet. */
static uint64_t window_left_ns(const struct hn_settings *settings)
{
	time_t now = time(NULL);
	struct tm local;
	unsigned minutes;

	if (!hn_settings_says(settings, HN_SETTING_WINDOW) || !localtime_r(&now, &local))
		return 0;
	minutes = hn_window_left(&settings->window, (unsigned)(local.tm_hour * 60 + local.tm_min));
	/* a leap second is the 60th */
	return minutes ? (minutes * 60 - (unsigned)(local.tm_sec < 60 ? local.tm_sec : 59)) * HN_NS_PER_S : 0;
}

/* Each cell to what its XML binds it to. */
static void limit_cells(const struct hn_guest *from_xml, struct hn_guest *guest)
{
	for (size_t i = 0; i < guest->cell_count; i++) {
		int index = hn_guest_cell_index(from_xml, guest->cells[i].id);

		if (index >= 0)
			guest->cells[i].allowed_nodes = from_xml->cells[index].allowed_nodes;
	}
}

/* Records and logs (once while it does not change) that wished nodes are none that the guest can be on; NULL:
 * they are. */
static void tell_unheeded(struct hn_managed *managed, const struct hn_set *wished,
			  const struct hn_set *limits)
{
	char text[HN_ERROR_MAX] = "", nodes[64], others[64];

	if (wished)
		snprintf(text, sizeof(text),
			 "nodes = %s cannot be heeded: its cgroups and its XML allow it node %s alone",
			 hn_set_format(wished, nodes, sizeof(nodes)),
			 hn_set_format(limits, others, sizeof(others)));
	if (strcmp(text, managed->unheeded ? managed->unheeded : "") == 0)
		return;
	if (wished)
		hn_log(HN_LOG_WARNING, "guest '%s': %s", managed->name, text);
	free(hn_steal(managed->unheeded));
	managed->unheeded = wished ? strdup(text) : NULL;
}

/* Nodes that it cannot or may not use whatever the settings say; its cgroups are no limit where they are to
 * follow. Empty: there are none such. */
static struct hn_set limits_of(const struct hn_managed *managed, bool follow_cpuset)
{
	const struct hn_domain *domain = managed->domain;
	struct hn_set limits = {0};

	if (!follow_cpuset) {
		limit(&limits, &managed->cpuset_nodes);
		if (domain && domain->guest)
			limit(&limits, &domain->guest->allowed_nodes);
	}
	if (managed->container_nodes)
		limit(&limits, managed->container_nodes);
	return limits;
}

static void limit_nodes(struct hn_managed *managed, const struct hn_settings *settings,
			struct hn_guest *guest)
{
	const struct hn_domain *domain = managed->domain;
	struct hn_set limits = limits_of(managed, settings->follow_cpuset);
	const struct hn_set wished = guest->allowed_nodes;
	bool heeded = limit(&guest->allowed_nodes, &limits);

	if (!heeded) /* empty would be all of them */
		guest->allowed_nodes = limits;
	tell_unheeded(managed, heeded ? NULL : &wished, &limits);
	for (size_t i = 0; i < guest->cell_count; i++)
		hn_set_clear(&guest->cells[i].allowed_nodes);
	if (!settings->follow_cpuset && domain && domain->guest)
		limit_cells(domain->guest, guest);
	if (domain)
		hn_settings_respect_pins(&domain->wishes, settings, hn_domain_pins_are_ours(managed),
					 managed->service->host, guest);
}

void hn_make_up_keep_threads(struct hn_managed *managed)
{
	struct hn_guest *guest = managed->guest;

	for (size_t i = 0; i < guest->thread_count; i++)
		guest->threads[i].kept = hn_domain_keeps_thread(managed, &guest->threads[i]);
}

void hn_make_up_apply_settings(struct hn_managed *managed)
{
	const struct hn_domain *domain = managed->domain;
	struct hn_guest *guest = managed->guest;
	struct hn_settings settings;

	if (!guest)
		return;
	snprintf(guest->name, sizeof(guest->name), "%s", managed->name);
	guest->class = domain && domain->guest ? domain->guest->class : HN_CLASS_SHARED;
	if (managed->runs_realtime)
		guest->class = HN_CLASS_REALTIME;
	settings = hn_domain_settings(managed, guest, NULL);
	managed->override_pins = settings.override_pins;
	managed->follow_cpuset = settings.follow_cpuset;
	managed->persist = settings.persist;
	hn_set_clear(&guest->allowed_nodes);
	hn_settings_apply(&settings, guest);
	limit_nodes(managed, &settings, guest);
	hn_window_follow_rule(managed, window_left_ns(&settings));
	guest->window_open = managed->rule_until_ns > 0 || hn_window_left_ns(managed) > 0;
	hn_inspect_weigh(managed);
	hn_make_up_keep_threads(managed);
	/* memory goes to where the operator has pinned the vCPUs, and not the other way */
	if (domain && hn_domain_vcpus_pinned(managed) && strcmp(guest->policy, "home-node") == 0)
		snprintf(guest->policy, sizeof(guest->policy), "memory-follows-cpu");
	hn_balancer_update(managed->service->balancer);
}

static void tell_appeared(const struct hn_managed *managed)
{
	const struct hn_guest *guest = managed->guest;
	json_object *json = json_object_new_object();

	if (json) {
		hn_json_add_string(json, "uuid", guest->uuid);
		hn_json_add_int(json, "pid", guest->pid);
		hn_json_add_u64(json, "cells", guest->cell_count);
		hn_json_add_int(json, "vcpus", hn_guest_vcpu_count(guest));
		hn_json_add_u64(json, "memory_bytes", hn_guest_memory_bytes(guest));
		hn_json_add_string(json, "mode", hn_mode_name(guest->mode));
	}
	hn_event_emit(managed->service, HN_EVENT_GUEST_APPEARED, managed->name, json);
}

void hn_make_up_identified(struct hn_managed *managed, const struct hn_process *process,
			   const struct hn_set *nodes)
{
	struct hn_guest *guest = managed->guest;

	managed->identified = true;
	managed->ranges_checked = false;
	managed->cpuset_nodes = *nodes;
	guest->pid = process->pid;
	guest->start_ticks = process->start_ticks;
	hn_arrival_settle(managed->service, guest->uuid, nodes);
	hn_make_up_apply_settings(managed);
	take_reserved_home(managed);
	hn_log(HN_LOG_INFO, "guest '%s': pid %d, %zu cells, %d vCPUs, mode %s", managed->name, guest->pid,
	       guest->cell_count, hn_guest_vcpu_count(guest), hn_mode_name(guest->mode));
	tell_appeared(managed);
	hn_inspect_start(managed);
}
