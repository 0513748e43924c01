#include "hooks/daemon-socket.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONFIG_MAX 65536

static char *trim(char *text)
{
	size_t length;

	text += strspn(text, " \t\r");
	for (length = strlen(text); length > 0 && isspace((unsigned char)text[length - 1]); length--)
		text[length - 1] = '\0';
	return text;
}

/* As homenoded's reader has it: a comment begins at a ; behind a blank. */
static void cut_comment(char *text)
{
	for (char *at = text; (at = strchr(at, ';')); at++) {
		if (at > text && isspace((unsigned char)at[-1])) {
			*at = '\0';
			return;
		}
	}
}

/* The value of "socket = VALUE", NULL for any other line. */
static char *socket_value(char *line)
{
	char *value = line + strcspn(line, "=:");

	if (*value == '\0')
		return NULL;
	*value++ = '\0';
	if (strcmp(trim(line), "socket") != 0)
		return NULL;
	cut_comment(value);
	return trim(value);
}

/* The last one counts. */
static bool find_in(char *text, char *buffer, size_t size)
{
	bool inside = false, found = false;
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n"))) {
		char *start = trim(line), *value;

		if (*start == '[')
			inside = strncmp(start, "[homenoded]", 11) == 0;
		else if (inside && *start != '#' && *start != ';' && (value = socket_value(start)) &&
			 *value && strlen(value) < size) {
			strcpy(buffer, value);
			found = true;
		}
	}
	return found;
}

static bool read_config(const char *path, char *buffer, size_t size)
{
	/* not blocking: it might be anything, a FIFO among others */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	static char text[CONFIG_MAX];
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (length <= 0)
		return false;
	text[length] = '\0';
	return find_in(text, buffer, size);
}

const char *daemon_socket_find(const char *config, char *buffer, size_t size)
{
	const char *named = getenv("HOMENODE_SOCKET");

	if (named && *named && strlen(named) < size)
		strcpy(buffer, named);
	else if (!read_config(config, buffer, size))
		snprintf(buffer, size, "%s", DAEMON_SOCKET_DEFAULT);
	return buffer;
}
