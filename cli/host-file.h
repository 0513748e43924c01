#pragma once
/*
 * host-file - a host that is described in a file, and a recorded snapshot.
 */
#include <json-c/json.h>

#include "base/error.h"
#include "model/snapshot.h"
#include "policy/decide.h"

/*
 * A snapshot as GET /v1/snapshot gives it. ret_options: what the daemon decided with, where the file tells,
 * else hn_decide_defaults; may be NULL. -EINVAL for a file that is not there, other errnos of open(2), -EFBIG
 * above 256 MiB, -EPROTO with the member that is wrong.
 */
int hn_snapshot_file_load(const char *path, struct hn_snapshot **ret, struct hn_decide_options *ret_options,
			  struct hn_error *err);
/* The same from JSON that is there already. */
int hn_snapshot_read(json_object *json, struct hn_snapshot **ret, struct hn_decide_options *ret_options,
		     struct hn_error *err);

/*
 * path is a folder: a tree with sys/ and proc/ inside, its memory free as the tree says. FILE.xml: what hwloc
 * exported, all of its memory free. Else JSON: a snapshot with its guests, or a host as GET /v1/host gives
 * it. As above, and -EINVAL for what hwloc does not understand or a host without memory.
 */
int hn_host_file_load(const char *path, struct hn_snapshot **ret, struct hn_error *err);

/* The whole of a file of at most that many bytes, and a NUL behind it; the caller frees *ret. Errors as
 * above. */
int hn_file_read(const char *path, size_t most, char **ret, size_t *ret_length, struct hn_error *err);

/* The same from standard input. */
int hn_input_read(size_t most, char **ret, size_t *ret_length, struct hn_error *err);

/* So many nodes, each with that many CPUs and that much memory, all free; distances 10 and 20. -EINVAL with
 * the value, -ENOMEM. */
int hn_host_make(unsigned nodes, unsigned cpus, uint64_t memory_bytes, struct hn_host **ret,
		 struct hn_error *err);
