#include "host/watermarks.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pages.h"

int hn_watermarks_read(const char *root, uint64_t ret_low[HN_SET_MAX], struct hn_error *err)
{
	HN_AUTO(memory) char *line = NULL;
	HN_AUTO(file) FILE *file = NULL;
	char path[PATH_MAX];
	size_t room = 0;
	int node = -1;

	memset(ret_low, 0, HN_SET_MAX * sizeof(*ret_low));
	snprintf(path, sizeof(path), "%s/proc/zoneinfo", root ? root : "");
	file = fopen(path, "re");
	if (!file)
		return hn_fail_errno(err, -errno, "cannot read %s", path);
	/* a zone's block opens with "Node 0, zone Normal"; its watermarks are indented lines "low 1234" */
	while (getline(&line, &room, file) > 0) {
		uint64_t pages;

		if (sscanf(line, "Node %d, zone", &node) != 1 && node >= 0 && node < HN_SET_MAX &&
		    sscanf(line, " low %" SCNu64, &pages) == 1)
			ret_low[node] += pages * hn_base_page_bytes();
	}
	return 0;
}
