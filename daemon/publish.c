#include "daemon/publish.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/units.h"
#include "daemon/checkup.h"
#include "daemon/decision.h"
#include "daemon/guest.h"
#include "daemon/hands-channel.h"
#include "fleet/announce.h"
#include "fleet/record.h"
#include "host/doctor.h"
#include "model/request.h"
#include "policy/locality.h"

#define LEASE_S 30
#define TOLD_AGAIN_NS (300 * HN_NS_PER_S)
#define CHECKED_AGAIN_NS (300 * HN_NS_PER_S)

struct hn_publish {
	struct hn_service *service;
	struct hn_etcd *etcd;
	struct hn_announce *announce;
	struct hn_topology *topology;
	struct hn_fleet_record *told; /* NULL: nothing yet */
	struct hn_guest *newcomer;    /* for whom rooms and seats are worked out */
	struct event *timer;
	uint64_t told_ns, topology_told_ns, checked_ns, generation;
	uint64_t failing, failed;
	bool checking;
	char name[HN_FLEET_NAME_MAX];
};

static uint64_t time_of_day_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * HN_NS_PER_S + (uint64_t)now.tv_nsec;
}

static void take_findings(struct hn_publish *publish, struct hn_checkup *checkup)
{
	publish->failing = publish->failed = 0;
	for (size_t i = 0; i < checkup->count; i++) {
		uint64_t bit = UINT64_C(1) << checkup->findings[i].check;

		if (checkup->findings[i].verdict == HN_FINDING_WARNING)
			publish->failing |= bit;
		else if (checkup->findings[i].verdict == HN_FINDING_FAIL)
			publish->failed |= bit;
	}
}

static void on_checkup(int result, const void *body, size_t length, const struct hn_error *err, void *context)
{
	struct hn_publish *publish = context;
	struct hn_checkup checkup;
	struct hn_error why;

	publish->checking = false;
	if (result != 0 || length != sizeof(checkup))
		return;
	memcpy(&checkup, body, sizeof(checkup));
	if (hn_checkup_add_known(publish->service, &checkup, &why) == 0)
		take_findings(publish, &checkup);
}

/* Asked now and then; what was found stays until the next answer. */
static void check(struct hn_publish *publish)
{
	struct hn_doctor_case known = {.reserved_cpus = publish->service->config->reserved_cpus};
	uint64_t now = hn_now_ns();

	if (publish->checking || (publish->checked_ns && now < publish->checked_ns + CHECKED_AGAIN_NS))
		return;
	publish->checked_ns = now;
	publish->checking = hn_hands_request(publish->service->hands, HN_HANDS_CHECKUP,
					     &(struct hn_hands_part){&known, sizeof(known)}, 1, NULL,
					     on_checkup, publish, NULL) == 0;
}

/* Share of the last minute that something waited for memory, see proc(5) of pressure. -1: not told. */
static float read_pressure(void)
{
	HN_AUTO(file) FILE *file = fopen("/proc/pressure/memory", "re");
	float percent;

	if (!file || fscanf(file, "some avg10=%*f avg60=%f", &percent) != 1)
		return -1;
	return percent >= 0 && percent <= 100 ? percent / 100 : -1;
}

static void add_guests(const struct hn_service *service, struct hn_fleet_record *record)
{
	const struct hn_managed *managed;
	double local = 0, bytes = 0;

	TAILQ_FOREACH(managed, &service->guests, entry)
	{
		struct hn_interval locality;

		record->counters.guests++;
		record->counters.problems += hn_managed_problem(managed) != NULL;
		record->counters.at_home += managed->plan && managed->plan->verdict == HN_VERDICT_AT_HOME;
		if (managed->guest && managed->sample &&
		    hn_locality_of_guest(managed->guest, managed->sample, &locality)) {
			double weight = (double)hn_guest_memory_bytes(managed->guest);

			local += weight * locality.value;
			bytes += weight;
		}
	}
	if (bytes > 0)
		record->locality = (float)(local / bytes);
}

