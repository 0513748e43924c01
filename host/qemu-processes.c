/*
 * qemu-processes - QEMUs found in /proc, and what they are called in their own namespaces.
 *
 * Who runs in a container is told by NSpid: it lists a process's number in each pid namespace from ours down
 * to its own. Paths on its command line are its own too and are reached through /proc/PID/root. They are
 * looked up there with openat2(RESOLVE_IN_ROOT): a symbolic link in a container must not lead to a socket of
 * the host's.
 */
#include "host/qemu-processes.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "host/cgroups.h"
#include "host/proc-file.h"
#include "host/proc-stat.h"
#include "host/qemu-command.h"
#include "host/qemu-identity.h"

#define STATUS_MAX 16384

/* Its number in its own pid namespace; 0 when that is the reader's, or not told. */
static pid_t inner_pid(const char *status)
{
	const char *at = strstr(status, "\nNSpid:");
	long numbers = 0, number = 0;

	if (!at)
		return 0;
	at += strlen("\nNSpid:");
	while (*at == '\t' || *at == ' ') {
		char *end;

		number = strtol(at, &end, 10);
		numbers += end > at;
		at = end > at ? end : at + 1;
	}
	return numbers > 1 ? (pid_t)number : 0;
}

/* The path of a file that the process calls path, as seen from here; false when there is none. */
static bool path_from_here(const char *root, pid_t pid, int inside, const char *path, char *ret, size_t size)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC,
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	HN_AUTO(fd) int fd = (int)syscall(SYS_openat2, inside, path, &how, sizeof(how));
	char link[64], base[PATH_MAX], found[PATH_MAX];
	ssize_t base_length, length;
	struct stat file;

	if (fd < 0 || fstat(fd, &file) != 0 || !S_ISSOCK(file.st_mode))
		return false;
	/* without the links on the way, which would be followed from our root otherwise */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", inside);
	base_length = readlink(link, base, sizeof(base) - 1);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, found, sizeof(found) - 1);
	if (base_length < 0 || length < base_length)
		return false;
	found[length] = '\0';
	if (base_length == 1) /* "/" */
		base_length = 0;
	if (strncmp(found, base, (size_t)base_length) != 0)
		return false;
	length = snprintf(ret, size, "%s/proc/%d/root%s", root ? root : "", (int)pid, found + base_length);
	return length > 0 && (size_t)length < size;
}

/* A container that was given the host's own socket has no libvirt of its own. */
static bool is_its_own(const char *root, const char *path, struct hn_qemu_container *container)
{
	char ours[PATH_MAX];
	struct stat theirs, own;

	if (stat(container->libvirt, &theirs) < 0)
		return false;
	container->libvirt_device = theirs.st_dev;
	container->libvirt_inode = theirs.st_ino;
	snprintf(ours, sizeof(ours), "%s/%s", root ? root : "", path);
	return stat(ours, &own) < 0 || theirs.st_dev != own.st_dev || theirs.st_ino != own.st_ino;
}

