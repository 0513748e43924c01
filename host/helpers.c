/*
 * helpers - who else works for a guest.
 *
 * libvirt puts swtpm, virtiofsd and the like into the guest's own control groups, so whoever is there and is
 * not QEMU is one (kernel threads, as vhost workers, are listed there too and are told by QEMU's threads).
 * Elsewhere, in a shell's or a container's group, being beside QEMU says nothing: there a helper is who holds
 * a socket that QEMU's command line says it connects to. Accepted sockets carry the path of the one they were
 * accepted from, which is how they are known.
 */
#include "host/helpers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "host/cgroups.h"
#include "host/maps-file.h"
#include "host/proc-file.h"
#include "host/proc-stat.h"
#include "host/qemu-command.h"
#include "host/qemu-identity.h"

#define NEIGHBOURS_MAX 1024 /* processes of a group whose open files are looked through */
#define SOCKETS_MAX 64
#define PATHS_MAX 16

struct search {
	const char *root;
	const struct hn_process *guest;
	struct hn_process *found;
	size_t count;
};

static bool is_found(const struct search *search, pid_t pid)
{
	for (size_t i = 0; i < search->count; i++)
		if (search->found[i].pid == pid)
			return true;
	return false;
}

/* A descriptor of the folder of a process that may be a helper, and its stat; -1 when it cannot be one. */
static int candidate_open(const struct search *search, pid_t pid, struct hn_proc_stat *stat)
{
	HN_AUTO(memory) char *command = NULL;
	int directory;
	size_t length;

	if (pid == search->guest->pid || is_found(search, pid) || search->count == HN_HELPERS_MAX)
		return -1;
	directory = hn_proc_open(search->root, O_DIRECTORY, "proc/%d", (int)pid);
	if (directory < 0)
		return -1;
	if (hn_proc_stat_read(directory, "stat", stat) == 0 && !stat->kernel_thread && stat->state != 'Z' &&
	    hn_qemu_command(directory, &command, &length) == 0)
		return directory;
	close(directory);
	return -1;
}

static void take(struct search *search, pid_t pid, const struct hn_proc_stat *stat)
{
	search->found[search->count++] = (struct hn_process){pid, stat->start_ticks};
}

/* All of a group that is the guest's own. Its processes may be in a group below: then this one holds none. */
static void take_group(struct search *search, const struct hn_cgroups *cgroups, const char *group)
{
	HN_AUTO(memory) pid_t *pids = NULL;
	size_t count = 0;

	if (hn_cgroup_processes(search->root, cgroups, group, NEIGHBOURS_MAX, &pids, &count, NULL) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		struct hn_proc_stat stat;
		HN_AUTO(fd) int directory = candidate_open(search, pids[i], &stat);

		if (directory >= 0)
			take(search, pids[i], &stat);
	}
}

/*
 * From QEMU's own group up to the one that libvirt made for the guest. With threaded groups of v2 the topmost
 * of them tells all.
 */
static bool take_libvirts(struct search *search, int directory, const char *controller)
{
	struct hn_cgroups cgroups;
	char group[HN_CGROUP_MAX], own[HN_CGROUP_MAX];

	if (hn_cgroups_find(search->root, controller, &cgroups, NULL) < 0 ||
	    hn_cgroup_of(&cgroups, controller, directory, "cgroup", group) < 0)
		return false;
	memcpy(own, group, sizeof(own));
	if (!hn_cgroup_cut_to_guest(own))
		return false;
	while (strlen(group) >= strlen(own)) {
		take_group(search, &cgroups, group);
		if (!hn_cgroup_parent(group))
			break;
	}
	return true;
}

struct paths {
	char items[PATHS_MAX][256];
	size_t count;
};

static void on_backend(const char *path, void *context)
{
	struct paths *paths = context;

	if (paths->count < PATHS_MAX && strlen(path) < sizeof(paths->items[0]))
		snprintf(paths->items[paths->count++], sizeof(paths->items[0]), "%s", path);
}

/* The inodes of the sockets with those paths, from /proc/PID/net/unix of the guest. */
static size_t sockets_read(int directory, const struct paths *paths, uint64_t sockets[SOCKETS_MAX])
{
	HN_AUTO(file) FILE *list = hn_maps_open(directory, "net/unix");
	HN_AUTO(memory) char *line = NULL;
	size_t room = 0, count = 0;

	while (list && count < SOCKETS_MAX && getline(&line, &room, list) > 0) {
		unsigned long long inode;
		int path = 0;

		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%*s %*s %*s %*s %*s %*s %llu %n", &inode, &path) < 1 || path == 0)
			continue;
		for (size_t i = 0; i < paths->count; i++)
			if (strcmp(line + path, paths->items[i]) == 0 && count < SOCKETS_MAX)
				sockets[count++] = inode;
	}
	return count;
}

