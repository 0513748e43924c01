#pragma once
/*
 * message - what one JSON object of the QMP stream says, checked; and how a command is written.
 */
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum hn_message_kind {
	HN_MESSAGE_GREETING,
	HN_MESSAGE_RETURN,
	HN_MESSAGE_ERROR,
	HN_MESSAGE_EVENT,
};

/* Everything is borrowed from the object it was read from. */
struct hn_message {
	enum hn_message_kind kind;
	bool has_id;
	uint64_t id;       /* of a return or an error */
	json_object *body; /* the value returned, or an event's data (NULL without) */
	const char *name;  /* an event's name, an error's class */
	const char *text;  /* an error's description */
	int version;       /* of a greeting: major * 10000 + minor * 100 + micro, 0 unknown */
};

/* -EPROTO when the object is none of the four. */
int hn_message_read(json_object *object, struct hn_message *ret, struct hn_error *err);

/*
 * The text of a command with its line end; arguments may be NULL and are taken over in any case; id 0:
 * without id. *ret is to be freed. -ENOMEM.
 */
int hn_message_command(const char *command, json_object *arguments, uint64_t id, char **ret,
		       struct hn_error *err);
