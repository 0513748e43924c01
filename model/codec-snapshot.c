#include "base/json.h"
#include "model/check.h"
#include "model/codec-parts.h"
#include "model/codec.h"

#include <errno.h>

static json_object *encode_regret(const struct hn_regret *regret)
{
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_u64(json, "taken_ns", regret->taken_ns) ||
		 hn_json_add_u64(json, "node_count", regret->node_count) ||
		 hn_codec_add_double_rows(json, "seconds", regret->seconds, regret->cell_count,
					  regret->node_count);
	return hn_codec_finish(json, failed);
}

static json_object *encode_calibration(const struct hn_calibration *calibration)
{
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_double(json, "bytes_per_second", calibration->bytes_per_second) ||
		 hn_json_add_double(json, "stall_share", calibration->stall_share) ||
		 hn_json_add_u64(json, "migrations", calibration->migrations);
	return hn_codec_finish(json, failed);
}

static json_object *encode_state(const void *element)
{
	const struct hn_guest_state *state = element;
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_codec_add_part(json, "guest", hn_guest_encode(state->guest)) ||
		 (state->sample ? hn_codec_add_part(json, "sample", hn_sample_encode(state->sample))
				: hn_json_add(json, "sample", NULL)) ||
		 (state->home ? hn_codec_add_part(json, "home", hn_placement_encode(state->home))
			      : hn_json_add(json, "home", NULL)) ||
		 hn_json_add_u64(json, "agreeing", state->looks.agreeing) ||
		 hn_json_add_u64(json, "fruitless", state->looks.fruitless) ||
		 hn_json_add_u64(json, "settle_until_ns", state->looks.settle_until_ns) ||
		 hn_json_add_double(json, "distrust", state->looks.distrust) ||
		 hn_json_add_double(json, "lost_share", state->looks.lost_share) ||
		 hn_json_add_double(json, "promised_share", state->looks.promised_share) ||
		 hn_json_add_u64(json, "fetches", state->looks.fetches) ||
		 (state->regret ? hn_codec_add_part(json, "regret", encode_regret(state->regret))
				: hn_json_add(json, "regret", NULL)) ||
		 hn_json_add_bool(json, "moving", state->moving) ||
		 hn_json_add_bool(json, "promised", state->promised);
	return hn_codec_finish(json, failed);
}

json_object *hn_snapshot_encode(const struct hn_snapshot *snapshot)
{
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_int(json, "version", 1) ||
		 hn_json_add_u64(json, "now_ns", snapshot->now_ns) ||
		 hn_codec_add_part(json, "host", hn_host_encode(snapshot->host)) ||
		 hn_codec_add_part(json, "calibration", encode_calibration(&snapshot->calibration)) ||
		 hn_codec_add_items(json, "guests", snapshot->guests, snapshot->guest_count,
				    sizeof(*snapshot->guests), encode_state);
	return hn_codec_finish(json, failed);
}

static int decode_looks(json_object *json, struct hn_looks *ret, struct hn_error *err)
{
	int r;

	(void)((r = hn_codec_get_unsigned(json, "agreeing", &ret->agreeing, err)) < 0 ||
	       (r = hn_codec_get_unsigned(json, "fruitless", &ret->fruitless, err)) < 0 ||
	       (r = hn_json_get_u64(json, "settle_until_ns", &ret->settle_until_ns, err)) < 0 ||
	       (hn_codec_present(json, "distrust") &&
		(r = hn_json_get_double(json, "distrust", &ret->distrust, err)) < 0) ||
	       (hn_codec_present(json, "lost_share") &&
		(r = hn_json_get_double(json, "lost_share", &ret->lost_share, err)) < 0) ||
	       (hn_codec_present(json, "promised_share") &&
		(r = hn_json_get_double(json, "promised_share", &ret->promised_share, err)) < 0) ||
	       (hn_codec_present(json, "fetches") &&
		(r = hn_codec_get_unsigned(json, "fetches", &ret->fetches, err)) < 0));
	if (r == 0 && ret->distrust != 0 && ret->distrust < 1)
		return hn_fail(err, -EPROTO, "member 'distrust': %g is neither 0 nor at least 1",
			       ret->distrust);
	return r;
}

static int decode_regret(json_object *json, struct hn_regret **ret, struct hn_error *err)
{
	HN_AUTO(hn_regret) struct hn_regret *regret = NULL;
	uint64_t node_count;
	json_object *rows;
	size_t count;
	int r;

	if ((r = hn_json_get_u64(json, "node_count", &node_count, err)) < 0 ||
	    (r = hn_codec_get_items(json, "seconds", &rows, &count, err)) < 0)
		return r;
	if (node_count > HN_SET_MAX)
		return hn_fail(err, -EPROTO, "member 'node_count' is above %d", HN_SET_MAX);
	if (count * node_count > HN_CODEC_TABLE_MAX)
		return hn_fail(err, -EPROTO, "member 'seconds' has %zu rows for %d nodes: too many", count,
			       (int)node_count);
	regret = hn_regret_new(count, (size_t)node_count);
	if (!regret)
		return hn_oom(err);
	if ((r = hn_json_get_u64(json, "taken_ns", &regret->taken_ns, err)) < 0 ||
	    (r = hn_codec_get_double_rows(json, "seconds", regret->seconds, count, (size_t)node_count, err)) <
		    0)
		return r;
	for (size_t i = 0; i < count * node_count; i++)
		if (regret->seconds[i] < 0)
			return hn_fail(err, -EPROTO, "member 'seconds': %g is negative", regret->seconds[i]);
	*ret = hn_steal(regret);
	return 0;
}

