#pragma once
/*
 * check - is this host, this guest, this snapshot possible at all?
 *
 * Decoding sees that members are there and of the right type; these functions see that together they make
 * sense, so that policy/ need not. All give -EINVAL with the field's name, as in JSON, and its value; what
 * they let pass cannot make a sum of bytes wrap or an index run out of its table. Which policies there are is
 * policy/'s to know. Nothing is changed but by hn_host_mend().
 */
#include <stddef.h>

#include "base/error.h"
#include "model/snapshot.h"

/* All memory of a host, of a guest, and of all guests together is at most this many bytes. */
#define HN_MEMORY_MAX ((uint64_t)INT64_MAX)
#define HN_GUEST_DEVICES_MAX 1024

/*
 * At least one node with CPUs and memory; ids, CPUs and devices' names in order and none twice; every CPU in
 * exactly one node, and that the one it names; free, reserved and pooled memory within what a node has; page
 * sizes powers of two; distances 10 from a node to itself, no less elsewhere, and the same both ways.
 */
int hn_host_check(const struct hn_host *host, struct hn_error *err);

/*
 * Of a guest that is there, which is as it is: a name, cells in order of id, no vCPU in two; memory in whole
 * pages of the size asked for; backends and threads of cells that are there; no group both near and apart.
 * Nodes that it is allowed, and devices, may be unknown to the host.
 */
int hn_guest_check_shape(const struct hn_guest *guest, struct hn_error *err);

/* And of one that a place is sought for: no cell with neither vCPUs nor memory, some vCPUs and memory in all.
 */
int hn_guest_check(const struct hn_guest *guest, struct hn_error *err);

/*
 * Host, and guests by their shape, no two of them with one name (one UUID is what a migration within the host
 * has twice); homes and samples name nodes and cells that are there. -ENOMEM.
 */
int hn_snapshot_check(const struct hn_snapshot *snapshot, struct hn_error *err);

/*
 * What a real machine may tell and a request may not. CPUs that are in no node (node -1, as of a node that is
 * offline) are dropped: nothing can be placed there. And firmware sometimes has a distance table that is not
 * the same both ways, or less than 10, or not 10 from a node to itself. Of each pair the larger is taken, as
 * the slower way is what a guest on both nodes waits for; where neither is 10 or more, 20; from a node to
 * itself 10. Returns how many pairs and CPUs that were, and writes a sentence or two about it into note
 * (size bytes; "" when none).
 */
size_t hn_host_mend(struct hn_host *host, char *note, size_t size);
