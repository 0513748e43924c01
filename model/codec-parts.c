#include "model/codec-parts.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "model/codec.h"

int hn_codec_add_set(json_object *json, const char *key, const struct hn_set *set)
{
	char text[HN_SET_TEXT_MAX];

	return hn_json_add_string(json, key, hn_set_format(set, text, sizeof(text)));
}

int hn_codec_get_set(json_object *json, const char *key, struct hn_set *ret, struct hn_error *err)
{
	const char *text;
	int r = hn_json_get_string(json, key, &text, err);

	if (r < 0)
		return r;
	return hn_codec_word(hn_set_parse(text, ret, err), key, err);
}

int hn_codec_word(int result, const char *key, struct hn_error *err)
{
	if (result >= 0)
		return 0;
	hn_error_prefix(err, "member '%s'", key);
	if (err)
		err->code = -EPROTO;
	return -EPROTO;
}

bool hn_codec_present(json_object *json, const char *key)
{
	return json_object_is_type(json, json_type_object) && json_object_object_get_ex(json, key, NULL);
}

int hn_codec_get_unsigned(json_object *json, const char *key, unsigned *ret, struct hn_error *err)
{
	uint64_t value;
	int r = hn_json_get_u64(json, key, &value, err);

	if (r < 0)
		return r;
	if (value > UINT_MAX)
		return hn_fail(err, -EPROTO, "member '%s' is out of range: %" PRIu64, key, value);
	*ret = (unsigned)value;
	return 0;
}

int hn_codec_add_part(json_object *json, const char *key, json_object *part)
{
	return part ? hn_json_add(json, key, part) : -ENOMEM;
}

json_object *hn_codec_encode_interval(const void *element)
{
	const struct hn_interval *interval = element;
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_double(json, "value", interval->value) ||
		 hn_json_add_double(json, "low", interval->low) ||
		 hn_json_add_double(json, "high", interval->high);
	return hn_codec_finish(json, failed);
}

int hn_codec_decode_interval(json_object *json, struct hn_interval *ret, struct hn_error *err)
{
	int r;

	(void)((r = hn_json_get_double(json, "value", &ret->value, err)) < 0 ||
	       (r = hn_json_get_double(json, "low", &ret->low, err)) < 0 ||
	       (r = hn_json_get_double(json, "high", &ret->high, err)) < 0);
	return r;
}

static int add_array(json_object *json, const char *key, json_object *array, int failed)
{
	if (failed || !array) {
		json_object_put(array);
		return -ENOMEM;
	}
	return hn_json_add(json, key, array);
}

int hn_codec_append(json_object *array, json_object *value)
{
	if (array && value && json_object_array_add(array, value) == 0)
		return 0;
	json_object_put(value);
	return -ENOMEM;
}

int hn_codec_add_u64s(json_object *json, const char *key, const uint64_t *values, size_t count)
{
	json_object *array = json_object_new_array();
	int failed = 0;

	for (size_t i = 0; i < count && !failed; i++)
		failed = hn_codec_append(array, json_object_new_uint64(values[i]));
	return add_array(json, key, array, failed);
}

int hn_codec_add_doubles(json_object *json, const char *key, const double *values, size_t count)
{
	json_object *array = json_object_new_array();
	int failed = 0;

	for (size_t i = 0; i < count && !failed; i++)
		failed = hn_codec_append(array, json_object_new_double(values[i]));
	return add_array(json, key, array, failed);
}

static int get_numbers(json_object *json, const char *key, size_t count, json_object **ret,
		       struct hn_error *err)
{
	int r = hn_json_get_array(json, key, ret, err);

	if (r < 0)
		return r;
	if (json_object_array_length(*ret) != count)
		return hn_fail(err, -EPROTO, "member '%s' has %zu values where %zu are expected", key,
			       json_object_array_length(*ret), count);
	return 0;
}

int hn_codec_get_u64s(json_object *json, const char *key, uint64_t *ret, size_t count, struct hn_error *err)
{
	json_object *array;
	int r = get_numbers(json, key, count, &array, err);

	for (size_t i = 0; r == 0 && i < count; i++) {
		json_object *value = json_object_array_get_idx(array, i);

		if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0)
			return hn_fail(err, -EPROTO, "member '%s' holds something that is not a count", key);
		ret[i] = json_object_get_uint64(value);
	}
	return r;
}

int hn_codec_get_doubles(json_object *json, const char *key, double *ret, size_t count, struct hn_error *err)
{
	json_object *array;
	int r = get_numbers(json, key, count, &array, err);

	for (size_t i = 0; r == 0 && i < count; i++) {
		json_object *value = json_object_array_get_idx(array, i);

		if (!json_object_is_type(value, json_type_int) &&
		    !json_object_is_type(value, json_type_double))
			return hn_fail(err, -EPROTO, "member '%s' holds something that is not a number", key);
		ret[i] = json_object_get_double(value);
		if (!isfinite(ret[i]))
			return hn_fail(err, -EPROTO, "member '%s' holds a number that is not finite", key);
	}
	return r;
}

int hn_codec_get_text(json_object *json, const char *key, char *buffer, size_t size, struct hn_error *err)
{
	const char *text;
	int r = hn_json_get_string(json, key, &text, err);

	if (r < 0)
		return r;
	if (strlen(text) >= size)
		return hn_fail(err, -EPROTO, "member '%s' is longer than %zu bytes", key, size - 1);
	strcpy(buffer, text);
	return 0;
}

int hn_codec_get_items(json_object *json, const char *key, json_object **ret, size_t *ret_count,
		       struct hn_error *err)
{
	int r = hn_json_get_array(json, key, ret, err);

	if (r < 0)
		return r;
	*ret_count = json_object_array_length(*ret);
	if (*ret_count > HN_CODEC_ITEMS_MAX)
		return hn_fail(err, -EPROTO, "member '%s' has %zu items, more than %d", key, *ret_count,
			       HN_CODEC_ITEMS_MAX);
	return 0;
}

int hn_codec_add_items(json_object *json, const char *key, const void *elements, size_t count, size_t size,
		       json_object *(*encode)(const void *element))
{
	json_object *array = json_object_new_array();
	int failed = 0;

	for (size_t i = 0; i < count && !failed; i++)
		failed = hn_codec_append(array, encode((const char *)elements + i * size));
	return add_array(json, key, array, failed);
}

json_object *hn_codec_finish(json_object *json, int failed)
{
	if (!failed)
		return json;
	json_object_put(json);
	return NULL;
}
