#pragma once
/*
 * score - what simulations came to, as a table and as JSON.
 */
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "policy/policies.h"
#include "sim/simulation.h"

struct hn_run {
	const struct hn_policy *policy;
	struct hn_score score;
	double seconds; /* it took */
};

/* A line each; count > 0, all of the same trace. 0 or -ENOMEM. */
int hn_print_runs(const struct hn_run *runs, size_t count, const struct hn_host *host, bool colour);

/* Without how long it took: the same run is the same text. NULL when out of memory. */
json_object *hn_run_encode(const struct hn_run *run);
