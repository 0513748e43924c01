#include "xml/markup.h"

#include <string.h>

enum token {
	TOKEN_NONE,  /* the text ends */
	TOKEN_OPEN,  /* <name> */
	TOKEN_EMPTY, /* <name/> */
	TOKEN_CLOSE, /* </name> */
	TOKEN_OTHER, /* comment, CDATA, processing instruction, declaration */
};

static bool begins(struct hn_text text, size_t at, const char *what)
{
	size_t length = strlen(what);

	return at <= text.length && length <= text.length - at && memcmp(text.bytes + at, what, length) == 0;
}

/* Behind the first occurrence of what; 0 when there is none. */
static size_t behind(struct hn_text text, size_t at, const char *what)
{
	const char *found =
		at < text.length ? memmem(text.bytes + at, text.length - at, what, strlen(what)) : NULL;

	return found ? (size_t)(found - text.bytes) + strlen(what) : 0;
}

/* Behind the > of a start tag, as > may stand within quotes. */
static size_t behind_tag(struct hn_text text, size_t at)
{
	char quote = '\0';

	for (; at < text.length; at++) {
		char byte = text.bytes[at];

		if (quote)
			quote = byte == quote ? '\0' : quote;
		else if (byte == '"' || byte == '\'')
			quote = byte;
		else if (byte == '>')
			return at + 1;
	}
	return 0;
}

/* The token from there on; *start is where it begins, *at behind it. */
static enum token next_token(struct hn_text text, size_t *at, size_t *start)
{
	const char *open = *at < text.length ? memchr(text.bytes + *at, '<', text.length - *at) : NULL;
	enum token token = TOKEN_OTHER;
	size_t end;

	*start = open ? (size_t)(open - text.bytes) : text.length;
	if (!open)
		return TOKEN_NONE;
	if (begins(text, *start, "<!--")) {
		end = behind(text, *start + 4, "-->");
	} else if (begins(text, *start, "<![CDATA[")) {
		end = behind(text, *start, "]]>");
	} else if (begins(text, *start, "<?")) {
		end = behind(text, *start, "?>");
	} else if (begins(text, *start, "</")) {
		end = behind(text, *start, ">");
		token = TOKEN_CLOSE;
	} else {
		end = behind_tag(text, *start);
		token = end > 1 && text.bytes[end - 2] == '/' ? TOKEN_EMPTY : TOKEN_OPEN;
	}
	*at = end;
	return end ? token : TOKEN_NONE;
}

/* The first element from there on, unless an end tag comes before. */
static bool element_from(struct hn_text text, size_t at, struct hn_markup *ret)
{
	size_t start = 0, depth = 0;

	for (;;) {
		enum token token = next_token(text, &at, &start);

		if (token == TOKEN_NONE || (token == TOKEN_CLOSE && depth == 0))
			return false;
		if (token == TOKEN_EMPTY && depth == 0) {
			*ret = (struct hn_markup){start, at, at, at};
			return true;
		}
		if (token == TOKEN_OPEN && depth++ == 0)
			*ret = (struct hn_markup){.start = start, .content = at};
		if (token == TOKEN_CLOSE && --depth == 0) {
			ret->close = start;
			ret->end = at;
			return true;
		}
	}
}

bool hn_markup_root(struct hn_text text, struct hn_markup *ret)
{
	return element_from(text, 0, ret);
}

bool hn_markup_child(struct hn_text text, const struct hn_markup *parent, size_t from, struct hn_markup *ret)
{
	struct hn_text inside = {text.bytes, parent->close};

	return from >= parent->content && from < parent->close && element_from(inside, from, ret);
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static size_t skip_blanks(struct hn_text text, size_t at)
{
	while (at < text.length && is_blank(text.bytes[at]))
		at++;
	return at;
}

static size_t skip_name(struct hn_text text, size_t at)
{
	while (at < text.length && !is_blank(text.bytes[at]) && !strchr("=/>", text.bytes[at]))
		at++;
	return at;
}

size_t hn_markup_name_length(struct hn_text text, const struct hn_markup *element)
{
	return skip_name(text, element->start + 1) - element->start - 1;
}

bool hn_markup_attribute(struct hn_text text, const struct hn_markup *element, const char *name,
			 struct hn_markup_attribute *ret)
{
	struct hn_text tag = {text.bytes, element->content};
	size_t at = skip_name(tag, element->start + 1);

	for (;;) {
		size_t name_end;
		const char *end;

		ret->name = skip_blanks(tag, at);
		name_end = skip_name(tag, ret->name);
		at = skip_blanks(tag, name_end);
		if (name_end == ret->name || at >= tag.length || tag.bytes[at] != '=')
			return false;
		at = skip_blanks(tag, at + 1);
		if (at >= tag.length ||
		    !(end = memchr(tag.bytes + at + 1, tag.bytes[at], tag.length - at - 1)))
			return false;
		ret->value = at + 1;
		ret->value_end = (size_t)(end - tag.bytes);
		at = ret->value_end + 1;
		if (name_end - ret->name == strlen(name) &&
		    memcmp(tag.bytes + ret->name, name, strlen(name)) == 0)
			return true;
	}
}

/* Of a whole start tag. */
static size_t count_attributes(struct hn_text text, size_t start, size_t end)
{
	size_t count = 0;
	char quote = '\0';

	for (size_t at = start; at < end; at++) {
		char byte = text.bytes[at];

		if (quote && byte == quote) {
			quote = '\0';
			count++;
		} else if (!quote && (byte == '"' || byte == '\'')) {
			quote = byte;
		}
	}
	return count;
}

size_t hn_markup_too_many(struct hn_text text, size_t attributes)
{
	size_t at = 0, start = 0;

	for (;;) {
		enum token token = next_token(text, &at, &start);

		if (token == TOKEN_NONE) /* a tag that is not closed counts to the end */
			return start < text.length && count_attributes(text, start, text.length) > attributes
				       ? text.length
				       : 0;
		if ((token == TOKEN_OPEN || token == TOKEN_EMPTY) &&
		    count_attributes(text, start, at) > attributes)
			return at;
	}
}

bool hn_markup_indent(struct hn_text text, size_t at, struct hn_text *ret)
{
	size_t from = at;

	while (from > 0 && (text.bytes[from - 1] == ' ' || text.bytes[from - 1] == '\t'))
		from--;
	*ret = (struct hn_text){text.bytes + from, at - from};
	return from > 0 && text.bytes[from - 1] == '\n';
}

size_t hn_markup_line_end(struct hn_text text, size_t at)
{
	size_t end = at;

	for (;;) {
		size_t here = end;

		while (here < text.length && (text.bytes[here] == ' ' || text.bytes[here] == '\t'))
			here++;
		if (here >= text.length || text.bytes[here] == '\n' || text.bytes[here] == '\r')
			return end;
		end = begins(text, here, "<!--") ? behind(text, here + 4, "-->") : 0;
		if (!end || memchr(text.bytes + here, '\n', end - here))
			return at;
	}
}
