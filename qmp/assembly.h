#pragma once
/*
 * assembly - a model guest out of facts and regions. No I/O.
 */
#include "qmp/facts.h"
#include "qmp/regions.h"

/* name is used when the guest has none of its own. Adds notes to facts. -ENOMEM. */
int hn_assembly_guest(struct hn_facts *facts, const struct hn_region *regions, size_t region_count,
		      const char *name, struct hn_guest **ret, struct hn_error *err);
