/*
 * Commands wait in one list until they may be sent and in another until they are answered. A monitor answers
 * with the id it was given, so many commands can be under way. The agent is asked one thing at a time and
 * without ids: those of QEMU before 3.0 do not return them.
 *
 * A command that was not answered in time is answered here. On a monitor its id stays known as abandoned, so
 * that the late reply is taken off the line without harm. After an agent's time-out nobody can tell whose
 * reply comes next, so it is brought in step again before the next command is sent, as its protocol demands.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/plain.h"
#include "qmp/client-private.h"

#define EXPIRED_IN_A_ROW_MAX 3

static void command_free(struct hn_command *command)
{
	free(command->text);
	free(command);
}
HN_CLEANUP_DEFINE(command, struct hn_command *, command_free);

static void unlink_command(struct hn_qmp *qmp, struct hn_command_list *list, struct hn_command *command)
{
	TAILQ_REMOVE(list, command, link);
	qmp->command_count--;
	if (command->abandoned)
		qmp->abandoned_count--;
}

static void reply_with_error(struct hn_qmp *qmp, struct hn_command *command, struct hn_error *err)
{
	if (command->abandoned)
		return;
	hn_make_plain(err->message); /* the peer writes what it likes into its errors */
	command->reply(qmp, NULL, err, command->context);
}

static bool may_send(const struct hn_qmp *qmp)
{
	return qmp->state == CLIENT_READY && (qmp->flavour == HN_QMP_MONITOR || TAILQ_EMPTY(&qmp->sent));
}

/* The earliest deadline of the commands sent, 0 for none. */
static uint64_t next_deadline(const struct hn_qmp *qmp)
{
	const struct hn_command *command;
	uint64_t earliest = 0;

	TAILQ_FOREACH(command, &qmp->sent, link)
	{
		if (!command->abandoned && (earliest == 0 || command->deadline_ns < earliest))
			earliest = command->deadline_ns;
	}
	return earliest;
}

static void arm_deadline(struct hn_qmp *qmp)
{
	uint64_t deadline = next_deadline(qmp);
	uint64_t now = hn_client_now_ns();
	struct timeval delay = hn_client_timeval(deadline > now ? deadline - now : 0);

	if (deadline)
		event_add(qmp->deadline, &delay);
	else
		event_del(qmp->deadline);
}

/* The command is on its way afterwards even if that failed: its time-out will tell. */
static int send_command(struct hn_qmp *qmp, struct hn_command *command, struct hn_error *err)
{
	int r = hn_channel_send(qmp->channel, command->text, strlen(command->text), err);

	free(hn_steal(command->text));
	command->deadline_ns = hn_client_now_ns() + command->timeout_ns;
	TAILQ_INSERT_TAIL(&qmp->sent, command, link);
	return r;
}

void hn_client_pump(struct hn_qmp *qmp)
{
	struct hn_command *command;

	while (may_send(qmp) && (command = TAILQ_FIRST(&qmp->waiting))) {
		TAILQ_REMOVE(&qmp->waiting, command, link);
		send_command(qmp, command, NULL);
	}
	arm_deadline(qmp);
}

/* A monitor's reply is found by its id; the agent has one command under way and no ids. */
static struct hn_command *find_sent(struct hn_qmp *qmp, const struct hn_message *message)
{
	struct hn_command *command;

	if (qmp->flavour == HN_QMP_AGENT) /* is given no ids: one that comes back is another's */
		return message->has_id ? NULL : TAILQ_FIRST(&qmp->sent);
	TAILQ_FOREACH(command, &qmp->sent, link)
	{
		if (message->has_id && command->id == message->id)
			return command;
	}
	return NULL;
}

static void pass_on(struct hn_qmp *qmp, struct hn_command *command, const struct hn_message *message)
{
	struct hn_error err;

	if (command->abandoned)
		return;
	if (message->kind == HN_MESSAGE_RETURN) {
		command->reply(qmp, message->body, NULL, command->context);
		return;
	}
	hn_fail(&err, -EREMOTEIO, "%s: %s: %s: %s", qmp->name, command->name, message->name, message->text);
	reply_with_error(qmp, command, &err);
}

int hn_client_answer(struct hn_qmp *qmp, const struct hn_message *message, struct hn_error *err)
{
	HN_AUTO(command) struct hn_command *command = find_sent(qmp, message);

	if (!command && message->kind == HN_MESSAGE_ERROR)
		return hn_fail(err, -EPROTO, "an error to no command: %s", message->text);
	if (!command && message->has_id)
		return hn_fail(err, -EPROTO, "a reply with the unknown id %" PRIu64, message->id);
	if (!command)
		return hn_fail(err, -EPROTO, "a reply without an id that is known");
	unlink_command(qmp, &qmp->sent, command);
	qmp->expired_in_a_row = 0;
	pass_on(qmp, command, message);
	if (!qmp->freed)
		hn_client_pump(qmp);
	return 0;
}

