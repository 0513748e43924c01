#pragma once
/*
 * base64 - reads what the guest agent sends of a file.
 */
#include <stddef.h>

/* The most bytes that length characters can hold. */
static inline size_t hn_base64_room(size_t length)
{
	return length / 4 * 3;
}

/* Writes the bytes into buffer (hn_base64_room(length) large) and returns how many, or -1 when it is not
 * base64. */
long hn_base64_decode(const char *text, size_t length, unsigned char *buffer);
