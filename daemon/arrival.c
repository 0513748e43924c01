#include "daemon/arrival.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/units.h"
#include "daemon/census.h"
#include "daemon/decision.h"
#include "daemon/draining.h"
#include "daemon/events.h"
#include "daemon/guest.h"
#include "daemon/settings.h"
#include "model/request.h"
#include "policy/cpus.h"
#include "policy/policies.h"
#include "xml/domain-read.h"
#include "xml/domain-wishes.h"
#include "xml/domain-write.h"

#define START_WITHIN_NS (300 * HN_NS_PER_S) /* QEMU may have to touch a terabyte before it runs */
#define ADVICE_KEPT_NS (30 * HN_NS_PER_S)
#define AUTO_MEMORY __attribute__((cleanup(hn_cleanup_memory)))

HN_CLEANUP_DEFINE(snapshot_guests, struct hn_guest_state *, free);

int hn_arrival_find_home(struct hn_service *service, struct hn_guest *guest, struct hn_placement **ret,
			 struct hn_error *err)
{
	const struct hn_decide_options options = hn_decision_options(service, true);
	const struct hn_policy *policy = hn_policy_find(guest->policy, err);
	HN_AUTO(hn_placement) struct hn_placement *home = NULL;
	HN_AUTO(snapshot_guests) struct hn_guest_state *guests = NULL;
	struct hn_snapshot snapshot;
	size_t index;
	int r;

	if (!policy)
		return -EINVAL;
	if ((r = hn_decision_snapshot_with(service, guest, &snapshot, &index, err)) < 0)
		return r;
	guests = snapshot.guests;
	if ((r = policy->find_home(&snapshot, index, &options.solver, &home, err)) < 0 ||
	    (r = hn_cpus_choose(&snapshot, index, home, err)) < 0)
		return r;
	*ret = hn_steal(home);
	return 0;
}

void hn_arrival_tell(struct hn_service *service, const char *guest, const char *state,
		     const struct hn_placement *home)
{
	struct hn_set nodes = home ? hn_placement_nodes(home) : (struct hn_set){0};
	json_object *json = json_object_new_object();
	char text[HN_SET_TEXT_MAX];

	if (json) {
		hn_json_add_string(json, "state", state);
		hn_json_add_string(json, "nodes", hn_set_format(&nodes, text, sizeof(text)));
	}
	hn_event_emit(service, HN_EVENT_RESERVATION, guest, json);
}

static void log_home(struct hn_service *service, const struct hn_guest *guest,
		     const struct hn_placement *home, const char *why)
{
	struct hn_set nodes = hn_placement_nodes(home);
	char text[HN_SET_TEXT_MAX];

	hn_set_format(&nodes, text, sizeof(text));
	hn_log(HN_LOG_INFO, "guest '%s': %s: reserved on node%s %s", guest->name, why,
	       hn_set_count(&nodes) == 1 ? "" : "s", text);
	hn_arrival_tell(service, guest->name, "made", home);
}

/* What the hook's XML says of the guest, with its operator's settings applied. */
static int read_guest(struct hn_service *service, const char *xml, size_t length, struct hn_guest **ret,
		      struct hn_domain_wishes *ret_wishes, struct hn_error *err)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
	struct hn_settings settings;
	int r;

	if ((r = hn_domain_read(xml, length, &guest, err)) < 0 ||
	    (r = hn_domain_wishes_read(xml, length, ret_wishes, err)) < 0)
		return r;
	settings = hn_settings_of(service->config, guest, &ret_wishes->settings, NULL);
	hn_settings_apply(&settings, guest);
	*ret = hn_steal(guest);
	return 0;
}

/* What libvirt will ask numad, and until when its start is waited for. */
static void note_question(struct hn_reservation *reservation, const struct hn_domain_wishes *wishes)
{
	reservation->since_ns = reservation->made_ns = hn_now_ns();
	reservation->expires_ns = reservation->since_ns + START_WITHIN_NS;
	reservation->answered = false;
	reservation->asks_numad = wishes->asks_numad;
	reservation->numad_vcpus = wishes->numad_vcpus;
	reservation->numad_mib = wishes->numad_mib;
}

