#include "daemon/hands-channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define PARTS_MAX 3

/* 1 all read, 0 end before the first byte, -ECONNRESET end in the middle, -errno. */
static int read_whole(int fd, void *buffer, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t r = read(fd, (char *)buffer + done, length - done);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			return done == 0 ? 0 : -ECONNRESET;
		done += (size_t)r;
	}
	return 1;
}

int hn_hands_read(int fd, struct hn_hands_header *header, void **ret_body, struct hn_error *err)
{
	void *body;
	int r = read_whole(fd, header, sizeof(*header));

	*ret_body = NULL;
	if (r < 0)
		return hn_fail_errno(err, r, "reading a request");
	if (r == 0)
		return 0;
	if (header->magic != HN_HANDS_MAGIC || header->type >= HN_HANDS_TYPE_COUNT ||
	    header->length > HN_HANDS_BODY_MAX)
		return hn_fail(err, -EPROTO, "a request is malformed (magic %08x, type %u, length %u)",
			       header->magic, header->type, header->length);
	if (header->length == 0)
		return 1;
	body = malloc((size_t)header->length + 1);
	if (!body)
		return hn_oom(err);
	((char *)body)[header->length] = '\0';
	r = read_whole(fd, body, header->length);
	if (r <= 0) {
		free(body);
		return hn_fail_errno(err, r < 0 ? r : -ECONNRESET, "reading the body of a request");
	}
	*ret_body = body;
	return 1;
}

int hn_hands_write(int fd, enum hn_hands_type type, uint64_t id, int result,
		   const struct hn_hands_part *parts, size_t part_count)
{
	struct hn_hands_header header = {.magic = HN_HANDS_MAGIC, .type = type, .id = id, .result = result};
	struct iovec vectors[1 + PARTS_MAX] = {{&header, sizeof(header)}};
	size_t first = 0, count = 1;

	for (size_t i = 0; i < part_count && i < PARTS_MAX; i++) {
		if (parts[i].length == 0)
			continue;
		vectors[count].iov_base = (void *)(uintptr_t)parts[i].data;
		vectors[count++].iov_len = parts[i].length;
		header.length += (uint32_t)parts[i].length;
	}
	while (first < count) {
		struct msghdr message = {.msg_iov = &vectors[first], .msg_iovlen = count - first};
		ssize_t r = sendmsg(fd, &message, MSG_NOSIGNAL);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		while (first < count && (size_t)r >= vectors[first].iov_len)
			r -= (ssize_t)vectors[first++].iov_len;
		if (first < count) {
			vectors[first].iov_base = (char *)vectors[first].iov_base + r;
			vectors[first].iov_len -= (size_t)r;
		}
	}
	return 0;
}

/* Room for one descriptor, aligned as a control message must be. */
union fd_message {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int hn_hands_send_fd(int socket, const void *data, size_t length, int fd)
{
	struct iovec vector = {(void *)(uintptr_t)data, length};
	union fd_message control = {0};
	struct msghdr message = {.msg_iov = &vector,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *item = CMSG_FIRSTHDR(&message);

	item->cmsg_level = SOL_SOCKET;
	item->cmsg_type = SCM_RIGHTS;
	item->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(item), &fd, sizeof(fd));
	return sendmsg(socket, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int hn_hands_receive_fd(int socket, void *buffer, size_t size, int *ret_fd)
{
	struct iovec vector = {buffer, size};
	union fd_message control;
	struct msghdr message = {.msg_iov = &vector,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	ssize_t length = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	const struct cmsghdr *item = length > 0 ? CMSG_FIRSTHDR(&message) : NULL;

	*ret_fd = -1;
	if (item && item->cmsg_level == SOL_SOCKET && item->cmsg_type == SCM_RIGHTS &&
	    item->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_fd, CMSG_DATA(item), sizeof(int));
	if (length < 0)
		return -errno;
	return length == 0 ? -ECONNRESET : (int)length;
}
