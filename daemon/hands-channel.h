#pragma once
/*
 * hands-channel - whole messages over a blocking socket: the hands' side of daemon/hands-protocol.h.
 */
#include <stdbool.h>

#include "base/error.h"
#include "daemon/hands-protocol.h"

/*
 * Reads one message. *ret_body is 0-terminated memory of header->length bytes for the caller to free, NULL
 * when the length is 0. 1 read, 0 the brain has closed, -EPROTO for what is not a message, -errno.
 */
int hn_hands_read(int fd, struct hn_hands_header *header, void **ret_body, struct hn_error *err);

/* Writes one message whose body comes in up to three parts; -errno. */
struct hn_hands_part {
	const void *data;
	size_t length;
};
int hn_hands_write(int fd, enum hn_hands_type type, uint64_t id, int result,
		   const struct hn_hands_part *parts, size_t part_count);

/* Sends bytes and, with them, a descriptor, which stays the caller's. -errno. */
int hn_hands_send_fd(int socket, const void *data, size_t length, int fd);

/* Takes what has arrived, at most size bytes. *ret_fd: the descriptor that came with it, close-on-exec and
 * the caller's to close, -1 none. The number of bytes, -ECONNRESET at the end, -errno. */
int hn_hands_receive_fd(int socket, void *buffer, size_t size, int *ret_fd);
