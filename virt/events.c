/*
 * An entry is a descriptor or a timer. Entries are added, changed and marked as removed by any thread under
 * the lock; only the loop's thread takes them off the list, so it may hold one across an unlock.
 *
 * A descriptor stays open until its entry is released (libvirt holds its socket by it), so its number cannot
 * come back in libevent's tables before it has left them.
 */
#include "virt/events.h"

#include <errno.h>
#include <event2/event.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/cleanup.h"

struct entry {
	TAILQ_ENTRY(entry) link;
	int number;
	pthread_t creator;
	int fd;        /* -1: a timer */
	int wanted;    /* VIR_EVENT_HANDLE_* of a descriptor */
	int period_ms; /* of a timer; -1: at rest */
	virEventHandleCallback on_handle;
	virEventTimeoutCallback on_timeout;
	void *opaque;
	virFreeCallback release;
	bool changed, removed;
	struct event *event; /* the loop's thread only */
};
TAILQ_HEAD(entry_list, entry);

/* libvirt passes no context to an event loop, so there is one. */
static struct {
	pthread_mutex_t lock;
	struct entry_list entries;
	int last_number;
	unsigned users;
	bool registered;
	int poke_fd;
	struct event *poked;
	struct event_base *base; /* the loop's thread only, as is poked */
} loop = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.entries = TAILQ_HEAD_INITIALIZER(loop.entries),
	.poke_fd = -1,
};

static void poke(void)
{
	uint64_t one = 1;
	ssize_t written = write(loop.poke_fd, &one, sizeof(one));

	(void)written; /* a counter that is full is poked already */
}

static struct entry *find(int number, bool timer)
{
	struct entry *entry;

	TAILQ_FOREACH(entry, &loop.entries, link)
	if (entry->number == number && (entry->fd < 0) == timer && !entry->removed)
		return entry;
	return NULL;
}

static int add(const struct entry *template)
{
	struct entry *entry = malloc(sizeof(*entry));
	int number;

	if (!entry)
		return -1;
	*entry = *template;
	entry->creator = pthread_self();
	entry->changed = true;
	pthread_mutex_lock(&loop.lock);
	number = entry->number = ++loop.last_number;
	TAILQ_INSERT_TAIL(&loop.entries, entry, link);
	pthread_mutex_unlock(&loop.lock);
	poke();
	return number;
}

static void change(int number, bool timer, int value)
{
	struct entry *entry;

	pthread_mutex_lock(&loop.lock);
	entry = find(number, timer);
	if (entry) {
		*(timer ? &entry->period_ms : &entry->wanted) = value;
		entry->changed = true;
	}
	pthread_mutex_unlock(&loop.lock);
	poke();
}

static int remove_entry(int number, bool timer)
{
	struct entry *entry;

	pthread_mutex_lock(&loop.lock);
	entry = find(number, timer);
	if (entry)
		entry->removed = true;
	pthread_mutex_unlock(&loop.lock);
	poke();
	return entry ? 0 : -1;
}

static int add_handle(int fd, int wanted, virEventHandleCallback callback, void *opaque,
		      virFreeCallback release)
{
	const struct entry entry = {
		.fd = fd,
		.wanted = wanted,
		.on_handle = callback,
		.opaque = opaque,
		.release = release,
	};

	return fd < 0 ? -1 : add(&entry);
}

static void update_handle(int number, int wanted)
{
	change(number, false, wanted);
}

static int remove_handle(int number)
{
	return remove_entry(number, false);
}

static int add_timeout(int period_ms, virEventTimeoutCallback callback, void *opaque, virFreeCallback release)
{
	const struct entry entry = {
		.fd = -1,
		.period_ms = period_ms,
		.on_timeout = callback,
		.opaque = opaque,
		.release = release,
	};

	return add(&entry);
}

static void update_timeout(int number, int period_ms)
{
	change(number, true, period_ms);
}

static int remove_timeout(int number)
{
	return remove_entry(number, true);
}

/* ---- the loop's thread */

static void synchronize(void);

static void on_handle_ready(evutil_socket_t fd, short what, void *context)
{
	struct entry *entry = context;
	int ready = (what & EV_READ ? VIR_EVENT_HANDLE_READABLE : 0) |
		    (what & EV_WRITE ? VIR_EVENT_HANDLE_WRITABLE : 0);

	pthread_mutex_lock(&loop.lock);
	ready = entry->removed ? 0 : ready & entry->wanted;
	pthread_mutex_unlock(&loop.lock);
	if (ready)
		entry->on_handle(entry->number, fd, ready, entry->opaque);
	synchronize();
}

static void on_timeout_expired(evutil_socket_t fd, short what, void *context)
{
	struct entry *entry = context;
	bool due;

	pthread_mutex_lock(&loop.lock);
	due = !entry->removed && entry->period_ms >= 0;
	entry->changed = true; /* it is periodic */
	pthread_mutex_unlock(&loop.lock);
	if (due)
		entry->on_timeout(entry->number, entry->opaque);
	synchronize();
}

