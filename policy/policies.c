#include "policy/policies.h"

#include <errno.h>
#include <string.h>

#include "policy/home-node.h"

static const struct hn_policy policies[] = {
	{
		.name = "home-node",
		.summary = "each cell gets a home and keeps it while it fits; threads and pages are brought "
			   "there",
		.origin = "home nodes of Linux's schednuma (Zijlstra, 2012)",
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
	char choices[200] = "";

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
