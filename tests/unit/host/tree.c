#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

void tree_init(struct tree *tree)
{
	/* In memory where that can be had: recorded machines are thousands of files, and a disk takes seconds
	 * for them. */
	const char *folder = access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";

	snprintf(tree->root, sizeof(tree->root), "%s/homenode-test-XXXXXX", folder);
	assert_non_null(mkdtemp(tree->root));
}

static int entry_remove(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
	return remove(path);
}

void tree_done(struct tree *tree)
{
	nftw(tree->root, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* The full path, with the folders that lead to it made. */
static void path_make(const struct tree *tree, const char *path, char full[PATH_MAX])
{
	snprintf(full, PATH_MAX, "%s/%s", tree->root, path);
	for (char *slash = full + strlen(tree->root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		assert_true(mkdir(full, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
}

void tree_write(const struct tree *tree, const char *path, const char *format, ...)
{
	char full[PATH_MAX];
	va_list arguments;
	FILE *file;

	path_make(tree, path, full);
	file = fopen(full, "w");
	assert_non_null(file);
	va_start(arguments, format);
	vfprintf(file, format, arguments);
	va_end(arguments);
	assert_int_equal(fclose(file), 0);
}

void tree_write_words(const struct tree *tree, const char *path, uint64_t first, const uint64_t *words,
		      size_t count)
{
	char full[PATH_MAX];
	int fd;

	path_make(tree, path, full);
	fd = open(full, O_WRONLY | O_CREAT, 0644);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, words, count * sizeof(*words), (off_t)(first * sizeof(*words))),
			 count * sizeof(*words));
	close(fd);
}

void tree_link(const struct tree *tree, const char *path, const char *target)
{
	char full[PATH_MAX];

	path_make(tree, path, full);
	assert_int_equal(symlink(target, full), 0);
}

void tree_write_two_nodes(const struct tree *tree)
{
	char path[128];

	tree_write(tree, "sys/devices/system/cpu/online", "0-1\n");
	tree_write(tree, "sys/devices/system/cpu/possible", "0-1\n");
	tree_write(tree, "sys/devices/system/node/online", "0-1\n");
	tree_write(tree, "proc/meminfo", "MemTotal: 2097152 kB\nMemFree: 34816 kB\n");
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu%d/topology/core_id", i);
		tree_write(tree, path, "%d\n", i);
		snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu%d/topology/physical_package_id", i);
		tree_write(tree, path, "0\n");
		snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu%d/topology/thread_siblings", i);
		tree_write(tree, path, "%d\n", i + 1);
		snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu%d/topology/core_siblings", i);
		tree_write(tree, path, "3\n");
		snprintf(path, sizeof(path), "sys/devices/system/node/node%d/cpumap", i);
		tree_write(tree, path, "%d\n", i ? 0 : 3);
		snprintf(path, sizeof(path), "sys/devices/system/node/node%d/cpulist", i);
		tree_write(tree, path, "%s\n", i ? "" : "0-1");
		snprintf(path, sizeof(path), "sys/devices/system/node/node%d/distance", i);
		tree_write(tree, path, "%s\n", i ? "20 10" : "10 20");
		snprintf(path, sizeof(path), "sys/devices/system/node/node%d/meminfo", i);
		tree_write(tree, path, "Node %d MemTotal: 1048576 kB\nNode %d MemFree: 17408 kB\n", i, i);
	}
}

void tree_remove(const struct tree *tree, const char *path)
{
	char full[PATH_MAX];

	path_make(tree, path, full);
	nftw(full, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
}

void tree_write_stat(const struct tree *tree, const char *path, const struct stat_line *line)
{
	char text[2048];
	int used = snprintf(text, sizeof(text), "%d (%s) %c", (int)line->pid, line->name,
			    line->state ? line->state : 'S');

	for (int field = 4; field <= 52; field++) {
		int64_t value = 1000 + field;

		switch (field) {
		case 8: /* tpgid: -1 without a terminal */
			value = -1;
			break;
		case 9:
			value = line->flags;
			break;
		case 14:
			value = (int64_t)line->utime;
			break;
		case 15:
			value = (int64_t)line->stime;
			break;
		case 22:
			value = (int64_t)line->start;
			break;
		case 39:
			value = line->cpu;
			break;
		case 41:
			value = line->policy;
			break;
		}
		used += snprintf(text + used, sizeof(text) - (size_t)used, " %" PRId64, value);
	}
	tree_write(tree, path, "%s\n", text);
}

void tree_write_process(const struct tree *tree, pid_t pid, uint64_t start)
{
	struct stat_line line = {.pid = pid, .name = "qemu", .start = start};
	char path[64];

	snprintf(path, sizeof(path), "proc/%d/stat", (int)pid);
	tree_write_stat(tree, path, &line);
}

void tree_write_command(const struct tree *tree, pid_t pid, const char *const *arguments)
{
	char path[64], full[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "proc/%d/cmdline", (int)pid);
	path_make(tree, path, full);
	file = fopen(full, "w");
	assert_non_null(file);
	for (; *arguments; arguments++)
		assert_int_equal(fwrite(*arguments, 1, strlen(*arguments) + 1, file), strlen(*arguments) + 1);
	assert_int_equal(fclose(file), 0);
}

const char *data_path(const char *name)
{
	static char path[PATH_MAX];
	const char *data = getenv("HOMENODE_DATA"), *source = getenv("HOMENODE_SOURCE");

	if (data)
		snprintf(path, sizeof(path), "%s/%s", data, name);
	else
		snprintf(path, sizeof(path), "%s/../shared/data/%s", source ? source : ".", name);
	if (access(path, R_OK)) {
		print_message("skipped: no %s; set HOMENODE_DATA to the folder that holds it\n", name);
		skip();
	}
	return path;
}

/* The one folder with sys/ inside. */
static const char *inner_root(struct tree *tree)
{
	static char root[PATH_MAX];
	DIR *folder = opendir(tree->root);
	struct dirent *entry;

	assert_non_null(folder);
	while ((entry = readdir(folder))) {
		char sys[PATH_MAX];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(root, sizeof(root), "%s/%s", tree->root, entry->d_name);
		snprintf(sys, sizeof(sys), "%s/%s/sys", tree->root, entry->d_name);
		if (access(sys, R_OK) == 0)
			break;
	}
	closedir(folder);
	assert_non_null(entry);
	return root;
}

static const char *unpack(struct tree *tree, const char *name, const char *excluded)
{
	char file[PATH_MAX], command[3 * PATH_MAX];

	snprintf(file, sizeof(file), "hosts/%s.tar.bz2", name);
	snprintf(file, sizeof(file), "%s", data_path(file));
	if (system("command -v bzip2 > /dev/null")) {
		print_message("skipped: no bzip2 to unpack %s with\n", name);
		skip();
	}
	tree_init(tree);
	snprintf(command, sizeof(command), "tar xjf '%s' -C '%s' --exclude='*/memory[0-9]*' %s", file,
		 tree->root, excluded);
	assert_int_equal(system(command), 0);
	return inner_root(tree);
}

/* Some have tens of thousands of files; memory blocks are read by none of ours, PCI devices by few. */
const char *tree_unpack(struct tree *tree, const char *name)
{
	return unpack(tree, name, "--exclude='*/sys/devices/pci*'");
}

const char *tree_unpack_devices(struct tree *tree, const char *name)
{
	return unpack(tree, name, "");
}

ssize_t file_read(char *buffer, size_t size, const char *root, const char *format, ...)
{
	char path[PATH_MAX], name[512];
	va_list arguments;
	size_t length;
	FILE *file;

	va_start(arguments, format);
	vsnprintf(name, sizeof(name), format, arguments);
	va_end(arguments);
	snprintf(path, sizeof(path), "%s/%s", root, name);
	file = fopen(path, "r");
	if (!file)
		return -1;
	length = fread(buffer, 1, size - 1, file);
	buffer[length] = '\0';
	fclose(file);
	return (ssize_t)length;
}
