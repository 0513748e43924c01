/*
 * One function a reply. A reply that cannot be what QEMU documents is an error of that reply. Lists are in
 * facts-lists.c.
 */
#include "qmp/facts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/plain.h"
#include "qmp/array.h"

#define NOTES_MAX 64

void hn_facts_done(struct hn_facts *facts)
{
	free(facts->vcpus);
	free(facts->iothreads);
	free(facts->memdevs);
	free(facts->devices);
	free(facts->nodes);
	free(facts->pieces);
	free(facts->blocks);
	for (size_t i = 0; i < facts->note_count; i++)
		free(facts->notes[i]);
	free(facts->notes);
	memset(facts, 0, sizeof(*facts));
}

void hn_facts_note_error(struct hn_facts *facts, const struct hn_error *err)
{
	char *text;
	char **slot;

	if (facts->note_count >= NOTES_MAX)
		return;
	text = strdup(err->message);
	slot = text ? hn_array_add(&facts->notes, &facts->note_count, sizeof(*slot)) : NULL;
	if (slot)
		*slot = text;
	else
		free(text);
}

void hn_facts_note(struct hn_facts *facts, const char *format, ...)
{
	struct hn_error err = {0};
	va_list args;

	va_start(args, format);
	vsnprintf(err.message, sizeof(err.message), format, args);
	va_end(args);
	hn_error_prefix(&err, "guest '%s'", facts->guest);
	hn_facts_note_error(facts, &err);
}

static const struct {
	const char *status;
	enum hn_run_state state;
} run_states[] = {
	{"running", HN_RUN_RUNNING},       {"inmigrate", HN_RUN_INCOMING},
	{"shutdown", HN_RUN_SHUTDOWN},     {"colo", HN_RUN_PAUSED},
	{"debug", HN_RUN_PAUSED},          {"finish-migrate", HN_RUN_PAUSED},
	{"guest-panicked", HN_RUN_PAUSED}, {"internal-error", HN_RUN_PAUSED},
	{"io-error", HN_RUN_PAUSED},       {"paused", HN_RUN_PAUSED},
	{"postmigrate", HN_RUN_PAUSED},    {"preconfig", HN_RUN_PAUSED},
	{"prelaunch", HN_RUN_PAUSED},      {"restore-vm", HN_RUN_PAUSED},
	{"save-vm", HN_RUN_PAUSED},        {"suspended", HN_RUN_PAUSED},
	{"watchdog", HN_RUN_PAUSED},
};

int hn_facts_take_status(struct hn_facts *facts, json_object *result, struct hn_error *err)
{
	const char *status;
	int r = hn_json_get_string(result, "status", &status, err);

	if (r < 0)
		return r;
	facts->state = HN_RUN_UNKNOWN;
	for (size_t i = 0; i < HN_COUNT(run_states); i++)
		if (strcmp(run_states[i].status, status) == 0)
			facts->state = run_states[i].state;
	if (facts->state == HN_RUN_UNKNOWN)
		hn_facts_note(facts, "run state '%s' is not known", status);
	return 0;
}

void hn_facts_copy_name(char *to, size_t size, const char *from)
{
	size_t length = strlen(from);

	if (length >= size) /* not in the middle of a character: a continuation of UTF-8 is 10xxxxxx */
		for (length = size - 1; length > 0 && ((unsigned char)from[length] & 0xc0) == 0x80; length--)
			;
	memcpy(to, from, length);
	to[length] = '\0';
	hn_make_plain(to);
}

int hn_facts_take_name(struct hn_facts *facts, json_object *result, struct hn_error *err)
{
	const char *name;
	int r;

	if (!hn_json_has(result, "name"))
		return 0;
	r = hn_json_get_string(result, "name", &name, err);
	if (r == 0)
		hn_facts_copy_name(facts->name, sizeof(facts->name), name);
	return r;
}

int hn_facts_take_uuid(struct hn_facts *facts, json_object *result, struct hn_error *err)
{
	const char *uuid;
	int r = hn_json_get_string(result, "UUID", &uuid, err);

	if (r < 0)
		return r;
	/* QEMU without -uuid says nil, which names nobody. */
	if (strspn(uuid, "0-") != strlen(uuid))
		hn_facts_copy_name(facts->uuid, sizeof(facts->uuid), uuid);
	return 0;
}

int hn_facts_take_sev(struct hn_facts *facts, json_object *result, struct hn_error *err)
{
	bool enabled;
	int r = hn_json_get_bool(result, "enabled", &enabled, err);

	if (r == 0 && enabled)
		facts->encrypted = true;
	return r;
}

/* The machine's property of that name: the path of an object, whatever the technique is called, or "". */
int hn_facts_take_confidential(struct hn_facts *facts, json_object *result, struct hn_error *err)
{
	if (json_object_is_type(result, json_type_string) && json_object_get_string_len(result) > 0)
		facts->encrypted = true;
	return 0;
}

static int get_text(json_object *result, const char **ret, struct hn_error *err)
{
	if (!json_object_is_type(result, json_type_string))
		return hn_fail(err, -EPROTO, "the answer is no text");
	*ret = json_object_get_string(result);
	return 0;
}

int hn_facts_take_numa(struct hn_facts *facts, json_object *result, struct hn_error *err)
{
	const char *text = NULL;
	int r = get_text(result, &text, err);

	if (r == 0)
		r = hn_mtree_parse_numa(text, &facts->nodes, &facts->node_count, err);
	facts->numa_known = r == 0;
	return r;
}

int hn_facts_take_ramblocks(struct hn_facts *facts, json_object *result, struct hn_error *err)
{
	const char *text = NULL;
	int r = get_text(result, &text, err);

	return r < 0 ? r : hn_mtree_parse_ramblocks(text, &facts->blocks, &facts->block_count, err);
}

int hn_facts_take_mtree(struct hn_facts *facts, json_object *result, struct hn_error *err)
{
	const char *text = NULL;
	int r = get_text(result, &text, err);

	return r < 0 ? r : hn_mtree_parse(text, &facts->pieces, &facts->piece_count, err);
}
