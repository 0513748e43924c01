#include <errno.h>
#include <math.h>
#include <stdint.h>

#include "base/json.h"
#include "model/codec-parts.h"

/* Numbers of one type of element: read_number gives -1 for what is none. */
typedef json_object *(*write_number)(const void *values, size_t index);
typedef int (*read_number)(json_object *value, void *values, size_t index);

static int add_rows(json_object *json, const char *key, const void *values, size_t rows, size_t columns,
		    write_number write)
{
	json_object *array = json_object_new_array();
	int failed = !array;

	for (size_t i = 0; i < rows && !failed; i++) {
		json_object *row = json_object_new_array();

		failed = hn_codec_append(array, row);
		for (size_t j = 0; j < columns && !failed; j++)
			failed = hn_codec_append(row, write(values, i * columns + j));
	}
	return failed ? (json_object_put(array), -ENOMEM) : hn_json_add(json, key, array);
}

static int get_rows(json_object *json, const char *key, void *ret, size_t rows, size_t columns,
		    read_number read, struct hn_error *err)
{
	json_object *array;
	int r = hn_json_get_array(json, key, &array, err);

	if (r < 0)
		return r;
	if (json_object_array_length(array) != rows)
		return hn_fail(err, -EPROTO, "member '%s' has %zu rows where %zu are expected", key,
			       json_object_array_length(array), rows);
	for (size_t i = 0; i < rows; i++) {
		json_object *row = json_object_array_get_idx(array, i);

		if (!json_object_is_type(row, json_type_array))
			return hn_fail(err, -EPROTO, "member '%s': row %zu is no array", key, i);
		if (json_object_array_length(row) != columns)
			return hn_fail(err, -EPROTO,
				       "member '%s': row %zu has %zu values where %zu are expected", key, i,
				       json_object_array_length(row), columns);
		for (size_t j = 0; j < columns; j++) {
			json_object *value = json_object_array_get_idx(row, j);

			if (read(value, ret, i * columns + j) < 0)
				return hn_fail(
					err, -EPROTO,
					"member '%s': row %zu has %s in column %zu, which is out of range",
					key, i, json_object_to_json_string(value), j);
		}
	}
	return 0;
}

static json_object *write_u32(const void *values, size_t index)
{
	return json_object_new_uint64(((const uint32_t *)values)[index]);
}

static int read_u32(json_object *value, void *values, size_t index)
{
	int64_t number = json_object_get_int64(value);

	if (!json_object_is_type(value, json_type_int) || number < 0 || number > UINT32_MAX)
		return -1;
	((uint32_t *)values)[index] = (uint32_t)number;
	return 0;
}

static json_object *write_double(const void *values, size_t index)
{
	return json_object_new_double(((const double *)values)[index]);
}

static int read_double(json_object *value, void *values, size_t index)
{
	double number = json_object_get_double(value);

	if ((!json_object_is_type(value, json_type_int) && !json_object_is_type(value, json_type_double)) ||
	    !isfinite(number))
		return -1;
	((double *)values)[index] = number;
	return 0;
}

int hn_codec_add_u32_rows(json_object *json, const char *key, const uint32_t *values, size_t rows,
			  size_t columns)
{
	return add_rows(json, key, values, rows, columns, write_u32);
}

int hn_codec_get_u32_rows(json_object *json, const char *key, uint32_t *ret, size_t rows, size_t columns,
			  struct hn_error *err)
{
	return get_rows(json, key, ret, rows, columns, read_u32, err);
}

int hn_codec_add_double_rows(json_object *json, const char *key, const double *values, size_t rows,
			     size_t columns)
{
	return add_rows(json, key, values, rows, columns, write_double);
}

int hn_codec_get_double_rows(json_object *json, const char *key, double *ret, size_t rows, size_t columns,
			     struct hn_error *err)
{
	return get_rows(json, key, ret, rows, columns, read_double, err);
}
