/*
 * codec-hold - what holds a guest's memory, and where its devices are: the parts of a guest and of a report
 * that tell what stays behind.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "model/codec-parts.h"

static int add_pins(json_object *json, unsigned pins)
{
	json_object *array = json_object_new_array();
	int failed = !array;

	for (unsigned i = 0; i < HN_PIN_COUNT && !failed; i++)
		if (pins & 1u << i)
			failed = hn_codec_append(array, json_object_new_string(hn_pin_name((enum hn_pin)i)));
	return failed ? (json_object_put(array), -1) : hn_json_add(json, "pins", array);
}

json_object *hn_hold_encode(const struct hn_hold *hold)
{
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || add_pins(json, hold->pins) ||
		 hn_json_add_u64(json, "pinned_bytes", hold->pinned_bytes) ||
		 hn_json_add_u64(json, "locked_bytes", hold->locked_bytes) ||
		 hn_json_add_u64(json, "page_table_bytes", hold->page_table_bytes) ||
		 hn_json_add_u64(json, "own_bytes", hold->own_bytes);
	return hn_codec_finish(json, failed);
}

static int get_pins(json_object *json, unsigned *ret, struct hn_error *err)
{
	json_object *items;
	size_t count;
	int r = hn_codec_get_items(json, "pins", &items, &count, err);

	for (size_t i = 0; r == 0 && i < count; i++) {
		json_object *item = json_object_array_get_idx(items, i);
		enum hn_pin pin = HN_PIN_COUNT;

		if (!json_object_is_type(item, json_type_string))
			return hn_fail(err, -EPROTO, "pins[%zu] is not of type string", i);
		r = hn_codec_word(hn_pin_parse(json_object_get_string(item), &pin, err), "pins", err);
		if (r == 0 && *ret & 1u << pin)
			return hn_fail(err, -EPROTO, "pins[%zu]: %s is there twice", i, hn_pin_name(pin));
		if (r == 0)
			*ret |= 1u << pin;
	}
	return r;
}

int hn_hold_decode(json_object *json, struct hn_hold *ret, struct hn_error *err)
{
	struct hn_hold hold = {.known = true};
	int r;

	if ((r = get_pins(json, &hold.pins, err)) < 0 ||
	    (r = hn_json_get_u64(json, "pinned_bytes", &hold.pinned_bytes, err)) < 0 ||
	    (r = hn_json_get_u64(json, "locked_bytes", &hold.locked_bytes, err)) < 0 ||
	    (r = hn_json_get_u64(json, "page_table_bytes", &hold.page_table_bytes, err)) < 0 ||
	    (r = hn_json_get_u64(json, "own_bytes", &hold.own_bytes, err)) < 0)
		return r;
	*ret = hold;
	return 0;
}

json_object *hn_calls_encode(const struct hn_calls *calls)
{
	json_object *json = json_object_new_object();
	int failed = !json;

	for (unsigned i = 0; i < HN_CALL_KIND_COUNT && !failed; i++)
		failed = hn_json_add_u64(json, hn_call_kind_name((enum hn_call_kind)i), calls->made[i]);
	return hn_codec_finish(json, failed || hn_json_add_u64(json, "refused", calls->refused));
}

int hn_calls_decode(json_object *json, struct hn_calls *ret, struct hn_error *err)
{
	int r = hn_json_get_u64(json, "refused", &ret->refused, err);

	for (unsigned i = 0; i < HN_CALL_KIND_COUNT && r == 0; i++)
		r = hn_json_get_u64(json, hn_call_kind_name((enum hn_call_kind)i), &ret->made[i], err);
	return r;
}

json_object *hn_device_place_encode(const void *element)
{
	const struct hn_device_place *place = element;
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_string(json, "name", place->name) ||
		 hn_json_add_string(json, "kind", place->kind) ||
		 hn_json_add_int(json, "node", place->node) ||
		 hn_json_add_bool(json, "shared", place->shared) ||
		 hn_json_add_bool(json, "far", place->far) ||
		 hn_json_add_u64(json, "distance", place->distance);
	return hn_codec_finish(json, failed);
}

int hn_device_place_decode(json_object *json, struct hn_device_place *ret, struct hn_error *err)
{
	int r;

	(void)((r = hn_codec_get_text(json, "name", ret->name, sizeof(ret->name), err)) < 0 ||
	       (r = hn_codec_get_text(json, "kind", ret->kind, sizeof(ret->kind), err)) < 0 ||
	       (r = hn_json_get_int(json, "node", &ret->node, err)) < 0 ||
	       (r = hn_json_get_bool(json, "shared", &ret->shared, err)) < 0 ||
	       (r = hn_json_get_bool(json, "far", &ret->far, err)) < 0 ||
	       (r = hn_codec_get_unsigned(json, "distance", &ret->distance, err)) < 0);
	return r;
}
