#include "cli/canvas.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLACEMENT L'?'

static struct hn_canvas_cell *new_cells(unsigned rows, unsigned columns)
{
	size_t count = (size_t)rows * columns;

	return calloc(count ? count : 1, sizeof(struct hn_canvas_cell));
}

struct hn_canvas *hn_canvas_new(unsigned rows, unsigned columns, bool unicode)
{
	struct hn_canvas *canvas = calloc(1, sizeof(*canvas));

	if (!canvas)
		return NULL;
	canvas->unicode = unicode;
	if (hn_canvas_resize(canvas, rows, columns) < 0) {
		free(canvas);
		return NULL;
	}
	return canvas;
}

void hn_canvas_free(struct hn_canvas *canvas)
{
	if (!canvas)
		return;
	free(canvas->cells);
	free(canvas);
}

int hn_canvas_resize(struct hn_canvas *canvas, unsigned rows, unsigned columns)
{
	struct hn_canvas_cell *cells = new_cells(rows, columns);

	if (!cells)
		return -ENOMEM;
	free(canvas->cells);
	canvas->cells = cells;
	canvas->rows = rows;
	canvas->columns = columns;
	hn_canvas_clear(canvas);
	return 0;
}

void hn_canvas_clear(struct hn_canvas *canvas)
{
	size_t count = (size_t)canvas->rows * canvas->columns;

	for (size_t i = 0; i < count; i++)
		canvas->cells[i] = (struct hn_canvas_cell){.symbol = L' '};
}

/* The bytes that follow a leading byte, or -1 for one that is none. */
static int tail_length(unsigned char lead)
{
	return lead < 0x80 ? 0 : lead < 0xc2 ? -1 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : lead < 0xf5 ? 3 : -1;
}