/* Monitors and libvirt's socket of a process in a container: those that are there. */
static void sockets_translate(const char *root, int directory, pid_t pid, struct hn_qemu_container *container)
{
	static const char *const LIBVIRT[] = {"run/libvirt/virtqemud-sock", "var/run/libvirt/virtqemud-sock",
					      "run/libvirt/libvirt-sock", "var/run/libvirt/libvirt-sock"};
	HN_AUTO(fd) int inside = openat(directory, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char monitors[HN_QEMU_SOCKETS_MAX][HN_QEMU_SOCKET_MAX];
	size_t count = 0;

	memcpy(monitors, container->monitors, sizeof(monitors));
	memset(container->monitors, 0, sizeof(container->monitors));
	if (inside < 0)
		return;
	for (size_t i = 0; i < HN_QEMU_SOCKETS_MAX && monitors[i][0]; i++)
		count += path_from_here(root, pid, inside, monitors[i], container->monitors[count],
					sizeof(container->monitors[count]));
	if (count < HN_QEMU_SOCKETS_MAX)
		container->monitors[count][0] = '\0';
	for (size_t i = 0; i < HN_COUNT(LIBVIRT); i++)
		if (path_from_here(root, pid, inside, LIBVIRT[i], container->libvirt,
				   sizeof(container->libvirt)) &&
		    is_its_own(root, LIBVIRT[i], container))
			return;
	container->libvirt[0] = '\0';
	container->libvirt_device = container->libvirt_inode = 0;
}

/* The group's limit, unless it is what the whole machine has. */
static struct hn_set limit_read(const char *root, const struct hn_cgroups *cgroups, const char *group,
				const char *what)
{
	struct hn_set own = {0}, all = {0};

	if (hn_cgroup_allowed(root, cgroups, group, what, &own) < 0)
		return (struct hn_set){0};
	if (hn_cgroup_allowed(root, cgroups, "", what, &all) == 0 && hn_set_equal(&own, &all))
		return (struct hn_set){0};
	return own;
}

/* A libvirt in the container may have made groups of its own below the container's: those are not its limits.
 */
static void limits_read(const char *root, const struct hn_cgroups *cgroups, int directory,
			struct hn_qemu_container *container)
{
	char group[HN_CGROUP_MAX];

	if (hn_cgroup_of(cgroups, "cpuset", directory, "cgroup", group) < 0)
		return;
	if (hn_cgroup_cut_to_guest(group)) {
		hn_cgroup_parent(group);
		if (strcmp(basename(group), "machine") == 0 || strcmp(basename(group), "machine.slice") == 0)
			hn_cgroup_parent(group);
	}
	container->cpus = limit_read(root, cgroups, group, "cpus");
	container->nodes = limit_read(root, cgroups, group, "mems");
}

/* Its effective user; false where it is not told. */
static bool uid_of(const char *status, uid_t *ret)
{
	const char *at = strstr(status, "\nUid:");

	return at && sscanf(at, "\nUid: %*u %u", ret) == 1;
}

static int process_open(int proc, pid_t pid)
{
	char entry[16];

	snprintf(entry, sizeof(entry), "%d", (int)pid);
	return openat(proc, entry, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* 1 and the process when /proc/PID is a QEMU that runs a guest; 0 else, gone and hidden ones included.
 * cgroups NULL: there are none. */
static int process_read(const char *root, const struct hn_cgroups *cgroups, int proc, pid_t pid,
			struct hn_qemu_process *ret, struct hn_qemu_container *ret_container)
{
	HN_AUTO(fd) int directory = process_open(proc, pid);
	HN_AUTO(memory) char *command = NULL;
	char status[STATUS_MAX];
	struct hn_proc_stat stat;
	size_t length;
	int r;

	if (directory < 0)
		return 0;
	r = hn_qemu_command(directory, &command, &length);
	if (r <= 0)
		return r == -ENOMEM ? r : 0;
	if (hn_proc_stat_read(directory, "stat", &stat) < 0 || stat.state == 'Z' ||
	    hn_proc_read_at(directory, "status", status, sizeof(status)) < 0)
		return 0;
	*ret = (struct hn_qemu_process){.process = {pid, stat.start_ticks}, .container = -1};
	*ret_container = (struct hn_qemu_container){0};
	if (!uid_of(status, &ret->uid))
		return 0;
	ret->pid_inside = inner_pid(status);
	hn_qemu_command_read(&(struct hn_command){command, length}, ret, ret_container->monitors);
	if (ret->pid_inside) {
		sockets_translate(root, directory, ret->process.pid, ret_container);
		if (cgroups)
			limits_read(root, cgroups, directory, ret_container);
	}
	return 1;
}

static int list_add(struct hn_qemu_list *list, struct hn_qemu_process *process,
		    const struct hn_qemu_container *container)
{
	void *grown = reallocarray(list->processes, list->count + 1, sizeof(*list->processes));

	if (!grown)
		return -ENOMEM;
	list->processes = grown;
	if (process->pid_inside) {
		grown = reallocarray(list->containers, list->container_count + 1, sizeof(*list->containers));
		if (!grown)
			return -ENOMEM;
		list->containers = grown;
		process->container = (int32_t)list->container_count;
		list->containers[list->container_count++] = *container;
	} else {
		process->pid_inside = process->process.pid;
	}
	list->processes[list->count++] = *process;
	return 0;
}

void hn_qemu_list_free(struct hn_qemu_list *list)
{
	if (!list)
		return;
	free(list->processes);
	free(list->containers);
	free(list);
}

static int by_pid(const void *a, const void *b)
{
	const struct hn_qemu_process *left = a, *right = b;

	return (left->process.pid > right->process.pid) - (left->process.pid < right->process.pid);
}

/* A process that is called QEMU, whatever it is. */
struct candidate {
	pid_t pid;
	uid_t uid;
	size_t place; /* among those of its user */
};

struct candidates {
	struct candidate *items;
	size_t count, room;
};

static int candidate_add(int proc, pid_t pid, struct candidates *candidates)
{
	HN_AUTO(fd) int directory = process_open(proc, pid);
	struct candidate candidate = {.pid = pid};
	char status[STATUS_MAX];

	if (directory < 0 || hn_qemu_is_called_so(directory) <= 0 ||
	    hn_proc_read_at(directory, "status", status, sizeof(status)) < 0 ||
	    !uid_of(status, &candidate.uid))
		return 0;
	if (candidates->count == candidates->room) {
		size_t room = candidates->room ? 2 * candidates->room : 64;
		void *grown = reallocarray(candidates->items, room, sizeof(candidate));

		if (!grown)
			return -ENOMEM;
		candidates->items = grown;
		candidates->room = room;
	}
	candidates->items[candidates->count++] = candidate;
	return 0;
}

static int by_user(const void *a, const void *b)
{
	const struct candidate *left = a, *right = b;

	if (left->uid != right->uid)
		return left->uid < right->uid ? -1 : 1;
	return (left->pid > right->pid) - (left->pid < right->pid);
}

static int by_place(const void *a, const void *b)
{
	const struct candidate *left = a, *right = b;

	if (left->place != right->place)
		return left->place < right->place ? -1 : 1;
	return by_user(a, b);
}

/* The first of each user, then the second of each, and so on, until all are there or it is enough. The number
 * left out. */
static size_t deal(struct candidates *candidates)
{
	struct candidate *items = candidates->items;
	size_t left_out;

	if (candidates->count <= HN_QEMUS_MAX)
		return 0;
	qsort(items, candidates->count, sizeof(*items), by_user);
	for (size_t i = 1; i < candidates->count; i++)
		items[i].place = items[i].uid == items[i - 1].uid ? items[i - 1].place + 1 : 0;
	qsort(items, candidates->count, sizeof(*items), by_place);
	left_out = candidates->count - HN_QEMUS_MAX;
	candidates->count = HN_QEMUS_MAX;
	return left_out;
}

static int candidates_read(int proc, struct candidates *ret, struct hn_error *err)
{
	HN_AUTO(directory) DIR *folder = hn_proc_folder_at(proc, ".");
	struct dirent *entry;

	if (!folder)
		return hn_fail_errno(err, -errno, "cannot list /proc");
	while ((entry = readdir(folder)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    candidate_add(proc, atoi(entry->d_name), ret) < 0)
			return hn_oom(err);
	return 0;
}

static int list_read(const char *root, int proc, const struct candidates *candidates,
		     struct hn_qemu_list *list)
{
	struct hn_cgroups cgroups;
	bool known = hn_cgroups_find(root, "cpuset", &cgroups, NULL) == 0;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < candidates->count; i++) {
		struct hn_qemu_process process;
		struct hn_qemu_container container;

		r = process_read(root, known ? &cgroups : NULL, proc, candidates->items[i].pid, &process,
				 &container);
		if (r > 0)
			r = list_add(list, &process, &container);
	}
	if (list->count > 0)
		qsort(list->processes, list->count, sizeof(*list->processes), by_pid);
	return r;
}

int hn_qemu_processes_read(const char *root, struct hn_qemu_list **ret, struct hn_error *err)
{
	HN_AUTO(fd) int proc = hn_proc_open(root, O_DIRECTORY, "proc");
	HN_AUTO(hn_qemu_list) struct hn_qemu_list *list = calloc(1, sizeof(*list));
	struct candidates candidates = {0};
	int r;

	if (!list)
		return hn_oom(err);
	if (proc < 0)
		return hn_fail_errno(err, proc, "cannot open /proc");
	r = candidates_read(proc, &candidates, err);
	list->left_out = deal(&candidates);
	if (r == 0 && list_read(root, proc, &candidates, list) < 0)
		r = hn_oom(err);
	free(candidates.items);
	if (r < 0)
		return r;
	*ret = hn_steal(list);
	return 0;
}

/* A thread by its number in its own namespace, and by ours. */
struct twin {
	pid_t inside, here;
};

static int by_inside(const void *a, const void *b)
{
	const struct twin *left = a, *right = b;

	return (left->inside > right->inside) - (left->inside < right->inside);
}

/* In order of inside. */
static int twins_read(int directory, const struct hn_process *process, struct twin **ret, size_t *ret_count,
		      struct hn_error *err)
{
	HN_AUTO(directory) DIR *tasks = hn_proc_folder_at(directory, "task");
	HN_AUTO(memory) struct twin *twins = NULL;
	struct dirent *entry;
	size_t count = 0;

	while (tasks && (entry = readdir(tasks))) {
		char path[300], status[STATUS_MAX];
		pid_t inside;
		void *grown;

		snprintf(path, sizeof(path), "task/%s/status", entry->d_name);
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    hn_proc_read_at(directory, path, status, sizeof(status)) < 0)
			continue;
		if (count == HN_THREADS_MAX)
			return hn_fail(err, -E2BIG, "process %d has more than %d threads", (int)process->pid,
				       HN_THREADS_MAX);
		inside = inner_pid(status);
		grown = reallocarray(twins, count + 1, sizeof(*twins));
		if (!grown)
			return hn_oom(err);
		twins = grown;
		twins[count++] = (struct twin){inside ? inside : atoi(entry->d_name), atoi(entry->d_name)};
	}
	if (count > 0)
		qsort(twins, count, sizeof(*twins), by_inside);
	*ret_count = count;
	*ret = hn_steal(twins);
	return 0;
}

static pid_t twin_of(const struct twin *twins, size_t count, pid_t inside)
{
	const struct twin wanted = {.inside = inside};
	const struct twin *twin = count ? bsearch(&wanted, twins, count, sizeof(*twins), by_inside) : NULL;

	return twin ? twin->here : 0;
}

int hn_threads_translate(const char *root, const struct hn_process *process, int32_t *tids, size_t count,
			 struct hn_error *err)
{
	HN_AUTO(fd) int directory = hn_process_open(root, process, err);
	HN_AUTO(memory) struct twin *twins = NULL;
	char status[STATUS_MAX];
	size_t twin_count = 0;
	ssize_t length;
	int r;

	if (directory < 0)
		return directory;
	length = hn_proc_read_at(directory, "status", status, sizeof(status));
	if (length < 0)
		return hn_fail_errno(err, (int)length, "cannot read /proc/%d/status", (int)process->pid);
	if (!inner_pid(status))
		return 0;
	if ((r = twins_read(directory, process, &twins, &twin_count, err)) < 0)
		return r;
	for (size_t i = 0; i < count; i++)
		if (!twin_of(twins, twin_count, tids[i]))
			return hn_fail(err, -ESRCH,
				       "process %d, in a container, has no thread that is called %d there",
				       (int)process->pid, (int)tids[i]);
	for (size_t i = 0; i < count; i++)
		tids[i] = twin_of(twins, twin_count, tids[i]);
	return 0;
}
