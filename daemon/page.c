#include "daemon/page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

static int read_limit(const struct hn_call *call, size_t *ret, struct hn_error *err)
{
	char text[16], *end;
	unsigned long value;
	int r = hn_call_parameter(call, "limit", text, sizeof(text), err);

	if (r < 0)
		return r;
	value = strtoul(text, &end, 10);
	if (text[0] < '1' || text[0] > '9' || *end || value > HN_PAGE_LIMIT_MAX)
		return hn_fail(err, -EINVAL, "'limit=%s' in the query is not a number from 1 to %d", text,
			       HN_PAGE_LIMIT_MAX);
	*ret = value;
	return 0;
}

/* Cursors are keys in hexadecimal, so that nobody is tempted to write one. */
static int read_cursor(const struct hn_call *call, char *ret, size_t size, struct hn_error *err)
{
	char text[2 * HN_NAME_MAX];
	size_t length;
	int r = hn_call_parameter(call, "cursor", text, sizeof(text), err);

	if (r < 0)
		return r;
	length = strlen(text);
	if (length == 0 || length % 2 || length / 2 >= size || strspn(text, "0123456789abcdef") != length)
		return hn_fail(err, -EINVAL,
			       "'cursor=%.40s' in the query is not from an earlier answer's 'next'", text);
	for (size_t i = 0; i < length; i += 2) {
		const char pair[3] = {text[i], text[i + 1]};

		ret[i / 2] = (char)strtoul(pair, NULL, 16);
	}
	ret[length / 2] = '\0';
	return 0;
}

int hn_page_read(const struct hn_call *call, struct hn_page *ret, struct hn_error *err)
{
	int r;

	*ret = (struct hn_page){0};
	if (hn_call_has_parameter(call, "limit") && (r = read_limit(call, &ret->limit, err)) < 0)
		return r;
	if (!hn_call_has_parameter(call, "cursor"))
		return 0;
	if (ret->limit == 0)
		ret->limit = HN_PAGE_LIMIT_DEFAULT;
	return read_cursor(call, ret->after, sizeof(ret->after), err);
}

static int compare_items(const void *a, const void *b)
{
	return strcmp(((const struct hn_page_item *)a)->key, ((const struct hn_page_item *)b)->key);
}

/* What of the items is on the page: *first and how many. */
static size_t cut(const struct hn_page *page, struct hn_page_item *items, size_t count, size_t *first)
{
	*first = 0;
	if (page->limit == 0)
		return count;
	qsort(items, count, sizeof(*items), compare_items);
	while (*first < count && page->after[0] && strcmp(items[*first].key, page->after) <= 0)
		++*first;
	return count - *first < page->limit ? count - *first : page->limit;
}

static void write_cursor(struct evbuffer *out, const char *key)
{
	evbuffer_add(out, "\"", 1);
	for (; *key; key++)
		evbuffer_add_printf(out, "%02x", (unsigned char)*key);
	evbuffer_add(out, "\"", 1);
}

int hn_page_write_json(struct evbuffer *out, json_object *json)
{
	size_t length = 0;
	const char *text =
		json ? json_object_to_json_string_length(json, JSON_C_TO_STRING_PLAIN, &length) : NULL;
	int r = text && evbuffer_add(out, text, length) == 0 ? 0 : -ENOMEM;

	json_object_put(json);
	return r;
}

void hn_page_send(const struct hn_call *call, const struct hn_page *page, const char *name,
		  struct hn_page_item *items, size_t count,
		  int (*write)(struct evbuffer *out, const void *thing))
{
	struct evbuffer *out = evbuffer_new();
	size_t first, shown = cut(page, items, count, &first);
	int r = out ? 0 : -ENOMEM;

	if (out)
		evbuffer_add_printf(out, "{\"%s\":[", name);
	for (size_t i = first; r == 0 && i < first + shown; i++) {
		if (i > first)
			evbuffer_add(out, ",", 1);
		r = write(out, items[i].thing);
	}
	if (r == 0) {
		evbuffer_add_printf(out, "],\"next\":");
		if (first + shown < count)
			write_cursor(out, items[first + shown - 1].key);
		else
			evbuffer_add(out, "null", 4);
		evbuffer_add(out, "}\n", 2);
	} else if (out) {
		evbuffer_free(out);
		out = NULL;
	}
	hn_call_send_buffer(call, 200, "application/json", out);
}
