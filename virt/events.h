#pragma once
/*
 * events - libvirt's event loop, carried by libevent.
 *
 * libvirt asks for descriptors and timers from whatever thread it happens to run on; what it asks for is
 * written down under a lock and done on the loop's thread, so libevent needs no locking of its own. All of
 * libvirt's callbacks run on the loop's thread. What is removed is released there too, later and never from
 * inside the removal, as libvirt demands (virEventRemoveHandleFunc).
 *
 * libvirt has one event loop a process, registered for good; the libevent base under it is needed only while
 * there are users.
 */
#include <pthread.h>

#include "base/error.h"

struct event_base;

/*
 * One more user. The first in the process registers with libvirt and makes libvirt's messages to stderr
 * silent. -EBUSY when other users have another base, -errno.
 */
int hn_events_join(struct event_base *base, struct hn_error *err);

/* One user less; what libvirt has removed by now is released. With the last one the base is let go. */
void hn_events_leave(void);

/* Shuts the sockets that libvirt opened on that thread down: a call that waits there for an answer fails. */
void hn_events_shut(pthread_t thread);
