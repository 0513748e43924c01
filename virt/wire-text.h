#pragma once
/*
 * wire-text - what goes over a wire, as text: commands taken apart, replies put together. No I/O.
 *
 * Replies are pure ASCII, as QEMU's are, with \u escapes for the rest, and end in a line feed.
 */
#include <json-c/json.h>
#include <stdbool.h>

#include "base/error.h"

/* A command as the client sent it. Borrowed from the object; id NULL: none. */
struct hn_wire_command {
	const char *name;
	json_object *arguments; /* NULL: none */
	json_object *id;
	bool out_of_band;
};

/* -EPROTO for what is no command. */
int hn_wire_command_read(json_object *object, struct hn_wire_command *ret, struct hn_error *err);

/* The command for libvirt, which numbers commands itself: without its id. *ret is to be freed. -ENOMEM. */
int hn_wire_command_write(const struct hn_wire_command *command, char **ret, struct hn_error *err);

/*
 * All of these: id is borrowed and may be NULL; *ret is to be freed; -ENOMEM.
 *
 * The reply that libvirt got, a QMP return or error, with the client's id instead of libvirt's. -EPROTO when
 * it is neither.
 */
int hn_wire_reply_write(const char *text, json_object *id, char **ret, struct hn_error *err);
/* {"return": value}; value is taken over, NULL: {}. */
int hn_wire_return_write(json_object *value, json_object *id, char **ret, struct hn_error *err);
/* An error of class GenericError. */
int hn_wire_error_write(const char *sentence, json_object *id, char **ret, struct hn_error *err);
/* The greeting, from the reply to query-version. -EPROTO when that is none. */
int hn_wire_greeting_write(const char *text, char **ret, struct hn_error *err);
