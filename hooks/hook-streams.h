#pragma once
/*
 * hook-streams - what libvirt gives a hook on stdin, and what it takes from stdout, in bounded time.
 */
#include <stddef.h>
#include <stdint.h>

/*
 * Reads until the end of fd into buffer; *ret_length bytes. -EMSGSIZE when there is more than size,
 * -ETIMEDOUT when there is no end by the deadline.
 */
int stream_read(int fd, char *buffer, size_t size, int64_t deadline, size_t *ret_length);

/*
 * Writes all or nothing: a pipe is made large enough to take it whole before the first byte, since half an
 * XML would abort a migration. What is neither pipe nor file takes it piece by piece. -EPIPE, -ENOSPC for a
 * pipe that cannot grow, -ETIMEDOUT.
 */
int stream_write(int fd, const char *data, size_t length, int64_t deadline);
