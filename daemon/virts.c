/*
 * virts - libvirt's connections, and what they tell carried over to the guests.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "daemon/agent.h"
#include "daemon/arrival.h"
#include "daemon/census.h"
#include "daemon/domain.h"
#include "daemon/make-up.h"
#include "daemon/monitor.h"
#include "daemon/window.h"
#include "xml/domain-read.h"

#define WIRE_FIRST_NS (10 * HN_NS_PER_S) /* more than the wire's own time to become ready */
#define WIRE_MOST_NS (300 * HN_NS_PER_S)

struct connection {
	TAILQ_ENTRY(connection) entry;
	struct hn_virts *virts;
	struct hn_virt *virt;
	char socket[HN_QEMU_SOCKET_MAX]; /* in a container; "" the host's own */
	struct hn_process process;       /* through which the path leads */
	uint64_t device, inode;          /* of that socket */
};

struct hn_virts {
	struct hn_service *service;
	TAILQ_HEAD(, connection) connections;
	size_t count;
	bool full;   /* one could not be connected to, and that has been said */
	bool absent; /* this homenoded was built without libvirt, and has said so */
};

/* The guest of a domain, or one at a socket of its own that tells its uuid and is its process. */
static struct hn_managed *find_by_uuid(struct hn_service *service, const char *uuid)
{
	struct hn_managed *managed = hn_managed_of_domain(service, uuid);

	if (managed)
		return managed;
	TAILQ_FOREACH(managed, &service->guests, entry)
	if (managed->guest && managed->identified && strcmp(managed->guest->uuid, uuid) == 0 &&
	    hn_census_is(service->census, uuid, NULL, managed->guest->pid))
		return managed;
	return NULL;
}

/* Live XML; pins, though, are the operator's where the definition has them: what runs may show ours. */
static int read_wishes(const struct hn_virt_domain *told, struct hn_domain_wishes *ret, struct hn_error *err)
{
	struct hn_domain_wishes defined = {0};
	int r = hn_domain_wishes_read(told->xml, strlen(told->xml), ret, err);

	if (r < 0 || !told->inactive_xml)
		return r;
	if ((r = hn_domain_wishes_read(told->inactive_xml, strlen(told->inactive_xml), &defined, err)) < 0) {
		hn_domain_wishes_done(ret);
		return r;
	}
	defined.settings = ret->settings;
	defined.is_kvm = ret->is_kvm;
	memcpy(defined.memory_mode, ret->memory_mode, sizeof(defined.memory_mode));
	hn_domain_wishes_done(ret);
	*ret = defined;
	return 0;
}

/* All of it or nothing: what was read before holds until there is something that can be read. */
static int read_told(struct hn_domain *domain, const struct hn_virt_domain *told, struct hn_error *err)
{
	struct hn_domain_wishes wishes;
	struct hn_guest *guest;
	int r = read_wishes(told, &wishes, err);

	if (r < 0)
		return r;
	if ((r = hn_domain_read(told->xml, strlen(told->xml), &guest, err)) < 0) {
		hn_domain_wishes_done(&wishes);
		return r;
	}
	hn_domain_wishes_done(&domain->wishes);
	hn_guest_free(domain->guest);
	domain->wishes = wishes;
	domain->guest = guest;
	return 0;
}

static int take_told(struct hn_domain *domain, const struct hn_virt_domain *told, struct hn_error *err)
{
	domain->state = told->state;
	domain->persistent = told->persistent;
	domain->agent = told->agent;
	if (domain->xml && strcmp(domain->xml, told->xml) == 0 && domain->guest && !domain->unread &&
	    !told->inactive_xml)
		return 0;
	free(domain->xml);
	domain->xml = strdup(told->xml);
	return domain->xml ? read_told(domain, told, err) : hn_oom(err);
}

static struct hn_managed *meet(struct connection *connection, const struct hn_virt_domain *told,
			       struct hn_error *err)
{
	struct hn_service *service = connection->virts->service;
	struct hn_managed *managed = find_by_uuid(service, told->uuid);

	if (!managed && hn_managed_new_domain(service, told->name, &managed, err) < 0)
		return NULL;
	if (!managed->domain) {
		managed->domain = calloc(1, sizeof(*managed->domain));
		if (!managed->domain) {
			hn_oom(err);
			return NULL;
		}
		managed->domain->virt = connection->virt;
		snprintf(managed->domain->uuid, sizeof(managed->domain->uuid), "%s", told->uuid);
	}
	return managed;
}

/* Where the operator allows it, QEMU is asked through libvirt. */
static bool has_wire(const struct hn_managed *managed)
{
	return managed->domain && !managed->socket && managed->service->config->libvirt_monitor;
}

