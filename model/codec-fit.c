#include "base/json.h"
#include "model/codec-parts.h"
#include "model/codec.h"

static json_object *encode_nearest(const struct hn_fit_answer *answer)
{
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_string(json, "sentence", answer->nearest) ||
		 (answer->nearest_bytes && hn_json_add_u64(json, "memory_bytes", answer->nearest_bytes)) ||
		 (answer->nearest_vcpus && hn_json_add_u64(json, "vcpus", answer->nearest_vcpus)) ||
		 (answer->nearest_cells && hn_json_add_u64(json, "cells", answer->nearest_cells));
	return hn_codec_finish(json, failed);
}

static json_object *encode_movers(const struct hn_fit_answer *answer)
{
	json_object *names = json_object_new_array();
	int failed = !names;

	for (size_t i = 0; i < answer->mover_count && !failed; i++) {
		json_object *name = hn_json_new_string(answer->movers[i]);

		failed = !name || json_object_array_add(names, name);
	}
	return hn_codec_finish(names, failed);
}

json_object *hn_fit_answer_encode(const struct hn_fit_answer *answer, const char *host)
{
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_bool(json, "fits", answer->home != NULL) ||
		 hn_json_add_string(json, "host", host) || hn_json_add_u64(json, "more", answer->more) ||
		 hn_json_add_u64(json, "move_bytes", answer->move_bytes) ||
		 hn_codec_add_part(json, "movers", encode_movers(answer)) ||
		 hn_codec_add_part(json, "explanation", hn_explanation_encode(answer->explanation)) ||
		 (answer->home ? hn_codec_add_part(json, "home", hn_placement_encode(answer->home))
			       : hn_json_add(json, "home", NULL)) ||
		 (answer->home ? hn_json_add(json, "nearest", NULL)
			       : hn_codec_add_part(json, "nearest", encode_nearest(answer)));
	return hn_codec_finish(json, failed);
}