/* Solves and reserves. old: whose pins are remembered, NULL none. What does not fit is said and left to
 * libvirt.
 */
static int reserve(struct hn_service *service, struct hn_guest *guest, const struct hn_domain_wishes *wishes,
		   const char *why, const struct hn_reservation *old, struct hn_reservation **ret,
		   struct hn_error *err)
{
	HN_AUTO(hn_guest) struct hn_guest *copy = NULL;
	struct hn_placement *home = NULL;
	struct hn_reservation *reservation;
	bool pinned = old && old->pinned, rewritten = old && old->rewritten;
	int r = hn_arrival_find_home(service, guest, &home, err);

	*ret = NULL;
	if (r == -ENOSPC) {
		hn_log(HN_LOG_WARNING, "guest '%s': %s: nothing is reserved: %s", guest->name, why,
		       err->message);
		return 0;
	}
	if (r < 0)
		return r;
	copy = hn_guest_copy(guest);
	if (!copy) {
		hn_placement_free(home);
		return hn_oom(err);
	}
	copy->mode = HN_MODE_OBSERVE; /* nobody else's start moves what does not run yet */
	reservation = hn_reservation_new(hn_steal(copy), home);
	if (!reservation)
		return hn_oom(err);
	note_question(reservation, wishes);
	reservation->pinned = pinned;
	reservation->rewritten = rewritten;
	r = hn_reservations_put(&service->reservations, reservation, err);
	if (r < 0)
		return r;
	log_home(service, guest, home, why);
	*ret = reservation;
	return 0;
}

/* A node has begun to drain since; where nothing else has room, the promise stands. */
static void leave_draining(struct hn_service *service, struct hn_reservation *reservation)
{
	struct hn_set nodes = hn_placement_nodes(reservation->home);
	struct hn_placement *home = NULL;
	struct hn_error err;

	if (!hn_draining_any(service, &nodes))
		return;
	if (hn_arrival_find_home(service, reservation->guest, &home, &err) < 0) {
		hn_log(HN_LOG_WARNING, "guest '%s': starts on a node that drains: %s",
		       reservation->guest->name, err.message);
		return;
	}
	hn_placement_free(reservation->home);
	reservation->home = home;
	log_home(service, reservation->guest, home, "a node of its home drains");
}

/* A client made it before the guest came: how it comes tells whose the pins in its XML are. */
static void settle_pins(struct hn_reservation *reservation, bool returns)
{
	if (reservation->inherited && !returns)
		reservation->pinned = reservation->rewritten = false;
	reservation->inherited = false;
}

/* returns: it is restored or migrates here, with XML as it ran; else it starts as its operator has defined
 * it, and what was pinned in an earlier life is no more. */
static int on_prepare(struct hn_service *service, bool returns, struct hn_guest *guest,
		      const struct hn_domain_wishes *wishes, struct hn_error *err)
{
	const struct hn_settings settings = hn_settings_of(service->config, guest, &wishes->settings, NULL);
	struct hn_reservation *old = hn_reservations_find(&service->reservations, guest->uuid, guest->name);
	struct hn_reservation *ignored;

	/* made moments ago at migrate or restore, or at a start that failed */
	if (old && old->state == HN_RESERVATION_MADE && hn_guest_same_cells(old->guest, guest)) {
		note_question(old, wishes);
		settle_pins(old, returns);
		leave_draining(service, old);
		if (!old->guest->uuid[0])
			memcpy(old->guest->uuid, guest->uuid, sizeof(guest->uuid));
		hn_reservations_save(&service->reservations, old);
		return 0;
	}
	if (!returns)
		old = NULL;
	hn_settings_respect_pins(wishes, &settings, old ? old->pinned : settings.persist, service->host,
				 guest);
	return reserve(service, guest, wishes, "about to start", old, &ignored, err);
}

