#pragma once
/*
 * metrics-listener - /metrics over TCP, for a Prometheus that cannot ask a unix socket; nothing else is
 * answered there.
 */
#include "base/error.h"
#include "daemon/service.h"

struct hn_metrics_listener;

/* Listens on "ADDRESS:PORT", as the configuration has it; "" gives NULL in *ret. -EADDRINUSE, -EADDRNOTAVAIL
 * and the like. */
int hn_metrics_listener_new(struct hn_service *service, const char *address, struct hn_metrics_listener **ret,
			    struct hn_error *err);
void hn_metrics_listener_free(struct hn_metrics_listener *listener); /* NULL is fine */
