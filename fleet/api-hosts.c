/*
 * api-hosts - the hosts themselves, filtered, in order of name and by pages; health and readiness.
 */
#include <errno.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "fleet/answer.h"
#include "model/checkup.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 1000

struct filter {
	double below;      /* locality less than that, known; 2: any */
	bool any_failing;  /* some check is not ok */
	uint64_t failing;  /* one of these checks is not ok; 0: any */
	const char *after; /* names behind this one */
	size_t limit;
};

static int read_failing(const char *value, struct filter *filter, struct hn_error *err)
{
	enum hn_check check;

	filter->any_failing = true;
	if (strcmp(value, "any") == 0)
		return 0;
	if (hn_check_parse(value, &check, err) < 0)
		return -EINVAL;
	filter->failing = UINT64_C(1) << check;
	return 0;
}

static int read_parameter(const char *key, const char *value, struct filter *filter, struct hn_error *err)
{
	char *end;

	if (strcmp(key, "after") == 0) {
		filter->after = value;
		return 0;
	}
	if (strcmp(key, "failing") == 0)
		return read_failing(value, filter, err);
	if (strcmp(key, "locality_below") == 0) {
		filter->below = strtod(value, &end);
		if (end == value || *end || !(filter->below >= 0 && filter->below <= 1))
			return hn_fail(err, -EINVAL, "'locality_below=%.40s' is no share from 0 to 1", value);
		return 0;
	}
	if (strcmp(key, "limit") == 0) {
		unsigned long limit = strtoul(value, &end, 10);

		if (end == value || *end || value[0] == '-' || limit == 0 || limit > LIMIT_MAX)
			return hn_fail(err, -EINVAL, "'limit=%.40s' is not a number from 1 to %d", value,
				       LIMIT_MAX);
		filter->limit = limit;
		return 0;
	}
	return hn_fail(err, -EINVAL,
		       "unknown parameter '%.40s'; known: after, failing, limit, locality_below", key);
}

static bool passes(const struct hn_fleet_record *record, const struct filter *filter)
{
	uint64_t failing = record->failing | record->failed;

	if (filter->any_failing && !(filter->failing ? failing & filter->failing : failing))
		return false;
	if (filter->below <= 1 && !(record->locality >= 0 && record->locality < (float)filter->below))
		return false;
	return strcmp(record->host, filter->after) > 0;
}

static const struct hn_fleet_record *record_of(const struct hn_fleet_place *place)
{
	return place->group->records[place->host];
}

static int compare(const void *a, const void *b)
{
	return strcmp(record_of(a)->host, record_of(b)->host);
}

/* The record with its nodes' ids, which it leaves to the topology. NULL when out of memory. */
static json_object *encode(const struct hn_fleet_place *place)
{
	json_object *json = hn_fleet_record_encode(record_of(place)), *nodes = NULL;
	const struct hn_host *host = place->group->topology->host;

	if (!json || hn_json_get_array(json, "nodes", &nodes, NULL) < 0)
		return json;
	for (size_t i = 0; i < host->node_count; i++) {
		if (hn_json_add_int(json_object_array_get_idx(nodes, i), "id", host->nodes[i].id) < 0) {
			json_object_put(json);
			return NULL;
		}
	}
	return json;
}

static size_t collect(const struct hn_fleet_index *index, const struct filter *filter,
		      struct hn_fleet_place *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < hn_fleet_index_groups(index); i++) {
		struct hn_fleet_group *group = hn_fleet_index_group(index, i);

		for (size_t host = 0; host < group->count; host++)
			if (passes(group->records[host], filter))
				ret[count++] = (struct hn_fleet_place){group, host};
	}
	qsort(ret, count, sizeof(*ret), compare);
	return count;
}

static void answer_hosts(struct hn_fleet_call *call)
{
	const struct hn_fleet_index *index = call->service->index;
	const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(call->request));
	struct filter filter = {.below = 2, .after = "", .limit = LIMIT_DEFAULT};
	struct evkeyvalq parameters = TAILQ_HEAD_INITIALIZER(parameters);
	const struct evkeyval *parameter;
	HN_AUTO(memory)
	struct hn_fleet_place *found = calloc(hn_fleet_index_count(index) + 1, sizeof(*found));
	json_object *json, *hosts;
	struct hn_error err = {0};
	size_t count;
	int r = found ? 0 : hn_oom(&err);

	/* what is behind it would be lost, and another name asked for */
	if (r == 0 && query && strstr(query, "%00"))
		r = hn_fail(&err, -EINVAL, "the query has a NUL: leave out the %%00");
	if (r == 0 && query && evhttp_parse_query_str(query, &parameters) < 0)
		r = hn_fail(&err, -EINVAL, "the query '%.80s' cannot be read", query);
	TAILQ_FOREACH(parameter, &parameters, next)
	{
		if (r == 0)
			r = read_parameter(parameter->key, parameter->value, &filter, &err);
	}
	if (r < 0) {
		evhttp_clear_headers(&parameters);
		hn_fleet_send_failure(call, &err);
		return;
	}
	count = collect(index, &filter, found);
	json = json_object_new_object();
	hosts = json_object_new_array();
	for (size_t i = 0; hosts && i < count && i < filter.limit; i++)
		json_object_array_add(hosts, encode(&found[i]));
	if (json) {
		hn_json_add(json, "hosts", hosts);
		hn_json_add_u64(json, "matching", count);
		if (count > filter.limit)
			hn_json_add_string(json, "next", record_of(&found[filter.limit - 1])->host);
		else
			hn_json_add(json, "next", NULL);
	}
	hn_fleet_send(call, 200, json);
	evhttp_clear_headers(&parameters);
}

void hn_fleet_api_hosts(struct hn_fleet_call *call)
{
	if (hn_fleet_is_ready(call))
		answer_hosts(call);
}

void hn_fleet_api_host(struct hn_fleet_call *call)
{
	const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(call->request));
	size_t length = 0;
	HN_AUTO(memory) char *name = evhttp_uridecode(strrchr(path, '/') + 1, 0, &length);
	struct hn_fleet_place place;

	if (!hn_fleet_is_ready(call))
		return;
	if (name && strlen(name) != length)
		hn_fleet_send_problem(call, 400, "no host's name has a NUL: leave out the %00");
	else if (name && hn_fleet_index_find(call->service->index, name, &place))
		hn_fleet_send(call, 200, encode(&place));
	else
		hn_fleet_send_problem(call, 404, "the fleet knows no such host; /v1/hosts lists them");
}

void hn_fleet_api_healthz(struct hn_fleet_call *call)
{
	hn_fleet_send_text(call, "text/plain", "ok\n", 3);
}

void hn_fleet_api_readyz(struct hn_fleet_call *call)
{
	char detail[200];

	if (hn_mirror_state(call->service->mirror).complete) {
		hn_fleet_send_text(call, "text/plain", "ok\n", 3);
		return;
	}
	snprintf(detail, sizeof(detail), "the fleet is still being read from etcd at %.120s",
		 hn_etcd_endpoint(call->service->etcd));
	hn_fleet_send_problem(call, 503, detail);
}
