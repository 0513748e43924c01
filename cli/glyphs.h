#pragma once
/*
 * glyphs - shares between 0 and 1 as single characters: block heights where the terminal has them, else
 * digits, where 7 stands for 70 % up to 80 %, and 9 for 90 % and more.
 */
#include <stdbool.h>
#include <stddef.h>

#include "cli/course.h"
#include "model/trend.h"

/* Of memory: "·" ("." in ASCII) for none, and for any at all the lowest step or more. */
const char *hn_glyph_heat(double share, bool unicode);
/* Of a course: never blank. */
const char *hn_glyph_height(double share, bool unicode);
/* "↑" "↓" "=" or "+" "-" "="; " " while unknown. */
const char *hn_glyph_trend(enum hn_trend trend, bool unicode);

/*
 * What each of width characters of a strip stands for when there are count values: as many neighbours each as
 * it takes, their sum. Returns the characters needed, at most width. sums has room for width; width > 0.
 */
size_t hn_strip_fold(const double *shares, size_t count, size_t width, double *sums);
/* Values that share one character then: 1 unless count > width. */
size_t hn_strip_step(size_t count, size_t width);

/* The last width values, oldest first, with blanks in front where there are fewer. Returns buffer, which has
 * room for 3 bytes a character and the end. */
const char *hn_say_course(const struct hn_course *course, unsigned width, bool unicode, char *buffer,
			  size_t size);
