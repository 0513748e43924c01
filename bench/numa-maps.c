#include "bench/numa-maps.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* "... N0=123 N1=456 kernelpagesize_kB=4": counts are of pages of that size. */
static uint64_t line_count(const char *line, uint64_t pages[HN_NODE_IDS])
{
	const char *size = strstr(line, " kernelpagesize_kB=");
	uint64_t scale = size ? strtoull(size + 19, NULL, 10) * 1024 / (uint64_t)sysconf(_SC_PAGESIZE) : 1;
	uint64_t sum = 0;

	for (const char *at = line; (at = strstr(at, " N"));) {
		char *end;
		unsigned long node = strtoul(at + 2, &end, 10);
		uint64_t count;

		at += 2;
		if (*end != '=' || node >= HN_NODE_IDS)
			continue;
		count = strtoull(end + 1, NULL, 10) * scale;
		pages[node] += count;
		sum += count;
	}
	return sum;
}

uint64_t bench_numa_maps_walk(pid_t pid, uint64_t start, uint64_t ret_pages[HN_NODE_IDS])
{
	HN_AUTO(file) FILE *file = NULL;
	char path[64], line[8192];
	uint64_t found = 0;

	snprintf(path, sizeof(path), "/proc/%d/numa_maps", (int)pid);
	file = fopen(path, "re");
	if (!file)
		err(1, "%s", path);
	memset(ret_pages, 0, HN_NODE_IDS * sizeof(*ret_pages));
	while (fgets(line, sizeof(line), file)) {
		uint64_t count = line_count(line, ret_pages);

		if (strtoull(line, NULL, 16) == start)
			found = count;
	}
	if (ferror(file))
		err(1, "reading %s", path);
	return found;
}
