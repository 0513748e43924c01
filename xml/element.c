#include "xml/element.h"

#include <errno.h>
#include <inttypes.h>
#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "xml/markup.h"

#define TEXT_MAX 8192

/* libxml2 compares each attribute with every other of its element, and looks for namespaces one by one. */
#define ATTRIBUTES_MAX 256
#define NAMESPACES_MAX 500

HN_CLEANUP_DEFINE(xml_parser, xmlParserCtxtPtr, xmlFreeParserCtxt);

#if LIBXML_VERSION >= 21200
typedef const xmlError *parser_error;
#else
typedef xmlErrorPtr parser_error;
#endif

/* What went wrong first: the parser goes on, and what it says later follows from that. */
struct mistake {
	bool is_doctype;
	int line;
	char message[120];
};

static void on_parser_error(void *user, parser_error error)
{
	struct mistake *mistake = ((xmlParserCtxtPtr)user)->_private;
	const char *message = error->message ? error->message : "";

	if (mistake->line || error->level < XML_ERR_ERROR)
		return;
	if (error->level == XML_ERR_FATAL)
		xmlStopParser(user);
	mistake->line = error->line;
	snprintf(mistake->message, sizeof(mistake->message), "%.*s", (int)strcspn(message, "\n"), message);
}

/* Entities can only be declared in a DOCTYPE: parsing ends there. */
static void on_parser_doctype(void *user, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	xmlParserCtxtPtr parser = user;
	struct mistake *mistake = parser->_private;

	mistake->is_doctype = true;
	mistake->line = xmlSAX2GetLineNumber(parser);
	xmlStopParser(parser);
}

/* Encodings in which every byte below 128 is that character of ASCII, and ASCII nothing else. */
static bool is_plain_encoding(const char *encoding)
{
	static const char *const plain[] = {"UTF-8", "UTF8", "US-ASCII", "ASCII"};

	for (size_t i = 0; i < HN_COUNT(plain); i++)
		if (strcasecmp(encoding, plain[i]) == 0)
			return true;
	return strncasecmp(encoding, "ISO-8859-", strlen("ISO-8859-")) == 0;
}

/* UTF-16 and UTF-32 have NULs, or at least the marks that these begin with. */
static int check_bytes(const char *text, size_t length, struct hn_error *err)
{
	const char *nul = memchr(text, '\0', length);

	if (nul)
		return hn_fail(err, -EPROTO,
			       "byte %zu is NUL: this is not XML, or not in UTF-8, which it has to be",
			       (size_t)(nul - text) + 1);
	if (length >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0))
		return hn_fail(err, -EPROTO, "this begins like UTF-16: it has to be in UTF-8");
	return 0;
}

static size_t count(const char *text, size_t length, const char *what)
{
	size_t found = 0;

	for (const char *at = text; (at = memmem(at, length - (size_t)(at - text), what, strlen(what))); at++)
		found++;
	return found;
}

/* What would take the parser long. */
static int check_effort(const char *text, size_t length, struct hn_error *err)
{
	size_t behind = hn_markup_too_many((struct hn_text){text, length}, ATTRIBUTES_MAX);

	if (behind)
		return hn_fail(err, -EPROTO, "line %zu: an element has more than %d attributes",
			       count(text, behind, "\n") + 1, ATTRIBUTES_MAX);
	if (count(text, length, "xmlns") > NAMESPACES_MAX)
		return hn_fail(err, -EPROTO, "there are more than %d namespaces in this XML", NAMESPACES_MAX);
	return 0;
}

int hn_xml_parse(const char *text, size_t length, size_t limit, xmlDocPtr *ret, struct hn_error *err)
{
	HN_AUTO(xml_parser) xmlParserCtxtPtr parser = NULL;
	struct mistake mistake = {.message = "it is empty"};
	xmlDocPtr document;

	if (length > limit || length > INT_MAX)
		return hn_fail(err, -EMSGSIZE, "XML of %zu bytes is longer than %zu", length, limit);
	if (check_bytes(text, length, err) < 0 || check_effort(text, length, err) < 0)
		return -EPROTO;
	if (!(parser = xmlNewParserCtxt()))
		return hn_oom(err);
	parser->_private = &mistake;
	parser->sax->internalSubset = on_parser_doctype;
	parser->sax->serror = on_parser_error;
	document = xmlCtxtReadMemory(parser, text, (int)length, NULL, NULL,
				     XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
					     XML_PARSE_NOCDATA | XML_PARSE_BIG_LINES);
	if (document && parser->wellFormed && !mistake.is_doctype) {
		const char *encoding = (const char *)document->encoding;

		if (!encoding || is_plain_encoding(encoding)) {
			*ret = document;
			return 0;
		}
		hn_fail(err, -EPROTO, "line 1: encoding '%.40s' is not accepted: write it in UTF-8",
			encoding);
		xmlFreeDoc(document);
		return -EPROTO;
	}
	xmlFreeDoc(document);
	if (mistake.is_doctype)
		return hn_fail(err, -EPROTO, "line %d: a DOCTYPE is not accepted", mistake.line);
	return hn_fail(err, -EPROTO, "line %d: this is not XML: %s", mistake.line, mistake.message);
}

static xmlNodePtr element_from(xmlNodePtr node, const xmlChar *name)
{
	for (; node; node = node->next)
		if (node->type == XML_ELEMENT_NODE && !node->ns && xmlStrEqual(node->name, name))
			return node;
	return NULL;
}

xmlNodePtr hn_xml_child(xmlNodePtr element, const char *name)
{
	return element ? element_from(element->children, (const xmlChar *)name) : NULL;
}

xmlNodePtr hn_xml_next(xmlNodePtr element)
{
	return element_from(element->next, element->name);
}

