#pragma once
/*
 * cleanup - scope-bound ownership through the compiler's cleanup attribute.
 *
 *     HN_CLEANUP_DEFINE(hn_guest, struct hn_guest *, hn_guest_free)   once, beside the type's _free
 *     HN_AUTO(hn_guest) struct hn_guest *guest = NULL;                freed when the scope ends
 *     *ret = hn_steal(guest);                                         handed over instead
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HN_AUTO(name) __attribute__((cleanup(hn_cleanup_##name)))

#define HN_CLEANUP_DEFINE(name, type, free_function)     \
	static inline void hn_cleanup_##name(type *slot) \
	{                                                \
		if (*slot)                               \
			free_function(*slot);            \
	}                                                \
	struct hn_cleanup_##name##_semicolon

#define hn_steal(pointer)                                \
	({                                               \
		__typeof__(pointer) stolen_ = (pointer); \
		(pointer) = NULL;                        \
		stolen_;                                 \
	})

#define HN_COUNT(array) (sizeof(array) / sizeof((array)[0]))

static inline void hn_cleanup_memory(void *slot)
{
	free(*(void **)slot);
}

/* A descriptor of -1 owns nothing. */
static inline void hn_cleanup_fd(const int *slot)
{
	if (*slot >= 0)
		close(*slot);
}

HN_CLEANUP_DEFINE(file, FILE *, fclose);
