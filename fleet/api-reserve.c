/*
 * api-reserve - room for a guest, wherever there is some: the hosts that suit it best are asked one after the
 * other, and the first one that reserves it has it. The body is what a host's own POST /v1/reservations takes
 * and is passed on byte by byte, with the client's Idempotency-Key, by which a host tells a retry. A host
 * that the key went to before is asked first: it may have reserved already.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/answer.h"
#include "fleet/host-api.h"
#include "fleet/rank.h"
#include "model/request.h"

#define HOSTS_MAX 8
#define TIMEOUT_MS 3000
#define ANSWER_MAX (256u << 10)

struct reserve {
	struct hn_fleet_call call;
	struct hn_http_call *asking;
	char key[HN_RETRIES_KEY_MAX + 1];
	char *body;
	size_t length;
	size_t host_count, at;
	char hosts[HOSTS_MAX][HN_FLEET_NAME_MAX]; /* by name: the index may change while one is asked */
	json_object *tried;
	bool unanswered;             /* some host may have reserved it without our hearing */
	char failure[HN_REASON_MAX]; /* the first that is not for want of room; "" none */
};

static void free_reserve(struct reserve *reserve)
{
	json_object_put(reserve->tried);
	free(reserve->body);
	free(reserve);
}

static void on_client_gone(void *context)
{
	struct reserve *reserve = context;

	hn_http_cancel(reserve->asking);
	free_reserve(reserve);
}

static void ask_next(struct reserve *reserve);

/* Only a host's 409 says that it has no room; whatever else comes is no answer to what was asked. */
static void note(struct reserve *reserve, int status, const char *detail)
{
	json_object *json = json_object_new_object();

	if (status != 409 && !reserve->failure[0])
		snprintf(reserve->failure, sizeof(reserve->failure), "%s: %.200s",
			 reserve->hosts[reserve->at], detail);
	if (!json)
		return;
	hn_json_add_string(json, "host", reserve->hosts[reserve->at]);
	hn_json_add_int(json, "status", status);
	hn_json_add_string(json, "detail", detail);
	json_object_array_add(reserve->tried, json);
}

static void answer(struct reserve *reserve, int status, json_object *reservation)
{
	json_object *json = json_object_new_object();

	hn_fleet_answer_now(&reserve->call);
	if (json) {
		hn_json_add_string(json, "host", reserve->hosts[reserve->at]);
		hn_json_add(json, "reservation", json_object_get(reservation));
		hn_json_add(json, "tried", json_object_get(reserve->tried));
	}
	hn_retries_put(reserve->call.service->retries, reserve->key, reserve->hosts[reserve->at],
		       hn_fleet_now_ns());
	reserve->call.service->tally.reserved++;
	hn_fleet_send(&reserve->call, status, json);
	free_reserve(reserve);
}

static void refuse(struct reserve *reserve, int status, const char *detail)
{
	hn_fleet_answer_now(&reserve->call);
	reserve->call.service->tally.refused++;
	hn_fleet_send_problem_with(&reserve->call, status, detail, "tried", reserve->tried);
	free_reserve(reserve);
}

/* What a host says about its refusal. */
static const char *detail_of(json_object *json, const struct hn_http_answer *answered)
{
	const char *detail;

	if (answered->status == 0)
		return answered->error.message;
	return json && hn_json_get_string(json, "detail", &detail, NULL) == 0 ? detail
									      : "it does not say why";
}

static void on_host(const struct hn_http_answer *answered, void *context)
{
	struct reserve *reserve = context;
	HN_AUTO(json) json_object *json = NULL;

	reserve->asking = NULL;
	if (answered->status)
		(void)hn_json_parse(answered->body, answered->length, "the host's answer", &json, NULL);
	if ((answered->status == 200 || answered->status == 201) &&
	    json_object_is_type(json, json_type_object)) {
		answer(reserve, answered->status, json);
		return;
	}
	if (answered->status >= 400 && answered->status < 500)
		hn_retries_drop(reserve->call.service->retries, reserve->key, reserve->hosts[reserve->at]);
	/* the request itself is at fault: no host will take it */
	if (answered->status == 400 || answered->status == 413 || answered->status == 422) {
		refuse(reserve, answered->status == 422 ? 409 : answered->status, detail_of(json, answered));
		return;
	}
	reserve->unanswered = reserve->unanswered || answered->status == 0 || answered->status >= 500;
	reserve->call.service->tally.passed_on++;
	note(reserve, answered->status, detail_of(json, answered));
	reserve->at++;
	ask_next(reserve);
}

