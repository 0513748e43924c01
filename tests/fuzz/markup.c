/*
 * Where elements stand in a text: of any text places lie inside of it, and of XML they are those that libxml2
 * found.
 */
#include "xml/markup.h"
#include "fuzz.h"
#include "xml/element.h"

#define DEPTH_MAX 16

static void check_inside(struct hn_text text, const struct hn_markup *element)
{
	struct hn_text indent;

	fuzz_require(element->start < element->content && element->content <= element->close);
	fuzz_require(element->close <= element->end && element->end <= text.length);
	fuzz_require(text.bytes[element->start] == '<' && text.bytes[element->end - 1] == '>');
	fuzz_require(element->start + 1 + hn_markup_name_length(text, element) <= element->content);
	if (hn_markup_indent(text, element->start, &indent))
		fuzz_require(indent.bytes + indent.length == text.bytes + element->start);
	fuzz_require(hn_markup_line_end(text, element->end) >= element->end);
	fuzz_require(hn_markup_line_end(text, element->end) <= text.length);
}

static void check_attributes(struct hn_text text, const struct hn_markup *element, xmlNodePtr node)
{
	for (xmlAttrPtr attribute = node->properties; attribute; attribute = attribute->next) {
		struct hn_markup_attribute place;
		size_t length = strlen((const char *)attribute->name);

		if (attribute->ns)
			continue;
		fuzz_require(hn_markup_attribute(text, element, (const char *)attribute->name, &place));
		fuzz_require(element->start < place.name && place.name < place.value);
		fuzz_require(place.value <= place.value_end && place.value_end < element->content);
		fuzz_require(strncmp(text.bytes + place.name, (const char *)attribute->name, length) == 0);
	}
}

/* The element is this one, and its children are the tree's. */
static void compare(struct hn_text text, const struct hn_markup *element, xmlNodePtr node, int depth)
{
	size_t at = element->content, length = hn_markup_name_length(text, element);
	const char *name = text.bytes + element->start + 1, *colon = memchr(name, ':', length);
	size_t prefix = colon ? (size_t)(colon - name) + 1 : 0;
	struct hn_markup child;

	check_inside(text, element);
	/* a prefix that nobody has declared is part of the name in the tree */
	fuzz_require((strlen((const char *)node->name) == length - prefix &&
		      strncmp(name + prefix, (const char *)node->name, length - prefix) == 0) ||
		     (strlen((const char *)node->name) == length &&
		      strncmp(name, (const char *)node->name, length) == 0));
	check_attributes(text, element, node);
	if (depth == DEPTH_MAX)
		return;
	for (xmlNodePtr other = xmlFirstElementChild(node); other; other = xmlNextElementSibling(other)) {
		fuzz_require(hn_markup_child(text, element, at, &child));
		fuzz_require(child.start >= at && child.end <= element->close);
		compare(text, &child, other, depth + 1);
		at = child.end;
	}
	fuzz_require(!hn_markup_child(text, element, at, &child));
}

static void look(struct hn_text text, const struct hn_markup *element, int depth)
{
	struct hn_markup_attribute place;
	struct hn_markup child;

	check_inside(text, element);
	if (hn_markup_attribute(text, element, "a", &place))
		fuzz_require(place.name < place.value && place.value <= place.value_end &&
			     place.value_end < text.length);
	for (size_t at = element->content; depth < DEPTH_MAX && hn_markup_child(text, element, at, &child);
	     at = child.end)
		look(text, &child, depth + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HN_AUTO(memory) char *bytes = fuzz_text(data, size);
	struct hn_text text = {bytes, size};
	HN_AUTO(xml_document) xmlDocPtr document = NULL;
	struct hn_markup root;
	struct hn_error err = {0};
	int r = hn_xml_parse(bytes, size, 1 << 20, &document, &err);
	bool found = hn_markup_root(text, &root);

	fuzz_require(hn_markup_too_many(text, 3) <= size);
	if (found)
		look(text, &root, 0);
	if (r < 0) {
		fuzz_require_refusal(r, &err);
		return 0;
	}
	fuzz_require(found);
	compare(text, &root, xmlDocGetRootElement(document), 0);
	return 0;
}
