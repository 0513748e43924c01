#pragma once
/*
 * cpu-list - lists of CPUs that the kernel keeps in /sys/devices/system/cpu: "isolated", "nohz_full".
 */
#include "base/set.h"

/* Empty when the kernel has no such list: nohz_full may read "(null)". */
struct hn_set hn_cpu_list_read(const char *root, const char *name);
