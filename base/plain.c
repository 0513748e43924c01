#include "base/plain.h"

#include <stddef.h>
#include <string.h>

static size_t control_length(const char *text)
{
	const unsigned char *bytes = (const unsigned char *)text;

	if (bytes[0] < ' ' || bytes[0] == 0x7f)
		return 1;
	return bytes[0] == 0xc2 && bytes[1] >= 0x80 && bytes[1] < 0xa0 ? 2 : 0;
}

void hn_make_plain(char *text)
{
	for (; *text; text++)
		memset(text, strchr("\t\n\r", *text) ? ' ' : '?', control_length(text));
}
