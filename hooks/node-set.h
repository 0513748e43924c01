#pragma once
/*
 * node-set - a set of NUMA nodes, written "0-1,6" as libvirt and the kernel write it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NODE_SET_MAX 1024 /* the kernel's own limit (MAX_NUMNODES) */
#define NODE_SET_TEXT_MAX 4096

struct node_set {
	uint64_t words[NODE_SET_MAX / 64];
};

void node_set_add(struct node_set *set, unsigned node);
bool node_set_has(const struct node_set *set, unsigned node);
bool node_set_empty(const struct node_set *set);
unsigned node_set_count(const struct node_set *set);
/* Every node of inner is in outer. */
bool node_set_inside(const struct node_set *inner, const struct node_set *outer);
struct node_set node_set_and(const struct node_set *a, const struct node_set *b);
/* The first node >= from, or NODE_SET_MAX. */
unsigned node_set_next(const struct node_set *set, unsigned from);

/*
 * Digits, commas and dashes, and one newline at most behind them. false for anything else, for numbers too
 * large, ranges that go down, and the empty set; *ret is then untouched.
 */
bool node_set_parse(const char *text, size_t length, struct node_set *ret);

/* Without a newline; returns buffer. NODE_SET_TEXT_MAX is room for any set. */
const char *node_set_format(const struct node_set *set, char *buffer, size_t size);
