#pragma once
/*
 * asset - a file of the page for people with a browser: data/page/, written into the programs when they are
 * built (web/embed.py), so that nothing is read and nothing can be missing.
 */
#include <stddef.h>

struct evhttp_request;

struct hn_asset {
	const char *name; /* as in data/page/; NULL ends the table */
	const char *type, *tag;
	const unsigned char *data;
	size_t length;
};

extern const struct hn_asset hn_assets[];

/* NULL: there is none. */
const struct hn_asset *hn_asset_find(const char *name);

/*
 * Answers a GET with it: 200, or 304 for a client that has it. The headers let the page load nothing and
 * connect to nothing but where it came from, run no script but its own files, and be framed by nobody.
 */
void hn_asset_send(struct evhttp_request *request, const struct hn_asset *asset);
