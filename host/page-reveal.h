#pragma once
/*
 * page-reveal - takes the mark of kernel NUMA balancing off pages, so that they can be moved.
 */
#include <stddef.h>
#include <sys/types.h>

/*
 * Touches one byte of each page of the process, for reading, as a debugger would; the byte is thrown away.
 * Returns how many pages were touched. Pages that cannot be touched (no right, gone meanwhile) stay as they
 * are.
 */
size_t hn_pages_reveal(pid_t pid, void *const *pages, size_t count);
