#pragma once
/*
 * qemu-command - what a QEMU's command line says of its guest.
 */
#include <stdbool.h>
#include <stddef.h>

#include "host/qemu-processes.h"

/* A command line as in /proc/PID/cmdline: arguments that end in NUL, length bytes, a NUL behind them. */
struct hn_command {
	const char *text;
	size_t length;
};

/* The argument behind at (NULL: the first), NULL at the end. */
const char *hn_command_next(const struct hn_command *command, const char *at);

/* The value of key in QEMU's "a=1,b=2,,3" (",," is a comma); the first part may go without its key, which is
 * then implied. NULL implied: it may not. False when it is not there; cut when it does not fit, with true. */
bool hn_qemu_option(const char *options, const char *implied, const char *key, char *ret, size_t size);

/* Whether it runs a guest: -name, -uuid or -machine are there, and the machine is not "none" (as when libvirt
 * asks a QEMU what it can do). */
bool hn_qemu_runs_guest(const struct hn_command *command);

/* Fills in name and uuid, and sockets of its monitors: paths as the command line has them, absolute ones
 * only, into empty strings. Its work grows with the length alone. */
void hn_qemu_command_read(const struct hn_command *command, struct hn_qemu_process *ret,
			  char (*ret_monitors)[HN_QEMU_SOCKET_MAX]);

/* Calls found with the path of each Unix socket that it connects to as a client (back ends of vhost-user,
 * virtiofs, TPM). */
void hn_qemu_command_backends(const struct hn_command *command,
			      void (*found)(const char *path, void *context), void *context);
