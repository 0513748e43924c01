#pragma once
/*
 * explain-words - how differences in cost and distance are said. Pure. Private to policy/.
 */
#include <stddef.h>
#include <stdint.h>

#include "model/guest.h"
#include "model/host.h"
#include "model/placement.h"

/* Appends to a text in a buffer of that size; what is too long is cut. */
void hn_say(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Appends " remote +20 (DISTANCES), to migrate +300 MiB": every part that is not 0. */
void hn_say_parts(const int64_t *more, const char *distances, char *text, size_t size);

/* Appends "20 further from cell 1, 6 nearer to device X": of a cell, by index, that goes from its home to a
 * node, by index. */
void hn_say_distances(const struct hn_host *host, const struct hn_guest *guest,
		      const struct hn_placement *home, size_t cell, size_t node, char *text, size_t size);