/* How long a wire is waited for: longer each time that one was of no use. */
static uint64_t wire_pause_ns(unsigned tries)
{
	uint64_t pause = WIRE_FIRST_NS;

	for (unsigned i = 1; i < tries && pause < WIRE_MOST_NS; i++)
		pause *= 2;
	return pause < WIRE_MOST_NS ? pause : WIRE_MOST_NS;
}

static void open_wire(struct hn_managed *managed)
{
	struct hn_error err;
	int fd;

	if (!has_wire(managed) || (managed->qmp && hn_qmp_ready(managed->qmp)))
		return;
	managed->domain->wire_due_ns = hn_now_ns() + wire_pause_ns(++managed->domain->wire_tries);
	/* one that broke, or over a libvirtd that is gone, does not come back */
	hn_introspect_cancel(hn_steal(managed->introspection));
	hn_guest_agent_stop(managed->agent);
	hn_qmp_free(hn_steal(managed->qmp));
	if (hn_virt_wire_open(managed->domain->virt, managed->domain->uuid, HN_VIRT_MONITOR, &fd, &err) < 0 ||
	    hn_monitor_new_from_fd(managed, fd, &err) < 0)
		hn_managed_set_problem(managed, &err);
}

void hn_domain_tend_wire(struct hn_managed *managed)
{
	struct hn_domain *domain = managed->domain;

	if (!has_wire(managed) || hn_now_ns() < domain->wire_due_ns)
		return;
	if (managed->qmp && hn_qmp_ready(managed->qmp))
		domain->wire_tries = 0; /* it has lasted */
	else if (hn_virt_connected(domain->virt))
		open_wire(managed);
}

/* The same run as was told before, or another. */
static void note_run(struct hn_domain *domain, int id)
{
	if (domain->met_ns && domain->run_id == id)
		return;
	domain->run_id = id;
	domain->met_ns = hn_now_ns();
	domain->wire_due_ns = domain->wire_tries = 0;
}

static void on_domain(struct hn_virt *virt, const struct hn_virt_domain *told, const char *event,
		      void *context)
{
	struct connection *connection = context;
	struct hn_error err;
	struct hn_managed *managed = meet(connection, told, &err);

	hn_log(HN_LOG_DEBUG, "libvirt: domain '%s': %s", told->name, event);
	if (!managed) {
		hn_log(HN_LOG_WARNING, "libvirt: domain '%s': %s", told->name, err.message);
		return;
	}
	note_run(managed->domain, told->id);
	hn_managed_set_unread(managed, take_told(managed->domain, told, &err) < 0 ? &err : NULL);
	hn_managed_set_run_state(managed, told->state);
	hn_domain_tend_wire(managed);
	hn_make_up_apply_settings(managed);
	hn_window_heed(managed); /* its metadata may have made it a realtime guest */
	hn_make_up_soon(managed);
}

/* Hooks are faster than events: what is reserved may be for its next start already. */
static bool starts_again(const struct hn_managed *managed)
{
	const struct hn_reservation *reservation =
		hn_reservations_find(&managed->service->reservations, managed->domain->uuid, managed->name);

	return reservation && reservation->made_ns > managed->domain->met_ns;
}

static void on_gone(struct hn_virt *virt, const char *uuid, const char *why, void *context)
{
	struct connection *connection = context;
	struct hn_managed *managed = hn_managed_of_domain(connection->virts->service, uuid);

	if (!managed || managed->domain->virt != virt)
		return;
	hn_log(HN_LOG_INFO, "guest '%s': %s", managed->name, why);
	if (!starts_again(managed))
		hn_arrival_released(managed->service, uuid, managed->name);
	hn_managed_part_with_domain(managed);
}

static void on_up(struct hn_virt *virt, void *context)
{
	hn_log(HN_LOG_INFO, "libvirt: connected to %s", hn_virt_uri(virt));
}

static void on_down(struct hn_virt *virt, const struct hn_error *why, uint64_t retry_ns, void *context)
{
	hn_log(HN_LOG_INFO, "libvirt: %s: %s; guests run on, and it is tried again", hn_virt_uri(virt),
	       why->message);
}

static void on_problem(struct hn_virt *virt, const struct hn_error *what, void *context)
{
	hn_log(HN_LOG_WARNING, "libvirt: %s", what->message);
}

static void tell_absent(struct hn_virts *virts, const char *uri)
{
	virts->absent = true;
	hn_log(HN_LOG_INFO,
	       "libvirt: %s: this homenoded was built without libvirt; its domains are looked after where "
	       "they have a monitor of homenode's",
	       uri);
}

/* socket NULL: the host's own. */
static int connect_to(struct hn_virts *virts, const char *uri, const struct hn_virts_socket *socket,
		      struct hn_error *err)
{
	struct hn_virt_listener listener = {on_up, on_down, on_domain, on_gone, on_problem, NULL};
	struct connection *connection = calloc(1, sizeof(*connection));
	int r;

