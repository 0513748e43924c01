#include "host/cgroups.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "host/proc-file.h"

/* Whether word is one of list's, between commas. */
static bool listed(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += length)
		if ((at == list || at[-1] == ',') && strchr(",: \n", at[length]))
			return true;
	return false;
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* Octal escapes of mountinfo, of three digits: \040 is a space. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && is_octal(from[1]) && is_octal(from[2]) && is_octal(from[3])) {
			*to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* One line of mountinfo: "31 23 0:28 INSIDE MOUNT options [tags] - TYPE source OPTIONS". */
static bool hierarchy_parse(const char *line, const char *controller, struct hn_cgroups *ret)
{
	const char *behind = strstr(line, " - ");
	char type[32] = "", options[512] = "";

	if (!behind || sscanf(behind, " - %31s %*s %511[^\n]", type, options) < 1 ||
	    sscanf(line, "%*s %*s %*s %255s %255s", ret->inside, ret->mount) != 2)
		return false;
	unescape(ret->inside);
	unescape(ret->mount);
	ret->v1 = strcmp(type, "cgroup") == 0;
	if (ret->v1)
		return controller && listed(options, controller);
	return strcmp(type, "cgroup2") == 0;
}

static bool is_better(const struct hn_cgroups *one, const struct hn_cgroups *than)
{
	if (one->v1 != than->v1)
		return one->v1;
	return strcmp(one->inside, "/") == 0 && strcmp(than->inside, "/") != 0;
}

int hn_cgroups_find(const char *root, const char *controller, struct hn_cgroups *ret, struct hn_error *err)
{
	HN_AUTO(fd) int fd = hn_proc_open(root, 0, "proc/self/mountinfo");
	HN_AUTO(file) FILE *mounts = fd < 0 ? NULL : fdopen(fd, "r");
	HN_AUTO(memory) char *line = NULL;
	size_t room = 0;
	bool found = false;

	if (!mounts)
		return hn_fail_errno(err, fd < 0 ? fd : -errno, "cannot read /proc/self/mountinfo");
	fd = -1;
	while (getline(&line, &room, mounts) > 0) {
		struct hn_cgroups candidate;

		if (hierarchy_parse(line, controller, &candidate) && (!found || is_better(&candidate, ret))) {
			*ret = candidate;
			found = true;
		}
	}
	return found ? 0
		     : hn_fail(err, -ENOENT, "no control groups%s%s are mounted",
			       controller ? " with the controller " : "", controller ? controller : "");
}

/* The part of a group's path that lies below the mount; NULL when it is elsewhere. */
static const char *below_mount(const struct hn_cgroups *cgroups, const char *path)
{
	size_t length = strlen(cgroups->inside);

	if (strcmp(cgroups->inside, "/") == 0)
		return path[1] ? path : "";
	if (strncmp(path, cgroups->inside, length) != 0 || (path[length] && path[length] != '/'))
		return NULL;
	return path + length;
}

int hn_cgroup_of(const struct hn_cgroups *cgroups, const char *controller, int directory, const char *path,
		 char ret[HN_CGROUP_MAX])
{
	char text[16384], *line, *rest = text;
	ssize_t length = hn_proc_read_at(directory, path, text, sizeof(text));

	if (length < 0)
		return (int)length;
	while ((line = strsep(&rest, "\n"))) {
		char *controllers = strchr(line, ':'),
		     *group = controllers ? strchr(controllers + 1, ':') : NULL;
		const char *below;

		if (!group)
			continue;
		*group++ = '\0';
		controllers++;
		if (cgroups->v1 ? !listed(controllers, controller) : strncmp(line, "0:", 2) != 0)
			continue;
		below = below_mount(cgroups, group);
		if (!below || strlen(below) >= HN_CGROUP_MAX)
			return -ENOENT;
		snprintf(ret, HN_CGROUP_MAX, "%s", below);
		return 0;
	}
	return -ENOENT;
}

bool hn_cgroup_parent(char group[HN_CGROUP_MAX])
{
	char *slash = strrchr(group, '/');

	if (!slash)
		return false;
	*slash = '\0';
	return true;
}

/* The process a thread is of, 0 when it is gone. */
static pid_t process_of(const char *root, pid_t tid)
{
	char status[16384];
	const char *tgid;
	int pid;

	if (hn_proc_read(status, sizeof(status), root, "proc/%d/status", (int)tid) <= 0)
		return 0;
	tgid = strstr(status, "\nTgid:");
	return tgid && sscanf(tgid, "\nTgid: %d", &pid) == 1 ? pid : 0;
}

static bool has_pid(const pid_t *pids, size_t count, pid_t pid)
{
	for (size_t i = 0; i < count; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

/* Numbers of a file, one a line; -EOPNOTSUPP is what the kernel says of processes in a threaded group. */
static int pids_read(const char *root, int fd, bool threads, size_t most, pid_t **ret, size_t *ret_count)
{
	HN_AUTO(file) FILE *file = fdopen(fd, "r");
	HN_AUTO(memory) pid_t *pids = NULL;
	char line[32];
	size_t count = 0;

	if (!file) {
		close(fd);
		return -errno;
	}
	pids = calloc(most + 1, sizeof(*pids));
	if (!pids)
		return -ENOMEM;
	while ((errno = 0, fgets(line, sizeof(line), file))) {
		pid_t pid = threads ? process_of(root, atoi(line)) : atoi(line);

		if (pid <= 0 || has_pid(pids, count, pid))
			continue;
		if (count == most)
			return -E2BIG;
		pids[count++] = pid;
	}
	if (ferror(file))
		return errno ? -errno : -EIO;
	*ret_count = count;
	*ret = hn_steal(pids);
	return 0;
}

int hn_cgroup_processes(const char *root, const struct hn_cgroups *cgroups, const char *group, size_t most,
			pid_t **ret, size_t *ret_count, struct hn_error *err)
{
	int fd = hn_proc_open(root, 0, "%s%s/cgroup.procs", cgroups->mount + 1, group);
	int r = fd < 0 ? fd : pids_read(root, fd, false, most, ret, ret_count);

	if (r == -EOPNOTSUPP) {
		fd = hn_proc_open(root, 0, "%s%s/cgroup.threads", cgroups->mount + 1, group);
		r = fd < 0 ? fd : pids_read(root, fd, true, most, ret, ret_count);
	}
	if (r == -E2BIG)
		return hn_fail(err, r, "the control group %s holds more than %zu processes", group, most);
	return r < 0 ? hn_fail_errno(err, r, "cannot see who is in the control group %s",
				     group[0] ? group : "/")
		     : 0;
}

static int list_read(const char *root, const struct hn_cgroups *cgroups, const char *group, const char *file,
		     struct hn_set *ret)
{
	char text[HN_SET_TEXT_MAX];
	ssize_t length = hn_proc_read(text, sizeof(text), root, "%s%s/%s", cgroups->mount + 1, group, file);

	return length < 0 ? (int)length : hn_set_parse(text, ret, NULL);
}

int hn_cgroup_allowed(const char *root, const struct hn_cgroups *cgroups, const char *group, const char *what,
		      struct hn_set *ret)
{
	char at[HN_CGROUP_MAX], file[64];

	snprintf(at, sizeof(at), "%s", group);
	snprintf(file, sizeof(file), cgroups->v1 ? "cpuset.effective_%s" : "cpuset.%s.effective", what);
	do {
		int r = list_read(root, cgroups, at, file, ret);

		if (r != -ENOENT && !(r == 0 && hn_set_empty(ret)))
			return r;
	} while (hn_cgroup_parent(at));
	return -ENOENT;
}

/* Whether the part of a path that begins here, without its end, is what libvirt calls a guest's group. */
static bool is_guests(const char *part, size_t length)
{
	static const char V1[] = ".libvirt-qemu", SCOPE[] = ".scope";

	if (length > strlen(V1) && strncmp(part + length - strlen(V1), V1, strlen(V1)) == 0)
		return true;
	return strncmp(part, "machine-qemu", strlen("machine-qemu")) == 0 && length > strlen(SCOPE) &&
	       strncmp(part + length - strlen(SCOPE), SCOPE, strlen(SCOPE)) == 0;
}

bool hn_cgroup_cut_to_guest(char group[HN_CGROUP_MAX])
{
	for (char *part = group; *part; part += strcspn(part, "/")) {
		size_t length;

		part += *part == '/';
		length = strcspn(part, "/");
		if (is_guests(part, length)) {
			part[length] = '\0';
			return true;
		}
	}
	return false;
}

static bool is_alone(const char *root, const struct hn_cgroups *cgroups, const char *group, pid_t pid)
{
	HN_AUTO(memory) pid_t *pids = NULL;
	size_t count = 0;

	return hn_cgroup_processes(root, cgroups, group, 1, &pids, &count, NULL) == 0 && count == 1 &&
	       pids[0] == pid;
}

/* The mount's own group is the whole machine. */
bool hn_cgroup_of_guest(const char *root, const struct hn_process *process, struct hn_cgroups *ret_cgroups,
			char ret[HN_CGROUP_MAX])
{
	HN_AUTO(fd) int directory = hn_process_open(root, process, NULL);

	if (directory < 0 || hn_cgroups_find(root, NULL, ret_cgroups, NULL) < 0 ||
	    hn_cgroup_of(ret_cgroups, NULL, directory, "cgroup", ret) < 0 || !*ret)
		return false;
	return hn_cgroup_cut_to_guest(ret) || is_alone(root, ret_cgroups, ret, process->pid);
}
