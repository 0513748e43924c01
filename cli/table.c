#include "cli/table.h"

#include <errno.h>
#include <libsmartcols.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct hn_table {
	struct libscols_table *table;
	struct libscols_line *line;
	size_t next;
	bool colour, failed;
};

const char *hn_tone_code(bool colour, enum hn_tone tone)
{
	static const char *const codes[] = {"\033[0m", "\033[32m", "\033[33m", "\033[31m", "\033[2m"};

	return colour ? codes[tone] : "";
}

struct hn_table *hn_table_new(bool colour)
{
	struct hn_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->table = scols_new_table();
	table->colour = colour;
	if (!table->table) {
		free(table);
		return NULL;
	}
	scols_table_enable_colors(table->table, colour);
	/* never cut: a pipe or a narrow terminal gets long lines rather than lost figures */
	scols_table_enable_nowrap(table->table, 0);
	scols_table_set_termforce(table->table, SCOLS_TERMFORCE_NEVER);
	scols_table_set_column_separator(table->table, "  ");
	return table;
}

void hn_table_free(struct hn_table *table)
{
	if (!table)
		return;
	scols_unref_table(table->table);
	free(table);
}

void hn_table_column(struct hn_table *table, const char *title, bool right)
{
	if (table && !scols_table_new_column(table->table, title, 0, right ? SCOLS_FL_RIGHT : 0))
		table->failed = true;
}

void hn_table_row(struct hn_table *table)
{
	if (!table)
		return;
	table->next = 0;
	table->line = scols_table_new_line(table->table, NULL);
	table->failed = table->failed || !table->line;
}

void hn_table_cell(struct hn_table *table, enum hn_tone tone, const char *format, ...)
{
	char text[512];
	va_list args;

	if (!table || !table->line)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (scols_line_set_data(table->line, table->next, text) != 0)
		table->failed = true;
	if (table->colour && tone != HN_TONE_PLAIN)
		scols_cell_set_color(scols_line_get_cell(table->line, table->next), hn_tone_code(true, tone));
	table->next++;
}

/* The last column is not padded: trailing blanks would wrap on a terminal. */
static void print_lines(const char *text, unsigned indent, FILE *out)
{
	while (*text) {
		size_t length = strcspn(text, "\n"), shown = length;

		while (shown > 0 && text[shown - 1] == ' ')
			shown--;
		fprintf(out, "%*s%.*s\n", (int)indent, "", (int)shown, text);
		text += length + (text[length] == '\n');
	}
}

int hn_table_print(struct hn_table *table, unsigned indent, FILE *out)
{
	char *text = NULL;

	if (!table || table->failed || scols_print_table_to_string(table->table, &text) != 0) {
		free(text);
		return -ENOMEM;
	}
	print_lines(text, indent, out);
	free(text);
	return 0;
}
