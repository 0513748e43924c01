/* A configuration: what is taken keeps what config.h promises, and the rules of guests can be written on. */
#include "daemon/config.h"
#include "fuzz.h"
#include "policy/policies.h"

static void check_rule(const struct hn_guest_rule *rule)
{
	json_object *json = hn_settings_encode(&rule->settings);
	struct hn_settings again = {0};
	struct hn_error err = {0};

	fuzz_require(json);
	if (hn_settings_decode(json, &again, &err) < 0)
		fuzz_fail(err.message, __FILE__, __LINE__);
	fuzz_require_same_json(json, hn_settings_encode(&again));
	if (hn_settings_says(&rule->settings, HN_SETTING_POLICY))
		fuzz_require(hn_policy_find(rule->settings.policy, &err));
}

#define fuzz_require_text(field) fuzz_require(memchr(field, '\0', sizeof(field)))

static void check_config(const struct hn_config *config)
{
	fuzz_require_text(config->socket);
	fuzz_require_text(config->metrics);
	fuzz_require_text(config->api_listen);
	fuzz_require_text(config->libvirt_uri);
	fuzz_require_text(config->store_path);
	fuzz_require_text(config->fleet_prefix);
	fuzz_require(config->folder_count <= HN_FOLDERS_MAX);
	fuzz_require(config->at_once >= 1 && config->at_once <= HN_AT_ONCE_MAX);
	fuzz_require(config->tick_ns > 0 && config->looks >= 1);
	fuzz_require(config->cpu_budget >= 0 && config->guest_cpu_budget >= 0);
	fuzz_require(config->stall_budget_permille <= 1000);
	fuzz_require(config->balancing < HN_BALANCING_COUNT);
	for (size_t i = 0; i < config->rule_count; i++)
		check_rule(&config->rules[i]);
	(void)hn_config_rule(config, "guest-1");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = fuzz_file(data, size);
	struct hn_config config;
	struct hn_error err = {0};
	int r;

	hn_config_init(&config);
	r = hn_config_load(path, &config, &err);
	if (r < 0)
		fuzz_require_refusal(r, &err);
	else
		check_config(&config);
	hn_config_done(&config);
	return 0;
}
