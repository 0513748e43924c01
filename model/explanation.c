#include "model/explanation.h"

#include "model/names.h"

static const char *const kind_names[HN_CHOICE_KIND_COUNT] = {"chosen", "equal", "worse", "better", "refused"};

const char *hn_choice_kind_name(enum hn_choice_kind kind)
{
	return hn_name_of(kind_names, HN_COUNT(kind_names), (size_t)kind);
}

int hn_choice_kind_parse(const char *text, enum hn_choice_kind *ret, struct hn_error *err)
{
	int r = hn_name_parse(kind_names, HN_COUNT(kind_names), "kind of choice", text, err);

	if (r < 0)
		return r;
	*ret = (enum hn_choice_kind)r;
	return 0;
}

void hn_explanation_free(struct hn_explanation *explanation)
{
	if (!explanation)
		return;
	for (size_t i = 0; i < explanation->cell_count; i++)
		free(explanation->cells[i].choices);
	free(explanation->cells);
	free(explanation);
}

struct hn_explanation *hn_explanation_new(size_t node_count, size_t cell_count)
{
	HN_AUTO(hn_explanation) struct hn_explanation *explanation = calloc(1, sizeof(*explanation));

	if (!explanation)
		return NULL;
	explanation->node_count = node_count;
	explanation->cells = calloc(cell_count + 1, sizeof(*explanation->cells));
	if (!explanation->cells)
		return NULL;
	for (; explanation->cell_count < cell_count; explanation->cell_count++) {
		struct hn_cell_explanation *cell = &explanation->cells[explanation->cell_count];

		cell->choices = calloc(node_count + 1, sizeof(*cell->choices));
		if (!cell->choices)
			return NULL;
		for (size_t node = 0; node < node_count; node++)
			cell->choices[node].swap = -1;
	}
	return hn_steal(explanation);
}
