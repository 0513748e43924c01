#include "model/counters.h"

#include <string.h>

#include "base/cleanup.h"
#include "model/names.h"

static const char *const family_names[HN_COUNTER_FAMILY_COUNT] = {"kernel", "node", "kvm", "bandwidth"};

static const char *const kernel_names[HN_KERNEL_COUNTER_COUNT] = {
	[HN_KERNEL_SWAP_IN] = "pswpin",
	[HN_KERNEL_SWAP_OUT] = "pswpout",
	[HN_KERNEL_PTE_UPDATES] = "numa_pte_updates",
	[HN_KERNEL_HUGE_PTE_UPDATES] = "numa_huge_pte_updates",
	[HN_KERNEL_HINT_FAULTS] = "numa_hint_faults",
	[HN_KERNEL_HINT_FAULTS_LOCAL] = "numa_hint_faults_local",
	[HN_KERNEL_BALANCED] = "numa_pages_migrated",
	[HN_KERNEL_MIGRATED] = "pgmigrate_success",
	[HN_KERNEL_NOT_MIGRATED] = "pgmigrate_fail",
	[HN_KERNEL_THP_MIGRATED] = "thp_migration_success",
	[HN_KERNEL_THP_NOT_MIGRATED] = "thp_migration_fail",
	[HN_KERNEL_THP_SPLIT] = "thp_migration_split",
};

static const char *const node_names[HN_NODE_COUNTER_COUNT] = {
	[HN_NODE_HIT] = "numa_hit",         [HN_NODE_MISS] = "numa_miss",
	[HN_NODE_FOREIGN] = "numa_foreign", [HN_NODE_INTERLEAVED] = "interleave_hit",
	[HN_NODE_LOCAL] = "local_node",     [HN_NODE_OTHER] = "other_node",
};

static const char *const kvm_names[HN_KVM_COUNTER_COUNT] = {
	[HN_KVM_EXITS] = "exits",
	[HN_KVM_FAULTS] = "pf_taken",
	[HN_KVM_FAULTS_MENDED] = "pf_fixed",
	[HN_KVM_REMOTE_FLUSHES] = "remote_tlb_flush",
	[HN_KVM_PAGES_4K] = "pages_4k",
	[HN_KVM_PAGES_2M] = "pages_2m",
	[HN_KVM_PAGES_1G] = "pages_1g",
};

static const char *const bandwidth_names[HN_BANDWIDTH_COUNTER_COUNT] = {
	[HN_BANDWIDTH_TOTAL] = "mbm_total_bytes",
	[HN_BANDWIDTH_LOCAL] = "mbm_local_bytes",
};

static const struct {
	const char *const *names;
	size_t count;
} families[HN_COUNTER_FAMILY_COUNT] = {
	[HN_COUNTERS_KERNEL] = {kernel_names, HN_COUNT(kernel_names)},
	[HN_COUNTERS_NODE] = {node_names, HN_COUNT(node_names)},
	[HN_COUNTERS_KVM] = {kvm_names, HN_COUNT(kvm_names)},
	[HN_COUNTERS_BANDWIDTH] = {bandwidth_names, HN_COUNT(bandwidth_names)},
};

_Static_assert(HN_COUNT(kernel_names) <= HN_COUNTERS_MAX && HN_COUNT(node_names) <= HN_COUNTERS_MAX &&
		       HN_COUNT(kvm_names) <= HN_COUNTERS_MAX && HN_COUNT(bandwidth_names) <= HN_COUNTERS_MAX,
	       "every family fits into struct hn_counters");

const char *hn_counter_family_name(enum hn_counter_family family)
{
	return hn_name_of(family_names, HN_COUNT(family_names), (size_t)family);
}

int hn_counter_family_parse(const char *text, enum hn_counter_family *ret, struct hn_error *err)
{
	int r = hn_name_parse(family_names, HN_COUNT(family_names), "family of counters", text, err);

	if (r < 0)
		return r;
	*ret = (enum hn_counter_family)r;
	return 0;
}

size_t hn_counter_count(enum hn_counter_family family)
{
	return families[family].count;
}

const char *hn_counter_name(enum hn_counter_family family, size_t counter)
{
	return hn_name_of(families[family].names, families[family].count, counter);
}

int hn_counter_find(enum hn_counter_family family, const char *name)
{
	for (size_t i = 0; i < families[family].count; i++)
		if (strcmp(families[family].names[i], name) == 0)
			return (int)i;
	return -1;
}

bool hn_counter_is_level(enum hn_counter_family family, size_t counter)
{
	return family == HN_COUNTERS_KVM && counter >= HN_KVM_PAGES_4K;
}

void hn_counter_set(struct hn_counters *counters, size_t counter, uint64_t value)
{
	counters->values[counter] = value;
	counters->known |= UINT64_C(1) << counter;
}
