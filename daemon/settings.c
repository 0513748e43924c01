#include "daemon/settings.h"

#include <stdio.h>
#include <string.h>

const char *hn_setting_source_name(enum hn_setting_source source)
{
	static const char *const names[] = {"default", "domain", "configuration", "metadata"};

	return names[source];
}

static void note_source(const struct hn_settings *said, enum hn_setting_source source,
			enum hn_setting_source *sources)
{
	for (unsigned i = 0; sources && i < HN_SETTING_COUNT; i++)
		if (hn_settings_says(said, (enum hn_setting)i))
			sources[i] = source;
}

struct hn_settings hn_settings_of(const struct hn_config *config, const struct hn_guest *guest,
				  const struct hn_settings *metadata, enum hn_setting_source *sources)
{
	const struct hn_guest_rule *rule = hn_config_rule(config, guest->name);
	struct hn_settings settings = {
		.said = 1u << HN_SETTING_MODE | 1u << HN_SETTING_CLASS | 1u << HN_SETTING_POLICY,
		.mode = config->mode,
		.class = guest->class,
		.policy = "home-node",
	};

	for (unsigned i = 0; sources && i < HN_SETTING_COUNT; i++)
		sources[i] = HN_SOURCE_DEFAULT;
	if (sources && guest->class != HN_CLASS_SHARED)
		sources[HN_SETTING_CLASS] = HN_SOURCE_DOMAIN;
	if (rule) {
		hn_settings_overlay(&settings, &rule->settings);
		note_source(&rule->settings, HN_SOURCE_CONFIGURATION, sources);
	}
	if (metadata) {
		hn_settings_overlay(&settings, metadata);
		note_source(metadata, HN_SOURCE_METADATA, sources);
	}
	return settings;
}

static struct hn_set nodes_of(const struct hn_host *host, const struct hn_set *cpus)
{
	struct hn_set nodes = {0};

	for (size_t i = 0; i < host->node_count; i++) {
		struct hn_set common = host->nodes[i].cpus;

		hn_set_and(&common, cpus);
		if (!hn_set_empty(&common))
			hn_set_add(&nodes, host->nodes[i].id);
	}
	return nodes;
}

struct hn_set hn_pinned_nodes(const struct hn_domain_wishes *wishes, const struct hn_settings *settings,
			      bool ours, const struct hn_host *host)
{
	struct hn_set cpus = wishes->vcpu_cpus;

	if (ours || settings->override_pins)
		return (struct hn_set){0};
	if (wishes->vcpu_pin_count < wishes->numad_vcpus && hn_set_empty(&cpus))
		return (struct hn_set){0};
	if (wishes->vcpu_pin_count >= wishes->numad_vcpus)
		hn_set_clear(&cpus); /* a vcpupin is stronger than <vcpu cpuset> */
	for (size_t i = 0; i < wishes->vcpu_pin_count; i++)
		hn_set_or(&cpus, &wishes->vcpu_pins[i].cpus);
	return nodes_of(host, &cpus);
}

void hn_settings_respect_pins(const struct hn_domain_wishes *wishes, const struct hn_settings *settings,
			      bool ours, const struct hn_host *host, struct hn_guest *guest)
{
	struct hn_set nodes = hn_pinned_nodes(wishes, settings, ours, host);

	if (!hn_set_empty(&guest->allowed_nodes))
		hn_set_and(&nodes, &guest->allowed_nodes);
	if (!hn_set_empty(&nodes))
		guest->allowed_nodes = nodes;
}
