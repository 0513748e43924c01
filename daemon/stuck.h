#pragma once
/*
 * stuck - movers that were given up and have not ended yet: stuck in a call of the kernel, which a thread of
 * a realtime class on some CPU can hold up for as long as it runs (docs/host.md). They are left to end; until
 * then no move begins on this host.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>
#include <sys/types.h>

struct hn_service;
struct hn_stuck_mover;
TAILQ_HEAD(hn_stuck_list, hn_stuck_mover);

/* A mover was given up. It is stuck, and that is said, when a second later it has not ended. pidfd is taken
 * over; -1: nothing can be told of it, and nothing is remembered. */
void hn_stuck_add(struct hn_service *service, int pidfd, pid_t pid, const char *guest);

/* Whether any has not ended yet, stuck or not; then *why is a sentence. host->fifo_hazard tells of stuck
 * ones. */
bool hn_stuck_any(const struct hn_service *service, char *why, size_t size);

/* Forgets them, at the end of the daemon. */
void hn_stuck_done(struct hn_service *service);
