#pragma once
/*
 * channel - one connected socket on the event loop: whole messages in, text out. Knows nothing of commands.
 */
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct event_base;
struct hn_channel;

/* Both run on the event loop's thread; both may free the channel. */
struct hn_channel_owner {
	/* A whole message, borrowed. A negative return with *err ends the stream: on_channel_end follows. */
	int (*on_channel_message)(json_object *message, void *context, struct hn_error *err);
	/* Nothing more will come: hang-up, a broken stream, an error. Once; the owner then frees the channel.
	 */
	void (*on_channel_end)(const struct hn_error *why, void *context);
	void *context;
};

/* Takes fd over in any case. sentinels: see hn_framing_new(). -ENOMEM or another errno of the event loop. */
int hn_channel_new(struct event_base *base, int fd, size_t message_bytes, bool sentinels,
		   const struct hn_channel_owner *owner, struct hn_channel **ret, struct hn_error *err);
void hn_channel_free(struct hn_channel *channel); /* NULL is fine */

/* Queues text; nothing is written before the loop runs. -ENOBUFS when message_bytes already wait. */
int hn_channel_send(struct hn_channel *channel, const void *text, size_t length, struct hn_error *err);

/* Drops what comes in up to the next 0xFF. */
void hn_channel_await_sentinel(struct hn_channel *channel);
