#include "cli/scan.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

static int fail_member(struct hn_error *err, const char *key, const char *wants)
{
	return hn_fail(err, -EPROTO, "member '%s' is missing or not %s", key, wants);
}

static const char *skip_space(const char *at)
{
	while (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')
		at++;
	return at;
}

/* Characters that matter where all else is skipped. */
enum {
	IN_STRING = 1, /* inside a string */
	IN_NEST = 2,   /* between brackets */
	BEHIND = 4,    /* ends a number or a word */
};
static const unsigned char kinds[256] = {
	['\0'] = IN_STRING | IN_NEST | BEHIND,
	['"'] = IN_STRING | IN_NEST,
	['\\'] = IN_STRING,
	['{'] = IN_NEST,
	['['] = IN_NEST,
	['}'] = IN_NEST | BEHIND,
	[']'] = IN_NEST | BEHIND,
	[','] = BEHIND,
	[' '] = BEHIND,
	['\n'] = BEHIND,
	['\t'] = BEHIND,
	['\r'] = BEHIND,
};

static const char *skip_to(const char *at, unsigned kind)
{
	while (!(kinds[(unsigned char)*at] & kind))
		at++;
	return at;
}

/* From a quote to behind the next; NULL when there is none. */
static const char *skip_string(const char *at)
{
	for (at = skip_to(at + 1, IN_STRING); *at == '\\'; at = skip_to(at + 2, IN_STRING))
		if (at[1] == '\0')
			return NULL;
	return *at ? at + 1 : NULL;
}

/* From a bracket to behind its partner. */
static const char *skip_nest(const char *at)
{
	unsigned depth = 0;

	for (;;) {
		at = skip_to(at, IN_NEST);
		if (*at == '"') {
			if (!(at = skip_string(at)))
				return NULL;
			continue;
		}
		if (*at == '\0')
			return NULL;
		if (*at == '{' || *at == '[') {
			if (++depth > HN_SCAN_DEPTH_MAX)
				return NULL;
		} else if (--depth == 0) {
			return at + 1;
		}
		at++;
	}
}

static const char *skip_value(const char *at)
{
	const char *from = at;

	if (*at == '"')
		return skip_string(at);
	if (*at == '{' || *at == '[')
		return skip_nest(at);
	at = skip_to(at, BEHIND);
	return at > from ? at : NULL;
}

static void keep(struct hn_scan *scan, const char *key, size_t length, const char *value)
{
	for (size_t i = 0; i < scan->count; i++)
		if (scan->lengths[i] == length && memcmp(scan->keys[i], key, length) == 0)
			scan->values[i] = value;
}

/* One member, from its key on; behind it, or NULL. */
static const char *scan_member(struct hn_scan *scan, const char *key)
{
	const char *end = *key == '"' ? skip_string(key) : NULL, *value;

	if (!end)
		return NULL;
	value = skip_space(end);
	if (*value != ':')
		return NULL;
	value = skip_space(value + 1);
	keep(scan, key + 1, (size_t)(end - key) - 2, value);
	value = skip_value(value);
	return value ? skip_space(value) : NULL;
}

int hn_scan_object(const char *value, const char *const *keys, struct hn_scan *ret, struct hn_error *err)
{
	const char *at = skip_space(value);

	memset(ret, 0, sizeof(*ret));
	ret->keys = keys;
	for (; keys[ret->count] && ret->count < HN_SCAN_MAX; ret->count++)
		ret->lengths[ret->count] = strlen(keys[ret->count]);
	if (*at != '{')
		return hn_fail(err, -EPROTO, "what should have a member '%s' is no object", keys[0]);
	at = skip_space(at + 1);
	ret->end = at + 1;
	if (*at == '}')
		return 0;
	while ((at = scan_member(ret, at))) {
		ret->end = at + 1;
		if (*at == '}')
			return 0;
		if (*at != ',')
			break;
		at = skip_space(at + 1);
	}
	return hn_fail(err, -EPROTO, "the object with the member '%s' is malformed", keys[0]);
}

const char *hn_scan_member(const struct hn_scan *scan, const char *key)
{
	for (size_t i = 0; i < scan->count; i++)
		if (strcmp(scan->keys[i], key) == 0)
			return scan->values[i] && *scan->values[i] != 'n' ? scan->values[i] : NULL;
	return NULL;
}

static bool read_u64(const char *value, uint64_t *ret)
{
	uint64_t number = 0;

	if (!value || *value < '0' || *value > '9')
		return false;
	for (; *value >= '0' && *value <= '9'; value++)
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*value - '0'), &number))
			return false;
	*ret = number;
	return *value != '.' && *value != 'e' && *value != 'E';
}

static bool read_double(const char *value, double *ret)
{
	char *end;

	if (!value || (*value != '-' && (*value < '0' || *value > '9')))
		return false;
	*ret = strtod(value, &end);
	return end > value && isfinite(*ret) && !isalnum((unsigned char)*end);
}

