#pragma once
/*
 * process-files - what a process has open, by the names of its descriptors.
 */
#include <stddef.h>

/* 1 when any open file's name starts with one of the prefixes, else 0, or -errno. directory: an open
 * /proc/PID. */
int hn_process_files_match(int directory, const char *const *prefixes, size_t count);

/*
 * Calls visit with each descriptor's number and what it links to ("/dev/vfio/12", "anon_inode:[io_uring]"),
 * in no order, until it returns other than 0, which is then returned; else 0, or -errno. directory: likewise.
 */
int hn_process_files_visit(int directory, int (*visit)(int number, const char *name, void *context),
			   void *context);
