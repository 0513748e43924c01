#include "hooks/daemon-call.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "hooks/deadline.h"

#define RETRY_NS INT64_C(1000000) /* while the daemon's backlog is full */
#define HEAD_MAX 8000             /* homenoded takes 8 KiB */

/* A blocking connect would wait for a hung daemon's backlog without limit. */
static int connect_to(const char *path, int64_t deadline)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, r = -ETIMEDOUT;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	do {
		if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
			return fd;
		r = -errno;
		if (r != -EAGAIN && r != -EINTR)
			break;
	} while ((r = deadline_pause(RETRY_NS, deadline)) == 0);
	close(fd);
	return r;
}

static void advance(struct msghdr *message, size_t sent)
{
	while (message->msg_iovlen > 0 && sent >= message->msg_iov->iov_len) {
		sent -= message->msg_iov->iov_len;
		message->msg_iov++;
		message->msg_iovlen--;
	}
	if (message->msg_iovlen > 0) {
		message->msg_iov->iov_base = (char *)message->msg_iov->iov_base + sent;
		message->msg_iov->iov_len -= sent;
	}
}

static int send_message(int fd, struct msghdr *message, int64_t deadline)
{
	while (message->msg_iovlen > 0) {
		ssize_t sent = sendmsg(fd, message, MSG_NOSIGNAL);
		int r = sent < 0 ? -errno : 0;

		if (r == 0)
			advance(message, (size_t)sent);
		else if (r == -EAGAIN)
			r = deadline_poll(fd, POLLOUT, deadline);
		if (r < 0 && r != -EINTR)
			return r;
	}
	return 0;
}

static int send_request(int fd, const struct daemon_request *request, int64_t deadline)
{
	char head[HEAD_MAX];
	struct iovec parts[2] = {{.iov_base = head}, {.iov_base = (void *)request->body}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = request->length ? 2 : 1};
	int length =
		snprintf(head, sizeof(head),
			 "POST %s HTTP/1.1\r\nHost: homenoded\r\nConnection: close\r\n"
			 "%s%s%sContent-Length: %zu\r\n\r\n",
			 request->target, request->type ? "Content-Type: " : "",
			 request->type ? request->type : "", request->type ? "\r\n" : "", request->length);

	if (length < 0 || (size_t)length >= sizeof(head))
		return -E2BIG;
	parts[0].iov_len = (size_t)length;
	parts[1].iov_len = request->length;
	return send_message(fd, &message, deadline);
}

static int receive(int fd, int64_t deadline, char *buffer, size_t size, struct http_answer *ret)
{
	size_t length = 0;

	for (;;) {
		int r = deadline_poll(fd, POLLIN, deadline);
		ssize_t got = r < 0 ? 0 : recv(fd, buffer + length, size - length, 0);

		if (r < 0)
			return r;
		if (got == 0)
			return -ECONNRESET;
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (got < 0)
			continue;
		length += (size_t)got;
		r = http_answer_parse(buffer, length, size, ret);
		if (r)
			return r < 0 ? r : 0;
		if (length == size)
			return -EMSGSIZE;
		if (deadline_now() >= deadline)
			return -ETIMEDOUT;
	}
}

int daemon_ask(const struct daemon_request *request, int64_t deadline, char *buffer, size_t size,
	       struct http_answer *ret)
{
	int fd = connect_to(request->socket, deadline), r;

	if (fd < 0)
		return fd;
	r = send_request(fd, request, deadline);
	if (r == 0)
		r = receive(fd, deadline, buffer, size, ret);
	close(fd);
	return r;
}

/* Room for all of it, as far as the kernel allows; only root may have more than net.core.wmem_max. */
static void make_room(int fd, size_t length)
{
	int room = (int)length + HEAD_MAX;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
}

int daemon_tell(const struct daemon_request *request, int64_t deadline)
{
	int fd = connect_to(request->socket, deadline), r;

	if (fd < 0)
		return fd;
	make_room(fd, request->length);
	r = send_request(fd, request, deadline);
	close(fd);
	return r;
}

int daemon_target_add(char *buffer, size_t size, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
	size_t before = strlen(buffer), length = before;

	for (; *text; text++) {
		size_t needed = strchr(plain, *text) ? 1 : 3;

		if (length + needed >= size) {
			buffer[before] = '\0';
			return -E2BIG;
		}
		if (needed == 1)
			buffer[length++] = *text;
		else
			length += (size_t)sprintf(buffer + length, "%%%02X", (unsigned char)*text);
		buffer[length] = '\0';
	}
	return 0;
}
