/*
 * Strict: the standard alphabet, padded, no white space, no bits behind the last byte; as GLib writes it,
 * which is what the agent uses.
 */
#include "qmp/base64.h"

#include <stdint.h>

static int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* Four characters, of which the last padding are '='. Returns the 24 bits, or -1. */
static int32_t group(const char *text, size_t padding)
{
	int32_t bits = 0;

	for (size_t i = 0; i < 4; i++) {
		int value = i < 4 - padding ? digit(text[i]) : 0;

		if (value < 0)
			return -1;
		bits = bits << 6 | value;
	}
	return bits & ((1 << 8 * padding) - 1) ? -1 : bits;
}

long hn_base64_decode(const char *text, size_t length, unsigned char *buffer)
{
	long count = 0;

	if (length % 4 != 0)
		return -1;
	for (size_t at = 0; at < length; at += 4) {
		size_t padding = 0;
		int32_t bits;

		if (at + 4 == length && text[at + 3] == '=')
			padding = text[at + 2] == '=' ? 2 : 1;
		bits = group(text + at, padding);
		if (bits < 0)
			return -1;
		for (size_t i = 0; i < 3 - padding; i++)
			buffer[count++] = (unsigned char)(bits >> (16 - 8 * i));
	}
	return count;
}