static bool names_what_is_not_there(const struct hn_service *service, const struct hn_guest *guest,
				    const struct hn_domain_wishes *wishes)
{
	struct hn_set unknown = guest->allowed_nodes, cpus = wishes->vcpu_cpus;

	for (size_t i = 0; i < guest->cell_count; i++)
		hn_set_or(&unknown, &guest->cells[i].allowed_nodes);

	for (size_t i = 0; i < service->host->node_count; i++) {
		hn_set_remove(&unknown, service->host->nodes[i].id);
		hn_set_subtract(&cpus, &service->host->nodes[i].cpus);
	}
	if (!hn_set_empty(&unknown) || !hn_set_empty(&cpus))
		return true;
	for (size_t i = 0; i < wishes->vcpu_pin_count; i++) {
		struct hn_set pin = wishes->vcpu_pins[i].cpus;

		for (size_t j = 0; j < service->host->node_count; j++)
			hn_set_subtract(&pin, &service->host->nodes[j].cpus);
		if (!hn_set_empty(&pin))
			return true;
	}
	return false;
}

/* A guest from another host, or from a file: what its XML names of nodes and CPUs may be another host's. */
static int on_return(struct hn_service *service, bool from_elsewhere, struct hn_guest *guest,
		     const struct hn_domain_wishes *wishes, const char *xml, size_t length, char **ret,
		     size_t *ret_length, struct hn_error *err)
{
	const struct hn_settings settings = hn_settings_of(service->config, guest, &wishes->settings, NULL);
	const struct hn_reservation *parked =
		hn_reservations_find(&service->reservations, guest->uuid, guest->name);
	bool kept = hn_settings_says(&settings, HN_SETTING_PINS) && !settings.override_pins;
	bool ours = parked && parked->pinned, changed = false;
	struct hn_reservation *reservation;
	AUTO_MEMORY char *text = NULL;
	int r;

	if (kept || (!from_elsewhere && !ours && !names_what_is_not_there(service, guest, wishes)))
		return on_prepare(service, true, guest, wishes, err);
	hn_guest_allow_all(guest);
	guest->allowed_nodes = settings.nodes;
	r = reserve(service, guest, wishes, from_elsewhere ? "migrates here" : "is restored here", parked,
		    &reservation, err);
	if (r < 0 || !reservation)
		return r;
	r = hn_domain_write(xml, length, guest, service->host, reservation->home, HN_DOMAIN_EXISTING, &text,
			    &changed, err);
	if (r < 0 || !changed)
		return r;
	reservation->pinned = reservation->rewritten = reservation->promised = true;
	hn_reservations_save(&service->reservations, reservation);
	hn_log(HN_LOG_INFO, "guest '%s': the nodes and CPUs that its XML names are now this host's",
	       guest->name);
	*ret_length = strlen(text);
	*ret = hn_steal(text);
	return 0;
}

static void on_started(struct hn_service *service, const struct hn_guest *guest)
{
	struct hn_reservation *reservation =
		hn_reservations_find(&service->reservations, guest->uuid, guest->name);

	hn_census_soon(service->census);
	if (!reservation || reservation->state != HN_RESERVATION_MADE)
		return;
	reservation->state = HN_RESERVATION_STARTED;
	reservation->since_ns = hn_now_ns();
	reservation->expires_ns = 0;
	hn_reservations_save(&service->reservations, reservation);
	hn_arrival_tell(service, guest->name, "started", reservation->home);
}

