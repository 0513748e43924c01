#pragma once
/*
 * opener - a connection to a guest's socket that homenoded may not open itself, made by the hands.
 *
 * QEMU makes its sockets under its own umask, so that often only its own user and root may connect. The hands
 * connect only where a QEMU that runs a guest listens. One homenode-host serves one connection and ends.
 */
#include "qmp/client.h"

struct event_base;

/* hands: as for hn_hands_new(); base and hands are borrowed for as long as ret is used, and ret for as long
 * as the clients that it is given to. */
struct hn_opener {
	struct event_base *base;
	const char *hands;
	struct hn_qmp_opener qmp; /* for hn_qmp_set_opener() */
};
void hn_opener_init(struct hn_opener *ret, struct event_base *base, const char *hands);
