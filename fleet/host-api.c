#include "fleet/host-api.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* Nothing but a port may follow: behind user@ would be another host. */
static bool is_loopback(const char *api)
{
	static const char *const hosts[] = {"http://127.0.0.1:", "http://[::1]:"};

	for (size_t i = 0; i < HN_COUNT(hosts); i++)
		if (begins(api, hosts[i])) {
			const char *port = api + strlen(hosts[i]);
			size_t digits = strspn(port, "0123456789");

			return digits > 0 && (port[digits] == '\0' || port[digits] == '/');
		}
	return false;
}

int hn_fleet_host_url(const struct hn_fleet_record *record, const char *path, char *url, size_t size,
		      struct hn_error *err)
{
	if (!record->api[0])
		return hn_fail(err, -EINVAL, "%s tells no address of its API", record->host);
	if (!begins(record->api, "https://") && !is_loopback(record->api))
		return hn_fail(err, -EINVAL, "%s is asked over https only, not at %.80s", record->host,
			       record->api);
	if ((size_t)snprintf(url, size, "%s%s", record->api, path) >= size)
		return hn_fail(err, -EINVAL, "the address of %s and %.80s are too long", record->host, path);
	return 0;
}
