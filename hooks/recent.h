#pragma once
/*
 * recent - the answers of the last seconds, in a small file, so that guests started together do not all get
 * one node.
 *
 * A guest that was told its nodes has not touched its memory yet, and nothing in /sys knows of it. The file
 * is a hint: without it, or with nonsense in it, answers are as good as they can be without. A line an
 * answer:
 *     MS-SINCE-BOOT VCPUS MIB NODES
 */
#include "hooks/numa-host.h"

#define RECENT_MAX 256
#define RECENT_MS 30000

struct recent_answer {
	int64_t at_ms; /* CLOCK_BOOTTIME */
	unsigned vcpus;
	uint64_t mib;
	struct node_set nodes;
};

struct recent {
	int fd;              /* -1: no file */
	bool locked, untidy; /* untidy: there are lines that are not among the answers */
	size_t count;
	struct recent_answer answers[RECENT_MAX]; /* those not older than RECENT_MS, the newest RECENT_MAX */
};

int64_t recent_now_ms(void);

/*
 * Opens ROOT/run/homenode-numad, waits for its lock until the deadline (deadline.h), goes on without, and
 * reads it. Release with recent_close(), which unlocks.
 */
void recent_open(const char *root, int64_t now_ms, int64_t deadline, struct recent *ret);
/* Writes an answer down; old ones are removed now and then. */
void recent_add(struct recent *recent, const struct recent_answer *answer);
void recent_close(struct recent *recent);

/* The answers in a text; lines that are none are passed over, and those that are not of the time until
 * now_ms. */
void recent_parse(const char *text, size_t length, int64_t now_ms, struct recent *ret);

/* Counts them against the host's nodes: memory and vCPUs in equal parts for each node answered. */
void recent_apply(const struct recent *recent, struct numa_host *host);
