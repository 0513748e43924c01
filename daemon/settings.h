#pragma once
/*
 * settings - what holds for a guest, from all that speak of it: the nearest to the guest wins.
 *
 *     its own <metadata>  >  the first [guest PATTERN] section that matches  >  what its XML implies  >
 * [guests]
 */
#include <stdbool.h>

#include "daemon/config.h"
#include "model/host.h"
#include "model/settings.h"
#include "xml/domain-wishes.h"

enum hn_setting_source {
	HN_SOURCE_DEFAULT,
	HN_SOURCE_DOMAIN, /* its XML implies it */
	HN_SOURCE_CONFIGURATION,
	HN_SOURCE_METADATA,
};
const char *hn_setting_source_name(enum hn_setting_source source);

/* guest: by name, with the class that its XML implies. metadata and sources (HN_SETTING_COUNT) may be NULL.
 */
struct hn_settings hn_settings_of(const struct hn_config *config, const struct hn_guest *guest,
				  const struct hn_settings *metadata, enum hn_setting_source *sources);

/* The nodes of the CPUs that its operator has pinned all its vCPUs to; empty when some are free, or when the
 * pins may be overridden. ours: the pins that the XML shows are homenode's own. */
struct hn_set hn_pinned_nodes(const struct hn_domain_wishes *wishes, const struct hn_settings *settings,
			      bool ours, const struct hn_host *host);

/* Keeps the guest on the nodes that its operator has pinned it to, as far as these are allowed. */
void hn_settings_respect_pins(const struct hn_domain_wishes *wishes, const struct hn_settings *settings,
			      bool ours, const struct hn_host *host, struct hn_guest *guest);
