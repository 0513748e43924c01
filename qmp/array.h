#pragma once
/*
 * array - appending to a plain array that doubles; for the parsers, whose counts come from outside.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/*
 * Appends a zeroed element of size bytes to *(T **)slot of *count elements and returns it, NULL when out of
 * memory. The room is the next power of two, so it need not be kept.
 */
static inline void *hn_array_add(void *slot, size_t *count, size_t size)
{
	void *array;
	char *element;

	memcpy(&array, slot, sizeof(array));
	if ((*count & (*count - 1)) == 0) {
		array = reallocarray(array, *count ? *count * 2 : 1, size);
		if (!array)
			return NULL;
		memcpy(slot, &array, sizeof(array));
	}
	element = (char *)array + *count * size;
	memset(element, 0, size);
	(*count)++;
	return element;
}