static bool holds_one(int directory, const uint64_t *sockets, size_t count)
{
	HN_AUTO(directory) DIR *files = hn_proc_folder_at(directory, "fd");
	struct dirent *entry;

	while (files && (entry = readdir(files))) {
		char link[64];
		ssize_t length = readlinkat(dirfd(files), entry->d_name, link, sizeof(link) - 1);
		unsigned long long inode;

		if (length <= 0)
			continue;
		link[length] = '\0';
		if (sscanf(link, "socket:[%llu]", &inode) != 1)
			continue;
		for (size_t i = 0; i < count; i++)
			if (sockets[i] == inode)
				return true;
	}
	return false;
}

/* Who of the processes beside QEMU holds one of its sockets. */
static void take_connected(struct search *search, int directory)
{
	HN_AUTO(memory) char *command = NULL;
	HN_AUTO(memory) pid_t *pids = NULL;
	uint64_t sockets[SOCKETS_MAX];
	struct paths paths = {.count = 0};
	char group[HN_CGROUP_MAX];
	struct hn_cgroups cgroups;
	size_t length, count = 0, socket_count;

	if (hn_qemu_command(directory, &command, &length) <= 0)
		return;
	hn_qemu_command_backends(&(struct hn_command){command, length}, on_backend, &paths);
	socket_count = paths.count > 0 ? sockets_read(directory, &paths, sockets) : 0;
	if (socket_count == 0 || hn_cgroups_find(search->root, NULL, &cgroups, NULL) < 0 ||
	    hn_cgroup_of(&cgroups, NULL, directory, "cgroup", group) < 0 ||
	    hn_cgroup_processes(search->root, &cgroups, group, NEIGHBOURS_MAX, &pids, &count, NULL) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		struct hn_proc_stat stat;
		HN_AUTO(fd) int neighbour = candidate_open(search, pids[i], &stat);

		if (neighbour >= 0 && holds_one(neighbour, sockets, socket_count))
			take(search, pids[i], &stat);
	}
}

static int by_pid(const void *a, const void *b)
{
	const struct hn_process *left = a, *right = b;

	return (left->pid > right->pid) - (left->pid < right->pid);
}

int hn_helpers_find(const char *root, const struct hn_process *guest, struct hn_process *ret,
		    size_t *ret_count, struct hn_error *err)
{
	HN_AUTO(fd) int directory = hn_process_open(root, guest, err);
	struct search search = {root, guest, ret, 0};
	bool libvirts;

	if (directory < 0)
		return directory;
	libvirts = take_libvirts(&search, directory, "cpuset");
	libvirts = take_libvirts(&search, directory, NULL) || libvirts;
	if (!libvirts)
		take_connected(&search, directory);
	qsort(ret, search.count, sizeof(*ret), by_pid);
	*ret_count = search.count;
	return 0;
}

int hn_guest_threads_read(const char *root, const struct hn_process *guest, struct hn_thread_reading **ret,
			  size_t *ret_count, struct hn_error *err)
{
	HN_AUTO(memory) struct hn_thread_reading *all = NULL;
	struct hn_process helpers[HN_HELPERS_MAX];
	size_t count = 0, helper_count = 0;
	int r = hn_threads_read(root, guest, &all, &count, err);

	if (r == 0)
		r = hn_helpers_find(root, guest, helpers, &helper_count, err);
	for (size_t i = 0; r == 0 && i < helper_count; i++) {
		HN_AUTO(memory) struct hn_thread_reading *threads = NULL;
		size_t more = 0;
		void *grown;

		r = hn_threads_read(root, &helpers[i], &threads, &more, err);
		if (r == 0 && count + more > HN_THREADS_MAX)
			r = hn_fail(err, -E2BIG, "process %d and its helpers have more than %d threads",
				    (int)guest->pid, HN_THREADS_MAX);
		if (r == -E2BIG)
			return r;
		if (r < 0) {
			r = 0;
			continue; /* has ended meanwhile */
		}
		grown = reallocarray(all, count + more, sizeof(*all));
		if (!grown)
			return hn_oom(err);
		all = grown;
		for (size_t j = 0; j < more; j++) {
			all[count] = threads[j];
			all[count++].helper = true;
		}
	}
	if (r < 0)
		return r;
	qsort(all, count, sizeof(*all), hn_thread_readings_order);
	*ret_count = count;
	*ret = hn_steal(all);
	return 0;
}
