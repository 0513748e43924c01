#pragma once
/*
 * listener - where homenode-fleetd is asked: HTTP/1.1 on a TCP port, with mutual TLS, or in the clear on
 * loopback alone. Every certificate of the CA may ask; reserving is for those whose common name is an
 * operator's.
 */
#include "base/error.h"
#include "fleet/service.h"

/* -EINVAL for an address that is none, is not loopback without TLS, or keys that do not fit; -EADDRINUSE. */
int hn_fleet_listener_new(struct hn_fleet_service *service, struct hn_fleet_listener **ret,
			  struct hn_error *err);
/* Reads the certificates again and hangs up on who came in by the old ones; those that are no good are
 * logged, and what was in force stays. */
void hn_fleet_listener_reload(struct hn_fleet_listener *listener);
void hn_fleet_listener_free(struct hn_fleet_listener *listener); /* NULL is fine */
