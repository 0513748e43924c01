#pragma once
/*
 * progress - one line on a terminal, drawn again and again in its place.
 */
#include <stdio.h>

/* Draws text, UTF-8, over what was drawn before. It is cut to one column less than the terminal has now: a
 * line that wraps cannot be drawn over. Nothing may have been printed behind the line before. */
void hn_progress_draw(FILE *terminal, const char *text);

/* An empty line, with the cursor at its beginning. */
void hn_progress_clear(FILE *terminal);
