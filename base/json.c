#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#define DEPTH_MAX 32

HN_CLEANUP_DEFINE(tokener, struct json_tokener *, json_tokener_free);

/* Bytes of the character that a text begins with, 0 when it begins with none of UTF-8 (RFC 3629, 4). */
static size_t character_length(const unsigned char *text, size_t left)
{
	static const struct {
		unsigned char from, until, second_from, second_until, length;
	} shapes[] = {
		{0x00, 0x7f, 0, 0xff, 1},    {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	size_t shape = 0;

	while (shape < HN_COUNT(shapes) && (text[0] < shapes[shape].from || text[0] > shapes[shape].until))
		shape++;
	if (shape == HN_COUNT(shapes) || shapes[shape].length > left)
		return 0;
	for (size_t i = 1; i < shapes[shape].length; i++)
		if (text[i] < (i == 1 ? shapes[shape].second_from : 0x80) ||
		    text[i] > (i == 1 ? shapes[shape].second_until : 0xbf))
			return 0;
	return shapes[shape].length;
}

/* Eight bytes of ASCII at a time, as nearly all there is: up to the first eight that are not. */
static size_t ascii_length(const char *text, size_t length)
{
	size_t at = 0;
	uint64_t bytes;

	for (; at + sizeof(bytes) <= length; at += sizeof(bytes)) {
		memcpy(&bytes, text + at, sizeof(bytes));
		if (bytes & UINT64_C(0x8080808080808080))
			break;
	}
	return at;
}

/* Up to the first byte that is no UTF-8, or the end. */
static size_t utf8_length(const char *text, size_t length)
{
	size_t at = 0, more = 1;

	while (at < length && more > 0) {
		at += ascii_length(text + at, length - at);
		more = at < length ? character_length((const unsigned char *)text + at, length - at) : 0;
		at += more;
	}
	return at;
}

int hn_json_parse(const char *text, size_t length, const char *what, json_object **ret, struct hn_error *err)
{
	HN_AUTO(tokener) struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
	HN_AUTO(json) json_object *object = NULL;
	enum json_tokener_error error;
	size_t end;

	if (!tokener)
		return hn_oom(err);
	if (length > INT_MAX)
		return hn_fail(err, -EMSGSIZE, "%s: %zu bytes are too many", what, length);
	end = utf8_length(text, length);
	if (end < length)
		return hn_fail(err, -EPROTO, "%s: not UTF-8 at byte %zu", what, end);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	object = json_tokener_parse_ex(tokener, text, (int)length);
	error = json_tokener_get_error(tokener);
	end = json_tokener_get_parse_end(tokener);
	if (error == json_tokener_continue) { /* a NUL ends what could go on, such as a number */
		object = json_tokener_parse_ex(tokener, "", 1);
		error = json_tokener_get_error(tokener);
		end = length;
		if (error != json_tokener_success)
			return hn_fail(err, -EPROTO, "%s: JSON ends in the middle, after %zu bytes", what,
				       length);
	}
	if (error != json_tokener_success)
		return hn_fail(err, -EPROTO, "%s: not JSON at byte %zu: %s", what, end,
			       json_tokener_error_desc(error));
	for (; end < length; end++)
		if (!strchr(" \t\r\n", text[end]) || text[end] == '\0')
			return hn_fail(err, -EPROTO, "%s: unexpected text behind the JSON at byte %zu", what,
				       end);
	*ret = hn_steal(object);
	return 0;
}

static int member(json_object *object, const char *key, json_type type, json_object **ret,
		  struct hn_error *err)
{
	json_object *value = NULL;

	if (!json_object_is_type(object, json_type_object))
		return hn_fail(err, -EPROTO, "member '%s' is sought in something that is not an object", key);
	if (!json_object_object_get_ex(object, key, &value) || !value)
		return hn_fail(err, -EPROTO, "member '%s' is missing", key);
	if (!json_object_is_type(value, type) &&
	    !(type == json_type_double && json_object_is_type(value, json_type_int)))
		return hn_fail(err, -EPROTO, "member '%s' is not of type %s", key, json_type_to_name(type));
	*ret = value;
	return 0;
}

int hn_json_get_string(json_object *object, const char *key, const char **ret, struct hn_error *err)
{
	json_object *value = NULL;
	int r = member(object, key, json_type_string, &value, err);

	if (r < 0)
		return r;
	if (strlen(json_object_get_string(value)) != (size_t)json_object_get_string_len(value))
		return hn_fail(err, -EPROTO, "member '%s' has a NUL inside", key);
	*ret = json_object_get_string(value);
	return 0;
}

int hn_json_get_u64(json_object *object, const char *key, uint64_t *ret, struct hn_error *err)
{
	json_object *value = NULL;
	int r = member(object, key, json_type_int, &value, err);

	if (r < 0)
		return r;
	/* json-c keeps large unsigned numbers apart: a negative one saturates to 0 in get_uint64 */
	if (json_object_get_int64(value) < 0)
		return hn_fail(err, -EPROTO, "member '%s' is negative", key);
	*ret = json_object_get_uint64(value);
	return 0;
}

int hn_json_get_int(json_object *object, const char *key, int *ret, struct hn_error *err)
{
	json_object *value = NULL;
	int64_t number;
	int r = member(object, key, json_type_int, &value, err);

	if (r < 0)
		return r;
	number = json_object_get_int64(value);
	if (number < INT_MIN || number > INT_MAX)
		return hn_fail(err, -EPROTO, "member '%s' is out of range: %" PRId64, key, number);
	*ret = (int)number;
	return 0;
}

int hn_json_get_double(json_object *object, const char *key, double *ret, struct hn_error *err)
{
	json_object *value = NULL;
	int r = member(object, key, json_type_double, &value, err);

	if (r < 0)
		return r;
	if (!isfinite(json_object_get_double(value))) /* json-c reads NaN, Infinity and 1e999 */
		return hn_fail(err, -EPROTO, "member '%s' is not a finite number", key);
	*ret = json_object_get_double(value);
	return 0;
}

int hn_json_get_bool(json_object *object, const char *key, bool *ret, struct hn_error *err)
{
	json_object *value = NULL;
	int r = member(object, key, json_type_boolean, &value, err);

	if (r < 0)
		return r;
	*ret = json_object_get_boolean(value);
	return 0;
}

int hn_json_get_array(json_object *object, const char *key, json_object **ret, struct hn_error *err)
{
	return member(object, key, json_type_array, ret, err);
}

int hn_json_get_object(json_object *object, const char *key, json_object **ret, struct hn_error *err)
{
	return member(object, key, json_type_object, ret, err);
}

bool hn_json_has(json_object *object, const char *key)
{
	json_object *value = NULL;

	return json_object_is_type(object, json_type_object) &&
	       json_object_object_get_ex(object, key, &value) && value;
}

int hn_json_add(json_object *object, const char *key, json_object *value)
{
	if (json_object_object_add(object, key, value) < 0) {
		json_object_put(value);
		return -ENOMEM;
	}
	return 0;
}

static int add_new(json_object *object, const char *key, json_object *value)
{
	return value ? hn_json_add(object, key, value) : -ENOMEM;
}

json_object *hn_json_new_string(const char *text)
{
	size_t length = strlen(text), wrong = utf8_length(text, length);
	HN_AUTO(memory) char *copy = NULL;

	if (wrong == length)
		return json_object_new_string(text);
	copy = strdup(text);
	if (!copy)
		return NULL;
	for (; wrong < length; wrong += utf8_length(copy + wrong, length - wrong))
		copy[wrong] = '?';
	return json_object_new_string(copy);
}

int hn_json_add_string(json_object *object, const char *key, const char *value)
{
	return value ? add_new(object, key, hn_json_new_string(value)) : hn_json_add(object, key, NULL);
}

int hn_json_add_u64(json_object *object, const char *key, uint64_t value)
{
	return add_new(object, key, json_object_new_uint64(value));
}

int hn_json_add_int(json_object *object, const char *key, int value)
{
	return add_new(object, key, json_object_new_int(value));
}

int hn_json_add_double(json_object *object, const char *key, double value)
{
	return add_new(object, key, json_object_new_double(value));
}

int hn_json_add_bool(json_object *object, const char *key, bool value)
{
	return add_new(object, key, json_object_new_boolean(value));
}
