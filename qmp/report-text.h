#pragma once
/*
 * report-text - reads what a guest's /proc and /sys say, and its agent's and QEMU's answers, into a report.
 * No I/O.
 *
 * Numbers are whole, without sign, below 2^64 - 1; anything else is -EPROTO, and nothing of the text is then
 * taken. What is not known is passed over, what is missing stays unknown.
 */
#include <json-c/json.h>

#include "base/error.h"
#include "base/set.h"
#include "model/reported.h"

/* /sys/devices/system/node/nodeN/numastat: all six counters. -EPROTO when one is missing. */
int hn_report_take_numastat(struct hn_reported *reported, int node, const char *text, struct hn_error *err);
/* /sys/devices/system/node/nodeN/meminfo: MemTotal and MemFree in kB. Free is no more than total. */
int hn_report_take_meminfo(struct hn_reported *reported, int node, const char *text, struct hn_error *err);
/* /proc/vmstat. None of the counters must be there. */
int hn_report_take_vmstat(struct hn_reported *reported, const char *text, struct hn_error *err);
/* /proc/stat, in ticks of 1/100 s (USER_HZ, the same on all Linux that QEMU runs). -EPROTO without CPUs. */
int hn_report_take_stat(struct hn_reported *reported, const char *text, struct hn_error *err);

/* guest-get-cpustats: milliseconds (seen with QEMU 7.2's agent). CPUs of other systems are passed over. */
int hn_report_take_cpustats(struct hn_reported *reported, json_object *result, struct hn_error *err);
/* query-balloon, and the balloon's guest-stats; -1 or 2^64 - 1 is unknown (QEMU, virtio-balloon-stats). */
int hn_report_take_balloon(struct hn_reported *reported, json_object *result, struct hn_error *err);
int hn_report_take_balloon_stats(struct hn_reported *reported, json_object *result, struct hn_error *err);

/* qom-list of a folder of devices: the balloon's name there, borrowed; NULL when there is none. */
const char *hn_report_find_balloon(json_object *result);
