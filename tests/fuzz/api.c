/*
 * Bodies of requests to homenoded: a guest that is to come ("newcomer") and settings. The input is an object
 * of the one or the other.
 */
#include "daemon/newcomer.h"
#include "fuzz.h"
#include "model/check.h"
#include "model/codec.h"

static void check_newcomer(struct hn_service *service, json_object *body)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL, *again = NULL;
	HN_AUTO(json) json_object *json = NULL;
	struct hn_error err = {0};
	int r = hn_newcomer_read(service, body, "more ttl_seconds", &guest, &err);

	if (r < 0) {
		fuzz_require_refusal(r, &err);
		return;
	}
	fuzz_require(hn_guest_check(guest, &err) == 0);
	json = hn_guest_encode(guest);
	fuzz_require(json);
	if (hn_guest_decode(json, &again, &err) < 0)
		fuzz_fail(err.message, __FILE__, __LINE__);
	fuzz_require_same_json(json_object_get(json), hn_guest_encode(again));
}

static void check_settings(json_object *body)
{
	struct hn_settings settings = {0}, again = {0};
	struct hn_error err = {0};
	int r = hn_settings_decode(body, &settings, &err);
	json_object *json;

	if (r < 0) {
		fuzz_require_refusal(r, &err);
		fuzz_require(memcmp(&settings, &again, sizeof(settings)) == 0);
		return;
	}
	json = hn_settings_encode(&settings);
	fuzz_require(json && hn_settings_decode(json, &again, &err) == 0);
	fuzz_require_same_json(json, hn_settings_encode(&again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HN_AUTO(json) json_object *json = fuzz_json(data, size);
	json_object *part;
	static struct hn_config config;
	static struct hn_service service;

	if (!service.config) {
		hn_config_init(&config);
		service.config = &config;
		service.host = fuzz_host();
	}
	if (hn_json_get_object(json, "newcomer", &part, NULL) == 0)
		check_newcomer(&service, part);
	if (hn_json_get_object(json, "settings", &part, NULL) == 0)
		check_settings(part);
	return 0;
}
