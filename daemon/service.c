#include "daemon/service.h"

#include <errno.h>
#include <event2/event.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/units.h"
#include "daemon/api.h"
#include "daemon/balancer.h"
#include "daemon/guest.h"
#include "daemon/reserve.h"
#include "daemon/watch.h"
#include "host/memory.h"
#include "host/topology.h"
#include "model/check.h"

#define HOST_FRESH_NS (500 * HN_NS_PER_MS)
#define QUERY_WATCHDOG_NS (10 * HN_NS_PER_S)

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
	return hn_host_reserve(service->host, &service->config->reserved_cpus,
			       service->config->reserved_memory_bytes, err);
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
	service->random.state = hn_now_ns() ^ ((uint64_t)getpid() << 32);
	TAILQ_INIT(&service->guests);
	TAILQ_INIT(&service->waiting);
	if ((r = load_host(service, err)) < 0 ||
	    (r = hn_hands_new(base, hands_program, "queries", QUERY_WATCHDOG_NS, &service->hands, err)) < 0 ||
	    (r = hn_balancer_new(service, &service->balancer, err)) < 0 ||
	    (r = hn_api_new(service, config->socket, &service->api, err)) < 0 ||
	    (r = hn_watch_new(service, &service->watch, err)) < 0) {
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
	hn_watch_free(service->watch);
	hn_api_free(service->api);
	while ((managed = TAILQ_FIRST(&service->guests)))
		hn_managed_free(managed);
	hn_balancer_free(service->balancer);
	hn_hands_free(service->hands);
	hn_host_free(service->host);
	free(service);
}
