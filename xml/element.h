#pragma once
/*
 * element - strict reading of XML elements: numbers, sizes and sets with their line where they are wrong.
 *
 * Nothing is fetched and no entity is expanded: a document with a DOCTYPE is refused. Sentences begin with
 * "line N: <element>".
 */
#include <libxml/tree.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/set.h"

HN_CLEANUP_DEFINE(xml_document, xmlDocPtr, xmlFreeDoc);

/*
 * Parses length bytes, at most limit: -EMSGSIZE beyond. -EPROTO "line N: ..." for what is not XML, or in
 * another encoding than UTF-8, ASCII and ISO-8859. The caller frees *ret with xmlFreeDoc().
 */
int hn_xml_parse(const char *text, size_t length, size_t limit, xmlDocPtr *ret, struct hn_error *err);

/* The first child element of that name, or NULL; element may be NULL. */
xmlNodePtr hn_xml_child(xmlNodePtr element, const char *name);
/* The next sibling element of the same name, or NULL. */
xmlNodePtr hn_xml_next(xmlNodePtr element);
#define HN_XML_FOREACH(child, parent, name) \
	for (xmlNodePtr child = hn_xml_child((parent), (name)); child; child = hn_xml_next(child))

/* -EPROTO, "line N: <element>: " before the sentence. */
int hn_xml_fail(xmlNodePtr element, struct hn_error *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * What follows reads the attribute, or the element's own text where attribute is NULL, blanks around it left
 * out. The value must be there; hn_xml_has() tells. -EPROTO with the field and the value.
 */
bool hn_xml_has(xmlNodePtr element, const char *attribute);
/* -EPROTO when it does not fit into size bytes. */
int hn_xml_text(xmlNodePtr element, const char *attribute, char *buffer, size_t size, struct hn_error *err);
/* The attribute is there and is that word. */
bool hn_xml_is(xmlNodePtr element, const char *attribute, const char *word);
/* Decimal, or hexadecimal after 0x. */
int hn_xml_number(xmlNodePtr element, const char *attribute, uint64_t least, uint64_t most, uint64_t *ret,
		  struct hn_error *err);
/* Bytes: the number times the unit in attribute "unit" as libvirt knows them (KiB without), 1 to 2^63-1. */
int hn_xml_bytes(xmlNodePtr element, const char *attribute, uint64_t *ret, struct hn_error *err);
/* "0-3,^2,8": members behind ^ are taken out of what stands before. Not empty. */
int hn_xml_set(xmlNodePtr element, const char *attribute, struct hn_set *ret, struct hn_error *err);
