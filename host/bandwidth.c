/*
 * bandwidth - groups are found from the threads, by /proc/PID/task/TID/cpu_resctrl_groups: there may be as
 * many groups as guests.
 */
#include "host/bandwidth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/random.h"
#include "host/proc-file.h"

#define FOLDER "sys/fs/resctrl"
#define GROUPS_MAX 32 /* that one guest's threads are in; more are not read */
#define NAME_LENGTH 128
#define TASKS_MAX 65536

struct group {
	char path[2 * NAME_LENGTH + 16]; /* below FOLDER: "a", "mon_groups/b", "a/mon_groups/b" */
	char parent[NAME_LENGTH];        /* of "a/mon_groups/b": "a", which counts it too; "" none */
	bool own;                        /* all its tasks are the guest's */
};

struct groups {
	size_t count;
	struct group items[GROUPS_MAX];
};

/* What a line says behind its word: "res:/", "mon:b". False when there is no such line. */
static bool line_find(const char *text, const char *word, char ret[NAME_LENGTH])
{
	const char *at = strstr(text, word);
	size_t length;

	if (!at || (at != text && at[-1] != '\n'))
		return false;
	at += strlen(word);
	length = strcspn(at, "\n");
	if (length >= NAME_LENGTH)
		return false;
	snprintf(ret, NAME_LENGTH, "%.*s", (int)length, at);
	return strcmp(ret, ".") != 0 && strcmp(ret, "..") != 0 &&
	       (!strchr(ret, '/') || strcmp(ret, "/") == 0);
}

/* False for a thread in none but the group of all, or of which nothing is told. */
static bool group_of(const char *root, const struct hn_process *process, pid_t tid, struct group *ret)
{
	char text[512], res[NAME_LENGTH], mon[NAME_LENGTH];
	bool in_root;

	*ret = (struct group){0};
	if (hn_proc_read(text, sizeof(text), root, "proc/%d/task/%d/cpu_resctrl_groups", (int)process->pid,
			 (int)tid) <= 0 ||
	    !line_find(text, "res:", res) || !line_find(text, "mon:", mon) || !*res)
		return false;
	in_root = strcmp(res, "/") == 0;
	if ((in_root && !*mon) || *mon == '/')
		return false;
	if (!in_root && *mon)
		snprintf(ret->parent, sizeof(ret->parent), "%s", res);
	snprintf(ret->path, sizeof(ret->path), "%s%s%s%s", in_root ? "" : res, in_root || !*mon ? "" : "/",
		 *mon ? "mon_groups/" : "", mon);
	return true;
}

static bool is_guests(pid_t tid, const struct hn_thread_reading *threads, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (threads[i].tid == tid)
			return true;
	return false;
}

static bool is_own(const char *root, const char *path, const struct hn_thread_reading *threads, size_t count)
{
	HN_AUTO(memory) char *text = malloc(TASKS_MAX);
	bool any = false;
	char *rest = NULL;

	if (!text || hn_proc_read(text, TASKS_MAX, root, FOLDER "/%s/tasks", path) <= 0)
		return false;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (!is_guests(atoi(line), threads, count))
			return false;
		any = true;
	}
	return any;
}

static struct group *find(struct groups *groups, const char *path)
{
	for (size_t i = 0; i < groups->count; i++)
		if (strcmp(groups->items[i].path, path) == 0)
			return &groups->items[i];
	return NULL;
}

/* The groups of all threads, each once. */
static void collect(const char *root, const struct hn_process *process, struct hn_thread_reading *threads,
		    size_t count, struct groups *ret)
{
	struct group group;

	for (size_t i = 0; i < count; i++) {
		struct group *known;

		if (!group_of(root, process, threads[i].tid, &group))
			continue;
		known = find(ret, group.path);
		if (!known && ret->count < GROUPS_MAX) {
			known = &ret->items[ret->count++];
			*known = group;
			known->own = is_own(root, group.path, threads, count);
		}
		threads[i].monitored = known && known->own;
	}
}

/* One file, added to what is known; what is no number ("Unavailable") makes the sum unknown. */
static void add_file(int cache, size_t counter, bool first, struct hn_counters *ret)
{
	uint64_t value;
	char text[64], *end;

	if (!first && !hn_counter_known(ret, counter))
		return;
	ret->known &= ~(UINT64_C(1) << counter);
	if (hn_proc_read_at(cache, hn_counter_name(HN_COUNTERS_BANDWIDTH, counter), text, sizeof(text)) <=
		    0 ||
	    text[0] < '0' || text[0] > '9')
		return;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno == 0 && (*end == '\n' || *end == '\0') && value <= UINT64_MAX - ret->values[counter])
		hn_counter_set(ret, counter, ret->values[counter] + value);
}

/* mon_data/mon_L3_00 and on; *first until one has been added. */
static void add_group(const char *root, const char *path, bool *first, struct hn_counters *ret)
{
	HN_AUTO(fd) int folder = hn_proc_open(root, O_DIRECTORY, FOLDER "/%s/mon_data", path);
	HN_AUTO(directory) DIR *caches = folder < 0 ? NULL : hn_proc_folder_at(folder, ".");
	struct dirent *entry;
	struct hn_random mix;
	struct stat about;

	if (!caches || fstat(folder, &about) < 0)
		return;
	mix.state = about.st_ino;
	ret->source += hn_random_next(&mix);
	while ((entry = readdir(caches))) {
		HN_AUTO(fd) int cache = -1;

		if (strncmp(entry->d_name, "mon_L3_", 7) != 0)
			continue;
		cache = openat(folder, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		for (size_t i = 0; i < HN_BANDWIDTH_COUNTER_COUNT; i++)
			add_file(cache, i, *first, ret);
		*first = false;
	}
}

void hn_bandwidth_read(const char *root, const struct hn_process *process, struct hn_thread_reading *threads,
		       size_t thread_count, struct hn_counters *ret)
{
	HN_AUTO(memory) struct groups *groups = NULL;
	HN_AUTO(fd) int folder = hn_proc_open(root, O_DIRECTORY, FOLDER "/mon_data");
	bool first = true;

	*ret = (struct hn_counters){.family = HN_COUNTERS_BANDWIDTH, .node = -1};
	if (folder < 0 || !(groups = calloc(1, sizeof(*groups))))
		return;
	collect(root, process, threads, thread_count, groups);
	for (size_t i = 0; i < groups->count; i++) {
		const struct group *group = &groups->items[i];
		const struct group *parent = *group->parent ? find(groups, group->parent) : NULL;

		if (group->own && !(parent && parent->own))
			add_group(root, group->path, &first, ret);
	}
}
