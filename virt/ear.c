#include "virt/ear.h"

#include <errno.h>
#include <event2/event.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

#include "base/cleanup.h"
#include "virt/failure.h"

#define NO_REASON (-1)

struct hn_ear {
	atomic_uint references;
	struct hn_ear_owner owner; /* the loop's thread only, as is deaf */
	bool deaf;
	struct event *lost;
	int lost_fd;
	atomic_int lost_reason;
	int callbacks[16]; /* the worker's thread only, as is callback_count */
	size_t callback_count;
};

const char *hn_domain_event_name(enum hn_domain_event event)
{
	static const char *const names[] = {
		[HN_DOMAIN_PRESENT] = "present",
		[HN_DOMAIN_STARTED] = "started",
		[HN_DOMAIN_DEFINED] = "defined",
		[HN_DOMAIN_UNDEFINED] = "undefined",
		[HN_DOMAIN_SUSPENDED] = "suspended",
		[HN_DOMAIN_RESUMED] = "resumed",
		[HN_DOMAIN_REBOOTED] = "rebooted",
		[HN_DOMAIN_DEVICE_ADDED] = "device-added",
		[HN_DOMAIN_DEVICE_REMOVED] = "device-removed",
		[HN_DOMAIN_MEMORY_SIZE] = "memory-size",
		[HN_DOMAIN_TUNABLE] = "tunable",
		[HN_DOMAIN_AGENT] = "agent",
		[HN_DOMAIN_METADATA] = "metadata",
		[HN_DOMAIN_MIGRATING] = "migrating",
		[HN_DOMAIN_PANICKED] = "panicked",
		[HN_DOMAIN_SHUT_DOWN] = "shut-down",
		[HN_DOMAIN_CHANGED] = "changed",
	};

	return event < HN_DOMAIN_EVENT_COUNT ? names[event] : "?";
}

/* ---- what libvirt calls */

static int hear(virDomainPtr domain, struct hn_ear *ear, enum hn_domain_event event)
{
	char uuid[VIR_UUID_STRING_BUFLEN];

	if (!ear->deaf && virDomainGetUUIDString(domain, uuid) == 0)
		ear->owner.on_ear_event(uuid, virDomainGetID(domain) != (unsigned)-1, event,
					ear->owner.context);
	return 0;
}

static int hear_stopped(virDomainPtr domain, struct hn_ear *ear, int detail)
{
	static const char *const whys[] = {
		[VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN] = "shutdown",
		[VIR_DOMAIN_EVENT_STOPPED_DESTROYED] = "destroyed",
		[VIR_DOMAIN_EVENT_STOPPED_CRASHED] = "crashed",
		[VIR_DOMAIN_EVENT_STOPPED_MIGRATED] = "migrated",
		[VIR_DOMAIN_EVENT_STOPPED_SAVED] = "saved",
		[VIR_DOMAIN_EVENT_STOPPED_FAILED] = "failed",
		[VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT] = "snapshot",
	};
	char uuid[VIR_UUID_STRING_BUFLEN];
	bool known = detail >= 0 && (size_t)detail < HN_COUNT(whys);

	if (!ear->deaf && virDomainGetUUIDString(domain, uuid) == 0)
		ear->owner.on_ear_stopped(uuid, known ? whys[detail] : "unknown", ear->owner.context);
	return 0;
}

static int on_lifecycle(virConnectPtr connection, virDomainPtr domain, int event, int detail, void *context)
{
	switch (event) {
	case VIR_DOMAIN_EVENT_STOPPED:
		return hear_stopped(domain, context, detail);
	case VIR_DOMAIN_EVENT_DEFINED:
		return hear(domain, context, HN_DOMAIN_DEFINED);
	case VIR_DOMAIN_EVENT_UNDEFINED:
		return hear(domain, context, HN_DOMAIN_UNDEFINED);
	case VIR_DOMAIN_EVENT_STARTED:
		return hear(domain, context, HN_DOMAIN_STARTED);
	case VIR_DOMAIN_EVENT_SUSPENDED:
	case VIR_DOMAIN_EVENT_PMSUSPENDED:
		return hear(domain, context, HN_DOMAIN_SUSPENDED);
	case VIR_DOMAIN_EVENT_RESUMED:
		return hear(domain, context, HN_DOMAIN_RESUMED);
	case VIR_DOMAIN_EVENT_SHUTDOWN:
		return hear(domain, context, HN_DOMAIN_SHUT_DOWN);
	case VIR_DOMAIN_EVENT_CRASHED:
		return hear(domain, context, HN_DOMAIN_PANICKED);
	default:
		return hear(domain, context, HN_DOMAIN_CHANGED);
	}
}

static void on_reboot(virConnectPtr connection, virDomainPtr domain, void *context)
{
	hear(domain, context, HN_DOMAIN_REBOOTED);
}

static void on_tunable(virConnectPtr connection, virDomainPtr domain, virTypedParameterPtr parameters,
		       int count, void *context)
{
	hear(domain, context, HN_DOMAIN_TUNABLE);
}

static void on_agent(virConnectPtr connection, virDomainPtr domain, int state, int reason, void *context)
{
	hear(domain, context, HN_DOMAIN_AGENT);
}

static void on_device_added(virConnectPtr connection, virDomainPtr domain, const char *alias, void *context)
{
	hear(domain, context, HN_DOMAIN_DEVICE_ADDED);
}

static void on_device_removed(virConnectPtr connection, virDomainPtr domain, const char *alias, void *context)
{
	hear(domain, context, HN_DOMAIN_DEVICE_REMOVED);
}