/* Somebody may have deleted it, and nobody else need be of this make. */
static void tell_topology_again(struct hn_publish *publish)
{
	if (hn_now_ns() < publish->topology_told_ns + TOLD_AGAIN_NS)
		return;
	hn_announce_topology_again(publish->announce);
	publish->topology_told_ns = hn_now_ns();
}

/* Of what make this host is, told where it is another than before: memory comes and goes by hotplug. */
static int tell_topology(struct hn_publish *publish, struct hn_error *err)
{
	HN_AUTO(hn_topology) struct hn_topology *topology = NULL;
	HN_AUTO(json) json_object *json = NULL;
	const char *text;
	char key[256];
	int r = hn_topology_of(publish->service->host, &topology, err);

	if (r < 0)
		return r;
	if (publish->topology && strcmp(publish->topology->digest, topology->digest) == 0) {
		tell_topology_again(publish);
		return 0;
	}
	json = hn_topology_encode(topology);
	text = json ? json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN) : NULL;
	snprintf(key, sizeof(key), "%stopologies/%s", publish->service->config->fleet_prefix,
		 topology->digest);
	if ((r = text ? hn_announce_topology(publish->announce, key, text, err) : hn_oom(err)) < 0)
		return r;
	hn_topology_free(publish->topology);
	publish->topology = hn_steal(topology);
	publish->topology_told_ns = hn_now_ns();
	return 0;
}

static int make_record(struct hn_publish *publish, struct hn_fleet_record **ret, struct hn_error *err)
{
	struct hn_service *service = publish->service;
	const struct hn_tally *tally = &service->tally;
	struct hn_snapshot snapshot = {0};
	struct hn_fleet_record *record = NULL;
	size_t newcomer;
	int r;

	if ((r = hn_service_refresh_host(service, err)) < 0 || (r = tell_topology(publish, err)) < 0 ||
	    (r = hn_decision_snapshot_with(service, publish->newcomer, &snapshot, &newcomer, err)) < 0)
		return r;
	r = hn_fleet_record_make(&snapshot, newcomer, service->config->keep_free_bytes,
				 publish->topology->digest, &record, err);
	free(snapshot.guests);
	if (r < 0)
		return r;
	strcpy(record->host, publish->name);
	snprintf(record->api, sizeof(record->api), "%s", service->config->fleet_api);
	record->time_ns = time_of_day_ns();
	record->failing = publish->failing;
	record->failed = publish->failed;
	record->pressure = read_pressure();
	add_guests(service, record);
	record->counters.reservations = service->reservations.count;
	record->counters.operations = tally->operations[HN_OPERATION_DONE];
	record->counters.failures = tally->operations[HN_OPERATION_FAILED];
	record->counters.moved_bytes = tally->moved_bytes;
	*ret = record;
	return 0;
}

static int tell(struct hn_publish *publish, struct hn_fleet_record *record, struct hn_error *err)
{
	HN_AUTO(json) json_object *json = NULL;
	const char *text = NULL;
	char key[256];
	int r;

	record->generation = ++publish->generation;
	json = hn_fleet_record_encode(record);
	text = json ? json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN) : NULL;
	snprintf(key, sizeof(key), "%shosts/%s", publish->service->config->fleet_prefix, publish->name);
	r = text ? hn_announce_record(publish->announce, key, text, err) : hn_oom(err);
	if (r == 0)
		publish->told_ns = hn_now_ns();
	return r;
}

