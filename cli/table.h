#pragma once
/*
 * table - aligned columns through libsmartcols, coloured on a terminal only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct hn_table;

enum hn_tone {
	HN_TONE_PLAIN,
	HN_TONE_GOOD,
	HN_TONE_MIDDLING,
	HN_TONE_BAD,
	HN_TONE_FAINT,
};

/* NULL when out of memory, which every other function takes and ignores; hn_table_print() then says so. */
struct hn_table *hn_table_new(bool colour);
void hn_table_free(struct hn_table *table);

/* Columns from left to right, before the first row. */
void hn_table_column(struct hn_table *table, const char *title, bool right);
/* Begins a row, then one cell a column from left to right. */
void hn_table_row(struct hn_table *table);
void hn_table_cell(struct hn_table *table, enum hn_tone tone, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Writes it to out with indent blanks before each line. 0 or -ENOMEM. */
int hn_table_print(struct hn_table *table, unsigned indent, FILE *out);

/* Escape codes for one tone, or "" without colour; HN_TONE_PLAIN ends one. */
const char *hn_tone_code(bool colour, enum hn_tone tone);
