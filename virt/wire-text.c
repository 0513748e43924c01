#include "virt/wire-text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

int hn_wire_command_read(json_object *object, struct hn_wire_command *ret, struct hn_error *err)
{
	struct hn_wire_command command = {0};
	int r;

	if (!json_object_is_type(object, json_type_object))
		return hn_fail(err, -EPROTO, "a command is a JSON object");
	command.out_of_band = json_object_object_get_ex(object, "exec-oob", NULL);
	r = hn_json_get_string(object, command.out_of_band ? "exec-oob" : "execute", &command.name, err);
	if (r < 0)
		return r;
	if (hn_json_has(object, "arguments"))
		r = hn_json_get_object(object, "arguments", &command.arguments, err);
	if (r < 0)
		return r;
	json_object_object_get_ex(object, "id", &command.id);
	*ret = command;
	return 0;
}

int hn_wire_command_write(const struct hn_wire_command *command, char **ret, struct hn_error *err)
{
	HN_AUTO(json) json_object *object = json_object_new_object();
	const char *text;

	if (!object ||
	    hn_json_add_string(object, command->out_of_band ? "exec-oob" : "execute", command->name) < 0)
		return hn_oom(err);
	if (command->arguments && hn_json_add(object, "arguments", json_object_get(command->arguments)) < 0)
		return hn_oom(err);
	text = json_object_to_json_string_ext(object,
					      JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	*ret = text ? strdup(text) : NULL;
	return *ret ? 0 : hn_oom(err);
}

/* One character of UTF-8 that is no ASCII; what is no UTF-8 counts as a single U+FFFD. */
static unsigned read_character(const unsigned char *bytes, size_t left, size_t *ret_length)
{
	static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = bytes[0] >= 0xf0 && bytes[0] < 0xf8   ? 4
			: bytes[0] >= 0xe0 && bytes[0] < 0xf0 ? 3
			: bytes[0] >= 0xc0 && bytes[0] < 0xe0 ? 2
							      : 1;
	unsigned character = bytes[0] & (0x7fu >> length);

	*ret_length = 1;
	if (length == 1 || length > left)
		return 0xfffd;
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0xfffd;
		character = character << 6 | (bytes[i] & 0x3f);
	}
	if (character < least[length] || character > 0x10ffff || (character >= 0xd800 && character < 0xe000))
		return 0xfffd;
	*ret_length = length;
	return character;
}

/* The object's text with everything outside ASCII escaped. */
static int write_ascii(json_object *object, char **ret, struct hn_error *err)
{
	size_t length, at = 0, used;
	const char *text = json_object_to_json_string_length(
		object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
	char *out = text ? malloc(length * 6 + 2) : NULL; /* a byte that is wrong becomes six */

	if (!out)
		return hn_oom(err);
	for (size_t i = 0; i < length; i += used) {
		unsigned character = (unsigned char)text[i];

		used = 1;
		if (character < 0x80) {
			out[at++] = text[i];
			continue;
		}
		character = read_character((const unsigned char *)text + i, length - i, &used);
		if (character >= 0x10000) {
			character -= 0x10000;
			at += (size_t)sprintf(out + at, "\\u%04x", 0xd800 + (character >> 10));
			character = 0xdc00 + (character & 0x3ff);
		}
		at += (size_t)sprintf(out + at, "\\u%04x", character);
	}
	memcpy(out + at, "\n", 2);
	*ret = out;
	return 0;
}

/* {member: value, "id": id}; value is taken over. */
static int write_reply(const char *member, json_object *value, json_object *id, char **ret,
		       struct hn_error *err)
{
	HN_AUTO(json) json_object *reply = json_object_new_object();

	if (!reply) {
		json_object_put(value);
		return hn_oom(err);
	}
	if (!value || hn_json_add(reply, member, value) < 0)
		return hn_oom(err);
	if (id && hn_json_add(reply, "id", json_object_get(id)) < 0)
		return hn_oom(err);
	return write_ascii(reply, ret, err);
}

int hn_wire_reply_write(const char *text, json_object *id, char **ret, struct hn_error *err)
{
	HN_AUTO(json) json_object *reply = NULL;
	json_object *value;
	int r = hn_json_parse(text, strlen(text), "libvirt's answer", &reply, err);

	if (r < 0)
		return r;
	if (!json_object_is_type(reply, json_type_object))
		return hn_fail(err, -EPROTO, "libvirt's answer is no JSON object");
	for (int i = 0; i < 2; i++) {
		static const char *const members[] = {"return", "error"};

		if (json_object_object_get_ex(reply, members[i], &value) && value)
			return write_reply(members[i], json_object_get(value), id, ret, err);
	}
	return hn_fail(err, -EPROTO, "libvirt's answer is neither a return nor an error");
}

int hn_wire_return_write(json_object *value, json_object *id, char **ret, struct hn_error *err)
{
	return write_reply("return", value ? value : json_object_new_object(), id, ret, err);
}

int hn_wire_error_write(const char *sentence, json_object *id, char **ret, struct hn_error *err)
{
	HN_AUTO(json) json_object *error = json_object_new_object();
	HN_AUTO(json)
	json_object *desc = json_object_new_string(sentence); /* write_ascii() mends its bytes */

	if (!error || !desc || hn_json_add_string(error, "class", "GenericError") < 0 ||
	    hn_json_add(error, "desc", hn_steal(desc)) < 0)
		return hn_oom(err);
	return write_reply("error", hn_steal(error), id, ret, err);
}

int hn_wire_greeting_write(const char *text, char **ret, struct hn_error *err)
{
	HN_AUTO(json) json_object *reply = NULL;
	HN_AUTO(json) json_object *greeting = json_object_new_object();
	json_object *version, *qemu;
	int r = hn_json_parse(text, strlen(text), "libvirt's answer to query-version", &reply, err);

	if (r < 0)
		return r;
	if (!json_object_is_type(reply, json_type_object) ||
	    !json_object_object_get_ex(reply, "return", &version) ||
	    !json_object_is_type(version, json_type_object) ||
	    !json_object_object_get_ex(version, "qemu", &qemu))
		return hn_fail(err, -EPROTO, "libvirt's answer to query-version has no version");
	if (!greeting || hn_json_add(greeting, "version", json_object_get(version)) < 0 ||
	    hn_json_add(greeting, "capabilities", json_object_new_array()) < 0)
		return hn_oom(err);
	return write_reply("QMP", hn_steal(greeting), NULL, ret, err);
}
