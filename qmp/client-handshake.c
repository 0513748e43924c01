/*
 * What the state makes of a message: on the way to READY the greeting, the answer to qmp_capabilities, or an
 * agent's number coming back; afterwards replies and events.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "qmp/client-private.h"

#define SYNC_ID_BITS 52 /* exact in a double too, whatever parses it inside the guest */

static void become_ready(struct hn_qmp *qmp)
{
	bool again = qmp->state == CLIENT_RESYNC;

	event_del(qmp->timer);
	qmp->state = CLIENT_READY;
	if (!again) {
		qmp->ready_since_ns = hn_client_now_ns();
		if (qmp->listener.ready)
			qmp->listener.ready(qmp, qmp->listener.context);
	}
	if (!qmp->freed)
		hn_client_pump(qmp);
}

static int send_capabilities(struct hn_qmp *qmp, struct hn_error *err)
{
	HN_AUTO(memory) char *text = NULL;
	int r;

	qmp->last_id++;
	r = hn_message_command("qmp_capabilities", NULL, qmp->last_id, &text, err);
	if (r < 0)
		return r;
	qmp->state = CLIENT_CAPABILITIES;
	return hn_channel_send(qmp->channel, text, strlen(text), err);
}

int hn_client_sync(struct hn_qmp *qmp, enum client_state state, struct hn_error *err)
{
	char text[128];
	int length;

	qmp->sync_id = hn_random_next(&qmp->chance) >> (64 - SYNC_ID_BITS);
	qmp->state = state;
	hn_channel_await_sentinel(qmp->channel);
	if (state == CLIENT_RESYNC)
		hn_client_set_timer(qmp, qmp->limits.connect_timeout_ns);
	/* The byte in front makes the agent drop half a command that someone before us may have left. */
	length = snprintf(text, sizeof(text),
			  "\xff{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":%" PRIu64 "}}\n",
			  qmp->sync_id);
	return hn_channel_send(qmp->channel, text, (size_t)length, err);
}

static int greet(struct hn_qmp *qmp, const struct hn_message *message, struct hn_error *err)
{
	if (message->kind != HN_MESSAGE_GREETING)
		return hn_fail(err, -EPROTO, "the first message is no greeting");
	qmp->version = message->version;
	return send_capabilities(qmp, err);
}

static int negotiate(struct hn_qmp *qmp, const struct hn_message *message, struct hn_error *err)
{
	if (message->kind == HN_MESSAGE_EVENT)
		return 0; /* nobody listens yet */
	if (message->kind == HN_MESSAGE_ERROR)
		return hn_fail(err, -EPROTO, "qmp_capabilities: %s: %s", message->name, message->text);
	if (message->kind != HN_MESSAGE_RETURN || !message->has_id || message->id != qmp->last_id)
		return hn_fail(err, -EPROTO, "no answer to qmp_capabilities but something else");
	become_ready(qmp);
	return 0;
}

/* What answers a question of some earlier client is passed over, up to the next sentinel. */
static int synchronize(struct hn_qmp *qmp, const struct hn_message *message, struct hn_error *err)
{
	if (message->kind == HN_MESSAGE_RETURN && json_object_is_type(message->body, json_type_int) &&
	    json_object_get_uint64(message->body) == qmp->sync_id)
		become_ready(qmp);
	else
		hn_channel_await_sentinel(qmp->channel);
	return 0;
}

static int serve(struct hn_qmp *qmp, const struct hn_message *message, struct hn_error *err)
{
	switch (message->kind) {
	case HN_MESSAGE_EVENT:
		if (qmp->listener.event)
			qmp->listener.event(qmp, message->name, message->body, qmp->listener.context);
		return 0;
	case HN_MESSAGE_RETURN:
	case HN_MESSAGE_ERROR:
		return hn_client_answer(qmp, message, err);
	default:
		return hn_fail(err, -EPROTO, "a second greeting");
	}
}

int hn_client_take(struct hn_qmp *qmp, const struct hn_message *message, struct hn_error *err)
{
	static int (*const take[])(struct hn_qmp *, const struct hn_message *, struct hn_error *) = {
		[CLIENT_GREETING] = greet,   [CLIENT_CAPABILITIES] = negotiate,
		[CLIENT_SYNC] = synchronize, [CLIENT_RESYNC] = synchronize,
		[CLIENT_READY] = serve,
	};

	return take[qmp->state](qmp, message, err);
}
