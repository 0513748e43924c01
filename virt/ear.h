#pragma once
/*
 * ear - listens to libvirt's events and passes them on to the connection's owner, for as long as there is
 * one: libvirt may hold on to it longer.
 *
 * The worker's thread turns it to a connection and away; events come on the loop's thread, the end of a
 * connection on either (on_ear_lost is always called on the loop's).
 */
#include <libvirt/libvirt.h>
#include <stdbool.h>

#include "base/error.h"

struct event_base;
struct hn_ear;

/* What can be told of a domain that runs; several are told together, in this order. */
enum hn_domain_event {
	HN_DOMAIN_PRESENT, /* found running */
	HN_DOMAIN_STARTED,
	HN_DOMAIN_DEFINED,
	HN_DOMAIN_UNDEFINED,
	HN_DOMAIN_SUSPENDED,
	HN_DOMAIN_RESUMED,
	HN_DOMAIN_REBOOTED,
	HN_DOMAIN_DEVICE_ADDED,
	HN_DOMAIN_DEVICE_REMOVED,
	HN_DOMAIN_MEMORY_SIZE,
	HN_DOMAIN_TUNABLE,
	HN_DOMAIN_AGENT,
	HN_DOMAIN_METADATA,
	HN_DOMAIN_MIGRATING,
	HN_DOMAIN_PANICKED,
	HN_DOMAIN_SHUT_DOWN, /* the guest has ended, its QEMU has not yet */
	HN_DOMAIN_CHANGED,   /* noticed without an event */
	HN_DOMAIN_EVENT_COUNT,
};
const char *hn_domain_event_name(enum hn_domain_event event);

struct hn_ear_owner {
	/* running: it has an id. From inside libvirt: must only take note. */
	void (*on_ear_event)(const char *uuid, bool running, enum hn_domain_event event, void *context);
	/* It runs no more; why is a word such as "crashed". From inside libvirt, too. */
	void (*on_ear_stopped)(const char *uuid, const char *why, void *context);
	void (*on_ear_lost)(const char *why, void *context);
	void *context;
};

/* With one reference. */
int hn_ear_new(struct event_base *base, const struct hn_ear_owner *owner, struct hn_ear **ret,
	       struct hn_error *err);
struct hn_ear *hn_ear_ref(struct hn_ear *ear);
void hn_ear_unref(struct hn_ear *ear);

/* The owner hears no more; on the loop's thread. The owner's reference remains to be dropped. */
void hn_ear_deafen(struct hn_ear *ear);

int hn_ear_turn_to(struct hn_ear *ear, virConnectPtr connection, struct hn_error *err);
void hn_ear_turn_away(struct hn_ear *ear, virConnectPtr connection);
