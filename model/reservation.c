#include "model/reservation.h"

#include "model/names.h"

static const char *const state_names[HN_RESERVATION_COUNT] = {"made", "started", "parked"};

const char *hn_reservation_state_name(enum hn_reservation_state state)
{
	return hn_name_of(state_names, HN_COUNT(state_names), (size_t)state);
}

int hn_reservation_state_parse(const char *text, enum hn_reservation_state *ret, struct hn_error *err)
{
	int r = hn_name_parse(state_names, HN_COUNT(state_names), "reservation state", text, err);

	if (r < 0)
		return r;
	*ret = (enum hn_reservation_state)r;
	return 0;
}

struct hn_reservation *hn_reservation_new(struct hn_guest *guest, struct hn_placement *home)
{
	struct hn_reservation *reservation = calloc(1, sizeof(*reservation));

	if (!reservation) {
		hn_guest_free(guest);
		hn_placement_free(home);
		return NULL;
	}
	reservation->guest = guest;
	reservation->home = home;
	return reservation;
}

void hn_reservation_free(struct hn_reservation *reservation)
{
	if (!reservation)
		return;
	hn_guest_free(reservation->guest);
	hn_placement_free(reservation->home);
	free(reservation);
}
