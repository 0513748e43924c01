#pragma once
/*
 * activity-words - how what the kernel tells of a host, or of a guest, is said. Each gives "" while none of
 * it is known, and returns buffer.
 */
#include <stddef.h>

#include "model/activity.h"

/* "CPU 4.2 %, memory 0.5 %, I/O 0 %" */
const char *hn_say_stalls(const struct hn_activity *activity, char *buffer, size_t size);

/* "swap-in 0/s, swap-out 12/s; hint faults 300/s, 70 % local; balanced 20 pages/s" */
const char *hn_say_kernel(const struct hn_activity *activity, char *buffer, size_t size);

/* "1200 exits/s, 30 faults/s, 2 flushes/s; 98 % in huge pages" */
const char *hn_say_kvm(const struct hn_activity *activity, char *buffer, size_t size);

/* "2.1 GiB/s, 37 % of it with other nodes" */
const char *hn_say_traffic(const struct hn_activity *activity, char *buffer, size_t size);
