#pragma once
/*
 * monitor - a guest's QMP connection: what it is made of, asked and asked again when events say that it may
 * have changed; and whose process it is.
 */
#include "daemon/guest.h"

/* Connects to the guest's own socket (managed->socket). */
int hn_monitor_new(struct hn_managed *managed, struct hn_error *err);
/* The same over a connected socket, which it takes over in any case. */
int hn_monitor_new_from_fd(struct hn_managed *managed, int fd, struct hn_error *err);

/* Asks what the guest is made of; the monitor must be ready. */
void hn_monitor_introspect(struct hn_managed *managed);

/* Asks whose process the threads are that QMP named. Tried again when it fails. */
void hn_monitor_identify(struct hn_managed *managed);
