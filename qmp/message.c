/*
 * A message is told by its one telling member: "QMP", "return", "error" or "event". An object with none of
 * them, or with two, is not QMP, and whoever sent it cannot be relied on for the next one.
 */
#include "qmp/message.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"

#define VERSION_PART_MAX 99 /* of minor and micro, so that the sum stays readable */

static int read_greeting(json_object *object, struct hn_message *message, struct hn_error *err)
{
	json_object *greeting, *version, *qemu;
	int major, minor, micro;
	int r = hn_json_get_object(object, "QMP", &greeting, err);

	if (r < 0)
		return r;
	/* Something that is no QEMU may speak QMP without saying which version it is. */
	if (hn_json_get_object(greeting, "version", &version, NULL) < 0 ||
	    hn_json_get_object(version, "qemu", &qemu, NULL) < 0 ||
	    hn_json_get_int(qemu, "major", &major, NULL) < 0 ||
	    hn_json_get_int(qemu, "minor", &minor, NULL) < 0 ||
	    hn_json_get_int(qemu, "micro", &micro, NULL) < 0)
		return 0;
	if (major >= 0 && major <= 10000 && minor >= 0 && minor <= VERSION_PART_MAX && micro >= 0)
		message->version =
			major * 10000 + minor * 100 + (micro <= VERSION_PART_MAX ? micro : VERSION_PART_MAX);
	return 0;
}

static int read_return(json_object *object, struct hn_message *message, struct hn_error *err)
{
	if (!json_object_object_get_ex(object, "return", &message->body) || !message->body)
		return hn_fail(err, -EPROTO, "a reply returns null");
	return 0;
}

static int read_error(json_object *object, struct hn_message *message, struct hn_error *err)
{
	json_object *error;
	int r = hn_json_get_object(object, "error", &error, err);

	if (r == 0)
		r = hn_json_get_string(error, "class", &message->name, err);
	if (r == 0)
		r = hn_json_get_string(error, "desc", &message->text, err);
	return r;
}

static int read_event(json_object *object, struct hn_message *message, struct hn_error *err)
{
	int r = hn_json_get_string(object, "event", &message->name, err);

	if (r == 0 && hn_json_has(object, "data"))
		r = hn_json_get_object(object, "data", &message->body, err);
	return r;
}

static const struct {
	const char *member;
	int (*read)(json_object *object, struct hn_message *message, struct hn_error *err);
} kinds[] = {
	[HN_MESSAGE_GREETING] = {"QMP", read_greeting},
	[HN_MESSAGE_RETURN] = {"return", read_return},
	[HN_MESSAGE_ERROR] = {"error", read_error},
	[HN_MESSAGE_EVENT] = {"event", read_event},
};

static int read_id(json_object *object, struct hn_message *message, struct hn_error *err)
{
	if (!hn_json_has(object, "id"))
		return 0;
	message->has_id = true;
	return hn_json_get_u64(object, "id", &message->id, err);
}

int hn_message_read(json_object *object, struct hn_message *ret, struct hn_error *err)
{
	struct hn_message message = {0};
	int found = -1;
	int r;

	for (size_t i = 0; i < HN_COUNT(kinds); i++) {
		if (!json_object_object_get_ex(object, kinds[i].member, NULL))
			continue;
		if (found >= 0)
			return hn_fail(err, -EPROTO, "a message is both '%s' and '%s'", kinds[found].member,
				       kinds[i].member);
		found = (int)i;
	}
	if (found < 0)
		return hn_fail(err, -EPROTO, "a message is neither greeting, reply nor event");
	message.kind = (enum hn_message_kind)found;
	r = kinds[found].read(object, &message, err);
	if (r == 0 && (message.kind == HN_MESSAGE_RETURN || message.kind == HN_MESSAGE_ERROR))
		r = read_id(object, &message, err);
	if (r == 0)
		*ret = message;
	return r;
}

int hn_message_command(const char *command, json_object *arguments, uint64_t id, char **ret,
		       struct hn_error *err)
{
	HN_AUTO(json) json_object *owned = arguments;
	HN_AUTO(json) json_object *object = json_object_new_object();
	const char *text;
	size_t length;

	if (!object || hn_json_add_string(object, "execute", command) < 0)
		return hn_oom(err);
	if (owned && hn_json_add(object, "arguments", hn_steal(owned)) < 0)
		return hn_oom(err);
	if (id && hn_json_add_u64(object, "id", id) < 0)
		return hn_oom(err);
	text = json_object_to_json_string_length(
		object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
	if (!text || !(*ret = malloc(length + 2)))
		return hn_oom(err);
	memcpy(*ret, text, length);
	memcpy(*ret + length, "\n", 2);
	return 0;
}
