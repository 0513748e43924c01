#pragma once
/*
 * census - which QEMUs run on this machine, seen by the hands in /proc: every 10 s, and when something is
 * said to have started. It gives libvirt's domains their processes, and finds guests in containers.
 */
#include "base/error.h"
#include "daemon/service.h"
#include "host/qemu-processes.h"

int hn_census_new(struct hn_service *service, struct hn_census **ret, struct hn_error *err);
void hn_census_free(struct hn_census *census); /* NULL is fine */

/* Looks in a moment. */
void hn_census_soon(struct hn_census *census);

/* All of the last look, in order of pid. Borrowed until the loop turns. */
size_t hn_census_all(const struct hn_census *census, const struct hn_qemu_process **ret);

/*
 * The QEMU with that uuid as of the last look, borrowed until the loop turns: known, where it is among them
 * (NULL: none is), else the newest of several (one is about to end). -ENOENT none, -EEXIST for those of
 * several users: anyone can start a program that calls itself so.
 */
int hn_census_find(const struct hn_census *census, const char *uuid, const struct hn_process *known,
		   const struct hn_qemu_process **ret, struct hn_error *err);

/* Whether the process is the one found so. */
bool hn_census_is(const struct hn_census *census, const char *uuid, const struct hn_process *known,
		  pid_t pid);

/* The container of one of them, NULL when it is in none. Borrowed likewise. */
const struct hn_qemu_container *hn_census_container(const struct hn_census *census,
						    const struct hn_qemu_process *qemu);
