#include "cli/fetch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/units.h"
#include "cli/host-file.h"
#include "model/codec-parts.h"
#include "model/codec.h"

static int fail_foreign(struct hn_error *err, int r)
{
	return r < 0
	       ? hn_error_prefix(err, "homenoded's answer is not understood (is it of another version?)"),
	       r : r;
}

int hn_fetch_host(struct hn_client *client, struct hn_host **ret, struct hn_error *err)
{
	HN_AUTO(json) json_object *json = NULL;
	int r = hn_client_call(client, "/v1/host", NULL, &json, err);

	return r < 0 ? r : fail_foreign(err, hn_host_decode(json, ret, err));
}

/* A daemon that has not read anything yet tells the host alone. */
static int decode_host(json_object *json, struct hn_host **ret, struct hn_activity **ret_activity,
		       struct hn_error *err)
{
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	int r = hn_host_decode(json, &host, err);

	*ret_activity = NULL;
	if (r == 0 && hn_json_has(json, "rates"))
		r = hn_activity_decode(json, ret_activity, err);
	if (r == 0)
		*ret = hn_steal(host);
	return fail_foreign(err, r);
}

int hn_fetch_host_activity(struct hn_client *client, struct hn_host **ret, struct hn_activity **ret_activity,
			   struct hn_error *err)
{
	HN_AUTO(json) json_object *json = NULL;
	int r = hn_client_call(client, "/v1/host", NULL, &json, err);

	return r < 0 ? r : decode_host(json, ret, ret_activity, err);
}

int hn_fetch_guest(struct hn_client *client, const char *name, struct hn_report **ret, struct hn_error *err)
{
	__attribute__((cleanup(hn_cleanup_memory))) char *path = hn_client_guest_path(client, name, "");
	HN_AUTO(json) json_object *json = NULL;
	int r;

	if (!path)
		return hn_oom(err);
	r = hn_client_call(client, path, NULL, &json, err);
	return r < 0 ? r : fail_foreign(err, hn_report_decode(json, ret, err));
}

int hn_fetch_snapshot(struct hn_client *client, struct hn_snapshot **ret,
		      struct hn_decide_options *ret_options, struct hn_error *err)
{
	HN_AUTO(json) json_object *json = NULL;
	int r = hn_client_call(client, "/v1/snapshot", NULL, &json, err);

	return r < 0 ? r : fail_foreign(err, hn_snapshot_read(json, ret, ret_options, err));
}

int hn_fetch_history(struct hn_client *client, const char *name, const char *kinds, uint64_t since_ns,
		     struct hn_history **ret, struct hn_error *err)
{
	__attribute__((cleanup(hn_cleanup_memory))) char *path = NULL;
	HN_AUTO(json) json_object *json = NULL;
	char tail[160];
	int r;

	snprintf(tail, sizeof(tail), "/history?since=%" PRIu64 "&kind=%s&cell=-1&limit=5000",
		 since_ns < HN_NS_PER_S ? 1 : since_ns / HN_NS_PER_S, kinds);
	if (!(path = hn_client_guest_path(client, name, tail)))
		return hn_oom(err);
	r = hn_client_call(client, path, NULL, &json, err);
	return r < 0 ? r : fail_foreign(err, hn_history_decode(json, ret, err));
}

int hn_fetch_guests(struct hn_client *client, struct hn_report_list *ret, struct hn_error *err)
{
	HN_AUTO(json) json_object *json = NULL;
	json_object *items;
	size_t count;
	int r = hn_client_call(client, "/v1/guests", NULL, &json, err);

	memset(ret, 0, sizeof(*ret));
	if (r < 0)
		return r;
	r = hn_codec_get_items(json, "guests", &items, &count, err);
	if (r == 0 && !(ret->items = calloc(count + 1, sizeof(*ret->items))))
		return hn_oom(err);
	for (size_t i = 0; r == 0 && i < count; i++)
		if ((r = hn_report_decode(json_object_array_get_idx(items, i), &ret->items[i], err)) == 0)
			ret->count++;
	if (r < 0)
		hn_report_list_done(ret);
	return fail_foreign(err, r);
}

void hn_report_list_done(struct hn_report_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		hn_report_free(list->items[i]);
	free(list->items);
	memset(list, 0, sizeof(*list));
}

static int fetch_picture_host(struct hn_client *client, struct hn_picture *picture, struct hn_error *err)
{
	HN_AUTO(json) json_object *json = NULL;
	int r = hn_client_call(client, "/v1/host", NULL, &json, err);

	if (r < 0)
		return r;
	hn_pressure_read(json, &picture->pressure);
	return decode_host(json, &picture->host, &picture->activity, err);
}

static int fetch_briefs(struct hn_client *client, struct hn_picture *picture, struct hn_error *err)
{
	__attribute__((cleanup(hn_cleanup_memory))) char *text = NULL;
	int r = hn_client_get(client, "/v1/guests", &text, err);

	return r < 0 ? r : fail_foreign(err, hn_brief_list_read(text, &picture->guests, err));
}

int hn_fetch_picture(struct hn_client *client, const char *guest, struct hn_picture **ret,
		     struct hn_error *err)
{
	HN_AUTO(hn_picture) struct hn_picture *picture = hn_picture_new();
	int r;

	if (!picture)
		return hn_oom(err);
	if ((r = fetch_picture_host(client, picture, err)) < 0 ||
	    (r = fetch_briefs(client, picture, err)) < 0)
		return r;
	if (*guest && (r = hn_fetch_guest(client, guest, &picture->detail, err)) < 0 && r != -ENOENT)
		return r;
	*ret = hn_steal(picture);
	return 0;
}