static void arm_handle(struct entry *entry, int wanted)
{
	short what = (wanted & VIR_EVENT_HANDLE_READABLE ? EV_READ : 0) |
		     (wanted & VIR_EVENT_HANDLE_WRITABLE ? EV_WRITE : 0);

	if (entry->event)
		event_free(hn_steal(entry->event));
	if (!what)
		return;
	entry->event = event_new(loop.base, entry->fd, what | EV_PERSIST, on_handle_ready, entry);
	if (entry->event)
		event_add(entry->event, NULL);
}

static void arm_timeout(struct entry *entry, int period_ms)
{
	struct timeval delay = {.tv_sec = period_ms / 1000, .tv_usec = period_ms % 1000 * 1000};

	if (!entry->event)
		entry->event = evtimer_new(loop.base, on_timeout_expired, entry);
	if (!entry->event)
		return;
	if (period_ms < 0)
		event_del(entry->event);
	else
		event_add(entry->event, &delay);
}

static void release(struct entry *entry)
{
	if (entry->event)
		event_free(entry->event);
	if (entry->release)
		entry->release(entry->opaque);
	free(entry);
}

/* The next entry that differs from what libevent knows; one that is removed is taken off the list. */
static struct entry *take_changed(int *ret_value, bool *ret_removed)
{
	struct entry *entry;

	pthread_mutex_lock(&loop.lock);
	TAILQ_FOREACH(entry, &loop.entries, link)
	if (entry->removed || entry->changed)
		break;
	if (entry) {
		*ret_removed = entry->removed;
		*ret_value = entry->fd < 0 ? entry->period_ms : entry->wanted;
		entry->changed = false;
		if (entry->removed)
			TAILQ_REMOVE(&loop.entries, entry, link);
	}
	pthread_mutex_unlock(&loop.lock);
	return entry;
}

static void synchronize(void)
{
	struct entry *entry;
	bool removed;
	int value;

	while ((entry = take_changed(&value, &removed))) {
		if (removed)
			release(entry);
		else if (entry->fd < 0)
			arm_timeout(entry, value);
		else
			arm_handle(entry, value);
	}
}

static void on_poked(evutil_socket_t fd, short what, void *context)
{
	uint64_t count;
	ssize_t length = read(fd, &count, sizeof(count));

	(void)length;
	synchronize();
}

/* ---- users */

static void keep_quiet(void *context, virErrorPtr error)
{
}

static int register_once(struct hn_error *err)
{
	if (loop.registered)
		return 0;
	loop.poke_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop.poke_fd < 0)
		return hn_fail_errno(err, -errno, "cannot make an eventfd for libvirt's events");
	virEventRegisterImpl(add_handle, update_handle, remove_handle, add_timeout, update_timeout,
			     remove_timeout);
	virSetErrorFunc(NULL, keep_quiet);
	if (virInitialize() < 0) {
		close(loop.poke_fd);
		return hn_fail(err, -EIO, "libvirt's library cannot be initialized");
	}
	loop.registered = true;
	return 0;
}

int hn_events_join(struct event_base *base, struct hn_error *err)
{
	int r = register_once(err);
	struct entry *entry;

	if (r < 0)
		return r;
	if (loop.users && loop.base != base)
		return hn_fail(err, -EBUSY, "libvirt's events are carried by another event loop already");
	if (loop.users++)
		return 0;
	loop.base = base;
	loop.poked = event_new(base, loop.poke_fd, EV_READ | EV_PERSIST, on_poked, NULL);
	if (!loop.poked || event_add(loop.poked, NULL) < 0) {
		if (loop.poked)
			event_free(hn_steal(loop.poked));
		loop.users = 0;
		return hn_oom(err);
	}
	/* What a connection that could not be closed in time has left here goes on with this base. */
	pthread_mutex_lock(&loop.lock);
	TAILQ_FOREACH(entry, &loop.entries, link)
	entry->changed = true;
	pthread_mutex_unlock(&loop.lock);
	poke();
	return 0;
}

void hn_events_leave(void)
{
	struct entry *entry;

	synchronize();
	if (--loop.users)
		return;
	event_free(hn_steal(loop.poked));
	TAILQ_FOREACH(entry, &loop.entries, link)
	if (entry->event)
		event_free(hn_steal(entry->event));
	loop.base = NULL;
}

void hn_events_shut(pthread_t thread)
{
	struct entry *entry;

	pthread_mutex_lock(&loop.lock);
	TAILQ_FOREACH(entry, &loop.entries, link)
	if (entry->fd >= 0 && !entry->removed && pthread_equal(entry->creator, thread))
		shutdown(entry->fd, SHUT_RDWR);
	pthread_mutex_unlock(&loop.lock);
}
