/*
 * api-web - the page for people with a browser.
 */
#include <string.h>

#include "fleet/answer.h"
#include "web/asset.h"

void hn_fleet_api_web(struct hn_fleet_call *call)
{
	const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(call->request));
	const char *name = strrchr(path, '/') + 1;
	const struct hn_asset *asset = hn_asset_find(*name ? name : "fleet.html");

	if (!asset) {
		hn_fleet_send_problem(call, 404, "the page has no such file; it begins at /");
		return;
	}
	call->service->tally.requests++;
	hn_asset_send(call->request, asset);
	call->request = NULL;
}
