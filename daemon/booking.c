#include "daemon/booking.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "daemon/arrival.h"
#include "daemon/guest.h"

/* The reservation that the key stands for, if any. */
static int find_by_key(struct hn_service *service, const struct hn_wanted *wanted,
		       struct hn_reservation **ret, struct hn_error *err)
{
	*ret = wanted->key[0] ? hn_reservations_find_key(&service->reservations, wanted->key) : NULL;
	if (*ret && (*ret)->asked != wanted->asked)
		return hn_fail(err, -EKEYREJECTED,
			       "the key '%s' stands for another request, of reservation %s: a new request "
			       "needs a new key",
			       wanted->key, (*ret)->id);
	return 0;
}

static int check_absent(struct hn_service *service, const struct hn_guest *guest, struct hn_error *err)
{
	const struct hn_reservation *other =
		hn_reservations_find(&service->reservations, guest->uuid, guest->name);
	const struct hn_managed *managed = hn_managed_find(service, guest->name);

	if (managed && managed->guest && managed->guest->pid)
		return hn_fail(err, -EEXIST, "a guest '%s' runs on this host", guest->name);
	if (other && other->state != HN_RESERVATION_PARKED)
		return hn_fail(err, -EEXIST, "the guest '%s' has reservation %s already", guest->name,
			       other->id);
	return 0;
}

static void note(struct hn_booking *ret, enum hn_booking_step step, const struct hn_reservation *reservation)
{
	*ret = (struct hn_booking){.step = step, .expires_ns = reservation->expires_ns};
	memcpy(ret->id, reservation->id, sizeof(ret->id));
}

/* Its guest has been here before: should it return as it ran, pins in its XML are homenode's. */
static void inherit(struct hn_service *service, struct hn_reservation *reservation)
{
	const struct hn_reservation *parked = hn_reservations_find(
		&service->reservations, reservation->guest->uuid, reservation->guest->name);

	if (!parked)
		return;
	reservation->pinned = parked->pinned;
	reservation->rewritten = parked->rewritten;
	reservation->inherited = true;
}

static int put(struct hn_service *service, struct hn_wanted *wanted, struct hn_placement *home,
	       struct hn_booking *ret, struct hn_error *err)
{
	struct hn_reservation *reservation = hn_reservation_new(hn_steal(wanted->guest), home);
	int r;

	if (!reservation)
		return hn_oom(err);
	inherit(service, reservation);
	memcpy(reservation->key, wanted->key, sizeof(reservation->key));
	reservation->asked = wanted->asked;
	reservation->promised = true;
	reservation->since_ns = reservation->made_ns = hn_now_ns();
	reservation->expires_ns = reservation->since_ns + wanted->life_ns;
	reservation->guest->mode = HN_MODE_OBSERVE; /* nobody else's start moves what does not run yet */
	r = hn_reservations_put(&service->reservations, reservation, err);
	if (r == 0)
		note(ret, HN_BOOKING_MADE, reservation);
	return r;
}

int hn_booking_make(struct hn_service *service, struct hn_wanted *wanted, struct hn_booking *ret,
		    struct hn_error *err)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = hn_steal(wanted->guest);
	struct hn_reservation *found;
	struct hn_placement *home = NULL;
	int r;

	hn_arrival_expire(service);
	if ((r = find_by_key(service, wanted, &found, err)) < 0)
		return r;
	if (found) {
		note(ret, HN_BOOKING_FOUND, found);
		return 0;
	}
	if ((r = check_absent(service, guest, err)) < 0 ||
	    (r = hn_arrival_find_home(service, guest, &home, err)) < 0)
		return r;
	wanted->guest = hn_steal(guest);
	return put(service, wanted, home, ret, err);
}

void hn_booking_confirm(struct hn_service *service, struct hn_reservation *reservation, uint64_t life_ns,
			struct hn_booking *ret)
{
	note(ret, HN_BOOKING_FOUND_CONFIRMED, reservation);
	if (reservation->confirmed || reservation->state != HN_RESERVATION_MADE)
		return;
	ret->step = HN_BOOKING_CONFIRMED;
	reservation->confirmed = true;
	reservation->expires_ns = hn_now_ns() + life_ns;
	hn_reservations_save(&service->reservations, reservation);
}

int hn_booking_drop(struct hn_service *service, struct hn_reservation *reservation, struct hn_booking *ret,
		    struct hn_error *err)
{
	if (reservation->state == HN_RESERVATION_STARTED)
		return hn_fail(err, -EBUSY, "the guest '%s' runs: its room is free when it has ended",
			       reservation->guest->name);
	note(ret, HN_BOOKING_DROPPED, reservation);
	hn_arrival_tell(service, reservation->guest->name, "freed", NULL);
	if (reservation->state == HN_RESERVATION_MADE)
		hn_reservations_give_back(&service->reservations, reservation, hn_now_ns());
	else
		hn_reservations_drop(&service->reservations, reservation);
	return 0;
}

static bool is_confirmation(const struct hn_booking *booking)
{
	return booking->step == HN_BOOKING_CONFIRMED || booking->step == HN_BOOKING_FOUND_CONFIRMED;
}

static int take_back(struct hn_service *service, const struct hn_booking *booking,
		     struct hn_reservation *reservation, struct hn_error *err)
{
	if (reservation && booking->step == HN_BOOKING_MADE) {
		hn_reservations_give_back(&service->reservations, reservation, hn_now_ns());
	} else if (reservation && booking->step == HN_BOOKING_CONFIRMED) {
		reservation->confirmed = false;
		reservation->expires_ns = booking->expires_ns;
		hn_reservations_save(&service->reservations, reservation);
	}
	return hn_fail(err, -EIO, "%s: %s", service->reservations.problem,
		       is_confirmation(booking) ? "it is not confirmed" : "nothing is reserved");
}

int hn_booking_settle(struct hn_service *service, const struct hn_booking *booking,
		      struct hn_reservation **ret, struct hn_error *err)
{
	struct hn_reservation *reservation = hn_reservations_find_id(&service->reservations, booking->id);

	*ret = NULL;
	if (booking->step == HN_BOOKING_DROPPED)
		return 0; /* the room is free, whatever the file says */
	if (service->reservations.problem[0])
		return take_back(service, booking, reservation, err);
	if (!reservation)
		return hn_fail(err, is_confirmation(booking) ? -ENOENT : -EBUSY,
			       "reservation %s has been given back meanwhile", booking->id);
	if (booking->step == HN_BOOKING_MADE)
		hn_log(HN_LOG_DEBUG, "guest '%s': reservation %s is made", reservation->guest->name,
		       reservation->id);
	if (booking->step == HN_BOOKING_MADE || booking->step == HN_BOOKING_CONFIRMED)
		hn_arrival_tell(service, reservation->guest->name,
				booking->step == HN_BOOKING_MADE ? "made" : "confirmed", reservation->home);
	*ret = reservation;
	return 0;
}
