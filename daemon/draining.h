#pragma once
/*
 * draining - nodes that guests are brought away from: which, over restarts of the daemon too, and the
 * carrying-out of what policy/drain.h plans.
 *
 * A node that drains is marked in the service's host, so that nothing finds a new home there, and in a file
 * beside the API's socket. Guests are brought away when it is asked for, all at once, and then with every
 * look at one that has something there: one that came later, was busy, or of which pages have stayed. One of
 * which pages stay all the same is left alone after HN_DRAIN_TRIES operations in a row, or one that was
 * cancelled.
 */
#include "base/error.h"
#include "daemon/guest.h"
#include "policy/drain.h"

#define HN_DRAIN_TRIES 3

/* Marks what the file names; what is wrong with it is logged. */
void hn_draining_load(struct hn_service *service);

/* What draining that node, by index, would do now, or has yet to do. ret->guests[].guest are indices in
 * *ret_snapshot, of which only .guests is the caller's to free, and .host when it is not the service's. */
int hn_draining_plan(struct hn_service *service, size_t node, struct hn_drain *ret,
		     struct hn_snapshot *ret_snapshot, struct hn_error *err);

/* -ENOSPC when guests have no other node to live on. */
int hn_draining_check(const struct hn_service *service, size_t node, struct hn_error *err);

/* Marks the node, stops what brings memory there and begins what the plan for it says; *ret_begun operations.
 * Guests whose operation cannot begin have that as their problem. -EIO when the mark cannot be put on file,
 * and nothing is done. */
int hn_draining_begin(struct hn_service *service, size_t node, const struct hn_drain *drain,
		      const struct hn_snapshot *snapshot, unsigned *ret_begun, struct hn_error *err);

/* Guests may live there again. Nobody is brought back. -EIO likewise. */
int hn_draining_end(struct hn_service *service, size_t node, struct hn_error *err);

/* Whether nothing is there of any guest, by the last looks, nothing is being brought away, and nobody about
 * to start has been given a home there. */
bool hn_draining_is_empty(const struct hn_service *service, size_t node);

/* Whether any of these nodes, by id, drains. */
bool hn_draining_any(const struct hn_service *service, const struct hn_set *nodes);

/* 1 when the guest, which has just been looked at, is to leave a node whatever its mode: *plan is replaced.
 * 0, -ENOMEM and the like. */
int hn_draining_heed(struct hn_managed *managed, struct hn_plan **plan, struct hn_error *err);

/* Tells once of each node that drains when it is empty. */
void hn_draining_review(struct hn_service *service);
