#pragma once
/*
 * guest-devices - the host's devices that a guest uses: what its XML names and what its process has open.
 */
#include "daemon/guest.h"
#include "model/device-place.h"

/* Those its process has open, count of them, are these now; the guest's own are its XML's and those given to
 * it whole. -ENOMEM. */
int hn_guest_devices_take(struct hn_managed *managed, const struct hn_process_device *devices, size_t count);

/* Where they are: its own, and then those that it shares with others. The caller frees *ret. -ENOMEM. */
int hn_guest_devices_place(const struct hn_managed *managed, struct hn_device_place **ret, size_t *ret_count);
