#pragma once
/*
 * canvas - a picture made of characters: what homenode top draws, before it is put on a terminal or printed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wchar.h>

#include "base/cleanup.h"
#include "cli/table.h"

enum hn_style {
	HN_STYLE_BOLD = 1,
	HN_STYLE_REVERSE = 2,
};

struct hn_canvas_cell {
	wchar_t symbol; /* 0: the right half of a wide character */
	uint8_t tone;   /* enum hn_tone */
	uint8_t style;  /* of enum hn_style */
};

struct hn_canvas {
	unsigned rows, columns;
	bool unicode; /* false: plain ASCII, '?' for all else */
	bool faint;   /* what is put is faint, whatever its tone */
	struct hn_canvas_cell *cells;
};

void hn_canvas_free(struct hn_canvas *canvas); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_canvas, struct hn_canvas *, hn_canvas_free);

/* Blank. NULL when out of memory. */
struct hn_canvas *hn_canvas_new(unsigned rows, unsigned columns, bool unicode);
/* Another size, blank. -ENOMEM, and it is as before. */
int hn_canvas_resize(struct hn_canvas *canvas, unsigned rows, unsigned columns);
void hn_canvas_clear(struct hn_canvas *canvas);

/*
 * Writes UTF-8 into at most width columns of a row; what is outside of the canvas is left out. Text that is
 * cut ends in an ellipsis ("~" in ASCII); control characters and what is no UTF-8 become '?'. Returns the
 * column behind the text.
 */
int hn_canvas_put(struct hn_canvas *canvas, int row, int column, int width, enum hn_tone tone,
		  const char *text);
int hn_canvas_print(struct hn_canvas *canvas, int row, int column, int width, enum hn_tone tone,
		    const char *format, ...) __attribute__((format(printf, 6, 7)));
/* The same with blanks in front when it is narrower than width. */
void hn_canvas_put_right(struct hn_canvas *canvas, int row, int column, int width, enum hn_tone tone,
			 const char *text);

/* Adds to the style of a whole row. */
void hn_canvas_mark(struct hn_canvas *canvas, int row, enum hn_style style);

/* Columns that the text takes when it is put. */
int hn_canvas_width(const struct hn_canvas *canvas, const char *text);

/* A row as UTF-8 without trailing blanks, with escape codes for tones when coloured; cut to size. Returns
 * buffer. */
const char *hn_canvas_row(const struct hn_canvas *canvas, unsigned row, bool colour, char *buffer,
			  size_t size);
