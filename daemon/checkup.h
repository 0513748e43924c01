#pragma once
/*
 * checkup - a check of this host, or of one guest: what the hands find in files (host/doctor.h), with what
 * the daemon knows of nodes, guests and QEMUs.
 */
#include "base/error.h"
#include "daemon/guest.h"
#include "model/checkup.h"

/*
 * Adds what the daemon knows by itself: nodes and pools, versions of QEMU, QEMUs that nobody looks after.
 * -errno of reading free memory.
 */
int hn_checkup_add_known(struct hn_service *service, struct hn_checkup *ret, struct hn_error *err);

/* Adds what the last look at the guest tells, and where its devices are. -ENOMEM, or as above. */
int hn_checkup_add_conditions(const struct hn_managed *managed, struct hn_checkup *ret, struct hn_error *err);
