#pragma once
/*
 * framing - cuts a stream of bytes into whole JSON messages, however the bytes arrive. Bounded in size and
 * depth.
 */
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"

struct hn_framing;

/*
 * message_bytes bounds one message, and its values in memory: to some 30 times as much. With sentinels the
 * byte 0xFF drops whatever came before it, as the guest agent's protocol has it; without, it is an error.
 * NULL when out of memory.
 */
struct hn_framing *hn_framing_new(size_t message_bytes, bool sentinels);
void hn_framing_free(struct hn_framing *framing); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_framing, struct hn_framing *, hn_framing_free);

/* Skips everything up to and with the next 0xFF, however much that is. */
void hn_framing_await_sentinel(struct hn_framing *framing);

/*
 * Takes bytes up to the end of the first message. *ret_used says how many were taken. 1: *ret is a message, a
 * JSON object that the caller owns; 0: all bytes were taken and no message is complete; -EPROTO: not QMP;
 * -EMSGSIZE: larger than message_bytes, or of more values than QEMU and its agent put into that many.
 * After an error the stream cannot be used any more.
 */
int hn_framing_feed(struct hn_framing *framing, const char *bytes, size_t length, size_t *ret_used,
		    json_object **ret, struct hn_error *err);
