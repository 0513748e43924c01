#pragma once
/*
 * process-files - what a process has open, by the names of its descriptors.
 */
#include <stddef.h>

/* 1 when any open file's name starts with one of the prefixes, else 0, or -errno. directory: an open
 * /proc/PID. */
int hn_process_files_match(int directory, const char *const *prefixes, size_t count);
