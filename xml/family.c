#include "xml/family.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xml/element.h"

#define STEP "  " /* libvirt's own */
#define CHILDREN_MAX 65536

void hn_family_done(struct hn_family *family)
{
	free(family->children);
	memset(family, 0, sizeof(*family));
}

size_t hn_family_kind(const struct hn_family *family, const char *name)
{
	size_t kind = 0;

	while (family->kinds[kind].name && strcmp(family->kinds[kind].name, name) != 0)
		kind++;
	return kind;
}

static void classify(const struct hn_family *family, struct hn_relative *child)
{
	const struct hn_kind *kind;
	uint64_t number = 0;

	child->kind = hn_family_kind(family, child->node->ns ? "" : (const char *)child->node->name);
	kind = &family->kinds[child->kind];
	if (kind->name && kind->number &&
	    hn_xml_number(child->node, kind->number, 0, UINT32_MAX, &number, NULL) == 0)
		child->number = (unsigned long)number;
}

/* The element in the text is the one in the tree. */
static bool agree(struct hn_text text, const struct hn_markup *markup, xmlNodePtr node)
{
	const char *name = text.bytes + markup->start + 1;
	size_t length = hn_markup_name_length(text, markup);
	const char *colon = memchr(name, ':', length);

	if (colon) {
		length -= (size_t)(colon - name) + 1;
		name = colon + 1;
	}
	return length == strlen((const char *)node->name) && memcmp(name, node->name, length) == 0;
}

int hn_family_read(struct hn_text text, const struct hn_relative *parent, const struct hn_kind *kinds,
		   struct hn_family *ret, struct hn_error *err)
{
	struct hn_family family = {.text = text, .parent = *parent, .kinds = kinds};
	size_t from = parent->markup.content;

	for (xmlNodePtr node = xmlFirstElementChild(parent->node); node; node = xmlNextElementSibling(node))
		if (++family.count > CHILDREN_MAX)
			return hn_xml_fail(parent->node, err, "more than %d elements within are not handled",
					   CHILDREN_MAX);
	family.children = calloc(family.count + 1, sizeof(*family.children));
	if (!family.children)
		return hn_oom(err);
	family.count = 0;
	for (xmlNodePtr node = xmlFirstElementChild(parent->node); node; node = xmlNextElementSibling(node)) {
		struct hn_relative *child = &family.children[family.count++];

		child->node = node;
		if (!hn_markup_child(text, &parent->markup, from, &child->markup) ||
		    !agree(text, &child->markup, node)) {
			hn_family_done(&family);
			return hn_xml_fail(node, err, "its place in the text is not found");
		}
		classify(&family, child);
		from = child->markup.end;
	}
	*ret = family;
	return 0;
}

const struct hn_relative *hn_family_child(const struct hn_family *family, const char *name,
					  unsigned long number)
{
	size_t kind = hn_family_kind(family, name);

	for (size_t i = 0; i < family->count; i++)
		if (family->children[i].kind == kind && family->children[i].number == number)
			return &family->children[i];
	return NULL;
}

void hn_newborns_done(struct hn_newborns *newborns)
{
	for (size_t i = 0; i < newborns->count; i++)
		free(newborns->items[i].text);
	free(newborns->items);
	memset(newborns, 0, sizeof(*newborns));
}

int hn_newborns_add(struct hn_newborns *newborns, size_t kind, unsigned long number, char *text,
		    struct hn_error *err)
{
	if (text && newborns->count == newborns->room) {
		size_t room = newborns->room ? 2 * newborns->room : 16;
		struct hn_newborn *grown = reallocarray(newborns->items, room, sizeof(*grown));

		if (grown) {
			newborns->items = grown;
			newborns->room = room;
		}
	}
	if (!text || newborns->count == newborns->room) {
		free(text);
		return hn_oom(err);
	}
	newborns->items[newborns->count++] = (struct hn_newborn){kind, number, text};
	return 0;
}

static const char *line_break(struct hn_text text)
{
	const char *first = memchr(text.bytes, '\n', text.length);

	return first && first > text.bytes && first[-1] == '\r' ? "\r\n" : "\n";
}

static bool is_empty_tag(const struct hn_family *family)
{
	return family->parent.markup.content == family->parent.markup.end;
}

struct hn_indent hn_family_indent(const struct hn_family *family)
{
	const char *line = line_break(family->text);
	struct hn_indent indent = {0};
	struct hn_text blanks;
	bool is_root = !family->parent.node->parent || family->parent.node->parent->type != XML_ELEMENT_NODE;

