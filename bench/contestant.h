#pragma once
/*
 * contestant - who places guests on a host as they come, each in its own way, by the same rules: dedicated
 * CPUs, given once; no more memory on a node than it has; nothing kept free.
 */
#include <stdbool.h>

#include "base/error.h"
#include "bench/nova.h"
#include "bench/resident.h"

struct bench_place {
	double locality; /* share of the guest's memory that is on the node of its vCPUs */
	bool split;      /* a cell is on several nodes */
};

struct bench_contestant;

/* What each can do; 0 or -errno but where said otherwise. */
struct bench_contest {
	/* A new, empty host, which is taken over. */
	int (*begin)(struct bench_contestant *contestant, struct hn_host *host, struct hn_error *err);
	/* 1: the guest of that number is placed; 0: refused. */
	int (*arrive)(struct bench_contestant *contestant, long number, const struct bench_size *size,
		      struct bench_place *ret, struct hn_error *err);
	int (*leave)(struct bench_contestant *contestant, long number, struct hn_error *err);
};
extern const struct bench_contest bench_contest_homenode, bench_contest_nova, bench_contest_numad;

struct bench_contestant {
	const struct bench_contest *contest;
	unsigned movers;              /* homenode: so many guests may move for a newcomer, at most 2 */
	bool pack;                    /* nova: fullest nodes first */
	struct bench_nova *nova;      /* nova: the caller's */
	struct hn_snapshot *snapshot; /* who is where; begin() makes it */
	unsigned impossible;          /* placements that had no room */
	uint64_t move_bytes;          /* of all moves since begin() */
};

/* False when a node carries more vCPUs than it has CPUs, or more memory than it has. */
bool bench_contestant_keeps_rules(const struct bench_contestant *contestant);
void bench_contestant_done(struct bench_contestant *contestant);

/* For the contests. An empty host; -ENOMEM. */
int bench_contestant_begin(struct bench_contestant *contestant, struct hn_host *host, struct hn_error *err);
/* A guest that is nowhere yet: its index, or -ENOMEM. */
int bench_contestant_add(struct bench_contestant *contestant, long number, const struct bench_size *size,
			 struct hn_error *err);
/* -ENOENT. */
int bench_contestant_leave(struct bench_contestant *contestant, long number, struct hn_error *err);
/* Of a guest, by index, that is at home. */
struct bench_place bench_contestant_place(const struct bench_contestant *contestant, size_t guest);
unsigned bench_contestant_free_cpus(const struct bench_contestant *contestant, size_t node);
