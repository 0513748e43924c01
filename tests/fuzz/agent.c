/*
 * What a guest says through its agent and its balloon. The first line names the question; what is refused has
 * changed nothing, what is taken can be told on.
 */
#include "base/json.h"
#include "fuzz.h"
#include "model/codec.h"
#include "qmp/base64.h"
#include "qmp/report-text.h"

static int take_text(struct hn_reported *reported, const char *question, const char *text,
		     struct hn_error *err)
{
	if (strcmp(question, "numastat") == 0)
		return hn_report_take_numastat(reported, 1, text, err);
	if (strcmp(question, "meminfo") == 0)
		return hn_report_take_meminfo(reported, 1, text, err);
	if (strcmp(question, "vmstat") == 0)
		return hn_report_take_vmstat(reported, text, err);
	return hn_report_take_stat(reported, text, err);
}

static int take_json(struct hn_reported *reported, const char *question, const char *text,
		     struct hn_error *err)
{
	HN_AUTO(json) json_object *json = fuzz_json((const uint8_t *)text, strlen(text));

	(void)hn_report_find_balloon(json);
	if (strcmp(question, "cpustats") == 0)
		return hn_report_take_cpustats(reported, json, err);
	if (strcmp(question, "balloon") == 0)
		return hn_report_take_balloon(reported, json, err);
	return hn_report_take_balloon_stats(reported, json, err);
}

static void check_base64(const char *text)
{
	size_t length = strlen(text);
	HN_AUTO(memory) unsigned char *buffer = malloc(hn_base64_room(length) + 1);
	long bytes = hn_base64_decode(text, length, buffer);

	fuzz_require(bytes >= -1 && bytes <= (long)hn_base64_room(length));
}

static void check_told_on(const struct hn_reported *reported)
{
	HN_AUTO(json) json_object *json = hn_reported_encode(reported);
	HN_AUTO(hn_reported) struct hn_reported *again = NULL;
	struct hn_error err = {0};

	fuzz_require(json);
	if (hn_reported_decode(json, &again, &err) < 0)
		fuzz_fail(err.message, __FILE__, __LINE__);
	fuzz_require_same_json(json_object_get(json), hn_reported_encode(again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HN_AUTO(memory) char *question = fuzz_text(data, size);
	HN_AUTO(hn_reported) struct hn_reported *reported = hn_reported_new();
	char *text = strchr(question, '\n');
	struct hn_error err = {0};
	bool is_json;
	int r;

	if (!text)
		return 0;
	*text++ = '\0';
	check_base64(text);
	is_json = strstr("cpustats balloon balloon-stats", question) != NULL;
	r = is_json ? take_json(reported, question, text, &err) : take_text(reported, question, text, &err);
	if (r < 0) {
		HN_AUTO(hn_reported) struct hn_reported *untouched = hn_reported_new();

		fuzz_require_refusal(r, &err);
		fuzz_require_same_json(hn_reported_encode(reported), hn_reported_encode(untouched));
	} else {
		check_told_on(reported);
		/* said again it is taken again */
		fuzz_require(is_json || take_text(reported, question, text, &err) == 0);
	}
	return 0;
}