static void on_migration_iteration(virConnectPtr connection, virDomainPtr domain, int iteration,
				   void *context)
{
	hear(domain, context, HN_DOMAIN_MIGRATING);
}

static void on_metadata(virConnectPtr connection, virDomainPtr domain, int type, const char *namespace_uri,
			void *context)
{
	hear(domain, context, HN_DOMAIN_METADATA);
}

static void on_memory_size(virConnectPtr connection, virDomainPtr domain, const char *alias,
			   unsigned long long size, void *context)
{
	hear(domain, context, HN_DOMAIN_MEMORY_SIZE);
}

static void on_close(virConnectPtr connection, int reason, void *context)
{
	struct hn_ear *ear = context;
	uint64_t one = 1;
	ssize_t written;

	atomic_store(&ear->lost_reason, reason);
	written = write(ear->lost_fd, &one, sizeof(one));
	(void)written;
}

static void on_libvirt_lets_go(void *context)
{
	hn_ear_unref(context);
}

/* ---- */

static void on_lost_readable(evutil_socket_t fd, short what, void *context)
{
	struct hn_ear *ear = context;
	uint64_t count;
	ssize_t length = read(fd, &count, sizeof(count));
	int reason = atomic_exchange(&ear->lost_reason, NO_REASON);

	(void)length;
	if (reason == NO_REASON || ear->deaf)
		return;
	ear->owner.on_ear_lost(reason == VIR_CONNECT_CLOSE_REASON_KEEPALIVE
				       ? "libvirtd does not answer any more"
			       : reason == VIR_CONNECT_CLOSE_REASON_EOF ? "libvirtd has closed the connection"
									: "the connection broke off",
			       ear->owner.context);
}

int hn_ear_new(struct event_base *base, const struct hn_ear_owner *owner, struct hn_ear **ret,
	       struct hn_error *err)
{
	struct hn_ear *ear = calloc(1, sizeof(*ear));

	if (!ear)
		return hn_oom(err);
	atomic_init(&ear->references, 1);
	atomic_init(&ear->lost_reason, NO_REASON);
	ear->owner = *owner;
	ear->lost_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ear->lost_fd >= 0)
		ear->lost = event_new(base, ear->lost_fd, EV_READ | EV_PERSIST, on_lost_readable, ear);
	if (!ear->lost || event_add(ear->lost, NULL) < 0) {
		hn_ear_deafen(ear);
		hn_ear_unref(ear);
		return hn_fail(err, -ENOMEM, "cannot listen to libvirt's events");
	}
	*ret = ear;
	return 0;
}

struct hn_ear *hn_ear_ref(struct hn_ear *ear)
{
	atomic_fetch_add(&ear->references, 1);
	return ear;
}

void hn_ear_unref(struct hn_ear *ear)
{
	if (atomic_fetch_sub(&ear->references, 1) != 1)
		return;
	if (ear->lost_fd >= 0)
		close(ear->lost_fd);
	free(ear);
}

void hn_ear_deafen(struct hn_ear *ear)
{
	ear->deaf = true;
	if (ear->lost)
		event_free(hn_steal(ear->lost));
}

static int listen_for(struct hn_ear *ear, virConnectPtr connection, int event,
		      virConnectDomainEventGenericCallback callback)
{
	int number = virConnectDomainEventRegisterAny(connection, NULL, event, callback, hn_ear_ref(ear),
						      on_libvirt_lets_go);

	if (number < 0) {
		hn_ear_unref(ear);
		return -1;
	}
	ear->callbacks[ear->callback_count++] = number;
	return 0;
}

int hn_ear_turn_to(struct hn_ear *ear, virConnectPtr connection, struct hn_error *err)
{
	static const struct {
		int event;
		virConnectDomainEventGenericCallback callback;
	} heard[] = {
		{VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle)},
		{VIR_DOMAIN_EVENT_ID_REBOOT, VIR_DOMAIN_EVENT_CALLBACK(on_reboot)},
		{VIR_DOMAIN_EVENT_ID_TUNABLE, VIR_DOMAIN_EVENT_CALLBACK(on_tunable)},
		{VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_agent)},
		{VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, VIR_DOMAIN_EVENT_CALLBACK(on_device_added)},
		{VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK(on_device_removed)},
		{VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION, VIR_DOMAIN_EVENT_CALLBACK(on_migration_iteration)},
		{VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, VIR_DOMAIN_EVENT_CALLBACK(on_metadata)},
		{VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE, VIR_DOMAIN_EVENT_CALLBACK(on_memory_size)},
	};
	_Static_assert(HN_COUNT(heard) <= HN_COUNT(((struct hn_ear *)NULL)->callbacks), "room for all");

	ear->callback_count = 0;
	/* Without a release function, which drivers in this process never call: the link holds the ear. */
	if (virConnectRegisterCloseCallback(connection, on_close, ear, NULL) < 0)
		return hn_virt_fail(err, "cannot be told when libvirt goes away");
	for (size_t i = 0; i < HN_COUNT(heard); i++)
		/* libvirtd may be older than we are; lifecycle events every one has */
		if (listen_for(ear, connection, heard[i].event, heard[i].callback) < 0 && i == 0)
			return hn_virt_fail(err, "cannot listen to libvirt's events");
	return 0;
}

void hn_ear_turn_away(struct hn_ear *ear, virConnectPtr connection)
{
	virConnectUnregisterCloseCallback(connection, on_close);
	while (ear->callback_count)
		virConnectDomainEventDeregisterAny(connection, ear->callbacks[--ear->callback_count]);
}
