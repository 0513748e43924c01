#pragma once
/*
 * family - the child elements of an element, each in the tree and in the text, and places for new ones among
 * them.
 *
 * Children come in kinds, in the order in which libvirt's formatter writes them; several of a kind are told
 * apart by a number.
 */
#include <libxml/tree.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "xml/edits.h"
#include "xml/markup.h"

/* number: the attribute that tells children of the kind apart; NULL where there is one. */
struct hn_kind {
	const char *name, *number;
};

struct hn_relative {
	xmlNodePtr node;
	struct hn_markup markup;
	size_t kind;          /* the place in the table of kinds; its end for other elements */
	unsigned long number; /* 0 where the kind has none */
};

struct hn_family {
	struct hn_text text;
	struct hn_relative parent;
	const struct hn_kind *kinds; /* ends with a NULL name */
	size_t count;
	struct hn_relative *children; /* in order of the text */
};
void hn_family_done(struct hn_family *family);

/* -EPROTO when tree and text do not agree, -ENOMEM. */
int hn_family_read(struct hn_text text, const struct hn_relative *parent, const struct hn_kind *kinds,
		   struct hn_family *ret, struct hn_error *err);

/* The place of the kind in its table. */
size_t hn_family_kind(const struct hn_family *family, const char *name);

/* The first child of that kind and number, or NULL. */
const struct hn_relative *hn_family_child(const struct hn_family *family, const char *name,
					  unsigned long number);

/* A new child: its text on lines of its own, without indentation of the first and with hn_newborn_line()
 * between others. */
struct hn_newborn {
	size_t kind;
	unsigned long number;
	char *text;
};

struct hn_newborns {
	size_t count, room;
	struct hn_newborn *items;
};
void hn_newborns_done(struct hn_newborns *newborns);

/* Takes text over, also on failure (NULL is out of memory). -ENOMEM. */
int hn_newborns_add(struct hn_newborns *newborns, size_t kind, unsigned long number, char *text,
		    struct hn_error *err);

/* How children of an element are indented: a line break and blanks, "" where the parent is written in one
 * line. */
struct hn_indent {
	char parent[120], child[128];
};
struct hn_indent hn_family_indent(const struct hn_family *family);
/* The same for the children of a child that is not there yet. */
struct hn_indent hn_indent_within(const struct hn_indent *indent);

/* <name> with these children, for the parent whose children are indented like indent->parent says. The caller
 * frees it; NULL when out of memory. */
char *hn_newborns_format(const struct hn_newborns *newborns, const char *name,
			 const struct hn_indent *indent);

/* Puts them among the children, as edits of the text. -ENOMEM. */
int hn_family_insert(const struct hn_family *family, const struct hn_newborns *newborns,
		     struct hn_edits *edits, struct hn_error *err);