int hn_scan_u64(const struct hn_scan *scan, const char *key, uint64_t *ret, struct hn_error *err)
{
	return read_u64(hn_scan_member(scan, key), ret) ? 0
							: fail_member(err, key, "a whole number from 0 on");
}

int hn_scan_int(const struct hn_scan *scan, const char *key, int *ret, struct hn_error *err)
{
	const char *value = hn_scan_member(scan, key);
	bool negative = value && *value == '-';
	uint64_t number;

	if (!read_u64(negative ? value + 1 : value, &number) || number > (uint64_t)INT_MAX + negative)
		return fail_member(err, key, "a whole number of 32 bits");
	*ret = (int)(negative ? -(int64_t)number : (int64_t)number);
	return 0;
}

int hn_scan_double(const struct hn_scan *scan, const char *key, double *ret, struct hn_error *err)
{
	return read_double(hn_scan_member(scan, key), ret) ? 0 : fail_member(err, key, "a number");
}

int hn_scan_bool(const struct hn_scan *scan, const char *key, bool *ret, struct hn_error *err)
{
	const char *value = hn_scan_member(scan, key);

	if (!value || (strncmp(value, "true", 4) != 0 && strncmp(value, "false", 5) != 0))
		return fail_member(err, key, "true or false");
	*ret = *value == 't';
	return 0;
}

/* With escapes inside: those are rare, and json-c knows them all. */
static int copy_escaped(const char *value, size_t length, const char *key, char *buffer, size_t size,
			struct hn_error *err)
{
	HN_AUTO(json) json_object *json = NULL;
	int r = hn_json_parse(value, length, key, &json, err);

	if (r < 0)
		return r;
	if ((size_t)json_object_get_string_len(json) >= size ||
	    strlen(json_object_get_string(json)) != (size_t)json_object_get_string_len(json))
		return hn_fail(err, -EPROTO, "member '%s' is longer than %zu bytes or has a NUL inside", key,
			       size - 1);
	memcpy(buffer, json_object_get_string(json), (size_t)json_object_get_string_len(json) + 1);
	return 0;
}

int hn_scan_text(const struct hn_scan *scan, const char *key, char *buffer, size_t size, struct hn_error *err)
{
	const char *value = hn_scan_member(scan, key);
	const char *end = value && *value == '"' ? skip_string(value) : NULL;
	size_t length;

	if (!end)
		return fail_member(err, key, "a string");
	length = (size_t)(end - value) - 2;
	if (memchr(value, '\\', length + 2))
		return copy_escaped(value, length + 2, key, buffer, size, err);
	if (length >= size)
		return hn_fail(err, -EPROTO, "member '%s' is longer than %zu bytes", key, size - 1);
	memcpy(buffer, value + 1, length);
	buffer[length] = '\0';
	return 0;
}

int hn_scan_item_behind(const char *end, const char **at, struct hn_error *err)
{
	const char *next = skip_space(end);

	if (*next == ']')
		return 0;
	if (*next != ',')
		return hn_fail(err, -EPROTO, "an array is malformed");
	*at = skip_space(next + 1);
	return 1;
}

int hn_scan_item(const char *array, const char **at, struct hn_error *err)
{
	const char *end;

	if (!array || *array != '[')
		return hn_fail(err, -EPROTO, "what should be an array is none");
	if (*at) {
		end = skip_value(*at);
		return hn_scan_item_behind(end ? end : "", at, err);
	}
	end = skip_space(array + 1);
	if (*end == ']')
		return 0;
	*at = end;
	return 1;
}

int hn_scan_u64s(const struct hn_scan *scan, const char *key, uint64_t *ret, size_t count,
		 struct hn_error *err)
{
	const char *array = hn_scan_member(scan, key), *at = NULL;
	size_t i = 0;
	int r;

	while ((r = hn_scan_item(array, &at, err)) > 0)
		if (i >= count || !read_u64(at, &ret[i++]))
			return hn_fail(err, -EPROTO, "member '%s' is not %zu whole numbers", key, count);
	return r == 0 && i != count ? hn_fail(err, -EPROTO, "member '%s' is not %zu numbers", key, count) : r;
}

int hn_scan_doubles(const struct hn_scan *scan, const char *key, double *ret, size_t count,
		    struct hn_error *err)
{
	const char *array = hn_scan_member(scan, key), *at = NULL;
	size_t i = 0;
	int r;

	while ((r = hn_scan_item(array, &at, err)) > 0)
		if (i >= count || !read_double(at, &ret[i++]))
			return hn_fail(err, -EPROTO, "member '%s' is not %zu numbers", key, count);
	return r == 0 && i != count ? hn_fail(err, -EPROTO, "member '%s' is not %zu numbers", key, count) : r;
}
