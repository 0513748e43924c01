#pragma once
/*
 * hash - FNV-1a, 64 bits: to tell texts apart that nobody makes up to collide.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HN_HASH_BEGIN UINT64_C(0xcbf29ce484222325)

/* The hash of what came before, with these bytes behind it. */
static inline uint64_t hn_hash(uint64_t hash, const void *bytes, size_t length)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* A text with its NUL, so that "ab", "c" is not "a", "bc". */
static inline uint64_t hn_hash_text(uint64_t hash, const char *text)
{
	return hn_hash(hash, text, strlen(text) + 1);
}
