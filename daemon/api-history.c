/*
 * api-history - the past of a guest, over the API. The store answers later, on the loop.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/keyvalq_struct.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/units.h"
#include "daemon/api-call.h"
#include "daemon/guest.h"
#include "model/codec.h"
#include "store/store.h"

#define LIMIT_DEFAULT 1000

static int read_number(const char *key, const char *text, long long least, long long most, long long *ret,
		       struct hn_error *err)
{
	char *end;

	errno = 0;
	*ret = strtoll(text, &end, 10);
	if (errno || end == text || *end || *ret < least || *ret > most)
		return hn_fail(err, -EINVAL, "'%s=%.40s' in the query is not a number from %lld to %lld", key,
			       text, least, most);
	return 0;
}

/* "samples" or "decisions,moves". */
static int read_kinds(const char *text, struct hn_question *question, struct hn_error *err)
{
	char words[64], *rest = words, *word;
	enum hn_record_kind kind = HN_RECORD_SAMPLE;
	int r;

	memset(question->kinds, 0, sizeof(question->kinds));
	snprintf(words, sizeof(words), "%s", text);
	while ((word = strsep(&rest, ","))) {
		if ((r = hn_record_kind_parse(word, &kind, err)) < 0)
			return r;
		question->kinds[kind] = true;
	}
	return 0;
}

static int read_parameter(const char *key, const char *value, struct hn_question *question,
			  struct hn_error *err)
{
	long long number = 0;
	int r;

	if (strcmp(key, "kind") == 0)
		return read_kinds(value, question, err);
	if (strcmp(key, "since") == 0) {
		/* as many seconds as fit in ns */
		r = read_number(key, value, 1, INT64_MAX / (long long)HN_NS_PER_S, &number, err);
		question->since_ns = (uint64_t)number * HN_NS_PER_S;
	} else if (strcmp(key, "limit") == 0) {
		r = read_number(key, value, 1, HN_ANSWER_MAX, &number, err);
		question->limit = (size_t)number;
	} else if (strcmp(key, "cell") == 0) {
		r = read_number(key, value, -1, INT_MAX, &number, err);
		question->cell = (int)number;
	} else {
		r = hn_fail(err, -EINVAL, "unknown parameter '%.40s'; known: since, kind, cell, limit", key);
	}
	return r;
}

static int read_query(const struct hn_call *call, struct hn_question *question, struct hn_error *err)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(call->request);
	const char *query = uri ? evhttp_uri_get_query(uri) : NULL;
	struct evkeyvalq parameters = TAILQ_HEAD_INITIALIZER(parameters);
	const struct evkeyval *parameter;
	int r = 0;

	if (!query || !*query)
		return 0;
	if (evhttp_parse_query_str(query, &parameters) < 0)
		return hn_fail(err, -EINVAL, "the query '%.80s' cannot be read", query);
	TAILQ_FOREACH(parameter, &parameters, next)
	if (r == 0)
		r = read_parameter(parameter->key, parameter->value, question, err);
	evhttp_clear_headers(&parameters);
	return r;
}

/* A request that waits for the store: its client may be gone when that answers. */
struct waiting {
	struct hn_call call;
	bool is_known;  /* the guest is looked after, so that an empty answer is one */
	bool abandoned; /* the client has hung up */
};

static void on_hang_up(struct evhttp_connection *connection, void *context)
{
	((struct waiting *)context)->abandoned = true;
}

/* The body of an answer, made on the store's thread: five thousand records take a while to encode. */
struct digest {
	struct evbuffer *body;
	bool is_empty; /* there are no records */
};

static void drop_digest(void *answer)
{
	struct digest *digest = answer;

	if (digest && digest->body)
		evbuffer_free(digest->body);
	free(digest);
}

static int add_json(struct evbuffer *body, json_object *json)
{
	size_t length = 0;
	const char *text =
		json ? json_object_to_json_string_length(json, JSON_C_TO_STRING_PLAIN, &length) : NULL;

	return !text || evbuffer_add(body, text, length) < 0 || evbuffer_add(body, "\n", 1) < 0 ? -ENOMEM : 0;
}

static void *make_digest(struct hn_history *taken)
{
	HN_AUTO(hn_history) struct hn_history *history = taken;
	HN_AUTO(json) json_object *json = hn_history_encode(history);
	struct digest *digest = calloc(1, sizeof(*digest));

	if (digest && (digest->body = evbuffer_new()) && add_json(digest->body, json) == 0) {
		digest->is_empty = history->count == 0;
		return digest;
	}
	drop_digest(digest);
	return NULL;
}

static const struct hn_store_digest digest_of_history = {make_digest, drop_digest};

static void answer(const struct waiting *waiting, const struct digest *digest, const struct hn_error *err)
{
	struct hn_error why;

	if (err) {
		why = *err;
		if (why.code == -EPROTONOSUPPORT)
			why.code = -EOPNOTSUPP;
		hn_call_send_failure(&waiting->call, &why);
	} else if (digest->is_empty && !waiting->is_known) {
		hn_fail(&why, -ENOENT,
			"there is no guest '%s', and nothing is kept of one; `homenode guests` "
			"lists them",
			waiting->call.name);
		hn_call_send_failure(&waiting->call, &why);
	} else {
		hn_call_send_body(&waiting->call, 200, "application/json", digest->body);
	}
}

static void on_store_answer(void *made, const struct hn_error *err, void *context)
{
	struct waiting *waiting = context;

	if (!waiting->abandoned) {
		evhttp_connection_set_closecb(evhttp_request_get_connection(waiting->call.request), NULL,
					      NULL);
		answer(waiting, made, err);
	}
	drop_digest(made);
	free(waiting);
}

static int ask(const struct hn_call *call, struct hn_error *err)
{
	const struct hn_managed *managed = hn_managed_find(call->service, call->name);
	struct hn_question question = {
		.kinds = {true, true, true}, .cell = HN_CELL_ANY, .limit = LIMIT_DEFAULT};
	struct waiting *waiting;
	int r;

	if (!call->service->store)
		return hn_fail(err, -EOPNOTSUPP,
			       "no history is kept: path is none in [store] of homenode.conf");
	if ((r = read_query(call, &question, err)) < 0)
		return r;
	snprintf(question.guest, sizeof(question.guest), "%s", call->name);
	if (managed && managed->guest)
		snprintf(question.uuid, sizeof(question.uuid), "%s", managed->guest->uuid);
	if (!(waiting = calloc(1, sizeof(*waiting))))
		return hn_oom(err);
	waiting->call = *call;
	waiting->is_known = managed;
	r = hn_store_ask(call->service->store, &question, &digest_of_history, on_store_answer, waiting, err);
	if (r < 0)
		free(waiting);
	else
		evhttp_connection_set_closecb(evhttp_request_get_connection(call->request), on_hang_up,
					      waiting);
	return r;
}

void hn_api_get_history(const struct hn_call *call)
{
	struct hn_error err;

	if (ask(call, &err) < 0)
		hn_call_send_failure(call, &err);
}
