#include "fleet/service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/units.h"
#include "fleet/listener.h"

#define TOPOLOGIES "topologies/"
#define HOSTS "hosts/"
#define TOPOLOGY_TEXT_MAX (1 << 20)
#define BAD_TOLD_NS (60 * HN_NS_PER_S)

uint64_t hn_fleet_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * HN_NS_PER_S + (uint64_t)now.tv_nsec;
}

/* Counted always, said once a minute: a host that errs does so again and again. */
static void tell_bad(struct hn_fleet_service *service, const char *key, const struct hn_error *err)
{
	uint64_t now = hn_fleet_now_ns();

	service->tally.bad_records++;
	if (service->bad_told_ns && now < service->bad_told_ns + BAD_TOLD_NS)
		return;
	service->bad_told_ns = now;
	hn_log(HN_LOG_WARNING, "%.100s in etcd is left alone: %s", key, err->message);
}

static int put_topology(struct hn_fleet_service *service, const char *digest, const char *value,
			size_t length, struct hn_error *err)
{
	HN_AUTO(json) json_object *json = NULL;
	HN_AUTO(hn_topology) struct hn_topology *topology = NULL;
	int r;

	if (length > TOPOLOGY_TEXT_MAX)
		return hn_fail(err, -EMSGSIZE, "it is longer than %d bytes", TOPOLOGY_TEXT_MAX);
	if ((r = hn_json_parse(value, length, "it", &json, err)) < 0 ||
	    (r = hn_topology_decode(json, digest, &topology, err)) < 0)
		return r;
	return hn_fleet_index_learn(service->index, topology, err);
}

/* A record that is only read again is no sign of life. */
static uint64_t when_heard(const struct hn_fleet_service *service, const struct hn_fleet_record *record)
{
	struct hn_fleet_place place;
	const struct hn_fleet_record *known;

	if (!hn_fleet_index_find(service->index, record->host, &place))
		return hn_fleet_now_ns();
	known = place.group->records[place.host];
	return known->generation == record->generation ? known->heard_ns : hn_fleet_now_ns();
}

static int put_host(struct hn_fleet_service *service, const char *name, const char *value, size_t length,
		    struct hn_error *err)
{
	HN_AUTO(json) json_object *json = NULL;
	HN_AUTO(hn_fleet_record) struct hn_fleet_record *record = NULL;
	int r;

	if (length > HN_FLEET_TEXT_MAX)
		return hn_fail(err, -EMSGSIZE, "it is longer than %d bytes", HN_FLEET_TEXT_MAX);
	if ((r = hn_json_parse(value, length, "it", &json, err)) < 0 ||
	    (r = hn_fleet_record_decode(json, &record, err)) < 0)
		return r;
	if (strcmp(record->host, name) != 0)
		return hn_fail(err, -EPROTO, "it speaks for another host, '%.60s'", record->host);
	record->heard_ns = when_heard(service, record);
	return hn_fleet_index_put(service->index, hn_steal(record), err);
}

static void on_put(const char *key, const char *value, size_t length, void *context)
{
	struct hn_fleet_service *service = context;
	struct hn_error err = {0};
	int r = 0;

	if (strncmp(key, HOSTS, strlen(HOSTS)) == 0) {
		r = put_host(service, key + strlen(HOSTS), value, length, &err);
		if (r < 0) /* the last good one stays */
			hn_fleet_index_keep(service->index, key + strlen(HOSTS));
	} else if (strncmp(key, TOPOLOGIES, strlen(TOPOLOGIES)) == 0) {
		r = put_topology(service, key + strlen(TOPOLOGIES), value, length, &err);
	}
	if (r < 0)
		tell_bad(service, key, &err);
}

static void on_gone(const char *key, void *context)
{
	struct hn_fleet_service *service = context;

	if (strncmp(key, HOSTS, strlen(HOSTS)) == 0)
		hn_fleet_index_remove(service->index, key + strlen(HOSTS));
}

static void on_reading(void *context)
{
	struct hn_fleet_service *service = context;

	hn_fleet_index_begin(service->index);
}

static void on_read(void *context)
{
	struct hn_fleet_service *service = context;

	hn_fleet_index_sweep(service->index);
	hn_log(HN_LOG_INFO, "%zu hosts of %zu makes are known, %zu wait for their topology",
	       hn_fleet_index_count(service->index), hn_fleet_index_groups(service->index),
	       hn_fleet_index_waiting(service->index));
}

static void on_trouble(const struct hn_error *err, void *context)
{
	if (err)
		hn_log(HN_LOG_WARNING, "the view of the fleet may be old: %s", err->message);
	else
		hn_log(HN_LOG_INFO, "the view of the fleet is followed again");
}

int hn_fleet_service_new(struct event_base *base, const struct hn_fleet_options *options,
			 struct hn_fleet_service **ret, struct hn_error *err)
{
	struct hn_fleet_service *service = calloc(1, sizeof(*service));
	struct hn_mirror_events events = {.put = on_put,
					  .gone = on_gone,
					  .reading = on_reading,
					  .read = on_read,
					  .trouble = on_trouble,
					  .context = service};
	int r;

	if (!service)
		return hn_oom(err);
	service->base = base;
	service->options = options;
	service->index = hn_fleet_index_new();
	service->retries = hn_retries_new();
	r = service->index && service->retries ? 0 : hn_oom(err);
	if (r < 0 || (r = hn_http_new(base, &options->hosts, &service->hosts, err)) < 0 ||
	    (r = hn_etcd_new(base, &options->etcd, &service->etcd, err)) < 0 ||
	    (r = hn_mirror_new(base, service->etcd, options->prefix, &events, &service->mirror, err)) < 0 ||
	    (r = hn_fleet_listener_new(service, &service->listener, err)) < 0) {
		hn_fleet_service_free(service);
		return r;
	}
	*ret = service;
	return 0;
}

void hn_fleet_service_free(struct hn_fleet_service *service)
{
	if (!service)
		return;
	hn_fleet_listener_free(service->listener);
	hn_mirror_free(service->mirror);
	hn_etcd_free(service->etcd);
	hn_http_free(service->hosts);
	hn_fleet_index_free(service->index);
	hn_retries_free(service->retries);
	free(service);
}
