#pragma once
/*
 * lacking - tests that are left out, and say so, where the kernel does not know a call: qemu-user, under
 * which
 * ./test arm64 runs them, has no move_pages(2), mbind(2) and openat2(2).
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/* call: SYS_move_pages and the like; it is made with arguments that every kernel refuses. */
static inline bool lacks(long call, const char *name)
{
	if (syscall(call, -1, -1, -1, -1, -1, -1) == 0 || errno != ENOSYS)
		return false;
	printf("skipped: there is no %s(2) here\n", name);
	return true;
}
