#pragma once
/*
 * helpers - other processes that serve one guest: virtiofsd, swtpm, vhost-user back ends that libvirt started
 * for it.
 */
#include <stddef.h>

#include "base/error.h"
#include "host/process.h"

#define HN_HELPERS_MAX 64

/*
 * Processes in the control groups that libvirt made for the guest; where there are none such, those beside
 * QEMU in its group (of at most 1024) that hold a Unix socket which its command line says it connects to.
 * Never QEMU itself, never a process of another guest. In order of pid. Looking costs a read of a few
 * cgroup.procs, and one of every open file's name beside QEMU without libvirt. ret has room for
 * HN_HELPERS_MAX, and no more are told. None is not an error. -ESRCH.
 */
int hn_helpers_find(const char *root, const struct hn_process *guest, struct hn_process *ret,
		    size_t *ret_count, struct hn_error *err);

/* As hn_threads_read(), with the threads of the guest's helpers, marked as such, and all of them in order of
 * tid: HN_THREADS_MAX at most. */
int hn_guest_threads_read(const char *root, const struct hn_process *guest, struct hn_thread_reading **ret,
			  size_t *ret_count, struct hn_error *err);
