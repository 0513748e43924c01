#include "daemon/inspect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "daemon/admission.h"
#include "daemon/guest-calls.h"
#include "daemon/guest-devices.h"
#include "daemon/hands-channel.h"
#include "daemon/make-up.h"
#include "daemon/rota.h"
#include "daemon/stuck.h"
#include "host/move-probe.h"
#include "policy/price.h"

#define AGAIN_NS (60 * HN_NS_PER_S)
#define LOOKS_TO_ONE 4 /* an inspection costs at most a quarter of the looks since the last */
#define PROBE_WATCHDOG_NS (10 * HN_NS_PER_S)
#define AUTO_MEMORY __attribute__((cleanup(hn_cleanup_memory)))

/* It has made a moving call, and may be stuck in it as any mover may. */
static void give_up_probing(struct hn_managed *managed)
{
	pid_t pid;
	int pidfd = hn_hands_take_pidfd(managed->prober, &pid);

	hn_hands_free(hn_steal(managed->prober));
	hn_stuck_add(managed->service, pidfd, pid, managed->name);
}

void hn_inspect_forget(struct hn_managed *managed)
{
	if (managed->prober)
		give_up_probing(managed);
	free(hn_steal(managed->memos));
	free(hn_steal(managed->devices));
	managed->device_count = 0;
	managed->inspected_ns = 0;
}

void hn_inspect_soon(struct hn_managed *managed)
{
	managed->inspected_ns = 0;
}

bool hn_inspect_is_due(const struct hn_managed *managed)
{
	uint64_t looks_ns = managed->turn.billed_ns - managed->inspect_billed_ns;

	return managed->inspected_ns == 0 ||
	       (hn_inspect_is_old(managed) && looks_ns / LOOKS_TO_ONE >= managed->inspect_cost_ns);
}

bool hn_inspect_is_old(const struct hn_managed *managed)
{
	return hn_now_ns() > managed->inspected_ns + AGAIN_NS;
}

/* How many backends there are whose place is known. */
static size_t known_count(const struct hn_guest *guest)
{
	size_t count = 0;

	for (size_t i = 0; i < guest->backend_count; i++)
		count += guest->backends[i].host_address != 0;
	return count;
}

/* A window is its operator's word that it may be disturbed. */
static bool takes_too_long(const struct hn_managed *managed, const struct hn_backend *backend)
{
	const struct hn_service *service = managed->service;
	double longest = (double)service->config->longest_gap_ns / (double)HN_NS_PER_S;

	return longest > 0 && !managed->guest->window_open &&
	       hn_price_page_gap(&service->calibration, backend->page_bytes) > longest;
}

static enum hn_movability weighed(const struct hn_managed *managed, const struct hn_backend *backend,
				  enum hn_movability movability)
{
	return movability == HN_MOVABLE && takes_too_long(managed, backend) ? HN_IMMOVABLE_LARGE_PAGES
									    : movability;
}

static enum hn_movability movability_of(const struct hn_backend *backend, const struct hn_backend_memo *memo,
					const struct hn_process_pins *pins)
{
	enum hn_movability movability = memo->told;

	if (movability == HN_MOVABLE)
		movability = hn_pins_movability(pins, backend->host_address, backend->bytes);
	if (movability == HN_MOVABLE && backend->host_address &&
	    (backend->backing == HN_BACKING_UNKNOWN || backend->backing == HN_BACKING_DEVICE))
		movability = HN_IMMOVABLE_UNKNOWN;
	return movability == HN_IMMOVABLE_UNKNOWN && memo->moves ? HN_MOVABLE : movability;
}

void hn_inspect_weigh(struct hn_managed *managed)
{
	for (size_t i = 0; i < managed->guest->backend_count; i++) {
		struct hn_backend *backend = &managed->guest->backends[i];
		enum hn_movability before = backend->movability;

		if (before != HN_MOVABLE && before != HN_IMMOVABLE_LARGE_PAGES)
			continue;
		backend->movability = weighed(managed, backend, HN_MOVABLE);
		managed->seizures += before == HN_MOVABLE && backend->movability != HN_MOVABLE;
	}
}

static int take_memos(struct hn_managed *managed)
{
	const struct hn_guest *guest = managed->guest;

	if (managed->memos)
		return 0;
	managed->memos = calloc(guest->backend_count + 1, sizeof(*managed->memos));
	if (!managed->memos)
		return -ENOMEM;
	for (size_t i = 0; i < guest->backend_count; i++)
		managed->memos[i].told = guest->backends[i].movability;
	return 0;
}

static const struct hn_backend *backend_of(const struct hn_guest *guest, const char *id)
{
	for (size_t i = 0; i < guest->backend_count; i++)
		if (strcmp(guest->backends[i].id, id) == 0)
			return &guest->backends[i];
	return NULL;
}

