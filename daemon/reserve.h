#pragma once
/*
 * reserve - what the operator sets apart for the host itself.
 */
#include <stdint.h>

#include "base/error.h"
#include "base/set.h"
#include "model/host.h"

/*
 * Marks these CPUs, and bytes of every node's memory (all of it where it has less; memory_bytes must be
 * there), as reserved; what was reserved before no longer is. -EINVAL, and nothing changed, when a CPU is not
 * online or none would be left.
 */
int hn_host_reserve(struct hn_host *host, const struct hn_set *cpus, uint64_t bytes, struct hn_error *err);
