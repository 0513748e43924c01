"""Runs a command and takes in the orphans it leaves.

libvirt waits for a QEMU that it ended until somebody has reaped it, and where pid 1 is slow at that each end takes seconds.
    python3 reaping.py COMMAND ARGUMENTS...
"""

import ctypes
import os
import sys

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h

if __name__ == "__main__":
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    started = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
    while True:
        pid, status = os.wait()
        if pid == started:
            sys.exit(os.waitstatus_to_exitcode(status))
