#include "web/asset.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <string.h>

#include "base/cleanup.h"

/* Trusted types: Chromium refuses text that is to become markup, wherever it comes from. */
#define POLICY                                                                                          \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " \
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

const struct hn_asset *hn_asset_find(const char *name)
{
	const struct hn_asset *asset = hn_assets;

	while (asset->name && strcmp(asset->name, name) != 0)
		asset++;
	return asset->name ? asset : NULL;
}

void hn_asset_send(struct evhttp_request *request, const struct hn_asset *asset)
{
	static const struct {
		const char *name, *value;
	} fixed[] = {{"Content-Security-Policy", POLICY},
		     {"X-Content-Type-Options", "nosniff"},
		     {"Referrer-Policy", "no-referrer"},
		     {"Cross-Origin-Resource-Policy", "same-origin"},
		     {"Cache-Control", "no-cache"}};
	const char *known = evhttp_find_header(evhttp_request_get_input_headers(request), "If-None-Match");
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct evbuffer *body;

	for (size_t i = 0; i < HN_COUNT(fixed); i++)
		evhttp_add_header(headers, fixed[i].name, fixed[i].value);
	evhttp_add_header(headers, "ETag", asset->tag);
	if (known && strstr(known, asset->tag)) {
		evhttp_send_reply(request, HTTP_NOTMODIFIED, NULL, NULL);
		return;
	}
	evhttp_add_header(headers, "Content-Type", asset->type);
	body = evbuffer_new();
	if (body && evbuffer_add_reference(body, asset->data, asset->length, NULL, NULL) == 0)
		evhttp_send_reply(request, HTTP_OK, NULL, body);
	else
		evhttp_send_error(request, HTTP_INTERNAL, "out of memory");
	if (body)
		evbuffer_free(body);
}
