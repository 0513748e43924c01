#pragma once
/*
 * booking - reservations that clients of the API make, in two steps: made, with a short life, and confirmed.
 *
 * A client names what it wants by a key of its own; asked again by that key it gets the same reservation, so
 * that a request whose answer was lost can be sent again. What is done counts in memory at once, and is
 * settled when it is on file: then it is answered.
 */
#include "daemon/service.h"
#include "model/reservation.h"

struct hn_wanted {
	struct hn_guest *guest; /* taken over */
	char key[HN_RESERVATION_KEY_MAX];
	uint64_t asked; /* hash of the request */
	uint64_t life_ns;
};

/* What a client has done, and is still to be settled. */
enum hn_booking_step {
	HN_BOOKING_MADE,
	HN_BOOKING_FOUND, /* by its key: another call has made it */
	HN_BOOKING_CONFIRMED,
	HN_BOOKING_FOUND_CONFIRMED, /* another call has confirmed it */
	HN_BOOKING_DROPPED,
};

struct hn_booking {
	enum hn_booking_step step;
	char id[HN_RESERVATION_ID_MAX];
	uint64_t expires_ns; /* of one that is confirmed: before */
};

/*
 * -ENOSPC with what is scarce; -EEXIST when the guest runs or has a reservation by another key; -EKEYREJECTED
 * when the key was used for another request; -EINVAL, -ENOMEM.
 */
int hn_booking_make(struct hn_service *service, struct hn_wanted *wanted, struct hn_booking *ret,
		    struct hn_error *err);

/* Now it lasts for life_ns, or until its guest starts. Again: the same. */
void hn_booking_confirm(struct hn_service *service, struct hn_reservation *reservation, uint64_t life_ns,
			struct hn_booking *ret);

/* Gives the room back, which is free at once. -EBUSY when its guest runs. */
int hn_booking_drop(struct hn_service *service, struct hn_reservation *reservation, struct hn_booking *ret,
		    struct hn_error *err);

/*
 * It has been tried to put it on file: *ret is the service's, NULL for one that was dropped. -EIO when it
 * could not be, and nothing of it is done then; -ENOENT or -EBUSY when it is gone again already.
 */
int hn_booking_settle(struct hn_service *service, const struct hn_booking *booking,
		      struct hn_reservation **ret, struct hn_error *err);
