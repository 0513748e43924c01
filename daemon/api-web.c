/*
 * api-web - the page for people with a browser.
 */
#include "daemon/api-call.h"
#include "web/asset.h"

void hn_api_get_web(const struct hn_call *call)
{
	const struct hn_asset *asset = hn_asset_find(call->name[0] ? call->name : "host.html");

	if (asset)
		hn_asset_send(call->request, asset);
	else
		hn_call_send_problem(call, 404, "the page has no such file; it begins at /");
}
