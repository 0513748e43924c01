#pragma once
/*
 * balancer - keeps kernel NUMA balancing off while guests are enforced, when the configuration says so, and
 * restores what was there before. What it has changed is kept in a file beside the API's socket, so that a
 * daemon that was killed restores it after its next start.
 */
#include "base/error.h"
#include "daemon/service.h"

int hn_balancer_new(struct hn_service *service, struct hn_balancer **ret, struct hn_error *err);
/* Restores, by hands of its own; blocks for two seconds at most. NULL is fine. */
void hn_balancer_free(struct hn_balancer *balancer);
/* Looks at the guests' modes again. */
void hn_balancer_update(struct hn_balancer *balancer);