static int ask_host(struct reserve *reserve, struct hn_error *err)
{
	const struct hn_fleet_service *service = reserve->call.service;
	struct hn_fleet_place place;
	char url[256], header[HN_RETRIES_KEY_MAX + 32];
	struct hn_http_ask ask = {.method = "POST",
				  .url = url,
				  .body = reserve->body,
				  .body_length = reserve->length,
				  .headers = {"Content-Type: application/json", header, "Expect:"},
				  .timeout_ms = TIMEOUT_MS,
				  .length_max = ANSWER_MAX,
				  .done = on_host,
				  .context = reserve};
	int r;

	snprintf(header, sizeof(header), "Idempotency-Key: %s", reserve->key);
	if (!hn_fleet_index_find(service->index, reserve->hosts[reserve->at], &place))
		return hn_fail(err, -ENOENT, "it has left the fleet");
	r = hn_fleet_host_url(place.group->records[place.host], "/v1/reservations", url, sizeof(url), err);
	if (r < 0 || (r = hn_http_start(service->hosts, &ask, &reserve->asking, err)) < 0)
		return r;
	/* the first that may have reserved without our hearing stays the one */
	if (!hn_retries_find(service->retries, reserve->key, hn_fleet_now_ns()))
		hn_retries_put(service->retries, reserve->key, reserve->hosts[reserve->at],
			       hn_fleet_now_ns());
	return 0;
}

static void give_up(struct reserve *reserve)
{
	char detail[HN_REASON_MAX + 160];

	if (reserve->host_count == 0) {
		refuse(reserve, 409, "no host of the fleet has room for this guest; ask /v1/rank why");
	} else if (!reserve->failure[0]) {
		refuse(reserve, 409, "the hosts that looked free have no room for this guest any more");
	} else {
		snprintf(detail, sizeof(detail), "no host has reserved it; %s%s", reserve->failure,
			 reserve->unanswered
				 ? "; some did not answer: try again with the same Idempotency-Key"
				 : "");
		refuse(reserve, 502, detail);
	}
}

static void ask_next(struct reserve *reserve)
{
	struct hn_error err = {0};

	for (; reserve->at < reserve->host_count; reserve->at++) {
		if (ask_host(reserve, &err) == 0)
			return;
		note(reserve, 0, err.message);
	}
	give_up(reserve);
}

static int read_key(const struct hn_fleet_call *call, char *ret, struct hn_error *err)
{
	const char *key =
		evhttp_find_header(evhttp_request_get_input_headers(call->request), "Idempotency-Key");
	size_t length = key ? strlen(key) : 0;

	if (length == 0 || length > HN_RETRIES_KEY_MAX)
		return hn_fail(
			err, -EINVAL,
			"a header Idempotency-Key of 1 to %d characters is needed: a retry is told by it",
			HN_RETRIES_KEY_MAX);
	for (const char *at = key; *at; at++)
		if (*at <= ' ' || *at > '~')
			return hn_fail(err, -EINVAL,
				       "Idempotency-Key has other characters than printable ASCII");
	strcpy(ret, key);
	return 0;
}

