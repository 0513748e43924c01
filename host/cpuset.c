/*
 * cpuset - cpuset.mems of the groups that a guest's threads are in.
 *
 * A write to it rebinds the memory policies of every process with a thread in the group, node by node: the
 * n-th of the old nodes becomes the n-th of the new (modulo their number). So the place in the set is what a
 * policy keeps: widened from 2-3 to 0-3, "bind:2" becomes "bind:0", and narrowed to 0-1 it stays there. All
 * groups are given the same nodes, since each write rebinds the whole address space.
 */
#include "host/cpuset.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "host/cgroups.h"
#include "host/helpers.h"
#include "host/proc-file.h"
#include "host/proc-stat.h"

#define MEMBERS_MAX (HN_HELPERS_MAX + 1)

struct group {
	char path[HN_CGROUP_MAX];
	bool has_mems;                /* it has a control of its own */
	char before[HN_SET_TEXT_MAX]; /* of that */
	bool written;
	bool migrate; /* v1: cpuset.memory_migrate was on */
};

struct groups {
	const char *root;
	struct hn_cgroups cgroups;
	struct group *items;
	size_t count;
	struct hn_set nodes; /* that all allow */
	bool alike;          /* all allow the same */
};

static void groups_done(struct groups *groups)
{
	free(groups->items);
}

static int group_add(struct groups *groups, const char *path, struct hn_error *err)
{
	void *grown;

	for (size_t i = 0; i < groups->count; i++)
		if (strcmp(groups->items[i].path, path) == 0)
			return 0;
	grown = reallocarray(groups->items, groups->count + 1, sizeof(*groups->items));
	if (!grown)
		return hn_oom(err);
	groups->items = grown;
	groups->items[groups->count] = (struct group){.has_mems = false};
	snprintf(groups->items[groups->count++].path, HN_CGROUP_MAX, "%s", path);
	return 0;
}

/* The groups that the process's threads are in. */
static int groups_list(int directory, const struct hn_process *process, struct groups *groups,
		       struct hn_error *err)
{
	HN_AUTO(directory) DIR *tasks = hn_proc_folder_at(directory, "task");
	struct dirent *entry;
	int r = 0;

	while (r == 0 && tasks && (entry = readdir(tasks))) {
		char path[300], group[HN_CGROUP_MAX];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "task/%s/cgroup", entry->d_name);
		r = hn_cgroup_of(&groups->cgroups, "cpuset", directory, path, group);
		if (r == -ENOENT && faccessat(directory, path, F_OK, 0) == 0)
			return hn_fail(err, r, "the control group of thread %s is not to be seen from here",
				       entry->d_name);
		if (r == 0)
			r = group_add(groups, group, err);
		else if (r == -ENOENT || r == -ESRCH)
			r = 0; /* has ended meanwhile */
		else
			r = hn_fail_errno(err, r, "cannot read the control group of thread %s",
					  entry->d_name);
	}
	if (r == 0 && groups->count == 0)
		r = hn_fail(err, -ESRCH, "process %d is gone", (int)process->pid);
	return r;
}

static int nodes_gather(struct groups *groups, struct hn_error *err)
{
	groups->alike = true;
	for (size_t i = 0; i < groups->count; i++) {
		struct hn_set nodes;
		int r = hn_cgroup_allowed(groups->root, &groups->cgroups, groups->items[i].path, "mems",
					  &nodes);

		if (r < 0)
			return hn_fail_errno(err, r, "cannot read the memory nodes of the control group %s",
					     groups->items[i].path);
		if (i > 0 && !hn_set_equal(&nodes, &groups->nodes))
			groups->alike = false;
		if (i == 0)
			groups->nodes = nodes;
		else
			hn_set_and(&groups->nodes, &nodes);
	}
	return 0;
}

static int groups_read(const char *root, const struct hn_process *process, struct groups *groups,
		       struct hn_error *err)
{
	HN_AUTO(fd) int directory = hn_process_open(root, process, err);
	int r;

	*groups = (struct groups){.root = root};
	if (directory < 0)
		return directory;
	r = hn_cgroups_find(root, "cpuset", &groups->cgroups, err);
	if (r == 0)
		r = groups_list(directory, process, groups, err);
	return r < 0 ? r : nodes_gather(groups, err);
}

int hn_cpuset_nodes(const char *root, const struct hn_process *process, struct hn_set *ret,
		    struct hn_error *err)
{
	struct groups groups;
	int r = groups_read(root, process, &groups, err);

	if (r == 0)
		*ret = groups.nodes;
	groups_done(&groups);
	return r;
}

