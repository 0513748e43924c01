#pragma once
/*
 * tree - folders that stand for / in tests: made up file by file, or unpacked from the recorded machines.
 */
#include <stdint.h>
#include <sys/types.h>

struct tree {
	char root[64];
};

/* An empty folder; the test fails when it cannot be made. */
void tree_init(struct tree *tree);
void tree_done(struct tree *tree);

/* Writes a file, its folders made as needed. */
void tree_write(const struct tree *tree, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Writes count 64-bit words from number first on, as in pagemap. */
void tree_write_words(const struct tree *tree, const char *path, uint64_t first, const uint64_t *words,
		      size_t count);
void tree_link(const struct tree *tree, const char *path, const char *target);
void tree_remove(const struct tree *tree, const char *path);

/* A line of /proc/PID/stat: fields not named are counted up from 1000, so that no two are alike. */
struct stat_line {
	pid_t pid;
	const char *name;
	char state;
	unsigned flags;
	uint64_t utime, stime, start;
	int cpu, policy;
};
void tree_write_stat(const struct tree *tree, const char *path, const struct stat_line *line);

/* ROOT/proc/PID/cmdline of these arguments, NULL at their end. */
void tree_write_command(const struct tree *tree, pid_t pid, const char *const *arguments);

/* ROOT/proc/PID/stat of a sleeping process that started at that tick. */
void tree_write_process(const struct tree *tree, pid_t pid, uint64_t start);

/*
 * Unpacks hosts/NAME.tar.bz2 and returns the path of the tree inside, or skips the test with a reason when
 * the recorded machines are not there. They are looked for at HOMENODE_DATA, else beside the source tree.
 */
const char *tree_unpack(struct tree *tree, const char *name);

/* Two nodes of 1 GiB: node 0 with CPUs 0 and 1, node 1 with none; distances 10 and 20, 17 MiB free each. */
void tree_write_two_nodes(const struct tree *tree);

/* As tree_unpack(), the folders of the PCI devices too. */
const char *tree_unpack_devices(struct tree *tree, const char *name);

/* Path of a file of the recorded data, or skips the test. */
const char *data_path(const char *name);

/* Reads a file below a root; its length, or -1 when it is not there. */
ssize_t file_read(char *buffer, size_t size, const char *root, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
