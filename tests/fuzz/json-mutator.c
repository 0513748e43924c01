/*
 * json-mutator - changes an input that is JSON in ways that leave it JSON: a value is replaced, dropped,
 * doubled or put where another was. One time in four, and what is no JSON, bytes are changed as they are.
 */
#include <inttypes.h>

#include "base/random.h"
#include "fuzz.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);

#define NODES_MAX 4096

/* Places of a document: a value, and the object or array it is in. */
struct place {
	json_object *within, *value;
	const char *key; /* in an object */
	size_t index;    /* in an array */
};

struct places {
	struct place items[NODES_MAX];
	size_t count;
};

static void gather(json_object *json, struct places *places)
{
	if (json_object_is_type(json, json_type_object)) {
		json_object_object_foreach(json, key, value)
		{
			if (places->count == NODES_MAX)
				return;
			places->items[places->count++] = (struct place){json, value, key, 0};
			gather(value, places);
		}
	} else if (json_object_is_type(json, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(json) && places->count < NODES_MAX; i++) {
			json_object *value = json_object_array_get_idx(json, i);

			places->items[places->count++] = (struct place){json, value, NULL, i};
			gather(value, places);
		}
	}
}

static json_object *mutated_text(const char *text, struct hn_random *random)
{
	char buffer[512];
	size_t length = strnlen(text, sizeof(buffer) / 2);

	memcpy(buffer, text, length);
	length = LLVMFuzzerMutate((uint8_t *)buffer, length, sizeof(buffer));
	for (size_t i = 0; i < length; i++) /* of what is no UTF-8 json-c would write no JSON */
		if ((unsigned char)buffer[i] > 126 && hn_random_below(random, 16))
			buffer[i] &= 127;
	return json_object_new_string_len(buffer, (int)length);
}

static json_object *mutated_number(int64_t value, struct hn_random *random)
{
	static const uint64_t edges[] = {0,         1,         UINT16_MAX, INT32_MAX, UINT32_MAX, 1u << 20,
					 INT64_MAX, INT64_MIN, 2048,       4096,      1ull << 30, 65536};

	switch (hn_random_below(random, 5)) {
	case 0:
		return json_object_new_int64((int64_t)edges[hn_random_below(random, HN_COUNT(edges))]);
	case 1:
		return json_object_new_uint64(UINT64_MAX - hn_random_below(random, 3));
	case 2:
		return json_object_new_int64(value / 2 + (int64_t)hn_random_below(random, 16));
	case 3:
		return json_object_new_int64((int64_t)hn_random_below(random, 16));
	default:
		return json_object_new_int64((int64_t)((uint64_t)value + hn_random_below(random, 5) - 2));
	}
}

static json_object *any_value(struct hn_random *random)
{
	switch (hn_random_below(random, 8)) {
	case 0:
		return json_object_new_object();
	case 1:
		return json_object_new_array();
	case 2:
		return json_object_new_boolean(1);
	case 3:
		return json_object_new_string("");
	case 4:
		return json_object_new_double(1e300);
	case 5:
		return json_object_new_double(-0.5);
	case 6:
		return NULL;
	default:
		return mutated_number(0, random);
	}
}

static json_object *changed(json_object *value, struct hn_random *random)
{
	if (hn_random_below(random, 8) == 0)
		return any_value(random);
	switch (json_object_get_type(value)) {
	case json_type_string:
		return mutated_text(json_object_get_string(value), random);
	case json_type_int:
		return mutated_number(json_object_get_int64(value), random);
	case json_type_double:
		return json_object_new_double(json_object_get_double(value) *
					      ((double)hn_random_below(random, 33) / 16));
	case json_type_boolean:
		return json_object_new_boolean(!json_object_get_boolean(value));
	default:
		return any_value(random);
	}
}

static json_object *copy_of(json_object *json)
{
	json_object *copy = NULL;

	return json && json_object_deep_copy(json, &copy, NULL) == 0 ? copy : NULL;
}

static void put(const struct place *place, json_object *value)
{
	if (place->key)
		json_object_object_add(place->within, place->key, value);
	else
		json_object_array_put_idx(place->within, place->index, value);
}

static void mutate(const struct places *places, struct hn_random *random)
{
	const struct place *place = &places->items[hn_random_below(random, places->count)];
	const struct place *other = &places->items[hn_random_below(random, places->count)];
	uint64_t way = hn_random_below(random, 10);

	if (way == 0 && place->key)
		json_object_object_del(place->within, place->key);
	else if (way == 0)
		json_object_array_del_idx(place->within, place->index, 1);
	else if (way == 1 && !place->key)
		json_object_array_add(place->within, copy_of(place->value));
	else if (way == 2)
		put(place, copy_of(other->value));
	else if (way == 3 && json_object_is_type(place->value, json_type_array))
		json_object_array_add(place->value, any_value(random)); /* to an empty one, too */
	else
		put(place, changed(place->value, random));
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
	struct hn_random random = {seed};
	HN_AUTO(json) json_object *json = NULL;
	static struct places places;
	const char *text;
	size_t length;

	json = fuzz_json(data, size);
	if (!json || hn_random_below(&random, 4) == 0)
		return LLVMFuzzerMutate(data, size, room);
	for (uint64_t left = 1 + hn_random_below(&random, 3); left > 0; left--) {
		places.count = 0;
		gather(json, &places);
		if (places.count == 0)
			return LLVMFuzzerMutate(data, size, room);
		mutate(&places, &random);
	}
	text = json_object_to_json_string_length(json, JSON_C_TO_STRING_PLAIN, &length);
	if (length > room)
		return LLVMFuzzerMutate(data, size, room);
	memcpy(data, text, length);
	return length;
}
