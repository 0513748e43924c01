/*
 * proc-stat - fields of /proc/PID/stat by their numbers in proc_pid_stat(5).
 *
 * The second field is the thread's name in brackets, which the process chooses: it may hold spaces, brackets
 * and digits made to look like the fields behind it. Only numbers follow it, so the last ')' of the line ends
 * it.
 */
#include "host/proc-stat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/plain.h"
#include "host/proc-file.h"

#define FLAG_KERNEL_THREAD 0x00200000 /* PF_KTHREAD of linux/sched.h */

enum stat_field {
	FIELD_STATE = 3,
	FIELD_FLAGS = 9,
	FIELD_UTIME = 14,
	FIELD_STIME = 15,
	FIELD_START = 22,
	FIELD_CPU = 39,
	FIELD_POLICY = 41,
	FIELD_COUNT,
};

/* Fields from the fourth on, as numbers by their place; negative ones wrap and come back when cast. */
static int numbers_parse(const char *text, uint64_t *ret_fields)
{
	for (int field = FIELD_STATE + 1; field < FIELD_COUNT; field++) {
		char *end;

		errno = 0;
		ret_fields[field] = *text == ' ' && text[1] == '-' ? (uint64_t)strtoll(text, &end, 10)
								   : strtoull(text, &end, 10);
		if (end == text || errno)
			return -EPROTO;
		text = end;
	}
	return 0;
}

int hn_proc_stat_parse(const char *text, struct hn_proc_stat *ret)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	uint64_t fields[FIELD_COUNT] = {0};
	size_t length;

	if (!open || !close || close < open || close[1] != ' ' || !close[2] || close[3] != ' ')
		return -EPROTO;
	if (numbers_parse(close + 3, fields))
		return -EPROTO;
	*ret = (struct hn_proc_stat){
		.state = close[2],
		.kernel_thread = fields[FIELD_FLAGS] & FLAG_KERNEL_THREAD,
		.cpu_ticks = fields[FIELD_UTIME] + fields[FIELD_STIME],
		.start_ticks = fields[FIELD_START],
		.last_cpu = (int)fields[FIELD_CPU],
		.scheduling_policy = (int)fields[FIELD_POLICY],
	};
	length = (size_t)(close - open - 1);
	if (length >= sizeof(ret->name))
		length = sizeof(ret->name) - 1;
	memcpy(ret->name, open + 1, length);
	hn_make_plain(ret->name); /* a thread gives it itself */
	return 0;
}

int hn_proc_stat_read(int directory, const char *path, struct hn_proc_stat *ret)
{
	char text[HN_PROC_STAT_MAX];
	ssize_t length = hn_proc_read_at(directory, path, text, sizeof(text));

	if (length < 0)
		return (int)length;
	return hn_proc_stat_parse(text, ret);
}
