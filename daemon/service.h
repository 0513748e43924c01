#pragma once
/*
 * service - what the parts of homenoded share: the loop, the configuration, the host, the hands, the guests.
 * Everything here belongs to the loop's thread.
 */
#include <stdint.h>
#include <sys/queue.h>

#include "base/error.h"
#include "base/random.h"
#include "base/set.h"
#include "daemon/cadence.h"
#include "daemon/config.h"
#include "daemon/hands.h"
#include "daemon/opener.h"
#include "daemon/plans.h"
#include "daemon/readings.h"
#include "daemon/refusals.h"
#include "daemon/reservations.h"
#include "daemon/stuck.h"
#include "daemon/tally.h"
#include "model/host.h"
#include "model/snapshot.h"

struct event_base;
struct hn_admission;
struct hn_api;
struct hn_balancer;
struct hn_census;
struct hn_events;
struct hn_filing;
struct hn_gauge;
struct hn_migration;
struct hn_regulator;
struct hn_virts;
struct hn_managed;
struct hn_rota;
struct hn_store;
struct hn_metrics_listener;
struct hn_publish;
struct hn_watch;

TAILQ_HEAD(hn_managed_list, hn_managed);
TAILQ_HEAD(hn_migration_list, hn_migration);

struct hn_service {
	struct event_base *base;
	const struct hn_config *config;
	const char *hands_program; /* path of homenode-host */
	struct hn_host *host;
	uint64_t host_refreshed_ns;
	struct hn_opener opener;             /* of guests' sockets that we may not open */
	struct hn_readings readings;         /* of its pressure and counters, once a tick */
	struct hn_hands *hands;              /* for queries; each migration has its own */
	struct hn_managed_list guests;       /* in order of appearance */
	struct hn_migration_list migrations; /* running */
	struct hn_stuck_list stuck;          /* movers given up that have not ended */
	struct hn_admission *admission;
	struct hn_regulator *regulator;
	uint64_t next_operation_id;
	struct hn_reservations reservations;
	struct hn_filing *filing; /* of the reservations */
	struct hn_plans plans;    /* made on request */
	struct hn_set drained;    /* ids of nodes that drain and have been seen empty */
	uint64_t next_stranger;   /* numad was asked about a guest that nobody told of */
	struct hn_tally tally;
	struct hn_refusals refusals;       /* of the API */
	struct hn_calibration calibration; /* what the migrations so far have cost */
	struct hn_cadence cadence;         /* how often guests are looked at */
	struct hn_rota *rota;
	struct hn_random random; /* jitter and sample seeds */
	struct hn_store *store;  /* the history; NULL: none is kept */
	struct hn_watch *watch;
	struct hn_census *census;
	struct hn_virts *virts;
	struct hn_api *api;
	struct hn_balancer *balancer;
	struct hn_metrics_listener *metrics;
	struct hn_events *events;
	struct hn_publish *publish; /* to the fleet; NULL: not */
	struct hn_gauge *gauge;
	bool ends; /* no operation is begun any more (daemon/ending.h) */
};

#define HN_QUERY_WATCHDOG_NS                                                          \
	(10 * HN_NS_PER_S) /* the hands that look and inspect are given up after that \
			    */

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