int hn_xml_fail(xmlNodePtr element, struct hn_error *err, const char *format, ...)
{
	char sentence[HN_ERROR_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(sentence, sizeof(sentence), format, arguments);
	va_end(arguments);
	return hn_fail(err, -EPROTO, "line %ld: <%.40s>: %s", xmlGetLineNo(element),
		       (const char *)element->name, sentence);
}

bool hn_xml_has(xmlNodePtr element, const char *attribute)
{
	return xmlHasProp(element, (const xmlChar *)attribute) != NULL;
}

/* Text for sentences: "cpus '0-3'", or "'12'" for the element's own. */
static int fail_value(xmlNodePtr element, const char *attribute, const char *value, struct hn_error *err,
		      const char *complaint)
{
	return hn_xml_fail(element, err, "%s%s'%.60s' %s", attribute ? attribute : "", attribute ? " " : "",
			   value, complaint);
}

int hn_xml_text(xmlNodePtr element, const char *attribute, char *buffer, size_t size, struct hn_error *err)
{
	xmlChar *value =
		attribute ? xmlGetNoNsProp(element, (const xmlChar *)attribute) : xmlNodeGetContent(element);
	const char *text = (const char *)value;
	size_t length;
	int r = 0;

	if (!value)
		return attribute ? hn_xml_fail(element, err, "attribute %s is missing", attribute)
				 : hn_oom(err);
	text += strspn(text, " \t\r\n");
	length = strlen(text);
	while (length > 0 && strchr(" \t\r\n", text[length - 1]))
		length--;
	if (length >= size)
		r = hn_xml_fail(element, err, "%s%s'%.40s...' is longer than %zu bytes",
				attribute ? attribute : "", attribute ? " " : "", text, size - 1);
	else
		snprintf(buffer, size, "%.*s", (int)length, text);
	xmlFree(value);
	return r;
}

bool hn_xml_is(xmlNodePtr element, const char *attribute, const char *word)
{
	char text[64];

	return element && hn_xml_has(element, attribute) &&
	       hn_xml_text(element, attribute, text, sizeof(text), NULL) == 0 && strcmp(text, word) == 0;
}

int hn_xml_number(xmlNodePtr element, const char *attribute, uint64_t least, uint64_t most, uint64_t *ret,
		  struct hn_error *err)
{
	char text[64], complaint[100], *end;
	unsigned long long value;
	bool is_hex;
	int r = hn_xml_text(element, attribute, text, sizeof(text), err);

	if (r < 0)
		return r;
	is_hex = strncasecmp(text, "0x", 2) == 0;
	errno = 0;
	value = strtoull(text, &end, is_hex ? 16 : 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || value < least || value > most) {
		snprintf(complaint, sizeof(complaint), "is no number from %" PRIu64 " to %" PRIu64, least,
			 most);
		return fail_value(element, attribute, text, err, complaint);
	}
	*ret = value;
	return 0;
}

/* libvirt's units: powers of 1000 end in B alone, of 1024 in iB or nothing. 0 for an unknown one. */
static uint64_t unit_bytes(const char *unit)
{
	static const char letters[] = "kmgtpe";
	const char *letter;
	uint64_t base, bytes = 1;

	if (strcasecmp(unit, "b") == 0 || strcasecmp(unit, "byte") == 0 || strcasecmp(unit, "bytes") == 0)
		return 1;
	letter = *unit ? strchr(letters, *unit | 0x20) : NULL;
	if (!letter)
		return 0;
	if (unit[1] == '\0' || strcasecmp(unit + 1, "ib") == 0)
		base = 1024;
	else if (strcasecmp(unit + 1, "b") == 0)
		base = 1000;
	else
		return 0;
	for (const char *at = letters; at <= letter; at++)
		bytes *= base;
	return bytes;
}

int hn_xml_bytes(xmlNodePtr element, const char *attribute, uint64_t *ret, struct hn_error *err)
{
	char unit[16] = "KiB";
	uint64_t bytes, number;
	int r;

	if (hn_xml_has(element, "unit") && (r = hn_xml_text(element, "unit", unit, sizeof(unit), err)) < 0)
		return r;
	bytes = unit_bytes(unit);
	if (bytes == 0)
		return fail_value(element, "unit", unit, err, "is no unit of size");
	if ((r = hn_xml_number(element, attribute, 0, UINT64_MAX, &number, err)) < 0)
		return r;
	if (number == 0 || number > (uint64_t)INT64_MAX / bytes)
		return hn_xml_fail(element, err, "%s%s%" PRIu64 " %s is not within 1 byte and 2^63-1",
				   attribute ? attribute : "", attribute ? " " : "", number, unit);
	*ret = number * bytes;
	return 0;
}

int hn_xml_set(xmlNodePtr element, const char *attribute, struct hn_set *ret, struct hn_error *err)
{
	char text[TEXT_MAX], *rest = text;
	struct hn_set set = {0};
	struct hn_error why = {0};
	int r = hn_xml_text(element, attribute, text, sizeof(text), err);

	if (r < 0)
		return r;
	for (char *part; (part = strsep(&rest, ","));) {
		struct hn_set members = {0};
		bool out;

		part += strspn(part, " ");
		out = *part == '^';
		r = hn_set_parse(part + out, &members, &why);
		if (r < 0 || hn_set_empty(&members))
			return hn_xml_fail(element, err, "%s: '%.40s' is no number or range: %.150s",
					   attribute ? attribute : "text", part, why.message);
		if (out)
			hn_set_subtract(&set, &members);
		else
			hn_set_or(&set, &members);
	}
	if (hn_set_empty(&set))
		return hn_xml_fail(element, err, "%s is an empty set", attribute ? attribute : "text");
	*ret = set;
	return 0;
}
