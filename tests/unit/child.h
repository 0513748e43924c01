#pragma once
/*
 * child - a process that a test has beside it, and that ends with the test, however that ends: after a failed
 * assertion nobody comes to kill it, and whoever reads what the test prints would wait for it.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

/* fork(2): 0 in the child. */
static inline pid_t child_fork(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}