void hn_inspect_take_told(struct hn_managed *managed, const struct hn_guest *told)
{
	for (size_t i = 0; i < managed->guest->backend_count; i++) {
		struct hn_backend *backend = &managed->guest->backends[i];
		const struct hn_backend *as_told = backend_of(told, backend->id);

		if (!as_told)
			continue;
		if (managed->memos)
			managed->memos[i].told = as_told->movability;
		if (as_told->movability == HN_MOVABLE ||
		    (backend->movability != HN_MOVABLE && backend->movability != HN_IMMOVABLE_LARGE_PAGES))
			continue; /* what is movable again, the next inspection finds */
		managed->seizures += backend->movability == HN_MOVABLE;
		backend->movability = as_told->movability;
	}
}

static void take_kind(struct hn_backend *backend, const struct hn_range_kind *kind)
{
	backend->backing = kind->backing;
	backend->shared = kind->shared;
	if (kind->page_bytes)
		backend->page_bytes = kind->page_bytes;
	if (!kind->looked_inside)
		return;
	backend->looked_inside = true;
	backend->huge_share = kind->huge_share;
	backend->merged_share = kind->merged_share;
}

static void take_kinds(struct hn_managed *managed, const struct hn_process_pins *pins,
		       const struct hn_range_kind *kinds)
{
	struct hn_guest *guest = managed->guest;

	guest->hold = pins->hold;
	for (size_t i = 0; i < guest->backend_count; i++) {
		struct hn_backend *backend = &guest->backends[i];
		enum hn_movability before = backend->movability;

		if (backend->host_address)
			take_kind(backend, kinds++);
		backend->movability =
			weighed(managed, backend, movability_of(backend, &managed->memos[i], pins));
		managed->seizures += before == HN_MOVABLE && backend->movability != HN_MOVABLE;
	}
}

/* Its operator may have given its cgroups other nodes. While an operation changes them (daemon/fence.h), what
 * was read may be older than that. */
void hn_inspect_take_nodes(struct hn_managed *managed, const struct hn_set *nodes)
{
	char text[HN_SET_TEXT_MAX];

	if (hn_set_equal(nodes, &managed->cpuset_nodes) || (managed->running && managed->follow_cpuset))
		return;
	hn_log(HN_LOG_INFO, "guest '%s': its cgroups allow it %s%s", managed->name,
	       hn_set_empty(nodes) ? "all nodes" : "the nodes ",
	       hn_set_empty(nodes) ? "" : hn_set_format(nodes, text, sizeof(text)));
	managed->cpuset_nodes = *nodes;
	hn_make_up_apply_settings(managed);
}

static int take(struct hn_managed *managed, const void *body, size_t length, struct hn_error *err)
{
	const struct hn_hands_inspected *inspected = body;
	const struct hn_range_kind *kinds;

	if (length < sizeof(*inspected) || inspected->range_count != known_count(managed->guest) ||
	    length != sizeof(*inspected) + inspected->range_count * sizeof(struct hn_range_kind) +
			      inspected->device_count * sizeof(struct hn_process_device))
		return hn_fail(err, -EPROTO, "an inspection came back with %zu bytes", length);
	kinds = (const struct hn_range_kind *)(const void *)(inspected + 1);
	if (take_memos(managed) < 0 ||
	    hn_guest_devices_take(managed, (const struct hn_process_device *)(kinds + inspected->range_count),
				  inspected->device_count) < 0)
		return hn_oom(err);
	hn_cadence_bill(&managed->service->cadence, &managed->turn, inspected->cost_ns);
	managed->inspect_cost_ns = inspected->cost_ns;
	managed->inspect_billed_ns = managed->turn.billed_ns;
	take_kinds(managed, &inspected->pins, kinds);
	hn_inspect_take_nodes(managed, &inspected->nodes);
	return 0;
}

static void log_held(const struct hn_managed *managed, unsigned pins_before)
{
	const struct hn_hold *hold = &managed->guest->hold;
	char text[120];

	if (hold->pins != pins_before)
		hn_log(HN_LOG_INFO, "guest '%s': %s%s", managed->name,
		       hold->pins ? "its memory is held by " : "nothing holds its memory any more",
		       hn_pins_format(hold->pins, text, sizeof(text)));
}

static void on_probe_reply(int result, const void *body, size_t length, const struct hn_error *err,
			   void *context)
{
	struct hn_managed *managed = context;
	const int32_t *probes = body;
	size_t at = 0;

	if (result == -ETIMEDOUT)
		give_up_probing(managed);
	hn_hands_free(hn_steal(managed->prober));
	if (result < 0) {
		hn_log(HN_LOG_INFO, "guest '%s': a page of it was to be tried: %s", managed->name,
		       err->message);
		return;
	}
	for (size_t i = 0; managed->guest && managed->memos && i < managed->guest->backend_count; i++) {
		struct hn_backend *backend = &managed->guest->backends[i];

		if (backend->movability != HN_IMMOVABLE_UNKNOWN || !backend->host_address ||
		    takes_too_long(managed, backend) || at >= length / sizeof(*probes))
			continue;
		managed->memos[i].moves = probes[at++] == HN_PROBE_MOVED;
		hn_log(HN_LOG_INFO, "guest '%s': a page of %s was tried and %s", managed->name, backend->id,
		       managed->memos[i].moves ? "has moved" : "has not moved");
		if (managed->memos[i].moves)
			backend->movability = weighed(managed, backend, HN_MOVABLE);
	}
}

