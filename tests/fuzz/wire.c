/* Commands of QMP's clients and libvirt's replies to them: what is put together is a line of JSON. */
#include "fuzz.h"
#include "virt/wire-text.h"

static void require_line(const char *text, bool is_reply)
{
	HN_AUTO(json) json_object *json = NULL;
	struct hn_error err = {0};
	size_t length = strlen(text);

	fuzz_require(length > 0);
	for (size_t i = 0; i < length && is_reply; i++) /* as QEMU's are */
		fuzz_require((unsigned char)text[i] < 128);
	if (hn_json_parse(text, length, "line", &json, &err) < 0)
		fuzz_fail(err.message, __FILE__, __LINE__);
	fuzz_require(json_object_is_type(json, json_type_object));
}

static void check_command(json_object *json, const char *text)
{
	HN_AUTO(memory) char *command_text = NULL, *reply = NULL, *error = NULL;
	struct hn_wire_command command = {0};
	struct hn_error err = {0};
	int r = hn_wire_command_read(json, &command, &err);

	if (r < 0) {
		fuzz_require_refusal(r, &err);
		return;
	}
	fuzz_require(hn_wire_command_write(&command, &command_text, &err) == 0);
	require_line(command_text, false);
	fuzz_require(hn_wire_error_write(command.name, command.id, &error, &err) == 0);
	require_line(error, true);
	if (hn_wire_reply_write(text, command.id, &reply, &err) == 0)
		require_line(reply, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HN_AUTO(memory) char *text = fuzz_text(data, size), *reply = NULL, *greeting = NULL;
	HN_AUTO(json) json_object *json = fuzz_json(data, size);
	struct hn_error err = {0};
	int r;

	if (json)
		check_command(json, text);
	r = hn_wire_reply_write(text, NULL, &reply, &err);
	if (r < 0)
		fuzz_require_refusal(r, &err);
	else
		require_line(reply, true);
	if (hn_wire_greeting_write(text, &greeting, &err) == 0)
		require_line(greeting, true);
	return 0;
}
