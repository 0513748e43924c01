#include "host/pressure.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cgroups.h"
#include "host/proc-file.h"

#define NS_PER_US 1000

/* "some avg10=1.23 avg60=0.45 avg300=0.10 total=12345", the total in us */
static uint8_t line_read(const char *text, const char *which, double *ret_avg10, uint64_t *ret_ns)
{
	const char *line = strstr(text, which);
	uint64_t total_us;
	double avg10;

	if (!line || (line != text && line[-1] != '\n') ||
	    sscanf(line + strlen(which), " avg10=%lf avg60=%*f avg300=%*f total=%" SCNu64, &avg10,
		   &total_us) != 2 ||
	    !(avg10 >= 0 && avg10 <= 100) || total_us > UINT64_MAX / NS_PER_US)
		return 0;
	*ret_avg10 = avg10;
	*ret_ns = total_us * NS_PER_US;
	return 1;
}

static void stall_read(const char *text, struct hn_stall *ret)
{
	ret->some_known = line_read(text, "some", &ret->some_avg10, &ret->some_ns);
	ret->full_known = line_read(text, "full", &ret->full_avg10, &ret->full_ns);
}

void hn_pressure_of_host(const char *root, struct hn_stall ret[HN_RESOURCE_COUNT])
{
	char text[512];

	memset(ret, 0, HN_RESOURCE_COUNT * sizeof(*ret));
	for (size_t i = 0; i < HN_RESOURCE_COUNT; i++)
		if (hn_proc_read(text, sizeof(text), root, "proc/pressure/%s",
				 hn_resource_name((enum hn_resource)i)) > 0)
			stall_read(text, &ret[i]);
}

void hn_pressure_of_guest(const char *root, const struct hn_process *process,
			  struct hn_stall ret[HN_RESOURCE_COUNT])
{
	struct hn_cgroups cgroups;
	char group[HN_CGROUP_MAX], text[512];

	memset(ret, 0, HN_RESOURCE_COUNT * sizeof(*ret));
	if (!hn_cgroup_of_guest(root, process, &cgroups, group))
		return;
	for (size_t i = 0; i < HN_RESOURCE_COUNT; i++)
		if (hn_proc_read(text, sizeof(text), root, "%s%s/%s.pressure", cgroups.mount + 1, group,
				 hn_resource_name((enum hn_resource)i)) > 0)
			stall_read(text, &ret[i]);
}
