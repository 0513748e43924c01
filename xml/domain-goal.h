#pragma once
/*
 * domain-goal - what a domain's XML has to say for a placement: a set of CPUs for every vCPU, iothread and
 * the rest, and of nodes for every cell.
 */
#include <libxml/tree.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/set.h"
#include "model/guest.h"
#include "model/host.h"
#include "model/placement.h"

struct hn_domain_goal {
	/* Every CPU any of its threads may use: for threads without a pin. */
	struct hn_set cpus;
	/*
	 * Emulated vCPUs may share a thread. libvirt then does not start a guest whose vcpupins differ from
	 * <vcpu cpuset> ("cpu affinity is not supported": 9.0, qemuProcessSetupVcpus()), so there all sets of
	 * CPUs are the first.
	 */
	bool pins_vcpus;
	size_t vcpu_count;
	struct hn_set *vcpus; /* by number, those that are not there at start included */
	struct hn_set other;  /* for the emulator and iothreads; may be empty: nothing is known */
	size_t iothread_count;
	unsigned *iothreads; /* ids, ascending: those told, and those libvirt will give the others */
	struct hn_set nodes; /* of all cells */
	bool has_cells;
	size_t cell_count;
	struct hn_cell_home *cells; /* the placement's */
};
void hn_domain_goal_done(struct hn_domain_goal *goal);

/* -EINVAL when home is not one of this guest on this host with its CPUs chosen; -EPROTO for what is wrong in
 * the domain, -ENOMEM. home must stay. */
int hn_domain_goal_make(xmlNodePtr domain, const struct hn_guest *guest, const struct hn_host *host,
			const struct hn_placement *home, struct hn_domain_goal *ret, struct hn_error *err);

/* The nodes of that cell, or of all when there is no such. */
const struct hn_set *hn_domain_goal_nodes(const struct hn_domain_goal *goal, unsigned long cell);