	if (hn_markup_indent(family->text, family->parent.markup.start, &blanks) ||
	    (is_root && family->count))
		snprintf(indent.parent, sizeof(indent.parent), "%s%.*s", line,
			 blanks.length < 100 ? (int)blanks.length : 0, blanks.bytes);
	if (family->count == 0) {
		if (indent.parent[0])
			snprintf(indent.child, sizeof(indent.child), "%s" STEP, indent.parent);
	} else if (hn_markup_indent(family->text, family->children[0].markup.start, &blanks)) {
		snprintf(indent.child, sizeof(indent.child), "%s%.*s", line,
			 blanks.length < 100 ? (int)blanks.length : 0, blanks.bytes);
	}
	return indent;
}

struct hn_indent hn_indent_within(const struct hn_indent *indent)
{
	struct hn_indent within = {0};

	snprintf(within.parent, sizeof(within.parent), "%.*s", (int)sizeof(within.parent) - 1, indent->child);
	if (within.parent[0])
		snprintf(within.child, sizeof(within.child), "%s" STEP, within.parent);
	return within;
}

char *hn_newborns_format(const struct hn_newborns *newborns, const char *name, const struct hn_indent *indent)
{
	char *buffer = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&buffer, &size);
	bool failed;

	if (!out)
		return NULL;
	fprintf(out, "<%s>", name);
	for (size_t i = 0; i < newborns->count; i++)
		fprintf(out, "%s%s", indent->child, newborns->items[i].text);
	fprintf(out, "%s</%s>", indent->parent, name);
	failed = ferror(out);
	if (fclose(out) == 0 && !failed)
		return buffer;
	free(buffer);
	return NULL;
}

/* The last child that comes before such a one, or NULL. */
static const struct hn_relative *elder(const struct hn_family *family, const struct hn_newborn *newborn)
{
	const struct hn_relative *found = NULL;

	for (size_t i = 0; i < family->count; i++) {
		const struct hn_relative *child = &family->children[i];

		if (child->kind < newborn->kind ||
		    (child->kind == newborn->kind && child->number < newborn->number))
			found = child;
	}
	return found;
}

static char *join(const char *a, const char *b)
{
	char *joined = NULL;

	return asprintf(&joined, "%s%s", a, b) < 0 ? NULL : joined;
}

/* <name/> is opened for them; what stands between its name and /> stays. */
static int open_empty(const struct hn_family *family, const struct hn_newborns *newborns,
		      struct hn_edits *edits, struct hn_error *err)
{
	struct hn_indent indent = hn_family_indent(family);
	__attribute__((cleanup(hn_cleanup_memory))) char *whole =
		hn_newborns_format(newborns, (const char *)family->parent.node->name, &indent);
	size_t end = family->parent.markup.content - strlen("/>"), from = end;

	while (from > 0 && strchr(" \t\r\n", family->text.bytes[from - 1]))
		from--;
	return hn_edits_add(edits, from, family->parent.markup.content - from,
			    whole ? strdup(strchr(whole, '>')) : NULL, err);
}

int hn_family_insert(const struct hn_family *family, const struct hn_newborns *newborns,
		     struct hn_edits *edits, struct hn_error *err)
{
	struct hn_indent indent = hn_family_indent(family);
	int r;

	if (newborns->count && is_empty_tag(family))
		return open_empty(family, newborns, edits, err);
	for (size_t i = 0; i < newborns->count; i++) {
		const struct hn_relative *before = elder(family, &newborns->items[i]);
		size_t at = before ? before->markup.end : family->parent.markup.content;
		struct hn_text blanks;
		char separator[128];

		snprintf(separator, sizeof(separator), "%s", indent.child);
		if (before && !hn_markup_indent(family->text, before->markup.start, &blanks))
			separator[0] = '\0';
		if (separator[0])
			at = hn_markup_line_end(family->text, at);
		r = hn_edits_add(edits, at, 0, join(separator, newborns->items[i].text), err);
		if (r < 0)
			return r;
	}
	if (newborns->count && family->count == 0 && indent.parent[0] &&
	    !memchr(family->text.bytes + family->parent.markup.content, '\n',
		    family->parent.markup.close - family->parent.markup.content))
		return hn_edits_add(edits, family->parent.markup.close, 0, strdup(indent.parent), err);
	return 0;
}
