#include "model/names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *hn_name_of(const char *const *names, size_t count, size_t value)
{
	return value < count ? names[value] : "?";
}

int hn_name_parse(const char *const *names, size_t count, const char *what, const char *text,
		  struct hn_error *err)
{
	char choices[200] = "";
	size_t used = 0;

	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], text) == 0)
			return (int)i;
	for (size_t i = 0; i < count && used < sizeof(choices); i++)
		used += (size_t)snprintf(choices + used, sizeof(choices) - used, "%s%s", i ? ", " : "",
					 names[i]);
	return hn_fail(err, -EINVAL, "unknown %s '%.40s': choose one of %s", what, text, choices);
}
