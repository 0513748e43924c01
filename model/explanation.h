#pragma once
/*
 * explanation - why a guest's cells are where they are, node by node: what would break or what would cost
 * more elsewhere. Made by policy/explain.h.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "model/guest.h"
#include "model/placement.h"

/* What of a node for a cell. */
enum hn_choice_kind {
	HN_CHOICE_CHOSEN,  /* it lives there, or a part of it */
	HN_CHOICE_EQUAL,   /* would be as good */
	HN_CHOICE_WORSE,   /* would cost more */
	HN_CHOICE_BETTER,  /* would cost less: the home is kept, or was not proven best */
	HN_CHOICE_REFUSED, /* a hard rule forbids it */
	HN_CHOICE_KIND_COUNT,
};
const char *hn_choice_kind_name(enum hn_choice_kind kind);
int hn_choice_kind_parse(const char *text, enum hn_choice_kind *ret, struct hn_error *err);

struct hn_choice {
	int node; /* node id */
	enum hn_choice_kind kind;
	int swap;                     /* the cell it would change places with, -1: none */
	int64_t more[HN_COST_PARTS];  /* what the placement would cost more, all 0 when refused */
	char sentence[HN_REASON_MAX]; /* for people, without the node */
};

struct hn_cell_explanation {
	int cell;                  /* cell id */
	struct hn_set nodes;       /* its home, node ids; empty when there is none */
	struct hn_choice *choices; /* one a host node, in their order */
};

struct hn_explanation {
	char guest[HN_NAME_MAX];
	bool fits; /* there is a home; else the choices say why each node refuses the cell */
	char sentence[HN_REASON_MAX]; /* where it lives, or why nowhere */
	struct hn_cost cost, bound;   /* of the home, see model/placement.h */
	bool proven;
	double gap; /* hn_placement_gap() */
	size_t node_count, cell_count;
	struct hn_cell_explanation *cells;
};

void hn_explanation_free(struct hn_explanation *explanation); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_explanation, struct hn_explanation *, hn_explanation_free);
/* Zeroed, swap of every choice -1; NULL when out of memory. */
struct hn_explanation *hn_explanation_new(size_t node_count, size_t cell_count);
