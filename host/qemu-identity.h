#pragma once
/*
 * qemu-identity - is this process a QEMU that runs a guest?
 */
#include <stddef.h>

/* directory: an open /proc/PID. */

/* 1 when its executable or its first argument is qemu-system-*, qemu-kvm and the like; 0; -ESRCH
 * of one that is about to end; -errno. */
int hn_qemu_is_called_so(int directory);

/* 1 and its command line, NULs between the arguments, for the caller to free; 0 when it is none; -errno. One
 * of more than 256 KiB is told as one of no arguments: a QEMU of which nothing is known. */
int hn_qemu_command(int directory, char **ret, size_t *ret_length);
