#pragma once
/*
 * proc-stat - the line of /proc/PID/stat, taken apart.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Room for the line: 52 numbers of at most 20 digits and a name. */
#define HN_PROC_STAT_MAX 1280

struct hn_proc_stat {
	char name[16];         /* comm */
	char state;            /* 'R', 'S', 'Z', ... */
	bool kernel_thread;    /* PF_KTHREAD, which no process can give itself */
	uint64_t cpu_ticks;    /* utime + stime */
	uint64_t start_ticks;  /* field 22 */
	int last_cpu;          /* field 39, -1 where the kernel has none */
	int scheduling_policy; /* field 41 */
};

/* -EPROTO when the text is no such line. */
int hn_proc_stat_parse(const char *text, struct hn_proc_stat *ret);

/* Reads and parses "stat" of an open /proc/PID or /proc/PID/task/TID; path names it from there. -errno. */
int hn_proc_stat_read(int directory, const char *path, struct hn_proc_stat *ret);
