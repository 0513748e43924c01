#pragma once
/*
 * instance - seeded problems of placing one guest, for measuring the solver against the oracle.
 */
#include "base/random.h"
#include "model/snapshot.h"

struct bench_instance_limits {
	size_t nodes_least, nodes_most, cells_most;
	bool even; /* distances as real machines have them; else some are drawn pair by pair as well */
};

/*
 * Guest 0, of mode enforce, shared, is to be placed among residents that are at home, on a host whose nodes
 * differ in CPUs and memory; every third one is somewhere already. Each of its cells fits some node as far as
 * memory goes, and none has more vCPUs than the smallest node CPUs; together they may fit or not. NULL when
 * out of memory.
 */
struct hn_snapshot *bench_instance_draw(struct hn_random *random, const struct bench_instance_limits *limits);
