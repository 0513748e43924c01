#pragma once
/*
 * codec-parts - what the codecs share: sets and per-node arrays as members. Private to model/.
 */
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/set.h"
#include "model/calls.h"
#include "model/device-place.h"
#include "model/interval.h"
#include "model/pins.h"

int hn_codec_add_set(json_object *json, const char *key, const struct hn_set *set);
int hn_codec_get_set(json_object *json, const char *key, struct hn_set *ret, struct hn_error *err);

/* The member is there, be it null: what an older version did not write is left at its default, what is
 * written is checked. */
bool hn_codec_present(json_object *json, const char *key);

/* A number that fits an unsigned. */
int hn_codec_get_unsigned(json_object *json, const char *key, unsigned *ret, struct hn_error *err);

/* What parsing the word of a member gave: 0, or -EPROTO with the member named. */
int hn_codec_word(int result, const char *key, struct hn_error *err);

/* {"value", "low", "high"}; element is a struct hn_interval. */
json_object *hn_codec_encode_interval(const void *element);
int hn_codec_decode_interval(json_object *json, struct hn_interval *ret, struct hn_error *err);

/* Arrays of exactly count numbers. */
int hn_codec_add_u64s(json_object *json, const char *key, const uint64_t *values, size_t count);
int hn_codec_get_u64s(json_object *json, const char *key, uint64_t *ret, size_t count, struct hn_error *err);
int hn_codec_add_doubles(json_object *json, const char *key, const double *values, size_t count);
int hn_codec_get_doubles(json_object *json, const char *key, double *ret, size_t count, struct hn_error *err);

/* Rows of numbers, each of exactly that many columns. */
int hn_codec_add_u32_rows(json_object *json, const char *key, const uint32_t *values, size_t rows,
			  size_t columns);
int hn_codec_get_u32_rows(json_object *json, const char *key, uint32_t *ret, size_t rows, size_t columns,
			  struct hn_error *err);
int hn_codec_add_double_rows(json_object *json, const char *key, const double *values, size_t rows,
			     size_t columns);
int hn_codec_get_double_rows(json_object *json, const char *key, double *ret, size_t rows, size_t columns,
			     struct hn_error *err);

/* Copies a string member into a buffer; -EPROTO when it does not fit. */
int hn_codec_get_text(json_object *json, const char *key, char *buffer, size_t size, struct hn_error *err);

/* An array member of at most HN_CODEC_ITEMS_MAX objects, and its length. */
int hn_codec_get_items(json_object *json, const char *key, json_object **ret, size_t *ret_count,
		       struct hn_error *err);

/* Adds what an encoder gave: NULL is -ENOMEM here, not JSON's null. */
int hn_codec_add_part(json_object *json, const char *key, json_object *part);

/* Appends value to array, whose reference is taken; either may be NULL: -ENOMEM. */
int hn_codec_append(json_object *array, json_object *value);

/* Encodes each element into a new array under key: encode(element) for count elements of that size. */
int hn_codec_add_items(json_object *json, const char *key, const void *elements, size_t count, size_t size,
		       json_object *(*encode)(const void *element));

/* Gives object back when every addition went well (failed == 0), else drops it and returns NULL. */
json_object *hn_codec_finish(json_object *json, int failed);

/* Parts of guests and reports (codec-hold.c); errors of their decoders name the member. */
json_object *hn_hold_encode(const struct hn_hold *hold);
int hn_hold_decode(json_object *json, struct hn_hold *ret, struct hn_error *err);
json_object *hn_calls_encode(const struct hn_calls *calls);
int hn_calls_decode(json_object *json, struct hn_calls *ret, struct hn_error *err);
json_object *hn_device_place_encode(const void *element);
int hn_device_place_decode(json_object *json, struct hn_device_place *ret, struct hn_error *err);
