#pragma once
/*
 * markup - where elements stand in the text of XML, in bytes, so that one can be changed and nothing else.
 *
 * For text that hn_xml_parse() took: well-formed, without a DOCTYPE, ASCII where it is markup. What is asked
 * of other text is answered with false, never with a place outside of it.
 */
#include <stdbool.h>
#include <stddef.h>

struct hn_text {
	const char *bytes;
	size_t length;
};

/* <name ...>content</name>: start is that of the first <, content behind the first >, close that of the last
 * <, end behind the last >. Of <name/>, content, close and end are the same. */
struct hn_markup {
	size_t start, content, close, end;
};

/* The value between its quotes; name is where the attribute's name begins. */
struct hn_markup_attribute {
	size_t name, value, value_end;
};

/* The document's only element. */
bool hn_markup_root(struct hn_text text, struct hn_markup *ret);

/* The first child element at or behind a place within the parent's content. */
bool hn_markup_child(struct hn_text text, const struct hn_markup *parent, size_t from, struct hn_markup *ret);

/* The attribute of that name, as it is written there. */
bool hn_markup_attribute(struct hn_text text, const struct hn_markup *element, const char *name,
			 struct hn_markup_attribute *ret);

/* Behind the first start tag with more attributes than that; 0 when there is none. Of any text, be it XML or
 * not: those before what is no XML count. */
size_t hn_markup_too_many(struct hn_text text, size_t attributes);

/* How long its name is, which begins at start + 1. */
size_t hn_markup_name_length(struct hn_text text, const struct hn_markup *element);

/* The blanks and tabs before that place, when nothing else is before it on its line; else false. */
bool hn_markup_indent(struct hn_text text, size_t at, struct hn_text *ret);

/* Where the line may be broken behind that place: behind blanks and comments that end it, else there. */
size_t hn_markup_line_end(struct hn_text text, size_t at);