void hn_client_answer_all(struct hn_qmp *qmp, const struct hn_error *err)
{
	for (;;) {
		HN_AUTO(command) struct hn_command *command = NULL;
		struct hn_command_list *list = TAILQ_EMPTY(&qmp->sent) ? &qmp->waiting : &qmp->sent;
		struct hn_error copy = *err;

		command = TAILQ_FIRST(list);
		if (!command)
			break;
		unlink_command(qmp, list, command);
		reply_with_error(qmp, command, &copy);
	}
	qmp->expired_in_a_row = 0;
	arm_deadline(qmp);
}

static struct hn_command *first_expired(struct hn_qmp *qmp, uint64_t now)
{
	struct hn_command *command;

	TAILQ_FOREACH(command, &qmp->sent, link)
	{
		if (!command->abandoned && command->deadline_ns <= now)
			return command;
	}
	return NULL;
}

static void expire(struct hn_qmp *qmp, struct hn_command *command)
{
	char text[HN_UNITS_TEXT_MAX];
	struct hn_error err;

	hn_fail(&err, -ETIMEDOUT, "%s: %s was not answered within %s", qmp->name, command->name,
		hn_duration_format(command->timeout_ns, text, sizeof(text)));
	qmp->expired_in_a_row++;
	if (qmp->flavour == HN_QMP_AGENT) {
		HN_AUTO(command) struct hn_command *gone = command;

		unlink_command(qmp, &qmp->sent, gone);
		reply_with_error(qmp, gone, &err);
		return;
	}
	hn_make_plain(err.message);
	command->abandoned = true;
	qmp->abandoned_count++;
	/* Not touched afterwards: when the reply frees the client, the command goes with it. */
	command->reply(qmp, NULL, &err, command->context);
}

/* After time-outs: whether the connection is still good for something. */
static int take_stock(struct hn_qmp *qmp, struct hn_error *err)
{
	if (qmp->expired_in_a_row >= EXPIRED_IN_A_ROW_MAX)
		return hn_fail(err, -ETIMEDOUT, "%u commands in a row were not answered",
			       qmp->expired_in_a_row);
	if (qmp->abandoned_count > qmp->limits.pending_commands / 2)
		return hn_fail(err, -ETIMEDOUT, "%zu commands were never answered", qmp->abandoned_count);
	return 0;
}

void hn_client_on_deadline(evutil_socket_t fd, short what, void *context)
{
	struct hn_qmp *qmp = context;
	uint64_t now = hn_client_now_ns();
	struct hn_command *command;
	struct hn_error err = {0};
	int r = 0;

	hn_client_enter(qmp);
	while (!qmp->freed && (command = first_expired(qmp, now))) {
		/* First, so that a command given by the reply waits for it. */
		if (qmp->flavour == HN_QMP_AGENT)
			r = hn_client_sync(qmp, CLIENT_RESYNC, &err);
		expire(qmp, command);
	}
	if (!qmp->freed && r == 0)
		r = take_stock(qmp, &err);
	if (!qmp->freed && r < 0)
		hn_client_lost(qmp, &err);
	if (!qmp->freed)
		hn_client_pump(qmp);
	hn_client_leave(qmp);
}

static int command_new(struct hn_qmp *qmp, const char *name, json_object *arguments, struct hn_command **ret,
		       struct hn_error *err)
{
	HN_AUTO(json) json_object *owned = arguments;
	HN_AUTO(command) struct hn_command *command = calloc(1, sizeof(*command));
	int r;

	if (!command)
		return hn_oom(err);
	command->id = ++qmp->last_id;
	snprintf(command->name, sizeof(command->name), "%s", name);
	r = hn_message_command(name, hn_steal(owned), qmp->flavour == HN_QMP_MONITOR ? command->id : 0,
			       &command->text, err);
	if (r < 0)
		return r;
	if (strlen(command->text) > qmp->limits.message_bytes)
		return hn_fail(err, -ENOBUFS, "%s: %s is longer than %zu bytes", qmp->name, name,
			       qmp->limits.message_bytes);
	*ret = hn_steal(command);
	return 0;
}

int hn_qmp_execute(struct hn_qmp *qmp, const char *name, json_object *arguments, uint64_t timeout_ns,
		   hn_qmp_reply reply, void *context, struct hn_error *err)
{
	HN_AUTO(json) json_object *owned = arguments;
	struct hn_command *command = NULL;
	int r;

	if (!hn_qmp_ready(qmp))
		return hn_fail(err, -ENOTCONN, "%s: not connected", qmp->name);
	if (qmp->command_count >= qmp->limits.pending_commands)
		return hn_fail(err, -ENOBUFS, "%s: %zu commands are under way already", qmp->name,
			       qmp->command_count);
	r = command_new(qmp, name, hn_steal(owned), &command, err);
	if (r < 0)
		return r;
	command->timeout_ns = timeout_ns ? timeout_ns : qmp->limits.command_timeout_ns;
	command->reply = reply;
	command->context = context;
	qmp->command_count++;
	if (!may_send(qmp)) {
		TAILQ_INSERT_TAIL(&qmp->waiting, command, link);
		return 0;
	}
	r = send_command(qmp, command, err);
	if (r < 0) {
		unlink_command(qmp, &qmp->sent, command);
		command_free(command);
		hn_error_prefix(err, "%s", qmp->name);
		return r;
	}
	arm_deadline(qmp);
	return 0;
}
