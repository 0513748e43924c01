#pragma once
/*
 * import - a machine as a host that policy/ can plan with, checked as a whole: this one, a recorded tree or
 * an export.
 */
#include <stddef.h>

#include "base/error.h"
#include "model/host.h"

/*
 * root as for hn_topology_load(). Free memory and pools are those of the tree; an export does not tell, all
 * of its memory counts as free there. Distances that are not the same both ways are mended, and note (size
 * bytes) gets a sentence about it, else "". What is impossible then is refused (model/check.h). The caller
 * frees *ret. Errors as of hn_topology_load().
 */
int hn_host_import(const char *root, struct hn_host **ret, char *note, size_t size, struct hn_error *err);
