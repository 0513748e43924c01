#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "model/codec-parts.h"
#include "model/codec.h"

json_object *hn_reservation_encode(const struct hn_reservation *reservation)
{
	json_object *json = json_object_new_object();
	int failed = !json;
	char asked[20];

	snprintf(asked, sizeof(asked), "%016" PRIx64, reservation->asked);
	failed = failed || hn_json_add_string(json, "id", reservation->id) ||
		 hn_json_add_string(json, "key", reservation->key) ||
		 hn_json_add_string(json, "asked", asked) ||
		 hn_json_add_bool(json, "confirmed", reservation->confirmed) ||
		 hn_json_add_string(json, "state", hn_reservation_state_name(reservation->state)) ||
		 hn_json_add_u64(json, "since_ns", reservation->since_ns) ||
		 hn_json_add_u64(json, "expires_ns", reservation->expires_ns) ||
		 hn_json_add_bool(json, "asks_numad", reservation->asks_numad) ||
		 hn_json_add_bool(json, "answered", reservation->answered) ||
		 hn_json_add_u64(json, "numad_vcpus", reservation->numad_vcpus) ||
		 hn_json_add_u64(json, "numad_mib", reservation->numad_mib) ||
		 hn_json_add_bool(json, "pinned", reservation->pinned) ||
		 hn_json_add_bool(json, "rewritten", reservation->rewritten) ||
		 hn_json_add_bool(json, "inherited", reservation->inherited) ||
		 hn_json_add_bool(json, "promised", reservation->promised) ||
		 hn_codec_add_part(json, "guest", hn_guest_encode(reservation->guest)) ||
		 hn_codec_add_part(json, "home", hn_placement_encode(reservation->home));
	return hn_codec_finish(json, failed);
}

static int decode_parts(json_object *json, struct hn_guest **guest, struct hn_placement **home,
			struct hn_error *err)
{
	json_object *part;
	int r;

	if ((r = hn_json_get_object(json, "guest", &part, err)) < 0 ||
	    (r = hn_guest_decode(part, guest, err)) < 0 ||
	    (r = hn_json_get_object(json, "home", &part, err)) < 0)
		return r;
	return hn_placement_decode(part, home, err);
}

/* Not there in files of earlier versions. */
static int decode_client(json_object *json, struct hn_reservation *reservation, struct hn_error *err)
{
	char asked[20];
	int r;

	if (!hn_json_has(json, "id"))
		return 0;
	if ((r = hn_codec_get_text(json, "id", reservation->id, sizeof(reservation->id), err)) < 0 ||
	    (r = hn_codec_get_text(json, "key", reservation->key, sizeof(reservation->key), err)) < 0 ||
	    (r = hn_codec_get_text(json, "asked", asked, sizeof(asked), err)) < 0)
		return r;
	reservation->asked = strtoull(asked, NULL, 16);
	return hn_json_get_bool(json, "confirmed", &reservation->confirmed, err);
}

static int decode_state(json_object *json, struct hn_reservation *reservation, struct hn_error *err)
{
	const char *state;
	int r;

	if ((r = hn_json_get_string(json, "state", &state, err)) < 0 ||
	    (r = hn_codec_word(hn_reservation_state_parse(state, &reservation->state, err), "state", err)) <
		    0 ||
	    (r = hn_json_get_u64(json, "since_ns", &reservation->since_ns, err)) < 0 ||
	    (r = hn_json_get_u64(json, "expires_ns", &reservation->expires_ns, err)) < 0 ||
	    (r = hn_json_get_bool(json, "asks_numad", &reservation->asks_numad, err)) < 0 ||
	    (r = hn_json_get_bool(json, "answered", &reservation->answered, err)) < 0 ||
	    (r = hn_codec_get_unsigned(json, "numad_vcpus", &reservation->numad_vcpus, err)) < 0 ||
	    (r = hn_json_get_u64(json, "numad_mib", &reservation->numad_mib, err)) < 0 ||
	    (r = hn_json_get_bool(json, "pinned", &reservation->pinned, err)) < 0)
		return r;
	if (!hn_codec_present(json, "promised")) /* in files of earlier versions */
		return 0;
	if ((r = hn_json_get_bool(json, "rewritten", &reservation->rewritten, err)) < 0 ||
	    (hn_codec_present(json, "inherited") &&
	     (r = hn_json_get_bool(json, "inherited", &reservation->inherited, err)) < 0))
		return r;
	return hn_json_get_bool(json, "promised", &reservation->promised, err);
}

int hn_reservation_decode(json_object *json, struct hn_reservation **ret, struct hn_error *err)
{
	HN_AUTO(hn_reservation) struct hn_reservation *reservation = NULL;
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
	HN_AUTO(hn_placement) struct hn_placement *home = NULL;
	int r = decode_parts(json, &guest, &home, err);

	if (r < 0)
		return r;
	reservation = hn_reservation_new(hn_steal(guest), hn_steal(home));
	if (!reservation)
		return hn_oom(err);
	if ((r = decode_state(json, reservation, err)) < 0 || (r = decode_client(json, reservation, err)) < 0)
		return r;
	*ret = hn_steal(reservation);
	return 0;
}
