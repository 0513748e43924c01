#include "xml/edits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

void hn_edits_done(struct hn_edits *edits)
{
	for (size_t i = 0; i < edits->count; i++)
		free(edits->items[i].text);
	free(edits->items);
	memset(edits, 0, sizeof(*edits));
}

int hn_edits_add(struct hn_edits *edits, size_t at, size_t length, char *text, struct hn_error *err)
{
	if (text && edits->count == edits->room) {
		size_t room = edits->room ? 2 * edits->room : 16;
		struct hn_edit *grown = reallocarray(edits->items, room, sizeof(*grown));

		if (grown) {
			edits->items = grown;
			edits->room = room;
		}
	}
	if (!text || edits->count == edits->room) {
		free(text);
		return hn_oom(err);
	}
	edits->items[edits->count] = (struct hn_edit){at, length, edits->count, text};
	edits->count++;
	return 0;
}

static int compare_edits(const void *a, const void *b)
{
	const struct hn_edit *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

int hn_edits_make(struct hn_edits *edits, struct hn_text text, char **ret, struct hn_error *err)
{
	size_t length = text.length + 1, at = 0, used = 0;
	char *made;

	if (edits->count)
		qsort(edits->items, edits->count, sizeof(*edits->items), compare_edits);
	for (size_t i = 0; i < edits->count; i++)
		length += strlen(edits->items[i].text);
	made = malloc(length);
	if (!made)
		return hn_oom(err);
	for (size_t i = 0; i < edits->count; i++) {
		const struct hn_edit *edit = &edits->items[i];
		size_t added = strlen(edit->text);

		if (edit->at < at || edit->at > text.length || edit->length > text.length - edit->at) {
			free(made);
			return hn_fail(err, -EINVAL, "changes to a text overlap at byte %zu", edit->at + 1);
		}
		memcpy(made + used, text.bytes + at, edit->at - at);
		used += edit->at - at;
		memcpy(made + used, edit->text, added);
		used += added;
		at = edit->at + edit->length;
	}
	memcpy(made + used, text.bytes + at, text.length - at);
	made[used + text.length - at] = '\0';
	*ret = made;
	return 0;
}
