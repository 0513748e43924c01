#pragma once
/*
 * arrival - guests on their way in: placed before they start, when libvirt's hook tells of them, and the
 * answer to libvirt's question to numad.
 *
 *     prepare: solved and reserved -> numad: answered from the reservation -> started: confirmed -> release:
 * freed migrate, restore: solved, reserved, and the XML rewritten for this host
 *
 * Nothing here waits: the hook does.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/set.h"
#include "daemon/service.h"

struct hn_managed;

/*
 * What libvirt's hook for qemu tells (https://libvirt.org/hooks.html): operation and sub as libvirt names
 * them, xml the domain's, may be empty where nothing is made of it. *ret, *ret_length: XML to be used
 * instead, freed by the caller; NULL: as it is. Operations that are not known are nothing. -EINVAL, -EPROTO,
 * -ENOMEM; what does not fit is no error: it is logged and not reserved.
 */
int hn_arrival_hook(struct hn_service *service, const char *guest, const char *operation, const char *sub,
		    const char *xml, size_t length, char **ret, size_t *ret_length, struct hn_error *err);

/*
 * The nodes for a guest of that shape: those reserved for one that is starting and whose question this may
 * be, else freshly found and reserved for half a minute. -ENOSPC when there is no room, -EINVAL, -ENOMEM.
 */
int hn_arrival_advise(struct hn_service *service, unsigned vcpus, uint64_t mib, struct hn_set *ret,
		      struct hn_error *err);

/*
 * The process runs with this set of nodes allowed: where libvirt gave the answer for one guest to another of
 * the same shape, their reservations change places.
 */
void hn_arrival_settle(struct hn_service *service, const char *uuid, const struct hn_set *nodes);

/* Where its policy wants a guest that is to come, CPUs included, beside all that are there or have a
 * reservation; what the caller frees. -ENOSPC with what is scarce, -EINVAL, -ENOMEM. */
struct hn_placement;
struct hn_guest;
int hn_arrival_find_home(struct hn_service *service, struct hn_guest *guest, struct hn_placement **ret,
			 struct hn_error *err);

/* The event of a reservation; home NULL: no room is kept any more. */
void hn_arrival_tell(struct hn_service *service, const char *guest, const char *state,
		     const struct hn_placement *home);

/* Drops and tells what has expired by now. */
void hn_arrival_expire(struct hn_service *service);

/* The guest is gone: its room is free. */
void hn_arrival_released(struct hn_service *service, const char *uuid, const char *name);

/* The home of a guest of libvirt's, put on record for a daemon that is started again. */
void hn_arrival_record_home(struct hn_managed *managed);
/* Its pins are homenode's from now on, also after it was saved and comes back. */
void hn_arrival_pinned(struct hn_managed *managed);