/* Nodes with memory: a cpuset takes no others. */
static int check_nodes(const char *root, const struct hn_set *nodes, struct hn_error *err)
{
	char text[HN_SET_TEXT_MAX], asked[128], there[128];
	struct hn_set memory = {0};
	ssize_t length = hn_proc_read(text, sizeof(text), root, "sys/devices/system/node/has_memory");

	if (length < 0)
		length = hn_proc_read(text, sizeof(text), root, "sys/devices/system/node/online");
	if (length >= 0)
		length = hn_set_parse(text, &memory, err);
	if (length < 0)
		return hn_fail_errno(err, (int)length, "cannot see which nodes have memory");
	if (!hn_set_empty(nodes) && hn_set_inside(nodes, &memory))
		return 0;
	return hn_fail(err, -EINVAL, "the nodes '%s' are not all nodes with memory: those are '%s'",
		       hn_set_format(nodes, asked, sizeof(asked)),
		       hn_set_format(&memory, there, sizeof(there)));
}

/* In v1 the kernel puts threads it makes for a guest into its groups: vhost's before 6.4, and KVM's own. */
static bool is_of_the_kernel(const struct groups *groups, pid_t pid)
{
	HN_AUTO(fd) int directory = hn_proc_open(groups->root, O_DIRECTORY, "proc/%d", (int)pid);
	struct hn_proc_stat stat;

	return directory >= 0 && hn_proc_stat_read(directory, "stat", &stat) == 0 && stat.kernel_thread;
}

/* Only this guest, its helpers and threads of the kernel are in the group. */
static int check_alone(const struct groups *groups, const struct group *group, const pid_t *members,
		       size_t member_count, struct hn_error *err)
{
	HN_AUTO(memory) pid_t *pids = NULL;
	size_t count = 0;
	int r = hn_cgroup_processes(groups->root, &groups->cgroups, group->path, 4096, &pids, &count, err);

	for (size_t i = 0; r == 0 && i < count; i++) {
		bool member = false;

		for (size_t j = 0; j < member_count; j++)
			member = member || members[j] == pids[i];
		if (!member && !is_of_the_kernel(groups, pids[i]))
			return hn_fail(
				err, -EPERM,
				"the control group %s also holds process %d, which is not the guest's: its "
				"memory nodes are left alone",
				group->path, (int)pids[i]);
	}
	return r;
}

static int check_parent(const struct groups *groups, const struct group *group, const struct hn_set *nodes,
			struct hn_error *err)
{
	char parent[HN_CGROUP_MAX], asked[128], text[128];
	struct hn_set allowed;
	int r;

	memcpy(parent, group->path, sizeof(parent));
	if (!hn_cgroup_parent(parent))
		return hn_fail(err, -EPERM,
			       "the guest is in the root of all control groups: it has no cpuset");
	r = hn_cgroup_allowed(groups->root, &groups->cgroups, parent, "mems", &allowed);
	if (r < 0)
		return hn_fail_errno(err, r, "cannot read the memory nodes of the control group %s", parent);
	if (hn_set_inside(nodes, &allowed))
		return 0;
	return hn_fail(
		err, -EPERM,
		"the control group %s allows the nodes '%s', not '%s': give those to cpuset.mems there first",
		parent, hn_set_format(&allowed, text, sizeof(text)),
		hn_set_format(nodes, asked, sizeof(asked)));
}

/* What the group's own control says; its effective nodes where it says nothing. */
static int group_read(const struct groups *groups, struct group *group, struct hn_error *err)
{
	char text[16];
	ssize_t length = hn_proc_read(group->before, sizeof(group->before), groups->root, "%s%s/cpuset.mems",
				      groups->cgroups.mount + 1, group->path);

	group->has_mems = length >= 0;
	if (length == -ENOENT)
		return 0;
	if (length < 0)
		return hn_fail_errno(err, (int)length, "cannot read cpuset.mems of the control group %s",
				     group->path);
	if (groups->cgroups.v1 && hn_proc_read(text, sizeof(text), groups->root, "%s%s/cpuset.memory_migrate",
					       groups->cgroups.mount + 1, group->path) > 0)
		group->migrate = text[0] == '1';
	return 0;
}