/* One character and how many bytes it took; a byte that begins none is one by itself. */
static wchar_t decode(const char *text, size_t *ret_length)
{
	static const unsigned least[] = {0, 0x80, 0x800, 0x10000};
	unsigned char lead = (unsigned char)*text;
	int tail = tail_length(lead);
	unsigned value = tail > 0 ? lead & (0x3fu >> tail) : lead;

	*ret_length = 1;
	if (tail < 0)
		return REPLACEMENT;
	for (int i = 1; i <= tail; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return REPLACEMENT;
		value = value << 6 | ((unsigned char)text[i] & 0x3f);
	}
	*ret_length = (size_t)tail + 1;
	if (value < least[tail] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
		return REPLACEMENT;
	return (wchar_t)value;
}

/* What is shown for a character, and in how many columns; 0 columns: nothing. */
static wchar_t shown_as(const struct hn_canvas *canvas, wchar_t symbol, int *ret_width)
{
	int width;

	*ret_width = 1;
	if (symbol < 0x7f)
		return symbol < ' ' ? REPLACEMENT : symbol;
	width = canvas->unicode ? wcwidth(symbol) : -1;
	if (width < 0)
		return REPLACEMENT;
	*ret_width = width;
	return symbol;
}

int hn_canvas_width(const struct hn_canvas *canvas, const char *text)
{
	size_t length;
	int width, sum = 0;

	for (; *text; text += length) {
		shown_as(canvas, decode(text, &length), &width);
		sum += width;
	}
	return sum;
}

static void set(struct hn_canvas *canvas, int row, int column, wchar_t symbol, enum hn_tone tone)
{
	struct hn_canvas_cell *cell;

	if (row < 0 || column < 0 || (unsigned)row >= canvas->rows || (unsigned)column >= canvas->columns)
		return;
	cell = &canvas->cells[(size_t)row * canvas->columns + (unsigned)column];
	cell->symbol = symbol;
	cell->tone = (uint8_t)(canvas->faint ? HN_TONE_FAINT : tone);
}

int hn_canvas_put(struct hn_canvas *canvas, int row, int column, int width, enum hn_tone tone,
		  const char *text)
{
	int room = column + width > (int)canvas->columns ? (int)canvas->columns - column : width;
	bool cut = hn_canvas_width(canvas, text) > room;
	int end = column + (cut ? room - 1 : room);
	size_t length;

	if (room <= 0)
		return column;
	for (; *text; text += length) {
		int columns;
		wchar_t symbol = shown_as(canvas, decode(text, &length), &columns);

		if (columns == 0)
			continue;
		if (column + columns > end)
			break;
		set(canvas, row, column, symbol, tone);
		if (columns == 2)
			set(canvas, row, column + 1, 0, tone);
		column += columns;
	}
	if (cut)
		set(canvas, row, column++, canvas->unicode ? L'…' : L'~', tone);
	return column;
}

int hn_canvas_print(struct hn_canvas *canvas, int row, int column, int width, enum hn_tone tone,
		    const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return hn_canvas_put(canvas, row, column, width, tone, text);
}

void hn_canvas_put_right(struct hn_canvas *canvas, int row, int column, int width, enum hn_tone tone,
			 const char *text)
{
	int needed = hn_canvas_width(canvas, text), indent = needed < width ? width - needed : 0;

	hn_canvas_put(canvas, row, column + indent, width - indent, tone, text);
}

void hn_canvas_mark(struct hn_canvas *canvas, int row, enum hn_style style)
{
	if (row < 0 || (unsigned)row >= canvas->rows)
		return;
	for (unsigned i = 0; i < canvas->columns; i++)
		canvas->cells[(size_t)row * canvas->columns + i].style |= (uint8_t)style;
}

/* Returns the bytes written, at most 4. */
static size_t encode(wchar_t symbol, char *text)
{
	unsigned value = (unsigned)symbol;

	if (value < 0x80) {
		text[0] = (char)value;
		return 1;
	}
	if (value < 0x800) {
		text[0] = (char)(0xc0 | value >> 6);
		text[1] = (char)(0x80 | (value & 0x3f));
		return 2;
	}
	if (value < 0x10000) {
		text[0] = (char)(0xe0 | value >> 12);
		text[1] = (char)(0x80 | (value >> 6 & 0x3f));
		text[2] = (char)(0x80 | (value & 0x3f));
		return 3;
	}
	text[0] = (char)(0xf0 | value >> 18);
	text[1] = (char)(0x80 | (value >> 12 & 0x3f));
	text[2] = (char)(0x80 | (value >> 6 & 0x3f));
	text[3] = (char)(0x80 | (value & 0x3f));
	return 4;
}

static size_t add_code(char *buffer, size_t used, enum hn_tone tone)
{
	const char *code = hn_tone_code(true, tone);

	memcpy(buffer + used, code, strlen(code));
	return used + strlen(code);
}

const char *hn_canvas_row(const struct hn_canvas *canvas, unsigned row, bool colour, char *buffer,
			  size_t size)
{
	const struct hn_canvas_cell *cells = &canvas->cells[(size_t)row * canvas->columns];
	unsigned end = canvas->columns;
	enum hn_tone tone = HN_TONE_PLAIN;
	size_t used = 0;

	while (end > 0 && cells[end - 1].symbol == L' ')
		end--;
	/* room for two codes, a character and the end */
	for (unsigned i = 0; i < end && used + 24 < size; i++) {
		if (colour && cells[i].tone != tone) {
			if (tone != HN_TONE_PLAIN)
				used = add_code(buffer, used, HN_TONE_PLAIN);
			tone = (enum hn_tone)cells[i].tone;
			if (tone != HN_TONE_PLAIN)
				used = add_code(buffer, used, tone);
		}
		if (cells[i].symbol)
			used += encode(cells[i].symbol, buffer + used);
	}
	if (tone != HN_TONE_PLAIN)
		used = add_code(buffer, used, HN_TONE_PLAIN);
	if (size > 0)
		buffer[used] = '\0';
	return buffer;
}
