#include "cli/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
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