static int control_write(const struct groups *groups, const struct group *group, const char *control,
			 const char *value, struct hn_error *err)
{
	HN_AUTO(fd) int fd = -1;
	char path[PATH_MAX];
	int r = 0;

	snprintf(path, sizeof(path), "%s%s%s/%s", groups->root ? groups->root : "", groups->cgroups.mount,
		 group->path, control);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		r = -errno;
	if (r == -EACCES || r == -EBUSY || r == -ENOSPC)
		return hn_fail(err, -EPERM,
			       "the kernel does not let the control group %s have the nodes %.*s: %s",
			       group->path, (int)strcspn(value, "\n"), value, strerror(-r));
	return r < 0 ? hn_fail_errno(err, r, "cannot write %s of the control group %s", control, group->path)
		     : 0;
}

/* Writes the nodes of one group, without the kernel moving pages where that can be told to it (v1). */
static int mems_write(const struct groups *groups, const struct group *group, const char *value,
		      struct hn_error *err)
{
	int r = group->migrate ? control_write(groups, group, "cpuset.memory_migrate", "0\n", err) : 0;

	if (r < 0)
		return r;
	r = control_write(groups, group, "cpuset.mems", value, err);
	if (group->migrate)
		(void)control_write(groups, group, "cpuset.memory_migrate", "1\n", NULL);
	return r;
}

static int groups_write(struct groups *groups, const struct hn_set *nodes, struct hn_error *err)
{
	char value[HN_SET_TEXT_MAX + 1], inherited[HN_SET_TEXT_MAX + 1];
	int r = 0;

	hn_set_format(nodes, value, HN_SET_TEXT_MAX);
	hn_set_format(&groups->nodes, inherited, HN_SET_TEXT_MAX);
	for (size_t i = 0; r == 0 && i < groups->count; i++) {
		r = mems_write(groups, &groups->items[i], value, err);
		groups->items[i].written = r == 0;
	}
	/* what was unset (v2) cannot be unset again while someone is in the group: it gets what it had by
	 * that */
	for (size_t i = 0; r < 0 && i < groups->count; i++)
		if (groups->items[i].written)
			(void)mems_write(groups, &groups->items[i],
					 strpbrk(groups->items[i].before, "0123456789")
						 ? groups->items[i].before
						 : inherited,
					 NULL);
	return r;
}

static int check_alike(const struct groups *groups, struct hn_error *err)
{
	if (groups->alike)
		return 0;
	return hn_fail(
		err, -EPERM,
		"the guest's threads may use different memory nodes (control groups %s and others): they "
		"cannot be changed together",
		groups->items[0].path);
}

static int check_groups(struct groups *groups, const struct hn_process *process, const struct hn_set *nodes,
			struct hn_error *err)
{
	struct hn_process helpers[HN_HELPERS_MAX];
	pid_t members[MEMBERS_MAX] = {process->pid};
	size_t helper_count = 0;
	int r = check_alike(groups, err);

	if (r == 0)
		r = hn_helpers_find(groups->root, process, helpers, &helper_count, err);
	for (size_t i = 0; i < helper_count; i++)
		members[i + 1] = helpers[i].pid;
	for (size_t i = 0; r == 0 && i < groups->count; i++) {
		struct group *group = &groups->items[i];

		r = check_parent(groups, group, nodes, err);
		if (r == 0)
			r = check_alone(groups, group, members, helper_count + 1, err);
		if (r == 0)
			r = group_read(groups, group, err);
		if (r == 0 && !group->has_mems)
			r = hn_fail(err, -EPERM,
				    "the control group %s has no cpuset of its own, those above are not only "
				    "this guest's",
				    group->path);
	}
	return r;
}

static int change(struct groups *groups, const struct hn_process *process, const struct hn_set *nodes,
		  struct hn_error *err)
{
	int r;

	if (groups->alike && hn_set_equal(nodes, &groups->nodes))
		return 0;
	r = check_groups(groups, process, nodes, err);
	return r < 0 ? r : groups_write(groups, nodes, err);
}

int hn_cpuset_widen(const char *root, const struct hn_process *process, const struct hn_set *nodes,
		    struct hn_error *err)
{
	struct groups groups;
	struct hn_set wide;
	int r = groups_read(root, process, &groups, err);

	if (r == 0)
		r = check_nodes(root, nodes, err);
	if (r == 0) {
		wide = groups.nodes;
		hn_set_or(&wide, nodes);
		r = change(&groups, process, &wide, err);
	}
	groups_done(&groups);
	return r;
}

int hn_cpuset_narrow(const char *root, const struct hn_process *process, const struct hn_set *nodes,
		     struct hn_error *err)
{
	struct groups groups;
	int r = groups_read(root, process, &groups, err);

	if (r == 0)
		r = check_nodes(root, nodes, err);
	if (r == 0)
		r = change(&groups, process, nodes, err);
	groups_done(&groups);
	return r;
}
