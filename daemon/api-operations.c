/*
 * api-operations - the latest operation on each guest, over the API.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "daemon/api-call.h"
#include "daemon/guest.h"
#include "daemon/page.h"
#include "model/codec.h"

#define KEY_MAX 24

static json_object *encode(const void *thing)
{
	const struct hn_managed *managed = thing;
	json_object *json = hn_operation_encode(&managed->operation);

	if (json)
		hn_json_add_string(json, "guest", managed->name);
	return json;
}

static int write_one(struct evbuffer *out, const void *thing)
{
	return hn_page_write_json(out, encode(thing));
}

/* In order of number as texts, too. */
static void write_key(const struct hn_managed *managed, char key[KEY_MAX])
{
	snprintf(key, KEY_MAX, "%020" PRIu64, managed->operation.id);
}

void hn_api_get_operations(const struct hn_call *call)
{
	HN_AUTO(memory) struct hn_page_item *items = NULL;
	HN_AUTO(memory) char(*keys)[KEY_MAX] = NULL;
	const struct hn_managed *managed;
	struct hn_page page;
	struct hn_error err;
	size_t count = 0;

	TAILQ_FOREACH(managed, &call->service->guests, entry)
	count++;
	items = calloc(count + 1, sizeof(*items));
	keys = calloc(count + 1, sizeof(*keys));
	if ((items && keys ? hn_page_read(call, &page, &err) : hn_oom(&err)) < 0) {
		hn_call_send_failure(call, &err);
		return;
	}
	count = 0;
	TAILQ_FOREACH(managed, &call->service->guests, entry)
	{
		if (!managed->operation.id)
			continue;
		write_key(managed, keys[count]);
		items[count] = (struct hn_page_item){keys[count], managed};
		count++;
	}
	hn_page_send(call, &page, "operations", items, count, write_one);
}

void hn_api_get_operation(const struct hn_call *call)
{
	const struct hn_managed *managed;
	char detail[HN_NAME_MAX + 100], *end;
	uint64_t id = strtoull(call->name, &end, 10);

	TAILQ_FOREACH(managed, &call->service->guests, entry)
	{
		if (!id || *end || managed->operation.id != id)
			continue;
		hn_call_send_json(call, 200, "application/json", encode(managed));
		return;
	}
	snprintf(detail, sizeof(detail),
		 "there is no operation '%s' among the guests' latest; earlier ones are in their histories",
		 call->name);
	hn_call_send_problem(call, 404, detail);
}
