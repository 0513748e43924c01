#pragma once
/*
 * books - what the migrations of one operation have done so far, in bytes of guest memory and in time.
 */
#include <stddef.h>
#include <stdint.h>

#include "host/mover.h"
#include "model/report.h"

/* Zeroed: nothing yet. */
struct hn_books {
	struct hn_move_progress last; /* of the migration that runs */
	/* of those that have ended: */
	uint64_t moved_bytes, stayed_bytes, cpu_ns, copying_ns;
	uint64_t stayed_by[HN_STAY_COUNT];
};

/* The migration that runs has ended with books->last. */
void hn_books_close(struct hn_books *books);

/* Writes the sums into an operation's record. */
void hn_books_record(const struct hn_books *books, struct hn_operation *record);

/* "; 3 MiB stayed: busy, 1 MiB stayed: shared", or "". Of migrations that have ended. */
void hn_books_describe(const struct hn_books *books, char *text, size_t size);
