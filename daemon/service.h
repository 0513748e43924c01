#pragma once
/*
 * service - what the parts of homenoded share: the loop, the configuration, the host, the hands, the guests.
 * Everything here belongs to the loop's thread.
 */
#include <stdint.h>
#include <sys/queue.h>

#include "base/error.h"
#include "base/random.h"
#include "daemon/config.h"
#include "daemon/hands.h"
#include "model/host.h"
#include "model/snapshot.h"

struct event_base;
struct hn_api;
struct hn_balancer;
struct hn_managed;
struct hn_watch;

TAILQ_HEAD(hn_managed_list, hn_managed);
TAILQ_HEAD(hn_operation_queue, hn_running_operation);

struct hn_service {
	struct event_base *base;
	const struct hn_config *config;
	const char *hands_program; /* path of homenode-host */
	struct hn_host *host;
	uint64_t host_refreshed_ns;
	struct hn_hands *hands;            /* for queries; each migration has its own */
	struct hn_managed_list guests;     /* in order of appearance */
	struct hn_operation_queue waiting; /* for their turn to migrate */
	unsigned migrations;               /* running */
	uint64_t next_operation_id;
	struct hn_calibration calibration; /* what the migrations so far have cost */
	struct hn_random random; /* jitter and sample seeds */
	struct hn_watch *watch;
	struct hn_api *api;
	struct hn_balancer *balancer;
};

/* Reads the host, starts the watch, the API and the hands. *ret is freed with hn_service_free(), NULL is
 * fine. */
int hn_service_new(struct event_base *base, const struct hn_config *config, const char *hands_program,
		   struct hn_service **ret, struct hn_error *err);
void hn_service_free(struct hn_service *service);

/* Free memory of the nodes, read again when older than half a second. */
int hn_service_refresh_host(struct hn_service *service, struct hn_error *err);

/* CLOCK_MONOTONIC. The daemon's only clock. */
uint64_t hn_now_ns(void);

/* ns as libevent wants it. */
struct timeval hn_timeval(uint64_t ns);
