#include "base/json.h"
#include "model/codec-parts.h"
#include "model/codec.h"

#include <errno.h>

static json_object *encode_cost(const struct hn_cost *cost)
{
	json_object *json = json_object_new_object();
	int failed = !json;

	for (int i = 0; i < HN_COST_PARTS && !failed; i++)
		failed = hn_json_add_u64(json, hn_cost_part_name((enum hn_cost_part)i), cost->parts[i]);
	return hn_codec_finish(json, failed);
}

static int decode_cost(json_object *json, const char *key, struct hn_cost *ret, struct hn_error *err)
{
	json_object *cost;
	int r = hn_json_get_object(json, key, &cost, err);

	for (int i = 0; i < HN_COST_PARTS && r == 0; i++)
		r = hn_json_get_u64(cost, hn_cost_part_name((enum hn_cost_part)i), &ret->parts[i], err);
	return r;
}

static json_object *encode_more(const int64_t *more)
{
	json_object *json = json_object_new_object();
	int failed = !json;

	for (int i = 0; i < HN_COST_PARTS && !failed; i++)
		failed = hn_codec_add_part(json, hn_cost_part_name((enum hn_cost_part)i),
					   json_object_new_int64(more[i]));
	return hn_codec_finish(json, failed);
}

static int decode_more(json_object *json, int64_t *ret, struct hn_error *err)
{
	json_object *more, *number;
	int r = hn_json_get_object(json, "more", &more, err);

	for (int i = 0; i < HN_COST_PARTS && r == 0; i++) {
		const char *part = hn_cost_part_name((enum hn_cost_part)i);

		if (!json_object_object_get_ex(more, part, &number) ||
		    !json_object_is_type(number, json_type_int))
			return hn_fail(err, -EPROTO, "member 'more' has no whole number '%s'", part);
		ret[i] = json_object_get_int64(number);
	}
	return r;
}

static json_object *encode_choice(const void *element)
{
	const struct hn_choice *choice = element;
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_int(json, "node", choice->node) ||
		 hn_json_add_string(json, "kind", hn_choice_kind_name(choice->kind)) ||
		 hn_json_add_int(json, "swap", choice->swap) ||
		 hn_codec_add_part(json, "more", encode_more(choice->more)) ||
		 hn_json_add_string(json, "sentence", choice->sentence);
	return hn_codec_finish(json, failed);
}

static int decode_choice(json_object *json, struct hn_choice *ret, struct hn_error *err)
{
	const char *kind;
	int r;

	if ((r = hn_json_get_int(json, "node", &ret->node, err)) < 0 ||
	    (r = hn_json_get_string(json, "kind", &kind, err)) < 0 ||
	    (r = hn_codec_word(hn_choice_kind_parse(kind, &ret->kind, err), "kind", err)) < 0 ||
	    (r = hn_json_get_int(json, "swap", &ret->swap, err)) < 0 ||
	    (r = decode_more(json, ret->more, err)) < 0)
		return r;
	return hn_codec_get_text(json, "sentence", ret->sentence, sizeof(ret->sentence), err);
}

static json_object *encode_cell(const struct hn_cell_explanation *cell, size_t node_count)
{
	json_object *json = json_object_new_object();
	int failed = !json;

	failed = failed || hn_json_add_int(json, "cell", cell->cell) ||
		 hn_codec_add_set(json, "nodes", &cell->nodes) ||
		 hn_codec_add_items(json, "choices", cell->choices, node_count, sizeof(*cell->choices),
				    encode_choice);
	return hn_codec_finish(json, failed);
}

static int decode_cell(json_object *json, size_t node_count, struct hn_cell_explanation *ret,
		       struct hn_error *err)
{
	json_object *items;
	size_t count;
	int r;

	if ((r = hn_json_get_int(json, "cell", &ret->cell, err)) < 0 ||
	    (r = hn_codec_get_set(json, "nodes", &ret->nodes, err)) < 0 ||
	    (r = hn_codec_get_items(json, "choices", &items, &count, err)) < 0)
		return r;
	if (count != node_count)
		return hn_fail(err, -EPROTO, "member 'choices' has %zu items for %zu nodes", count,
			       node_count);
	for (size_t i = 0; i < count && r == 0; i++)
		if ((r = decode_choice(json_object_array_get_idx(items, i), &ret->choices[i], err)) < 0)
			hn_error_prefix(err, "choices[%zu]", i);
	return r;
}

json_object *hn_explanation_encode(const struct hn_explanation *explanation)
{
	json_object *json = json_object_new_object(), *cells = json_object_new_array();
	int failed = !json || !cells;

	failed = failed || hn_json_add_string(json, "guest", explanation->guest) ||
		 hn_json_add_bool(json, "fits", explanation->fits) ||
		 hn_json_add_string(json, "sentence", explanation->sentence) ||
		 hn_codec_add_part(json, "cost", encode_cost(&explanation->cost)) ||
		 hn_codec_add_part(json, "bound", encode_cost(&explanation->bound)) ||
		 hn_json_add_bool(json, "proven", explanation->proven) ||
		 hn_json_add_double(json, "gap", explanation->gap) ||
		 hn_json_add_u64(json, "node_count", explanation->node_count);
	for (size_t i = 0; i < explanation->cell_count && !failed; i++)
		failed = hn_codec_append(cells, encode_cell(&explanation->cells[i], explanation->node_count));
	if (failed)
		json_object_put(cells);
	else
		failed = hn_json_add(json, "cells", cells);
	return hn_codec_finish(json, failed);
}

static int decode_head(json_object *json, struct hn_explanation *ret, struct hn_error *err)
{
	int r;

	if ((r = hn_codec_get_text(json, "guest", ret->guest, sizeof(ret->guest), err)) < 0 ||
	    (r = hn_json_get_bool(json, "fits", &ret->fits, err)) < 0 ||
	    (r = hn_codec_get_text(json, "sentence", ret->sentence, sizeof(ret->sentence), err)) < 0 ||
	    (r = decode_cost(json, "cost", &ret->cost, err)) < 0 ||
	    (r = decode_cost(json, "bound", &ret->bound, err)) < 0 ||
	    (r = hn_json_get_bool(json, "proven", &ret->proven, err)) < 0)
		return r;
	return hn_json_get_double(json, "gap", &ret->gap, err);
}

int hn_explanation_decode(json_object *json, struct hn_explanation **ret, struct hn_error *err)
{
	HN_AUTO(hn_explanation) struct hn_explanation *explanation = NULL;
	json_object *items;
	uint64_t nodes;
	size_t count;
	int r;

	if ((r = hn_json_get_u64(json, "node_count", &nodes, err)) < 0 ||
	    (r = hn_codec_get_items(json, "cells", &items, &count, err)) < 0)
		return r;
	if (nodes > HN_SET_MAX || count * nodes > HN_CODEC_TABLE_MAX / 64)
		return hn_fail(err, -EPROTO, "member 'cells' has %zu items for %llu nodes: too many", count,
			       (unsigned long long)nodes);
	explanation = hn_explanation_new((size_t)nodes, count);
	if (!explanation)
		return hn_oom(err);
	r = decode_head(json, explanation, err);
	for (size_t i = 0; i < count && r == 0; i++)
		if ((r = decode_cell(json_object_array_get_idx(items, i), (size_t)nodes,
				     &explanation->cells[i], err)) < 0)
			hn_error_prefix(err, "cells[%zu]", i);
	if (r == 0)
		*ret = hn_steal(explanation);
	return r;
}