static int decode_calibration(json_object *json, struct hn_calibration *ret, struct hn_error *err)
{
	json_object *part;
	int r;

	if (!hn_codec_present(json, "calibration"))
		return 0;
	if ((r = hn_json_get_object(json, "calibration", &part, err)) < 0 ||
	    (r = hn_json_get_double(part, "bytes_per_second", &ret->bytes_per_second, err)) < 0 ||
	    (r = hn_json_get_double(part, "stall_share", &ret->stall_share, err)) < 0 ||
	    (r = hn_codec_get_unsigned(part, "migrations", &ret->migrations, err)) < 0)
		return r;
	if (ret->bytes_per_second < 0)
		return hn_fail(err, -EPROTO, "member 'bytes_per_second': %g is negative",
			       ret->bytes_per_second);
	if (ret->stall_share < 0 || ret->stall_share > 1)
		return hn_fail(err, -EPROTO, "member 'stall_share': %g is not within 0..1", ret->stall_share);
	return 0;
}

/* A sample or home of other sizes than the guest and the host have would be read out of bounds later. */
static int check_sizes(const struct hn_snapshot *snapshot, const struct hn_guest_state *state,
		       struct hn_error *err)
{
	size_t nodes = snapshot->host->node_count, cells = state->guest->cell_count;

	if (state->sample && (state->sample->node_count != nodes || state->sample->cell_count != cells ||
			      state->sample->thread_count != state->guest->thread_count))
		return hn_fail(err, -EPROTO,
			       "guest '%s': its sample does not fit its cells, threads or nodes",
			       state->guest->name);
	if (state->home && (state->home->node_count != nodes || state->home->cell_count != cells))
		return hn_fail(err, -EPROTO, "guest '%s': its home does not fit its cells or nodes",
			       state->guest->name);
	if (state->regret && (state->regret->node_count != nodes || state->regret->cell_count != cells))
		return hn_fail(
			err, -EPROTO,
			"guest '%s': its regret does not fit its cells or nodes: seconds is %zu by %zu",
			state->guest->name, state->regret->cell_count, state->regret->node_count);
	return 0;
}

static int decode_state(json_object *json, struct hn_snapshot *snapshot, struct hn_error *err)
{
	struct hn_guest_state *state = hn_snapshot_add(snapshot);
	json_object *part;
	int r;

	if (!state)
		return hn_oom(err);
	if ((r = hn_json_get_object(json, "guest", &part, err)) < 0 ||
	    (r = hn_guest_decode(part, &state->guest, err)) < 0 ||
	    (r = decode_looks(json, &state->looks, err)) < 0 ||
	    (r = hn_json_get_bool(json, "moving", &state->moving, err)) < 0 ||
	    (hn_codec_present(json, "promised") && /* not there in earlier ones */
	     (r = hn_json_get_bool(json, "promised", &state->promised, err)) < 0))
		return r;
	if (hn_json_has(json, "sample") && ((r = hn_json_get_object(json, "sample", &part, err)) < 0 ||
					    (r = hn_sample_decode(part, &state->sample, err)) < 0))
		return r;
	if (hn_json_has(json, "home") && ((r = hn_json_get_object(json, "home", &part, err)) < 0 ||
					  (r = hn_placement_decode(part, &state->home, err)) < 0))
		return r;
	if (hn_json_has(json, "regret") && ((r = hn_json_get_object(json, "regret", &part, err)) < 0 ||
					    (r = decode_regret(part, &state->regret, err)) < 0))
		return r;
	return check_sizes(snapshot, state, err);
}

int hn_snapshot_decode(json_object *json, struct hn_snapshot **ret, struct hn_error *err)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = NULL;
	struct hn_host *host = NULL;
	json_object *part, *items;
	size_t count;
	int version, r;

	if ((r = hn_json_get_int(json, "version", &version, err)) < 0)
		return r;
	if (version != 1)
		return hn_fail(err, -EPROTO, "snapshot of version %d; this program reads version 1", version);
	if ((r = hn_json_get_object(json, "host", &part, err)) < 0 ||
	    (r = hn_host_decode(part, &host, err)) < 0)
		return r;
	snapshot = hn_snapshot_new(host);
	if (!snapshot)
		return hn_oom(err);
	if ((r = hn_json_get_u64(json, "now_ns", &snapshot->now_ns, err)) < 0 ||
	    (r = decode_calibration(json, &snapshot->calibration, err)) < 0 ||
	    (r = hn_codec_get_items(json, "guests", &items, &count, err)) < 0)
		return r;
	for (size_t i = 0; i < count && r == 0; i++)
		if ((r = decode_state(json_object_array_get_idx(items, i), snapshot, err)) < 0)
			hn_error_prefix(err, "guests[%zu]", i);
	if (r == 0 && (r = hn_snapshot_check(snapshot, err)) == -EINVAL) {
		r = -EPROTO;
		if (err)
			err->code = r;
	}
	if (r == 0)
		*ret = hn_steal(snapshot);
	return r;
}