/* The sizes in the body; what else it says is the host's to judge. */
static int read_guest(json_object *json, struct hn_guest **ret, struct hn_error *err)
{
	struct hn_request request = {.cells = 1};
	uint64_t vcpus, cells = 1;
	const char *name, *class;
	int r;

	if (hn_json_has(json, "domain"))
		return hn_fail(err, -EINVAL,
			       "the fleet reads no domain XML: say name, vcpus, memory_bytes and cells");
	if ((r = hn_json_get_string(json, "name", &name, err)) < 0 ||
	    (r = hn_json_get_u64(json, "vcpus", &vcpus, err)) < 0 ||
	    (r = hn_json_get_u64(json, "memory_bytes", &request.memory_bytes, err)) < 0 ||
	    (hn_json_has(json, "cells") && (r = hn_json_get_u64(json, "cells", &cells, err)) < 0) ||
	    (hn_json_has(json, "page_bytes") &&
	     (r = hn_json_get_u64(json, "page_bytes", &request.page_bytes, err)) < 0) ||
	    (hn_json_has(json, "class") && ((r = hn_json_get_string(json, "class", &class, err)) < 0 ||
					    (r = hn_class_parse(class, &request.class, err)) < 0)))
		return r;
	request.vcpus = vcpus <= HN_REQUEST_VCPUS_MAX ? (unsigned)vcpus : HN_REQUEST_VCPUS_MAX + 1;
	request.cells = cells <= HN_REQUEST_VCPUS_MAX ? (unsigned)cells : HN_REQUEST_VCPUS_MAX + 1;
	return hn_request_guest(&request, name, ret, err);
}

/* The host that has heard of the key comes first, ranked or not. */
static int choose_hosts(struct reserve *reserve, struct hn_guest *guest, struct hn_error *err)
{
	const char *known = hn_retries_find(reserve->call.service->retries, reserve->key, hn_fleet_now_ns());
	HN_AUTO(memory) struct hn_fleet_ranking *ranking = calloc(1, sizeof(*ranking));
	int r = ranking ? hn_fleet_rank(reserve->call.service->index, guest, HOSTS_MAX, ranking, err)
			: hn_oom(err);

	if (known)
		strcpy(reserve->hosts[reserve->host_count++], known);
	for (size_t i = 0; r == 0 && i < ranking->count && reserve->host_count < HOSTS_MAX; i++) {
		const struct hn_fleet_place *place = &ranking->hosts[i].place;
		const char *host = place->group->records[place->host]->host;

		if (!known || strcmp(host, known) != 0)
			strcpy(reserve->hosts[reserve->host_count++], host);
	}
	if (r == 0)
		hn_fleet_ranking_done(ranking);
	return r;
}

static int begin(struct reserve *reserve, struct hn_error *err)
{
	struct evbuffer *input = evhttp_request_get_input_buffer(reserve->call.request);
	HN_AUTO(json) json_object *json = NULL;
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
	int r;

	reserve->tried = json_object_new_array();
	reserve->length = evbuffer_get_length(input);
	reserve->body = malloc(reserve->length + 1);
	if (!reserve->tried || !reserve->body)
		return hn_oom(err);
	evbuffer_copyout(input, reserve->body, reserve->length);
	reserve->body[reserve->length] = '\0';
	if ((r = read_key(&reserve->call, reserve->key, err)) < 0 ||
	    (r = hn_fleet_body(&reserve->call, &json, err)) < 0 || (r = read_guest(json, &guest, err)) < 0)
		return r;
	return choose_hosts(reserve, guest, err);
}

void hn_fleet_api_reserve(struct hn_fleet_call *call)
{
	struct reserve *reserve;
	struct hn_error err = {0};

	if (!call->may_act) {
		hn_fleet_send_problem(call, 403,
				      "reserving is for operators: see --operator in homenode-fleetd(8)");
		return;
	}
	if (!hn_fleet_is_ready(call))
		return;
	reserve = calloc(1, sizeof(*reserve));
	if (reserve)
		reserve->call = *call;
	if ((reserve ? begin(reserve, &err) : hn_oom(&err)) < 0) {
		hn_fleet_send_failure(call, &err);
		if (reserve)
			free_reserve(reserve);
		return;
	}
	hn_fleet_keep(&reserve->call, on_client_gone, reserve);
	ask_next(reserve);
}