static int request_probe(struct hn_managed *managed, struct hn_error *err)
{
	const struct hn_guest *guest = managed->guest;
	AUTO_MEMORY struct hn_range *ranges = calloc(guest->backend_count + 1, sizeof(*ranges));
	struct hn_hands_probe probe = {
		.process = {guest->pid, guest->start_ticks},
		.seed = hn_random_next(&managed->service->random),
		.nodes = hn_host_home_nodes(managed->service->host),
	};
	int r;

	if (!ranges)
		return hn_oom(err);
	if (!hn_set_empty(&managed->cpuset_nodes))
		hn_set_and(&probe.nodes, &managed->cpuset_nodes);
	for (size_t i = 0; i < guest->backend_count; i++)
		if (guest->backends[i].movability == HN_IMMOVABLE_UNKNOWN &&
		    guest->backends[i].host_address && !takes_too_long(managed, &guest->backends[i]))
			ranges[probe.range_count++] = hn_managed_range(&guest->backends[i]);
	if (probe.range_count == 0)
		return 0;
	if ((r = hn_guest_calls_make(managed, HN_CALL_MOVE, probe.range_count, err)) < 0 ||
	    (r = hn_hands_new(managed->service->base, managed->service->hands_program, "trying a page",
			      PROBE_WATCHDOG_NS, &managed->prober, err)) < 0)
		return r;
	return hn_hands_request(managed->prober, HN_HANDS_PROBE,
				(struct hn_hands_part[]){{&probe, sizeof(probe)},
							 {ranges, probe.range_count * sizeof(*ranges)}},
				2, NULL, on_probe_reply, managed, err);
}

/* Only where homenode is to act: to try a page is to move it. */
static void probe(struct hn_managed *managed)
{
	struct hn_error err;
	char why[200];

	if (managed->prober || !managed->sample || hn_stuck_any(managed->service, why, sizeof(why)) ||
	    managed->guest->mode != HN_MODE_ENFORCE || hn_guest_is_untouchable(managed->guest))
		return;
	if (request_probe(managed, &err) < 0) {
		hn_hands_free(hn_steal(managed->prober));
		hn_log(HN_LOG_INFO, "guest '%s': %s", managed->name, err.message);
	}
}

static void on_inspect_reply(int result, const void *body, size_t length, const struct hn_error *err,
			     void *context)
{
	struct hn_managed *managed = context;
	bool first = managed->inspected_ns == 0;
	struct hn_error why;
	unsigned pins;

	managed->inspecting = false;
	if (result == -ETIMEDOUT)
		hn_rota_hung(managed, "an inspection of it", managed->inspect_started_ns);
	if (managed->inspect_generation != managed->generation || !managed->guest || !managed->identified)
		return; /* the make-up has changed since */
	pins = managed->guest->hold.pins;
	if (result < 0 || take(managed, body, length, &why) < 0) {
		hn_managed_set_problem(managed, result < 0 ? err : &why);
		if (result == -ESRCH)
			hn_managed_process_gone(managed);
		return;
	}
	managed->inspected_ns = hn_now_ns();
	log_held(managed, pins);
	hn_admission_wake(managed->service);
	probe(managed);
	if (first)
		hn_managed_look_in(managed, 0);
}

static int request(struct hn_managed *managed, struct hn_error *err)
{
	const struct hn_guest *guest = managed->guest;
	AUTO_MEMORY struct hn_range *ranges = calloc(guest->backend_count + 1, sizeof(*ranges));
	struct hn_hands_inspect inspect = {
		.process = {guest->pid, guest->start_ticks},
		.seed = hn_random_next(&managed->service->random),
		.look_inside = managed->sample && !hn_guest_is_untouchable(guest),
	};

	if (!ranges)
		return hn_oom(err);
	for (size_t i = 0; i < guest->backend_count; i++)
		if (guest->backends[i].host_address)
			ranges[inspect.range_count++] = hn_managed_range(&guest->backends[i]);
	managed->inspect_generation = managed->generation;
	return hn_hands_request(managed->service->hands, HN_HANDS_INSPECT,
				(struct hn_hands_part[]){{&inspect, sizeof(inspect)},
							 {ranges, inspect.range_count * sizeof(*ranges)}},
				2, NULL, on_inspect_reply, managed, err);
}

void hn_inspect_inside(struct hn_managed *managed)
{
	if (!hn_guest_is_untouchable(managed->guest))
		hn_inspect_start(managed);
}

void hn_inspect_start(struct hn_managed *managed)
{
	if (!hn_rota_rests(managed))
		hn_inspect_now(managed);
}

void hn_inspect_now(struct hn_managed *managed)
{
	struct hn_error err;

	if (managed->inspecting || !managed->identified)
		return;
	managed->inspect_started_ns = hn_now_ns();
	if (request(managed, &err) < 0)
		hn_managed_set_problem(managed, &err);
	else
		managed->inspecting = true;
}