	if (!connection)
		return hn_oom(err);
	connection->virts = virts;
	listener.context = connection;
	if (socket) {
		snprintf(connection->socket, sizeof(connection->socket), "%s", socket->path);
		connection->process = socket->process;
		connection->device = socket->device;
		connection->inode = socket->inode;
	}
	r = hn_virt_new(virts->service->base, uri, &listener, &connection->virt, err);
	if (r == 0) {
		TAILQ_INSERT_TAIL(&virts->connections, connection, entry);
		virts->count++;
		return 0;
	}
	free(connection);
	if (r != -EOPNOTSUPP)
		return r;
	tell_absent(virts, uri);
	return err->code = 0;
}

static void disconnect(struct connection *connection)
{
	struct hn_managed *managed, *next;

	for (managed = TAILQ_FIRST(&connection->virts->service->guests); managed; managed = next) {
		next = TAILQ_NEXT(managed, entry);
		if (managed->domain && managed->domain->virt == connection->virt)
			hn_managed_part_with_domain(managed);
	}
	TAILQ_REMOVE(&connection->virts->connections, connection, entry);
	connection->virts->count--;
	connection->virts->full = false;
	hn_virt_free(connection->virt);
	free(connection);
}

static bool is_to(const struct connection *connection, const struct hn_virts_socket *socket)
{
	return connection->socket[0] && connection->device == socket->device &&
	       connection->inode == socket->inode;
}

static bool is_same_way(const struct connection *connection, const struct hn_virts_socket *socket)
{
	return strcmp(connection->socket, socket->path) == 0 &&
	       connection->process.pid == socket->process.pid &&
	       connection->process.start_ticks == socket->process.start_ticks;
}

/*
 * One whose way has gone with its QEMU is kept while it is up; it could not be made again. One at whose path
 * is another file by now belongs to a libvirt that has started anew: its connection comes back by itself.
 */
static bool is_kept(struct connection *connection, const struct hn_virts_socket *sockets, size_t count)
{
	bool kept = false;

	for (size_t i = 0; i < count && !kept; i++) {
		if (is_same_way(connection, &sockets[i])) {
			connection->device = sockets[i].device;
			connection->inode = sockets[i].inode;
			kept = true;
		}
		kept = kept || (is_to(connection, &sockets[i]) && hn_virt_connected(connection->virt));
	}
	return kept;
}

static bool is_known(const struct hn_virts *virts, const struct hn_virts_socket *socket)
{
	const struct connection *connection;

	TAILQ_FOREACH(connection, &virts->connections, entry)
	if (is_to(connection, socket))
		return true;
	return false;
}

static void add(struct hn_virts *virts, const struct hn_virts_socket *socket)
{
	struct hn_error err;
	char uri[200];

	if (virts->count >= HN_VIRTS_MAX) {
		if (!virts->full)
			hn_log(HN_LOG_WARNING, "libvirt: %s is not connected to: there are %d already",
			       socket->path, HN_VIRTS_MAX);
		virts->full = true;
		return;
	}
	if (!virts->full)
		hn_log(HN_LOG_INFO, "libvirt: found one in a container: %s", socket->path);
	snprintf(uri, sizeof(uri), "qemu+unix:///system?socket=%s", socket->path);
	if (connect_to(virts, uri, socket, &err) < 0) {
		hn_log(virts->full ? HN_LOG_DEBUG : HN_LOG_WARNING, "libvirt: %s: %s", uri, err.message);
		virts->full = true;
	}
}

void hn_virts_keep(struct hn_virts *virts, const struct hn_virts_socket *sockets, size_t count)
{
	struct connection *connection = TAILQ_FIRST(&virts->connections), *next;

	for (; connection; connection = next) {
		next = TAILQ_NEXT(connection, entry);
		if (connection->socket[0] && !is_kept(connection, sockets, count))
			disconnect(connection);
	}
	for (size_t i = 0; i < count && !virts->absent; i++)
		if (!is_known(virts, &sockets[i]))
			add(virts, &sockets[i]);
}

int hn_virts_new(struct hn_service *service, struct hn_virts **ret, struct hn_error *err)
{
	const char *uri = service->config->libvirt_uri;
	struct hn_virts *virts = calloc(1, sizeof(*virts));
	int r;

	if (!virts)
		return hn_oom(err);
	virts->service = service;
	TAILQ_INIT(&virts->connections);
	r = uri[0] ? connect_to(virts, uri, NULL, err) : 0;
	if (r < 0) {
		free(virts);
		return r;
	}
	*ret = virts;
	return 0;
}

void hn_virts_free(struct hn_virts *virts)
{
	struct connection *connection;

	if (!virts)
		return;
	while ((connection = TAILQ_FIRST(&virts->connections)))
		disconnect(connection);
	free(virts);
}
