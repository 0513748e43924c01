#include "host/kernel-counters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/proc-file.h"

#define VMSTAT_MAX 32768

/* "name 123" */
static void line_read(const char *line, struct hn_counters *ret)
{
	const char *space = strchr(line, ' ');
	char name[64], *end;
	uint64_t value;
	int counter;

	if (!space || (size_t)(space - line) >= sizeof(name) || space[1] < '0' || space[1] > '9')
		return;
	memcpy(name, line, (size_t)(space - line));
	name[space - line] = '\0';
	counter = hn_counter_find((enum hn_counter_family)ret->family, name);
	if (counter < 0)
		return;
	errno = 0;
	value = strtoull(space + 1, &end, 10);
	if (errno == 0 && *end == '\0')
		hn_counter_set(ret, (size_t)counter, value);
}

static void lines_read(char *text, struct hn_counters *ret)
{
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		line_read(line, ret);
}

void hn_kernel_counters_read(const char *root, struct hn_counters *ret)
{
	char text[VMSTAT_MAX];

	*ret = (struct hn_counters){.family = HN_COUNTERS_KERNEL, .node = -1};
	if (hn_proc_read(text, sizeof(text), root, "proc/vmstat") > 0)
		lines_read(text, ret);
}

void hn_node_counters_read(const char *root, int node, struct hn_counters *ret)
{
	char text[1024];

	*ret = (struct hn_counters){.family = HN_COUNTERS_NODE, .node = node};
	if (hn_proc_read(text, sizeof(text), root, "sys/devices/system/node/node%d/numastat", node) > 0)
		lines_read(text, ret);
}
