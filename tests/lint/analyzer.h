/*
 * What clang's analyzer, which sees one file at a time, has to be told: these end with the code they are
 * given, so that "r = p ? 0 : hn_oom(err)" is an error when p is NULL. Included in front of each file that
 * tests/lint/lint.py looks at.
 */
#include <errno.h>

/* hooks/ and some of bench/ do not know it */
#if __has_include("base/error.h")
#include "base/error.h"

#define hn_fail(err, code, ...) (hn_fail(err, code, __VA_ARGS__), (code))
#define hn_fail_errno(err, code, ...) (hn_fail_errno(err, code, __VA_ARGS__), (code))
#define hn_oom(err) (hn_oom(err), -ENOMEM)
#endif

/* where libxml2's headers are found, too; not in front of the function itself */
#if __has_include(<libxml/tree.h>) && !defined(DEFINES_XML_FAIL)
#include "xml/element.h"

#define hn_xml_fail(element, err, ...) (hn_xml_fail(element, err, __VA_ARGS__), -EPROTO)
#endif