void hn_arrival_released(struct hn_service *service, const char *uuid, const char *name)
{
	struct hn_reservation *reservation = hn_reservations_find(&service->reservations, uuid, name);

	if (!reservation || reservation->state == HN_RESERVATION_PARKED)
		return;
	hn_arrival_tell(service, reservation->guest->name, reservation->pinned ? "parked" : "freed", NULL);
	if (!reservation->pinned) {
		hn_reservations_drop(&service->reservations, reservation);
		return;
	}
	reservation->state = HN_RESERVATION_PARKED;
	reservation->since_ns = hn_now_ns();
	reservation->expires_ns = 0;
	hn_reservations_save(&service->reservations, reservation);
}

void hn_arrival_expire(struct hn_service *service)
{
	uint64_t now = hn_now_ns();
	const struct hn_reserved *item;

	TAILQ_FOREACH(item, &service->reservations.list, entry)
	if (item->reservation->expires_ns && now >= item->reservation->expires_ns)
		hn_arrival_tell(service, item->reservation->guest->name, "expired", NULL);
	hn_reservations_expire(&service->reservations, now);
	hn_draining_review(service);
}

static bool is_one_of(const char *word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

int hn_arrival_hook(struct hn_service *service, const char *name, const char *operation, const char *sub,
		    const char *xml, size_t length, char **ret, size_t *ret_length, struct hn_error *err)
{
	static const char *const known[] = {"prepare", "started", "release",
					    "migrate", "restore", "reconnect"};
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
	struct hn_domain_wishes wishes = {0};
	int r = 0;

	*ret = NULL;
	*ret_length = 0;
	hn_log(HN_LOG_DEBUG, "hook: guest '%s' %s %s", name, operation, sub);
	if (!is_one_of(operation, known, HN_COUNT(known)) ||
	    (strcmp(sub, "begin") != 0 && strcmp(operation, "release") != 0))
		return 0;
	if ((r = read_guest(service, xml, length, &guest, &wishes, err)) == 0) {
		if (strcmp(operation, "prepare") == 0)
			r = on_prepare(service, false, guest, &wishes, err);
		else if (strcmp(operation, "migrate") == 0 || strcmp(operation, "restore") == 0)
			r = on_return(service, operation[0] == 'm', guest, &wishes, xml, length, ret,
				      ret_length, err);
		else if (strcmp(operation, "release") == 0)
			hn_arrival_released(service, guest->uuid, guest->name);
		else
			on_started(service, guest);
	}
	hn_domain_wishes_done(&wishes);
	return r;
}

/* The one that has waited longest for this answer. */
static struct hn_reservation *asking(struct hn_service *service, unsigned vcpus, uint64_t mib)
{
	struct hn_reserved *item;

	TAILQ_FOREACH(item, &service->reservations.list, entry)
	{
		struct hn_reservation *reservation = item->reservation;

		if (reservation->state == HN_RESERVATION_MADE && reservation->asks_numad &&
		    !reservation->answered && reservation->numad_vcpus == vcpus &&
		    reservation->numad_mib == mib)
			return reservation;
	}
	return NULL;
}

/* Nobody told of this guest: it is kept room for under a name of its own, until it can be seen. */
static int advise_stranger(struct hn_service *service, unsigned vcpus, uint64_t mib, struct hn_set *ret,
			   struct hn_error *err)
{
	const struct hn_request request = {.vcpus = vcpus, .memory_bytes = mib * HN_MIB, .cells = 1};
	const struct hn_domain_wishes wishes = {.asks_numad = true, .numad_vcpus = vcpus, .numad_mib = mib};
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
	struct hn_reservation *reservation;
	char name[40];
	int r;

	snprintf(name, sizeof(name), "numad-%" PRIu64, ++service->next_stranger);
	if ((r = hn_request_guest(&request, name, &guest, err)) < 0 ||
	    (r = reserve(service, guest, &wishes, "numad was asked about it", NULL, &reservation, err)) < 0)
		return r;
	if (!reservation)
		return -ENOSPC;
	reservation->answered = reservation->promised = true;
	reservation->expires_ns = hn_now_ns() + ADVICE_KEPT_NS;
	hn_reservations_save(&service->reservations, reservation);
	*ret = hn_placement_nodes(reservation->home);
	return 0;
}

int hn_arrival_advise(struct hn_service *service, unsigned vcpus, uint64_t mib, struct hn_set *ret,
		      struct hn_error *err)
{
	struct hn_reservation *reservation = asking(service, vcpus, mib);

	if (!reservation)
		return advise_stranger(service, vcpus, mib, ret, err);
	leave_draining(service, reservation);
	reservation->answered = reservation->promised = true;
	hn_reservations_save(&service->reservations, reservation);
	*ret = hn_placement_nodes(reservation->home);
	return 0;
}

static bool same_shape(const struct hn_reservation *a, const struct hn_reservation *b)
{
	return a->asks_numad && b->asks_numad && a->numad_vcpus == b->numad_vcpus &&
	       a->numad_mib == b->numad_mib && a->home->cell_count == b->home->cell_count;
}

void hn_arrival_settle(struct hn_service *service, const char *uuid, const struct hn_set *nodes)
{
	struct hn_reservation *mine = hn_reservations_find(&service->reservations, uuid, "");
	struct hn_set home = mine ? hn_placement_nodes(mine->home) : (struct hn_set){0};
	struct hn_reserved *item;

	if (!mine || !mine->asks_numad || hn_set_empty(nodes) || hn_set_equal(&home, nodes))
		return;
	TAILQ_FOREACH(item, &service->reservations.list, entry)
	{
		struct hn_reservation *other = item->reservation;
		struct hn_set others = hn_placement_nodes(other->home);

		if (other != mine && other->state != HN_RESERVATION_PARKED && same_shape(mine, other) &&
		    hn_set_equal(&others, nodes)) {
			struct hn_placement *swap = mine->home;

			mine->home = other->home;
			other->home = swap;
			hn_reservations_save(&service->reservations, mine);
			hn_reservations_save(&service->reservations, other);
			return;
		}
	}
}

static struct hn_reservation *record_of(struct hn_managed *managed)
{
	struct hn_service *service = managed->service;
	struct hn_reservation *old =
		hn_reservations_find(&service->reservations, managed->guest->uuid, managed->name);
	struct hn_reservation *reservation;
	struct hn_guest *guest;
	struct hn_placement *home;
	struct hn_error err;

	if (old && old->state != HN_RESERVATION_PARKED)
		return old;
	guest = hn_guest_copy(managed->guest);
	home = hn_placement_copy(managed->home);
	if (!guest || !home) {
		hn_guest_free(guest);
		hn_placement_free(home);
		return NULL;
	}
	guest->thread_count = 0;
	guest->mode = HN_MODE_OBSERVE;
	reservation = hn_reservation_new(guest, home);
	if (!reservation)
		return NULL;
	reservation->state = HN_RESERVATION_STARTED;
	reservation->since_ns = hn_now_ns();
	reservation->seen = true;
	reservation->pinned = old && old->pinned; /* no hook has told that it starts anew */
	reservation->rewritten = old && old->rewritten;
	return hn_reservations_put(&service->reservations, reservation, &err) < 0 ? NULL : reservation;
}

void hn_arrival_record_home(struct hn_managed *managed)
{
	struct hn_reservation *reservation;
	struct hn_placement *home;

	if (!managed->domain || !managed->home || !managed->guest)
		return;
	reservation = record_of(managed);
	if (!reservation || hn_placement_equal(reservation->home, managed->home))
		return;
	home = hn_placement_copy(managed->home);
	if (!home)
		return;
	hn_placement_free(reservation->home);
	reservation->home = home;
	hn_reservations_save(&managed->service->reservations, reservation);
}

void hn_arrival_pinned(struct hn_managed *managed)
{
	struct hn_reservation *reservation = managed->home && managed->guest ? record_of(managed) : NULL;

	if (!reservation || reservation->pinned)
		return;
	reservation->pinned = true;
	hn_reservations_save(&managed->service->reservations, reservation);
}
