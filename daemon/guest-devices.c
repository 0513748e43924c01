#include "daemon/guest-devices.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/domain.h"
#include "policy/device-places.h"

static bool has_device(const struct hn_guest *guest, const char *name)
{
	for (size_t i = 0; i < guest->device_count; i++)
		if (strcmp(guest->devices[i], name) == 0)
			return true;
	return false;
}

/* The solver draws a guest to what is its own. A disk or a card that others share would draw all of them to
 * one node. */
int hn_guest_devices_take(struct hn_managed *managed, const struct hn_process_device *devices, size_t count)
{
	struct hn_process_device *kept = calloc(count + 1, sizeof(*kept));
	const struct hn_guest *from = managed->domain ? managed->domain->guest : NULL;
	struct hn_guest *guest = managed->guest;

	if (!kept)
		return -ENOMEM;
	if (count)
		memcpy(kept, devices, count * sizeof(*kept));
	free(managed->devices);
	managed->devices = kept;
	managed->device_count = count;
	guest->device_count = 0;
	for (size_t i = 0; from && i < from->device_count; i++)
		if (hn_guest_add_device(guest, from->devices[i]) < 0)
			return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (!kept[i].shared && !has_device(guest, kept[i].name) &&
		    hn_guest_add_device(guest, kept[i].name) < 0)
			return -ENOMEM;
	return 0;
}

int hn_guest_devices_place(const struct hn_managed *managed, struct hn_device_place **ret, size_t *ret_count)
{
	const struct hn_host *host = managed->service->host;
	const struct hn_guest *guest = managed->guest;
	struct hn_set lives = hn_guest_lives_on(host, managed->sample, managed->home);
	size_t own = guest ? guest->device_count : 0, count = 0;
	struct hn_device_place *places = calloc(own + managed->device_count + 1, sizeof(*places));

	if (!places)
		return -ENOMEM;
	for (size_t i = 0; i < own; i++)
		places[count++] = hn_device_place_of(host, guest->devices[i], false, &lives);
	for (size_t i = 0; guest && i < managed->device_count; i++)
		if (!has_device(guest, managed->devices[i].name))
			places[count++] = hn_device_place_of(host, managed->devices[i].name, true, &lives);
	*ret = places;
	*ret_count = count;
	return 0;
}
