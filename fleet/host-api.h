#pragma once
/*
 * host-api - asking the homenoded of a host, at the address that its record tells.
 */
#include "fleet/http.h"
#include "fleet/record.h"

/*
 * Fills the URL of a path of that host's API into url. -EINVAL when it tells none, one that does not fit, or
 * one in the clear that is not loopback: who reserves there would be anybody.
 */
int hn_fleet_host_url(const struct hn_fleet_record *record, const char *path, char *url, size_t size,
		      struct hn_error *err);
