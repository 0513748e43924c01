#pragma once
/*
 * gauge - what the kernel and the hardware tell of the host and of guests, read by the hands: of the host
 * once a tick, of a guest with each look at it.
 */
#include "daemon/guest.h"

struct hn_gauge;

int hn_gauge_new(struct hn_service *service, struct hn_gauge **ret, struct hn_error *err);
void hn_gauge_free(struct hn_gauge *gauge); /* NULL is fine */

/* Readings older than this are not told. */
uint64_t hn_gauge_max_age(const struct hn_service *service);

/* What is known of the host, in *ret; NULL while nothing is. -ENOMEM. */
int hn_gauge_host(const struct hn_service *service, struct hn_activity **ret);

/*
 * Keeps what a look has brought besides pages and threads. The guest's traffic is known only when that of all
 * its vCPUs is counted. -ENOMEM.
 */
int hn_gauge_take(struct hn_managed *managed, const struct hn_hands_view *view,
		  const struct hn_thread_reading *threads, struct hn_error *err);

/* Whether memory traffic may be read: that interrupts CPUs, and a realtime guest may be on one of them. */
bool hn_gauge_reads_bandwidth(const struct hn_service *service);
