#pragma once
/*
 * qemu-identity - is this process a QEMU that runs a guest?
 */
#include <stddef.h>

/* 1 and its command line, NULs between the arguments, for the caller to free; 0 when it is none; -errno.
 * directory: an open /proc/PID. */
int hn_qemu_command(int directory, char **ret, size_t *ret_length);
