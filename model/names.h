#pragma once
/*
 * names - the table behind every enum that is written as a word.
 */
#include <stddef.h>

#include "base/error.h"

/* names[value], or "?" outside the table. */
const char *hn_name_of(const char *const *names, size_t count, size_t value);

/* The place of text in names; -EINVAL with "unknown WHAT 'x': choose one of a, b, c". */
int hn_name_parse(const char *const *names, size_t count, const char *what, const char *text,
		  struct hn_error *err);
