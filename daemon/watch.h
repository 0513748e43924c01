#pragma once
/*
 * watch - notices QMP sockets that appear in and vanish from the watched folders, and lets guests begin and
 * end.
 *
 * Whatever inotify says, the folders are scanned again and compared with the guests at hand; a slow timer
 * scans too, so that a lost event or a folder that comes later costs time and nothing else.
 */
#include "base/error.h"
#include "daemon/service.h"

int hn_watch_new(struct hn_service *service, struct hn_watch **ret, struct hn_error *err);
void hn_watch_free(struct hn_watch *watch); /* NULL is fine */

/* The monitor of a QEMU in a container, a path through /proc/PID/root: a guest if its folder there is a
 * watched one. */
void hn_watch_meet(struct hn_watch *watch, const char *path);
