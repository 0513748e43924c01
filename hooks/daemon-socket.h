#pragma once
/*
 * daemon-socket - where homenoded listens.
 */
#include <stddef.h>

#define DAEMON_SOCKET_DEFAULT "/run/homenode/homenode.sock"
#define DAEMON_CONFIG_DEFAULT "/etc/homenode/homenode.conf"

/*
 * HOMENODE_SOCKET of the environment, else the key socket of section [homenoded] in that configuration, else
 * the default. libvirt clears most of the environment before it calls a hook, so the configuration counts
 * there. Whatever else is in it, or wrong with it, is not looked at. Returns buffer; a path that does not
 * fit counts as not there.
 */
const char *daemon_socket_find(const char *config, char *buffer, size_t size);
