#include "policy/policies.h"

#include <errno.h>
#include <string.h>

#include "policy/actions.h"
#include "policy/adaptive.h"
#include "policy/follow.h"
#include "policy/home-node.h"
#include "policy/spread.h"

#define BOTH_SIDES (HN_SIDE_VCPUS | HN_SIDE_MEMORY)

static const struct hn_policy policies[] = {
	{
		.name = "home-node",
		.summary = "each cell gets a home and keeps it while it fits; threads and pages are brought "
			   "there",
		.origin = "home nodes of Linux's schednuma (Zijlstra, 2012)",
		.sides = BOTH_SIDES,
		.find_home = hn_home_node_find,
	},
	{
		.name = "adaptive",
		.summary = "moves once what was lost is worth the move: vCPUs to their memory while the node "
			   "has CPU to spare, memory to its vCPUs otherwise",
		.origin = "counter algorithms for page migration (Black and Sleator, 1989)",
		.pace = HN_PACE_WORTH,
		.sides = BOTH_SIDES,
		.find_home = hn_adaptive_find,
	},
	{
		.name = "cpu-follows-memory",
		.summary = "vCPUs are kept where most of their cell's memory is; no page moves",
		.origin = "tasks following their faults in AutoNUMA (Arcangeli, 2012)",
		.sides = HN_SIDE_VCPUS,
		.find_home = hn_follow_memory,
	},
	{
		.name = "memory-follows-cpu",
		.summary = "memory is brought to where its cell's vCPUs run, once they run there twice as "
			   "much as "
			   "where it is; no thread is bound",
		.origin = "pages following their tasks in AutoNUMA (Arcangeli, 2012)",
		.sides = HN_SIDE_MEMORY,
		.find_home = hn_follow_cpus,
	},
	{
		.name = "greedy",
		.summary = "as memory-follows-cpu, at the first sample with a remote page, be it for a hair "
			   "more time, and without settling; for comparison",
		.origin = "migrate on fault, the baseline of Linux's balancenuma (Gorman, 2012)",
		.pace = HN_PACE_FIRST_SAMPLE,
		.sides = HN_SIDE_MEMORY,
		.find_home = hn_follow_cpus_at_once,
	},
	{
		.name = "interleave",
		.summary = "memory is divided among all nodes in strides of 2 MiB, by their bandwidth where "
			   "known; for guests that need more bandwidth than a node has",
		.origin = "DOMAINSET_POLICY_INTERLEAVE of FreeBSD's domainset(9); weights as in BWAP (2018)",
		.sides = BOTH_SIDES,
		.find_home = hn_interleave_find,
	},
	{
		.name = "prefer",
		.summary =
			"every cell on the first node the guest is allowed, else on the nearest to it with "
			"room",
		.origin = "DOMAINSET_POLICY_PREFER of FreeBSD's domainset(9)",
		.sides = BOTH_SIDES,
		.find_home = hn_prefer_find,
	},
	{
		.name = "round-robin",
		.summary = "cell after cell on node after node that has room",
		.origin = "DOMAINSET_POLICY_ROUNDROBIN of FreeBSD's domainset(9), by cells and not by pages",
		.sides = BOTH_SIDES,
		.find_home = hn_round_robin_find,
	},
	{
		.name = "first-touch",
		.summary = "memory stays on the node where it was first touched, and threads run where the "
			   "kernel lets them",
		.origin = "DOMAINSET_POLICY_FIRSTTOUCH of FreeBSD's domainset(9); Linux's default",
		.pace = HN_PACE_NEVER,
		.find_home = hn_follow_memory,
	},
	{
		.name = "static",
		.summary =
			"threads are bound to the nodes of their memory before it runs, then nothing moves",
		.origin = "numatune and vcpupin as libvirt's domain XML writes them",
		.pace = HN_PACE_BEFORE_IT_RUNS,
		.sides = HN_SIDE_VCPUS,
		.find_home = hn_follow_memory,
	},
	{
		.name = "realtime",
		.summary = "placed as by home-node before it runs, left alone afterwards",
		.origin = "partitioning of realtime hosts: isolcpus= and KVM's realtime tuning guides",
		.pace = HN_PACE_BEFORE_IT_RUNS,
		.sides = BOTH_SIDES,
		.find_home = hn_home_node_find,
	},
	{0},
};

const struct hn_policy *hn_policies(void)
{
	return policies;
}

const struct hn_policy *hn_policy_find(const char *name, struct hn_error *err)
{
	char choices[240] = "";

	if (!*name)
		return &policies[0];
	for (const struct hn_policy *policy = policies; policy->name; policy++) {
		if (strcmp(policy->name, name) == 0)
			return policy;
		if (strlen(choices) + strlen(policy->name) + 3 < sizeof(choices)) {
			strcat(choices, *choices ? ", " : "");
			strcat(choices, policy->name);
		}
	}
	hn_fail(err, -EINVAL, "unknown policy '%.40s': choose one of %s", name, choices);
	return NULL;
}
