#pragma once
/*
 * edits - changes to a text, gathered in any order and made at once.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "xml/markup.h"

struct hn_edit {
	size_t at, length; /* what is replaced */
	size_t order;      /* of edits at one place, the earlier added comes first */
	char *text;
};

struct hn_edits {
	size_t count, room;
	struct hn_edit *items;
};

void hn_edits_done(struct hn_edits *edits);

/* Replaces length bytes at a place by a text, which is taken over, also on failure (NULL is out of memory).
 * No two edits may overlap. -ENOMEM. */
int hn_edits_add(struct hn_edits *edits, size_t at, size_t length, char *text, struct hn_error *err);

/* The changed text with a NUL behind it; the caller frees *ret. -ENOMEM, -EINVAL for edits that overlap or
 * lie outside. */
int hn_edits_make(struct hn_edits *edits, struct hn_text text, char **ret, struct hn_error *err);
