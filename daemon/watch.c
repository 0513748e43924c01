#include "daemon/watch.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/units.h"
#include "daemon/guest.h"

#define SETTLE_NS (50 * HN_NS_PER_MS) /* a burst of events is one scan */
#define RESCAN_NS (10 * HN_NS_PER_S)
#define GUESTS_MAX 4096

/* Who is new is greeted by the hundred: what introspection needs for a moment is not needed for all at once.
 */
#define GREETED_AT_ONCE 100
#define GREET_PAUSE_NS (200 * HN_NS_PER_MS)

HN_CLEANUP_DEFINE(dir, DIR *, closedir);

struct hn_watch {
	struct hn_service *service;
	int inotify;
	struct event *readable;
	struct event *rescan;
	unsigned greeted; /* by the scan under way */
	bool left;        /* it has left some for the next */
	bool told_missing[HN_FOLDERS_MAX];
};

static bool is_socket(const char *path, uint64_t *ret_inode)
{
	struct stat status;

	if (stat(path, &status) < 0 || !S_ISSOCK(status.st_mode))
		return false;
	/* inodes are reused at once on tmpfs: the time tells two sockets apart */
	*ret_inode = (uint64_t)status.st_ino ^ (uint64_t)status.st_dev << 40 ^
		     (uint64_t)status.st_ctim.tv_sec << 20 ^ (uint64_t)status.st_ctim.tv_nsec;
	return true;
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t length = strlen(name), tail = strlen(suffix);

	return length > tail && strcmp(name + length - tail, suffix) == 0;
}

static size_t guest_count(const struct hn_service *service)
{
	const struct hn_managed *managed;
	size_t count = 0;

	TAILQ_FOREACH(managed, &service->guests, entry)
	count++;
	return count;
}

/* A folder that a container shares with the host is met by two paths. */
static bool is_known(struct hn_service *service, const char *path, uint64_t inode)
{
	const struct hn_managed *managed = hn_managed_find_socket(service, path);

	return (managed && managed->socket_inode == inode) || hn_managed_find_inode(service, inode);
}

static void greet(struct hn_service *service, const char *path, uint64_t inode)
{
	struct hn_managed *managed = hn_managed_find_socket(service, path);
	struct hn_error err;

	if (managed)
		hn_managed_part_with_socket(managed);
	if (guest_count(service) >= GUESTS_MAX) {
		hn_log(HN_LOG_WARNING, "%s: more than %d guests; this one is not looked at", path,
		       GUESTS_MAX);
		return;
	}
	hn_log(HN_LOG_DEBUG, "socket %s has appeared", path);
	if (hn_managed_new(service, path, inode, &err) < 0)
		hn_log(HN_LOG_WARNING, "%s: %s", path, err.message);
}

static void greet_in_turn(struct hn_watch *watch, const char *path, uint64_t inode)
{
	if (is_known(watch->service, path, inode))
		return;
	if (watch->greeted < GREETED_AT_ONCE) {
		watch->greeted++;
		greet(watch->service, path, inode);
	} else {
		watch->left = guest_count(watch->service) < GUESTS_MAX;
	}
}

static void scan_folder(struct hn_watch *watch, size_t index)
{
	const char *folder = watch->service->config->folders[index];
	HN_AUTO(dir) DIR *dir = opendir(folder);
	const struct dirent *item;

	if (!dir) {
		if (!watch->told_missing[index])
			hn_log(HN_LOG_INFO, "watched folder %s: %s (it is tried again)", folder,
			       strerror(errno));
		watch->told_missing[index] = true;
		return;
	}
	watch->told_missing[index] = false;
	/* adding a watch again is no error and changes nothing */
	inotify_add_watch(watch->inotify, folder, IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO);
	while ((item = readdir(dir))) {
		char path[HN_SOCKET_PATH_MAX];
		uint64_t inode;

		if (item->d_name[0] == '.' || has_suffix(item->d_name, ".qga"))
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", folder, item->d_name) < (int)sizeof(path) &&
		    is_socket(path, &inode))
			greet_in_turn(watch, path, inode);
	}
}

static void part_with_vanished(struct hn_service *service)
{
	struct hn_managed *managed = TAILQ_FIRST(&service->guests), *next;

	for (; managed; managed = next) {
		uint64_t inode;

		next = TAILQ_NEXT(managed, entry);
		if (!managed->socket || is_socket(managed->socket, &inode))
			continue;
		hn_log(HN_LOG_INFO, "guest '%s': its socket %s is gone", managed->name, managed->socket);
		hn_managed_part_with_socket(managed);
	}
}

static void on_rescan_due(evutil_socket_t fd, short what, void *context)
{
	struct hn_watch *watch = context;
	struct timeval wait;

	part_with_vanished(watch->service);
	watch->greeted = 0;
	watch->left = false;
	for (size_t i = 0; i < watch->service->config->folder_count; i++)
		scan_folder(watch, i);
	wait = hn_timeval(watch->left ? GREET_PAUSE_NS : RESCAN_NS);
	event_add(watch->rescan, &wait);
}

static void on_inotify_readable(evutil_socket_t fd, short what, void *context)
{
	struct hn_watch *watch = context;
	struct timeval wait = hn_timeval(SETTLE_NS);
	char events[4096];

	while (read(fd, events, sizeof(events)) > 0)
		;
	event_add(watch->rescan, &wait);
}

int hn_watch_new(struct hn_service *service, struct hn_watch **ret, struct hn_error *err)
{
	struct hn_watch *watch = calloc(1, sizeof(*watch));
	struct timeval at_once = {0};

	if (!watch)
		return hn_oom(err);
	watch->service = service;
	watch->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch->inotify < 0) {
		free(watch);
		return hn_fail_errno(err, -errno, "inotify");
	}
	watch->readable =
		event_new(service->base, watch->inotify, EV_READ | EV_PERSIST, on_inotify_readable, watch);
	watch->rescan = event_new(service->base, -1, 0, on_rescan_due, watch);
	if (!watch->readable || !watch->rescan) {
		hn_watch_free(watch);
		return hn_oom(err);
	}
	event_add(watch->readable, NULL);
	event_add(watch->rescan, &at_once);
	*ret = watch;
	return 0;
}

void hn_watch_free(struct hn_watch *watch)
{
	if (!watch)
		return;
	if (watch->readable)
		event_free(watch->readable);
	if (watch->rescan)
		event_free(watch->rescan);
	close(watch->inotify);
	free(watch);
}

/* "/proc/4711/root/run/homenode/qmp/x.qmp" is in a watched folder of that container. */
static bool is_watched(const struct hn_service *service, const char *path)
{
	const char *inside = strstr(path, "/root/"), *slash = strrchr(path, '/');

	if (!inside)
		return false;
	inside += strlen("/root");
	for (size_t i = 0; i < service->config->folder_count; i++) {
		size_t length = strlen(service->config->folders[i]);

		if (length == (size_t)(slash - inside) &&
		    strncmp(inside, service->config->folders[i], length) == 0)
			return true;
	}
	return false;
}

void hn_watch_meet(struct hn_watch *watch, const char *path)
{
	uint64_t inode;

	if (is_watched(watch->service, path) && is_socket(path, &inode) &&
	    !is_known(watch->service, path, inode))
		greet(watch->service, path, inode);
}
