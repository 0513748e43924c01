#include "hooks/operation.h"

#include <string.h>

struct hook_operation hook_operation_of(const char *name, const char *sub)
{
	static const struct {
		const char *name, *sub;
		struct hook_operation operation;
	} table[] = {
		{"prepare", "begin", {.waits = true, .daemon_ms = 150}},
		{"migrate", "begin", {.waits = true, .may_rewrite = true, .daemon_ms = 180}},
		{"restore", "begin", {.waits = true, .may_rewrite = true, .daemon_ms = 180}},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].name, name) == 0 && strcmp(table[i].sub, sub) == 0)
			return table[i].operation;
	return (struct hook_operation){.daemon_ms = 10};
}
