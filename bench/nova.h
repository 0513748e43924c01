#pragma once
/*
 * nova - the peer: a process that places guests as OpenStack Nova does (nova-peer.py).
 */
#include <stdbool.h>

#include "base/error.h"
#include "bench/resident.h"

struct bench_nova;
void bench_nova_free(struct bench_nova *nova); /* NULL is fine */
HN_CLEANUP_DEFINE(bench_nova, struct bench_nova *, bench_nova_free);

/* Starts it from the script. -errno. */
int bench_nova_new(const char *script, struct bench_nova **ret, struct hn_error *err);

struct bench_nova_answer {
	bool fits, limited; /* limited: given up after limit_s */
	double us;          /* inside Nova's own function */
	size_t node_of[BENCH_CELLS_MAX];
};

/*
 * Gives it the snapshot's host, with what its guests have used up; pack: fullest nodes first, which Nova can
 * be told to do, else the emptiest, its default. dedicated: CPUs are given once. -EIO when it died.
 */
int bench_nova_host(struct bench_nova *nova, const struct hn_snapshot *snapshot, bool dedicated, bool pack,
		    struct hn_error *err);

/* Where it would put a guest; with name >= 0 it stays there under that number. -EIO. */
int bench_nova_place(struct bench_nova *nova, long name, const struct bench_size *size, double limit_s,
		     struct bench_nova_answer *ret, struct hn_error *err);

/* The guest of that number goes. -EIO. */
int bench_nova_leave(struct bench_nova *nova, long name, struct hn_error *err);
