#pragma once
/*
 * window - a time that an operator gives homenoded to repair a realtime guest in; it closes by itself, and
 * what is under way then is stopped.
 */
#include "daemon/guest.h"

#define HN_WINDOW_MAX_NS (24 * 3600 * UINT64_C(1000000000))

/* Opens it for that long from now, or sets it anew; 0 closes it. -EINVAL above HN_WINDOW_MAX_NS, -ENOMEM. */
int hn_window_open(struct hn_managed *managed, uint64_t ns, struct hn_error *err);

/* How long it is open yet, 0: it is not. */
uint64_t hn_window_left_ns(const struct hn_managed *managed);

/* The window of its settings is open for that long yet, 0: it is not. When that ends it is heeded at once. */
void hn_window_follow_rule(struct hn_managed *managed, uint64_t left_ns);

/* Stops the operation on a guest that may not be touched any more: its window has closed, or it has become
 * realtime. */
void hn_window_heed(struct hn_managed *managed);
