#include <errno.h>

#include "base/json.h"
#include "model/codec-parts.h"
#include "model/codec.h"

static json_object *encode_finding(const void *element)
{
	const struct hn_finding *finding = element;
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_string(json, "name", hn_check_name(finding->check)) ||
		 hn_json_add_string(json, "verdict", hn_finding_verdict_name(finding->verdict)) ||
		 hn_json_add_string(json, "found", finding->found) ||
		 hn_json_add_string(json, "why", hn_check_why(finding->check)) ||
		 hn_json_add_string(json, "remedy", finding->remedy);
	return hn_codec_finish(json, failed);
}

json_object *hn_checkup_encode(const struct hn_checkup *checkup)
{
	json_object *json = json_object_new_object();

	return hn_codec_finish(json,
			       !json || hn_codec_add_items(json, "checks", checkup->findings, checkup->count,
							   sizeof(checkup->findings[0]), encode_finding));
}

static int decode_finding(json_object *json, struct hn_checkup *checkup, struct hn_error *err)
{
	enum hn_finding_verdict verdict = HN_FINDING_UNKNOWN;
	enum hn_check check = HN_CHECK_COUNT;
	struct hn_finding *finding;
	const char *text;
	int r;

	if ((r = hn_json_get_string(json, "name", &text, err)) < 0 ||
	    (r = hn_codec_word(hn_check_parse(text, &check, err), "name", err)) < 0 ||
	    (r = hn_json_get_string(json, "verdict", &text, err)) < 0 ||
	    (r = hn_codec_word(hn_finding_verdict_parse(text, &verdict, err), "verdict", err)) < 0)
		return r;
	if (hn_checkup_find(checkup, check))
		return hn_fail(err, -EPROTO, "check '%s' is there twice", hn_check_name(check));
	finding = hn_checkup_put(checkup, check, verdict, "%s", "");
	if ((r = hn_codec_get_text(json, "found", finding->found, sizeof(finding->found), err)) < 0)
		return r;
	return hn_codec_get_text(json, "remedy", finding->remedy, sizeof(finding->remedy), err);
}

int hn_checkup_decode(json_object *json, struct hn_checkup *ret, struct hn_error *err)
{
	struct hn_checkup checkup = {0};
	json_object *items;
	size_t count;
	int r = hn_codec_get_items(json, "checks", &items, &count, err);

	for (size_t i = 0; r == 0 && i < count; i++)
		if ((r = decode_finding(json_object_array_get_idx(items, i), &checkup, err)) < 0)
			hn_error_prefix(err, "checks[%zu]", i);
	if (r == 0)
		*ret = checkup;
	return r;
}
