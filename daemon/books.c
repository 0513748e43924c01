#include "daemon/books.h"

#include <stdio.h>

#include "base/units.h"

static uint64_t stayed_bytes(const struct hn_move_progress *progress)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < HN_STAY_COUNT; i++)
		bytes += progress->stayed_bytes[i];
	return bytes;
}

void hn_books_close(struct hn_books *books)
{
	books->moved_bytes += books->last.moved_bytes;
	books->stayed_bytes += stayed_bytes(&books->last);
	books->cpu_ns += books->last.cpu_ns;
	books->copying_ns += books->last.copying_ns;
	for (size_t i = 0; i < HN_STAY_COUNT; i++)
		books->stayed_by[i] += books->last.stayed_bytes[i];
	books->last = (struct hn_move_progress){0};
}

void hn_books_record(const struct hn_books *books, struct hn_operation *record)
{
	record->moved_bytes = books->moved_bytes + books->last.moved_bytes;
	record->stayed_bytes = books->stayed_bytes + stayed_bytes(&books->last);
	record->cpu_ns = books->cpu_ns + books->last.cpu_ns;
	record->stall_ns = books->copying_ns + books->last.copying_ns;
}

void hn_books_describe(const struct hn_books *books, char *text, size_t size)
{
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < HN_STAY_COUNT && used < size; i++) {
		char bytes[HN_UNITS_TEXT_MAX];

		if (books->stayed_by[i] == 0)
			continue;
		hn_bytes_format(books->stayed_by[i], bytes, sizeof(bytes));
		used += (size_t)snprintf(text + used, size - used, "%s%s stayed: %s", used ? ", " : "; ",
					 bytes, hn_stay_name((enum hn_stay)i));
	}
}
