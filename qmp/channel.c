/*
 * The socket is read in small pieces, a bounded number of them a turn, so that a peer that writes without end
 * takes a share of the loop and not all of it. What is to be written waits in a buffer of bounded size: a
 * peer that never reads costs that much memory.
 *
 * The owner may free the channel out of a callback. While one runs the channel is busy; freeing it then
 * closes the socket at once and leaves the memory to the end of the callback.
 */
#include "qmp/channel.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "qmp/framing.h"

#define READ_BYTES 8192
#define READS_A_TURN 32

struct hn_channel {
	int fd;
	struct event_base *base;
	struct event *readable;
	struct event *writable; /* and out: NULL while nothing waits to be written */
	struct evbuffer *out;
	struct hn_framing *framing;
	size_t out_bytes_max;
	struct hn_channel_owner owner;
	bool busy, freed;
};

static void stop_writing(struct hn_channel *channel)
{
	if (channel->writable)
		event_free(hn_steal(channel->writable));
	if (channel->out)
		evbuffer_free(hn_steal(channel->out));
}

static void destroy(struct hn_channel *channel)
{
	if (channel->readable)
		event_free(channel->readable);
	stop_writing(channel);
	hn_framing_free(channel->framing);
	if (channel->fd >= 0)
		close(channel->fd);
	free(channel);
}

void hn_channel_free(struct hn_channel *channel)
{
	if (!channel || channel->freed)
		return;
	if (!channel->busy) {
		destroy(channel);
		return;
	}
	channel->freed = true;
	event_del(channel->readable);
	stop_writing(channel);
	close(channel->fd);
	channel->fd = -1;
}

static void end(struct hn_channel *channel, const struct hn_error *why)
{
	event_del(channel->readable);
	stop_writing(channel);
	channel->owner.on_channel_end(why, channel->owner.context);
}

/* Cuts bytes into messages and hands them on, until the owner has enough. */
static int deliver(struct hn_channel *channel, const char *bytes, size_t length, struct hn_error *err)
{
	size_t at = 0;
	int r = 0;

	while (at < length && !channel->freed && r >= 0) {
		HN_AUTO(json) json_object *message = NULL;
		size_t used;

		r = hn_framing_feed(channel->framing, bytes + at, length - at, &used, &message, err);
		at += used;
		if (r == 1)
			r = channel->owner.on_channel_message(message, channel->owner.context, err);
	}
	return r;
}

/* 1: there may be more; 0: nothing for now. */
static int read_once(struct hn_channel *channel, struct hn_error *err)
{
	char bytes[READ_BYTES];
	ssize_t length = recv(channel->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	int r;

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (length < 0)
		return hn_fail_errno(err, -errno, "cannot read from it");
	if (length == 0)
		return hn_fail(err, -ECONNRESET, "it hung up");
	r = deliver(channel, bytes, (size_t)length, err);
	return r < 0 ? r : 1;
}

static void on_socket_readable(evutil_socket_t fd, short what, void *context)
{
	struct hn_channel *channel = context;
	struct hn_error err = {0};
	int r = 1;

	channel->busy = true;
	for (int i = 0; i < READS_A_TURN && r > 0 && !channel->freed; i++)
		r = read_once(channel, &err);
	if (r < 0 && !channel->freed)
		end(channel, &err);
	channel->busy = false;
	if (channel->freed)
		destroy(channel);
}

static int write_some(struct hn_channel *channel, struct hn_error *err)
{
	while (evbuffer_get_length(channel->out) > 0) {
		struct evbuffer_iovec piece;
		ssize_t length;

		if (evbuffer_peek(channel->out, -1, NULL, &piece, 1) < 1)
			return 0;
		length = send(channel->fd, piece.iov_base, piece.iov_len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (length < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (length < 0)
			return hn_fail_errno(err, -errno, "cannot write to it");
		evbuffer_drain(channel->out, (size_t)length);
	}
	stop_writing(channel);
	return 0;
}

static void on_socket_writable(evutil_socket_t fd, short what, void *context)
{
	struct hn_channel *channel = context;
	struct hn_error err = {0};

	channel->busy = true;
	if (write_some(channel, &err) < 0)
		end(channel, &err);
	channel->busy = false;
	if (channel->freed)
		destroy(channel);
}

int hn_channel_new(struct event_base *base, int fd, size_t message_bytes, bool sentinels,
		   const struct hn_channel_owner *owner, struct hn_channel **ret, struct hn_error *err)
{
	struct hn_channel *channel = calloc(1, sizeof(*channel));

	if (!channel) {
		close(fd);
		return hn_oom(err);
	}
	channel->base = base;
	channel->fd = fd;
	channel->owner = *owner;
	channel->out_bytes_max = message_bytes;
	channel->framing = hn_framing_new(message_bytes, sentinels);
	channel->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_socket_readable, channel);
	if (!channel->framing || !channel->readable || event_add(channel->readable, NULL) < 0) {
		destroy(channel);
		return hn_oom(err);
	}
	*ret = channel;
	return 0;
}

static int start_writing(struct hn_channel *channel)
{
	channel->out = evbuffer_new();
	channel->writable =
		event_new(channel->base, channel->fd, EV_WRITE | EV_PERSIST, on_socket_writable, channel);
	if (channel->out && channel->writable && event_add(channel->writable, NULL) == 0)
		return 0;
	stop_writing(channel);
	return -ENOMEM;
}

int hn_channel_send(struct hn_channel *channel, const void *text, size_t length, struct hn_error *err)
{
	size_t waiting = channel->out ? evbuffer_get_length(channel->out) : 0;

	if (length > channel->out_bytes_max || waiting > channel->out_bytes_max - length)
		return hn_fail(err, -ENOBUFS, "%zu bytes wait to be written already", waiting);
	if ((!channel->out && start_writing(channel) < 0) || evbuffer_add(channel->out, text, length) < 0)
		return hn_oom(err);
	return 0;
}

void hn_channel_await_sentinel(struct hn_channel *channel)
{
	hn_framing_await_sentinel(channel->framing);
}
