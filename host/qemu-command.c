#include "host/qemu-command.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define CHARDEVS_MAX 16 /* that serve as monitors, and are looked at: a QEMU has one or two */

const char *hn_command_next(const struct hn_command *command, const char *at)
{
	const char *next = at ? at + strlen(at) + 1 : command->text;

	return next < command->text + command->length ? next : NULL;
}

/* Copies a value up to its single comma; returns where it ends. */
static const char *value_copy(const char *from, char *ret, size_t size)
{
	size_t used = 0;

	while (*from && (*from != ',' || from[1] == ',')) {
		if (used + 1 < size)
			ret[used++] = *from;
		from += *from == ',' ? 2 : 1;
	}
	if (size > 0)
		ret[used] = '\0';
	return from;
}

bool hn_qemu_option(const char *options, const char *implied, const char *key, char *ret, size_t size)
{
	const char *at = options;
	bool found = false;

	/* as in QEMU, the last one holds */
	while (*at) {
		size_t length = strcspn(at, "=,");
		bool bare = at == options && implied && at[length] != '=';

		if (bare ? strcmp(implied, key) == 0
			 : strlen(key) == length && strncmp(at, key, length) == 0) {
			at += bare ? 0 : length + (at[length] == '=');
			at = value_copy(at, ret, size);
			found = true;
		} else {
			at = value_copy(at, NULL, 0);
		}
		at += *at == ',';
	}
	return found;
}

/* The option's name without its one or two dashes; NULL for what is none. */
static const char *option_name(const char *argument)
{
	if (!argument || argument[0] != '-' || !argument[1])
		return NULL;
	return argument + (argument[1] == '-' ? 2 : 1);
}

static bool is_option(const char *argument, const char *name)
{
	const char *said = option_name(argument);

	return said && strcmp(said, name) == 0;
}

bool hn_qemu_runs_guest(const struct hn_command *command)
{
	bool runs = false;

	for (const char *at = hn_command_next(command, NULL); at; at = hn_command_next(command, at)) {
		const char *value = hn_command_next(command, at);
		char type[16];

		if (is_option(at, "name") || is_option(at, "uuid"))
			runs = true;
		if (!is_option(at, "machine") && !is_option(at, "M"))
			continue;
		runs = true;
		if (value && hn_qemu_option(value, "type", "type", type, sizeof(type)) &&
		    strcmp(type, "none") == 0)
			return false;
	}
	return runs;
}

static bool is_on(const char *options, const char *key)
{
	char value[8];

	return hn_qemu_option(options, NULL, key, value, sizeof(value)) &&
	       (!*value || strcmp(value, "on") == 0 || strcmp(value, "yes") == 0);
}

static void monitor_add(char (*monitors)[HN_QEMU_SOCKET_MAX], const char *path)
{
	for (size_t i = 0; i < HN_QEMU_SOCKETS_MAX && path[0] == '/'; i++) {
		if (strcmp(monitors[i], path) == 0)
			return;
		if (monitors[i][0])
			continue;
		if (strlen(path) < sizeof(monitors[i]))
			snprintf(monitors[i], sizeof(monitors[i]), "%s", path);
		return;
	}
}

/* -qmp unix:PATH,server=on,wait=off */
static void monitor_read(const char *device, char (*monitors)[HN_QEMU_SOCKET_MAX])
{
	char path[256];

	if (strncmp(device, "unix:", 5) != 0 || !is_on(device, "server") || is_on(device, "abstract"))
		return;
	value_copy(device + 5, path, sizeof(path));
	monitor_add(monitors, path);
}

/* Chardevs that serve as monitors in control mode. */
struct chardevs {
	char ids[CHARDEVS_MAX][128];
	size_t count;
};

/* -mon chardev=ID,mode=control */
static void chardev_note(const char *options, struct chardevs *chardevs)
{
	char *id = chardevs->ids[chardevs->count];
	char mode[16];

	chardevs->count += hn_qemu_option(options, "chardev", "chardev", id, sizeof(chardevs->ids[0])) &&
			   hn_qemu_option(options, "chardev", "mode", mode, sizeof(mode)) &&
			   strcmp(mode, "control") == 0;
}

static bool is_noted(const struct chardevs *chardevs, const char *id)
{
	for (size_t i = 0; i < chardevs->count; i++)
		if (strcmp(chardevs->ids[i], id) == 0)
			return true;
	return false;
}

/* -chardev socket,id=ID,path=PATH,server=on */
static void chardev_read(const char *device, const struct chardevs *chardevs,
			 char (*monitors)[HN_QEMU_SOCKET_MAX])
{
	char id[128], kind[16], path[256];

	if (hn_qemu_option(device, "backend", "id", id, sizeof(id)) && is_noted(chardevs, id) &&
	    hn_qemu_option(device, "backend", "backend", kind, sizeof(kind)) && strcmp(kind, "socket") == 0 &&
	    is_on(device, "server") && !is_on(device, "abstract") &&
	    hn_qemu_option(device, "backend", "path", path, sizeof(path)))
		monitor_add(monitors, path);
}

/* Either may come before the other, so the command line is gone through once for each. */
static void monitors_find(const struct hn_command *command, char (*monitors)[HN_QEMU_SOCKET_MAX])
{
	struct chardevs chardevs = {.count = 0};
	const char *at = NULL, *value;

	while (chardevs.count < CHARDEVS_MAX && (at = hn_command_next(command, at)))
		if (is_option(at, "mon") && (value = hn_command_next(command, at)))
			chardev_note(value, &chardevs);
	at = NULL;
	while (chardevs.count > 0 && (at = hn_command_next(command, at)))
		if (is_option(at, "chardev") && (value = hn_command_next(command, at)))
			chardev_read(value, &chardevs, monitors);
}

void hn_qemu_command_read(const struct hn_command *command, struct hn_qemu_process *ret,
			  char (*ret_monitors)[HN_QEMU_SOCKET_MAX])
{
	monitors_find(command, ret_monitors);
	for (const char *at = hn_command_next(command, NULL); at; at = hn_command_next(command, at)) {
		const char *value = hn_command_next(command, at);

		if (!value)
			break;
		if (is_option(at, "name"))
			hn_qemu_option(value, "guest", "guest", ret->name, sizeof(ret->name));
		else if (is_option(at, "uuid"))
			snprintf(ret->uuid, sizeof(ret->uuid), "%s", value);
		else if (is_option(at, "qmp") || is_option(at, "qmp-pretty"))
			monitor_read(value, ret_monitors);
	}
	for (char *letter = ret->uuid; *letter; letter++)
		*letter = (char)tolower((unsigned char)*letter);
}

void hn_qemu_command_backends(const struct hn_command *command,
			      void (*found)(const char *path, void *context), void *context)
{
	char path[256], kind[16];

	for (const char *at = hn_command_next(command, NULL); at; at = hn_command_next(command, at)) {
		const char *value = hn_command_next(command, at);

		if (is_option(at, "chardev") && value && !is_on(value, "server") &&
		    hn_qemu_option(value, "backend", "backend", kind, sizeof(kind)) &&
		    strcmp(kind, "socket") == 0 &&
		    hn_qemu_option(value, "backend", "path", path, sizeof(path)) && path[0] == '/')
			found(path, context);
	}
}
