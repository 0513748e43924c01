#pragma once
/*
 * fake-memory - where the memory of a process that there is not lies: a file that the scene and the fake
 * hands have both mapped. The hands alone write to it while they move.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define FAKE_NODES 8

struct fake_memory {
	uint64_t on_node[FAKE_NODES]; /* bytes */
	uint64_t moved_bytes;         /* ever */
};

static inline void fake_memory_path(char *path, size_t size, const char *folder, int pid)
{
	snprintf(path, size, "%s/%d", folder, pid);
}

/* NULL where it cannot be had, or there is no folder. Made, all 0, by who is first. */
static inline struct fake_memory *fake_memory_open(const char *folder, int pid)
{
	void *memory = MAP_FAILED;
	char path[200];
	int fd;

	if (!folder)
		return NULL;
	fake_memory_path(path, sizeof(path), folder, pid);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0 && ftruncate(fd, sizeof(struct fake_memory)) == 0)
		memory = mmap(NULL, sizeof(struct fake_memory), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	return memory == MAP_FAILED ? NULL : memory;
}

/* And takes the file away. */
static inline void fake_memory_close(struct fake_memory *memory, const char *folder, int pid)
{
	char path[200];

	fake_memory_path(path, sizeof(path), folder, pid);
	munmap(memory, sizeof(*memory));
	unlink(path);
}
