#include <errno.h>

#include "base/json.h"
#include "model/codec-parts.h"
#include "model/codec.h"

/* A pair of figures of which both are known, or neither: null. */
static int add_stall(json_object *json, const char *share, const char *time, bool known, double avg10,
		     uint64_t ns)
{
	return known ? hn_json_add_double(json, share, avg10) || hn_json_add_u64(json, time, ns)
		     : hn_json_add(json, share, NULL) || hn_json_add(json, time, NULL);
}

static json_object *encode_stall(const struct hn_stall *stall)
{
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed ||
		 add_stall(json, "some_avg10", "some_ns", stall->some_known, stall->some_avg10,
			   stall->some_ns) ||
		 add_stall(json, "full_avg10", "full_ns", stall->full_known, stall->full_avg10,
			   stall->full_ns);
	return hn_codec_finish(json, failed);
}

static json_object *encode_pressure(const struct hn_activity *activity)
{
	json_object *json = json_object_new_object();
	int failed = !json;

	for (size_t i = 0; i < HN_RESOURCE_COUNT && !failed; i++) {
		const struct hn_stall *stall = &activity->stalls[i];
		const char *name = hn_resource_name((enum hn_resource)i);

		failed = stall->some_known || stall->full_known
				 ? hn_codec_add_part(json, name, encode_stall(stall))
				 : hn_json_add(json, name, NULL);
	}
	return hn_codec_finish(json, failed);
}

/* What is not known is null. */
static json_object *encode_rates(const void *element)
{
	const struct hn_rates *rates = element;
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_string(json, "family", hn_counter_family_name(rates->family)) ||
		 hn_json_add_int(json, "node", rates->node);
	for (size_t i = 0; i < hn_counter_count(rates->family) && !failed; i++) {
		const char *name = hn_counter_name(rates->family, i);

		failed = hn_rate_known(rates, i) ? hn_json_add_double(json, name, rates->values[i])
						 : hn_json_add(json, name, NULL);
	}
	return hn_codec_finish(json, failed);
}

json_object *hn_activity_encode(const struct hn_activity *activity)
{
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_codec_add_part(json, "pressure", encode_pressure(activity)) ||
		 hn_codec_add_items(json, "rates", activity->rates, activity->rates_count,
				    sizeof(*activity->rates), encode_rates) ||
		 hn_json_add_u64(json, "age_ns", activity->age_ns) ||
		 hn_json_add_u64(json, "over_ns", activity->over_ns) ||
		 hn_json_add_string(json, "refused", activity->refused);
	return hn_codec_finish(json, failed);
}

static int get_stall(json_object *json, const char *share, const char *time, uint8_t *known, double *avg10,
		     uint64_t *ns, struct hn_error *err)
{
	int r;

	*known = hn_json_has(json, share);
	if (*known != hn_json_has(json, time))
		return hn_fail(err, -EPROTO, "of members '%s' and '%s' there is only one", share, time);
	if (!*known)
		return 0;
	if ((r = hn_json_get_double(json, share, avg10, err)) < 0 ||
	    (r = hn_json_get_u64(json, time, ns, err)) < 0)
		return r;
	if (!(*avg10 >= 0 && *avg10 <= 100))
		return hn_fail(err, -EPROTO, "member '%s' is out of range: %g", share, *avg10);
	return 0;
}

static int decode_stall(json_object *pressure, const char *name, struct hn_stall *ret, struct hn_error *err)
{
	json_object *json;
	int r;

	if (!hn_json_has(pressure, name))
		return 0;
	if ((r = hn_json_get_object(pressure, name, &json, err)) < 0 ||
	    (r = get_stall(json, "some_avg10", "some_ns", &ret->some_known, &ret->some_avg10, &ret->some_ns,
			   err)) < 0 ||
	    (r = get_stall(json, "full_avg10", "full_ns", &ret->full_known, &ret->full_avg10, &ret->full_ns,
			   err)) < 0)
		return r;
	return ret->some_known || ret->full_known ? 0
						  : hn_fail(err, -EPROTO,
							    "member '%s' tells nothing, "
							    "'some_avg10' and 'some_ns' nor "
							    "'full_avg10' and 'full_ns'",
							    name);
}

static int decode_pressure(json_object *json, struct hn_activity *activity, struct hn_error *err)
{
	json_object *pressure;
	int r = hn_json_get_object(json, "pressure", &pressure, err);

	if (r == 0 && !hn_codec_present(pressure, "cpu") && !hn_codec_present(pressure, "memory") &&
	    !hn_codec_present(pressure, "io"))
		return hn_fail(err, -EPROTO, "member 'pressure' has neither 'cpu', 'memory' nor 'io'");
	for (size_t i = 0; i < HN_RESOURCE_COUNT && r == 0; i++)
		r = decode_stall(pressure, hn_resource_name((enum hn_resource)i), &activity->stalls[i], err);
	return r;
}

static int decode_rates(json_object *json, struct hn_rates *ret, struct hn_error *err)
{
	const char *family;
	int r;

	if ((r = hn_json_get_string(json, "family", &family, err)) < 0 ||
	    (r = hn_codec_word(hn_counter_family_parse(family, &ret->family, err), "family", err)) < 0 ||
	    (r = hn_json_get_int(json, "node", &ret->node, err)) < 0)
		return r;
	for (size_t i = 0; i < hn_counter_count(ret->family); i++) {
		const char *name = hn_counter_name(ret->family, i);

		if (!hn_json_has(json, name))
			continue;
		if ((r = hn_json_get_double(json, name, &ret->values[i], err)) < 0)
			return r;
		if (!(ret->values[i] >= 0))
			return hn_fail(err, -EPROTO, "member '%s' is out of range: %g", name, ret->values[i]);
		ret->known |= UINT64_C(1) << i;
	}
	return 0;
}

int hn_activity_decode(json_object *json, struct hn_activity **ret, struct hn_error *err)
{
	HN_AUTO(hn_activity) struct hn_activity *activity = NULL;
	json_object *items;
	size_t count;
	int r = hn_codec_get_items(json, "rates", &items, &count, err);

	if (r < 0)
		return r;
	activity = hn_activity_new(count);
	if (!activity)
		return hn_oom(err);
	for (size_t i = 0; r == 0 && i < count; i++)
		if ((r = decode_rates(json_object_array_get_idx(items, i), &activity->rates[i], err)) < 0)
			hn_error_prefix(err, "rates[%zu]", i);
	if (r < 0 || (r = decode_pressure(json, activity, err)) < 0 ||
	    (r = hn_json_get_u64(json, "age_ns", &activity->age_ns, err)) < 0 ||
	    (r = hn_json_get_u64(json, "over_ns", &activity->over_ns, err)) < 0 ||
	    (r = hn_codec_get_text(json, "refused", activity->refused, sizeof(activity->refused), err)) < 0)
		return r;
	*ret = hn_steal(activity);
	return 0;
}
