#include "daemon/service.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/units.h"
#include "daemon/admission.h"
#include "daemon/api.h"
#include "daemon/balancer.h"
#include "daemon/census.h"
#include "daemon/chronicle.h"
#include "daemon/domain.h"
#include "daemon/draining.h"
#include "daemon/events.h"
#include "daemon/filing.h"
#include "daemon/gauge.h"
#include "daemon/guest.h"
#include "daemon/metrics-listener.h"
#include "daemon/operation.h"
#include "daemon/publish.h"
#include "daemon/regulator.h"
#include "daemon/reserve.h"
#include "daemon/rota.h"
#include "daemon/watch.h"
#include "host/memory.h"
#include "host/topology.h"
#include "model/check.h"
#include "store/store.h"

#define HOST_FRESH_NS (500 * HN_NS_PER_MS)

uint64_t hn_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * HN_NS_PER_S + (uint64_t)now.tv_nsec;
}

struct timeval hn_timeval(uint64_t ns)
{
	return (struct timeval){.tv_sec = (time_t)(ns / HN_NS_PER_S),
				.tv_usec = (suseconds_t)(ns % HN_NS_PER_S / 1000)};
}

int hn_service_refresh_host(struct hn_service *service, struct hn_error *err)
{
	uint64_t now = hn_now_ns();
	int r;

	if (service->host_refreshed_ns && now < service->host_refreshed_ns + HOST_FRESH_NS)
		return 0;
	r = hn_host_memory_refresh(NULL, service->host, err);
	if (r == 0)
		service->host_refreshed_ns = now;
	return r;
}

/* The machine as it tells itself, mended where it errs, less what the operator keeps. */
static int load_host(struct hn_service *service, struct hn_error *err)
{
	char note[HN_ERROR_MAX];
	int r = hn_topology_load(NULL, &service->host, err);

	if (r < 0)
		return r;
	if (hn_host_mend(service->host, note, sizeof(note)) > 0)
		hn_log(HN_LOG_WARNING, "%s", note);
	if ((r = hn_service_refresh_host(service, err)) < 0)
		return r;
	if ((r = hn_host_reserve(service->host, &service->config->reserved_cpus,
				 service->config->reserved_memory_bytes, err)) < 0)
		return r;
	hn_draining_load(service);
	return 0;
}

/* Beside the API's socket. */
static int load_reservations(struct hn_service *service, struct hn_error *err)
{
	const char *slash = strrchr(service->config->socket, '/');
	char path[sizeof(service->reservations.path)];

	snprintf(path, sizeof(path), "%.*s/reservations.json",
		 slash ? (int)(slash - service->config->socket) : 1, slash ? service->config->socket : ".");
	return hn_reservations_init(&service->reservations, path, err);
}

int hn_service_new(struct event_base *base, const struct hn_config *config, const char *hands_program,
		   struct hn_service **ret, struct hn_error *err)
{
	struct hn_service *service = calloc(1, sizeof(*service));
	int r;

	if (!service)
		return hn_oom(err);
	service->base = base;
	service->config = config;
	service->hands_program = hands_program;
	hn_opener_init(&service->opener, base, hands_program);
	service->random.state = hn_now_ns() ^ ((uint64_t)getpid() << 32);
	TAILQ_INIT(&service->guests);
	TAILQ_INIT(&service->reservations.list);
	TAILQ_INIT(&service->cadence.waiting);
	hn_plans_init(&service->plans);
	TAILQ_INIT(&service->migrations);
	TAILQ_INIT(&service->stuck);
	if ((r = load_host(service, err)) < 0 || (r = load_reservations(service, err)) < 0 ||
	    (r = hn_chronicle_open(service, err)) < 0 ||
	    (r = hn_hands_new(base, hands_program, "queries", HN_QUERY_WATCHDOG_NS, &service->hands, err)) <
		    0 ||
	    (r = hn_rota_new(service, &service->rota, err)) < 0 ||
	    (r = hn_admission_new(service, &service->admission, err)) < 0 ||
	    (r = hn_regulator_new(service, &service->regulator, err)) < 0 ||
	    (r = hn_balancer_new(service, &service->balancer, err)) < 0 ||
	    (r = hn_events_new(base, &service->events, err)) < 0 ||
	    (r = hn_filing_new(service, &service->filing, err)) < 0 ||
	    (r = hn_api_new(service, config->socket, &service->api, err)) < 0 ||
	    (r = hn_metrics_listener_new(service, config->metrics, &service->metrics, err)) < 0 ||
	    (r = hn_watch_new(service, &service->watch, err)) < 0 ||
	    (r = hn_virts_new(service, &service->virts, err)) < 0 ||
	    (r = hn_census_new(service, &service->census, err)) < 0 ||
	    (r = hn_publish_new(service, &service->publish, err)) < 0 ||
	    (r = hn_gauge_new(service, &service->gauge, err)) < 0) {
		hn_service_free(service);
		return r;
	}
	*ret = service;
	return 0;
}

void hn_service_free(struct hn_service *service)
{
	struct hn_managed *managed;

	if (!service)
		return;
	hn_publish_free(service->publish);
	hn_gauge_free(service->gauge);
	hn_readings_done(&service->readings);
	hn_census_free(service->census);
	hn_virts_free(service->virts);
	hn_watch_free(service->watch);
	hn_metrics_listener_free(service->metrics);
	hn_filing_free(hn_steal(service->filing));
	hn_api_free(service->api);
	hn_events_free(hn_steal(service->events));
	hn_rota_free(hn_steal(service->rota));
	while ((managed = TAILQ_FIRST(&service->guests))) {
		hn_operation_abandon(managed, "homenoded ends; it is planned anew when it is there again");
		hn_managed_free(managed);
	}
	hn_stuck_done(service);
	hn_regulator_free(service->regulator);
	hn_admission_free(service->admission);
	hn_balancer_free(service->balancer);
	hn_hands_free(service->hands);
	hn_host_free(service->host);
	hn_store_free(service->store); /* guests and requests that end still write and wait */
	hn_plans_done(&service->plans);
	hn_reservations_done(&service->reservations);
	free(service);
}
