#include "host/cpu-list.h"

#include "host/proc-file.h"

struct hn_set hn_cpu_list_read(const char *root, const char *name)
{
	struct hn_set set = {0};
	char text[HN_SET_TEXT_MAX];

	if (hn_proc_read(text, sizeof(text), root, "sys/devices/system/cpu/%s", name) < 0 ||
	    hn_set_parse(text, &set, NULL) < 0)
		hn_set_clear(&set);
	return set;
}
