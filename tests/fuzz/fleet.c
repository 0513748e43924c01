/*
 * What lies in etcd, and what is asked of homenode-fleetd: {"record": ...}, {"topology": ...} or
 * {"question": ...}. What is taken is written so that it reads the same.
 */
#include <curl/curl.h>

#include "fleet/etcd.h"
#include "fleet/host-api.h"
#include "fleet/question.h"
#include "fleet/record.h"
#include "fleet/topology.h"
#include "fuzz.h"
#include "model/check.h"
#include "model/codec.h"

/* Who is asked in the clear is this machine, as curl reads the address. */
static void check_url(const struct hn_fleet_record *record)
{
	char url[HN_FLEET_API_MAX + 20], *scheme = NULL, *host = NULL;
	struct hn_error err = {0};
	int r = hn_fleet_host_url(record, "/v1/host", url, sizeof(url), &err);
	CURLU *parts;

	if (r < 0) {
		fuzz_require_refusal(r, &err);
		return;
	}
	parts = curl_url();
	fuzz_require(parts);
	if (curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	    curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK)
		fuzz_require(strcmp(scheme, "https") == 0 || strcmp(host, "127.0.0.1") == 0 ||
			     strcmp(host, "[::1]") == 0);
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(parts);
}

static void check_record(json_object *json)
{
	HN_AUTO(hn_fleet_record) struct hn_fleet_record *record = NULL, *again = NULL;
	HN_AUTO(json) json_object *written = NULL;
	struct hn_error err = {0};
	int r = hn_fleet_record_decode(json, &record, &err);

	if (r < 0) {
		fuzz_require_refusal(r, &err);
		return;
	}
	check_url(record);
	written = hn_fleet_record_encode(record);
	fuzz_require(written);
	if (hn_fleet_record_decode(written, &again, &err) < 0)
		fuzz_fail(err.message, __FILE__, __LINE__);
	fuzz_require_same_json(json_object_get(written), hn_fleet_record_encode(again));
	fuzz_require(!hn_fleet_record_differs(record, again));
	fuzz_require(strcmp(hn_fleet_health_name(record), hn_fleet_health_name(again)) == 0);
}

static void check_topology(json_object *json)
{
	HN_AUTO(hn_topology) struct hn_topology *topology = NULL, *again = NULL;
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	HN_AUTO(json) json_object *written = NULL;
	struct hn_error err = {0};
	int r = hn_topology_decode(json, "0123456789abcdef0123456789abcdef", &topology, &err);

	fuzz_require(r < 0);
	fuzz_require_refusal(r, &err);
	if (hn_host_decode(json, &host, &err) < 0 || hn_host_check(host, &err) < 0 ||
	    hn_topology_of(host, &topology, &err) < 0)
		return;
	written = hn_topology_encode(topology);
	fuzz_require(written);
	if (hn_topology_decode(written, topology->digest, &again, &err) < 0)
		fuzz_fail(err.message, __FILE__, __LINE__);
	fuzz_require_same_json(json_object_get(written), hn_topology_encode(again));
}

static void check_question(json_object *json)
{
	struct hn_fleet_question question = {0};
	struct hn_error err = {0};
	int r = hn_fleet_question_decode(json, &question, &err);

	if (r < 0) {
		fuzz_require_refusal(r, &err);
		return;
	}
	fuzz_require(hn_guest_check(question.guest, &err) == 0);
	fuzz_require(question.limit >= 1 && question.limit <= 100);
	hn_fleet_question_done(&question);
}

/* The gateway's bytes: what is taken is what they were written from, but for bits that base64 leaves over. */
static void check_bytes(json_object *json)
{
	HN_AUTO(memory) char *bytes = NULL, *again = NULL;
	HN_AUTO(json) json_object *written = json_object_new_object();
	size_t length, length_again;
	struct hn_error err = {0};

	(void)hn_etcd_header(json, "revision");
	(void)hn_etcd_cluster(json);
	if (hn_etcd_get_bytes(json, "bytes", &bytes, &length, &err) < 0)
		return;
	fuzz_require(hn_etcd_add_bytes(written, "bytes", bytes, length) == 0);
	fuzz_require(hn_etcd_get_bytes(written, "bytes", &again, &length_again, &err) == 0);
	fuzz_require(length == length_again && memcmp(bytes, again, length) == 0);
	if (hn_json_has(json, "bytes")) {
		const char *text = "", *other = "";

		hn_json_get_string(json, "bytes", &text, NULL);
		hn_json_get_string(written, "bytes", &other, NULL);
		fuzz_require(strlen(text) == strlen(other));
		fuzz_require(length < 3 || strncmp(text, other, length / 3 * 4) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HN_AUTO(json) json_object *json = fuzz_json(data, size);
	json_object *part;

	if (!json)
		return 0;
	if (hn_json_get_object(json, "record", &part, NULL) == 0)
		check_record(part);
	if (hn_json_get_object(json, "topology", &part, NULL) == 0)
		check_topology(part);
	if (hn_json_get_object(json, "question", &part, NULL) == 0)
		check_question(part);
	check_bytes(json);
	return 0;
}