static void look(struct hn_publish *publish)
{
	HN_AUTO(hn_fleet_record) struct hn_fleet_record *record = NULL;
	struct hn_error err;

	check(publish);
	if (make_record(publish, &record, &err) < 0) {
		hn_log(HN_LOG_WARNING, "this host's record for the fleet cannot be made: %s", err.message);
		return;
	}
	if (publish->told && hn_now_ns() < publish->told_ns + TOLD_AGAIN_NS &&
	    !hn_fleet_record_differs(publish->told, record))
		return;
	if (tell(publish, record, &err) < 0) {
		hn_log(HN_LOG_WARNING, "this host's record for the fleet cannot be told: %s", err.message);
		return;
	}
	hn_fleet_record_free(publish->told);
	publish->told = hn_steal(record);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct hn_publish *publish = context;
	uint64_t interval = publish->service->config->fleet_interval_ns;
	/* three quarters to five quarters of it: many hosts are not to speak at once */
	struct timeval next =
		hn_timeval(interval * 3 / 4 + hn_random_below(&publish->service->random, interval / 2 + 1));

	look(publish);
	event_add(publish->timer, &next);
}

static void on_trouble(const struct hn_error *err, void *context)
{
	if (err)
		hn_log(HN_LOG_WARNING,
		       "the fleet does not hear of this host for now, which goes on as ever: %s",
		       err->message);
	else
		hn_log(HN_LOG_INFO, "the fleet hears of this host again");
}

static int set_name(struct hn_publish *publish, struct hn_error *err)
{
	const char *name = publish->service->config->fleet_name;

	if (!name[0])
		name = publish->service->host->name;
	if (!name[0] || strlen(name) >= sizeof(publish->name) || strpbrk(name, "/ \t\n"))
		return hn_fail(err, -EINVAL,
			       "[fleet] name: '%.80s' is no name of up to %zu bytes without / and blanks",
			       name, sizeof(publish->name) - 1);
	strcpy(publish->name, name);
	return 0;
}

static int connect_etcd(struct hn_publish *publish, struct hn_error *err)
{
	const struct hn_config *config = publish->service->config;
	struct hn_announce_events events = {.trouble = on_trouble, .context = publish};
	struct hn_etcd_options options = config->fleet_etcd;
	int r = 0;

	if (config->fleet_password_file[0])
		r = hn_etcd_password_read(config->fleet_password_file, &options, err);
	if (r == 0)
		r = hn_etcd_new(publish->service->base, &options, &publish->etcd, err);
	explicit_bzero(options.password, sizeof(options.password));
	return r < 0 ? r
		     : hn_announce_new(publish->service->base, publish->etcd, LEASE_S, &events,
				       &publish->announce, err);
}

int hn_publish_new(struct hn_service *service, struct hn_publish **ret, struct hn_error *err)
{
	struct hn_request request = {.vcpus = 1, .memory_bytes = HN_MIB, .cells = 1};
	struct hn_publish *publish;
	int r;

	*ret = NULL;
	if (service->config->fleet_etcd.endpoint_count == 0)
		return 0;
	publish = calloc(1, sizeof(*publish));
	if (!publish)
		return hn_oom(err);
	publish->service = service;
	publish->generation = time_of_day_ns() / HN_NS_PER_MS;
	publish->timer = evtimer_new(service->base, on_timer, publish);
	if ((r = publish->timer ? 0 : hn_oom(err)) < 0 || (r = set_name(publish, err)) < 0 ||
	    (r = hn_request_guest(&request, "(any newcomer)", &publish->newcomer, err)) < 0 ||
	    (r = connect_etcd(publish, err)) < 0 || (r = tell_topology(publish, err)) < 0) {
		hn_publish_free(publish);
		return r;
	}
	event_add(publish->timer, &(struct timeval){0});
	*ret = publish;
	return 0;
}

void hn_publish_free(struct hn_publish *publish)
{
	if (!publish)
		return;
	if (publish->checking)
		hn_hands_forget(publish->service->hands, publish);
	if (publish->timer)
		event_free(publish->timer);
	hn_announce_free(publish->announce);
	hn_etcd_free(publish->etcd);
	hn_topology_free(publish->topology);
	hn_fleet_record_free(publish->told);
	hn_guest_free(publish->newcomer);
	free(publish);
}
