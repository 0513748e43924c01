/* Each check's verdicts on files made up for it. */
#include "host/doctor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "tree.h"

#define NO_FILE NULL

/* What one file, or its absence, makes of one check. */
struct knob {
	enum hn_check check;
	const char *path, *text;
	enum hn_finding_verdict verdict;
	const char *found, *remedy; /* parts of them */
};

static const struct knob knobs[] = {
	{HN_CHECK_KERNEL, "proc/sys/kernel/osrelease", "6.12.0-1-amd64\n", HN_FINDING_OK, "6.12.0-1-amd64",
	 ""},
	{HN_CHECK_KERNEL, "proc/sys/kernel/osrelease", "6.11.9\n", HN_FINDING_NOTE, "before 6.12", "apt"},
	{HN_CHECK_KERNEL, "proc/sys/kernel/osrelease", "6.1.0-18-amd64\n", HN_FINDING_NOTE, "before 6.2",
	 "apt"},
	{HN_CHECK_KERNEL, "proc/sys/kernel/osrelease", "5.4.0\n", HN_FINDING_WARNING, "older than 5.6",
	 "apt"},
	{HN_CHECK_KERNEL, "proc/sys/kernel/osrelease", "Plan 9\n", HN_FINDING_UNKNOWN, "osrelease", ""},
	{HN_CHECK_KERNEL, "proc/sys/kernel/osrelease", NO_FILE, HN_FINDING_UNKNOWN, "No such file", ""},
	{HN_CHECK_NUMA, "sys/devices/system/node/online", "0-1\n", HN_FINDING_OK, "", ""},
	{HN_CHECK_NUMA, "sys/devices/system/node/online", NO_FILE, HN_FINDING_FAIL, "CONFIG_NUMA", "kernel"},
	{HN_CHECK_PRESSURE, "proc/pressure/memory", "some avg10=0.00\n", HN_FINDING_OK, "", ""},
	{HN_CHECK_PRESSURE, "proc/pressure/memory", NO_FILE, HN_FINDING_NOTE, "", "psi=1"},
	{HN_CHECK_BALANCING, "proc/sys/kernel/numa_balancing", "0\n", HN_FINDING_OK, "off", ""},
	{HN_CHECK_BALANCING, "proc/sys/kernel/numa_balancing", "1\n", HN_FINDING_WARNING, "on (1)",
	 "kernel.numa_balancing=0"},
	{HN_CHECK_BALANCING, "proc/sys/kernel/numa_balancing", "2\n", HN_FINDING_WARNING, "on (2)", "sysctl"},
	{HN_CHECK_BALANCING, "proc/sys/kernel/numa_balancing", NO_FILE, HN_FINDING_OK, "none", ""},
	{HN_CHECK_BALANCING, "proc/sys/kernel/numa_balancing", "yes\n", HN_FINDING_UNKNOWN, "numa_balancing",
	 ""},
	{HN_CHECK_ZONE_RECLAIM, "proc/sys/vm/zone_reclaim_mode", "0\n", HN_FINDING_OK, "off", ""},
	{HN_CHECK_ZONE_RECLAIM, "proc/sys/vm/zone_reclaim_mode", "1\n", HN_FINDING_WARNING, "on (1)",
	 "vm.zone_reclaim_mode=0"},
	{HN_CHECK_THP, "sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n",
	 HN_FINDING_OK, "madvise", ""},
	{HN_CHECK_THP, "sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n",
	 HN_FINDING_OK, "always", ""},
	{HN_CHECK_THP, "sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n",
	 HN_FINDING_WARNING, "never", "echo madvise >"},
	{HN_CHECK_THP, "sys/kernel/mm/transparent_hugepage/enabled", "always\n", HN_FINDING_UNKNOWN,
	 "enabled", ""},
	{HN_CHECK_THP, "sys/kernel/mm/transparent_hugepage/enabled", NO_FILE, HN_FINDING_NOTE, "none", ""},
	{HN_CHECK_SWAP, "proc/swaps", "Filename Type Size Used Priority\n", HN_FINDING_OK, "none", ""},
	{HN_CHECK_SWAP, "proc/swaps", "Filename Type Size Used Priority\n/dev/sda2 partition 1000 0 -2\n",
	 HN_FINDING_NOTE, "nothing is in it", ""},
	{HN_CHECK_SWAP, "proc/swaps",
	 "Filename Type Size Used Priority\n/a partition 9000 2048 -2\n/b file 9000 3072 -3\n",
	 HN_FINDING_WARNING, "5 MiB", "swapoff"},
	{HN_CHECK_RIGHTS, "proc/self/status", "Name:\tx\nCapEff:\t000001ffffffffff\n", HN_FINDING_OK, "", ""},
	/* without bit 21 */
	{HN_CHECK_RIGHTS, "proc/self/status", "Name:\tx\nCapEff:\t000001ffffdfffff\n", HN_FINDING_WARNING,
	 "missing: CAP_SYS_ADMIN", "CapabilityBoundingSet=CAP_SYS_ADMIN"},
	/* without bit 23 */
	{HN_CHECK_RIGHTS, "proc/self/status", "Name:\tx\nCapEff:\t000001ffff7fffff\n", HN_FINDING_FAIL,
	 "missing: CAP_SYS_NICE", "root"},
	{HN_CHECK_RIGHTS, "proc/self/status", "Name:\tx\nCapEff:\t0000000000000000\n", HN_FINDING_FAIL,
	 "CAP_SYS_NICE, CAP_SYS_PTRACE, CAP_SYS_ADMIN", "root"},
	{HN_CHECK_RIGHTS, "proc/self/status", NO_FILE, HN_FINDING_UNKNOWN, "capabilities", ""},
	{HN_CHECK_NUMAD_RUNNING, "proc/77/comm", "numad\n", HN_FINDING_FAIL, "pid 77", "disable --now numad"},
	{HN_CHECK_NUMAD_RUNNING, "proc/77/comm", "numadx\n", HN_FINDING_OK, "none", ""},
	{HN_CHECK_IRQBALANCE, "proc/77/comm", "bash\n", HN_FINDING_NOTE, "not running", ""},
};

static void check_finding(const struct tree *tree, const struct hn_doctor_case *known, enum hn_check check,
			  enum hn_finding_verdict verdict, const char *found, const char *remedy)
{
	struct hn_checkup checkup = {0};
	const struct hn_finding *finding;

	hn_doctor_examine(tree->root, known, &checkup);
	finding = hn_checkup_find(&checkup, check);
	assert_non_null(finding);
	if (finding->verdict != verdict || !strstr(finding->found, found) ||
	    !strstr(finding->remedy, remedy) || (!*remedy && finding->remedy[0]))
		fail_msg("%s: %s, '%s', '%s' instead of %s, '%s', '%s'", hn_check_name(check),
			 hn_finding_verdict_name(finding->verdict), finding->found, finding->remedy,
			 hn_finding_verdict_name(verdict), found, remedy);
}

static const struct hn_doctor_case NOTHING_RESERVED;

static void each_knob_has_its_verdict(void **state)
{
	for (size_t i = 0; i < HN_COUNT(knobs); i++) {
		const struct knob *knob = &knobs[i];
		struct tree tree;

		tree_init(&tree);
		if (knob->text)
			tree_write(&tree, knob->path, "%s", knob->text);
		check_finding(&tree, &NOTHING_RESERVED, knob->check, knob->verdict, knob->found,
			      knob->remedy);
		tree_done(&tree);
	}
}

/* With numa=off "only a single NUMA node spanning all memory" is set up (Linux, boot-options.rst): there
 * are nodes, and they are not the machine's. */
static void nodes_are_switched_off(void **state)
{
	struct tree tree;

	tree_init(&tree);
	tree_write(&tree, "sys/devices/system/node/online", "0\n");
	tree_write(&tree, "proc/cmdline", "root=/dev/sda1 numa=off quiet\n");
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_NUMA, HN_FINDING_FAIL, "numa=off", "numa=off");
	tree_write(&tree, "proc/cmdline", "xnuma=off numa=offx\n");
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_NUMA, HN_FINDING_OK, "", "");
	tree_write(&tree, "proc/cmdline", "quiet numa=off\n");
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_NUMA, HN_FINDING_FAIL, "numa=off", "numa=off");
	tree_done(&tree);
}

/* A page is allocated for who makes the moving call, in its cpuset (prepare_alloc_pages() of mm/page_alloc.c,
 * dequeue_hugetlb_folio_nodemask() of mm/hugetlb.c). */
static void the_movers_own_cpuset_has_all_nodes(void **state)
{
	static const char path[] = "proc/self/status", all[] = "CapEff:\t000001ffffffffff\n";
	struct tree tree;

	tree_init(&tree);
	tree_write(&tree, "sys/devices/system/node/has_memory", "0-1,3\n");
	tree_write(&tree, path, "Name:\tx\n%sMems_allowed_list:\t0-3\n", all);
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_RIGHTS, HN_FINDING_OK, "", "");
	tree_write(&tree, path, "Name:\tx\n%sMems_allowed_list:\t0\nnonvoluntary_ctxt_switches:\t1\n", all);
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_RIGHTS, HN_FINDING_FAIL, "nodes 1,3",
		      "AllowedMemoryNodes=");
	/* which is worse than a lack of CAP_SYS_ADMIN, and no worse than that of all */
	tree_write(&tree, path, "Name:\tx\nCapEff:\t000001ffffdfffff\nMems_allowed_list:\t0\n");
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_RIGHTS, HN_FINDING_FAIL, "nodes 1,3",
		      "AllowedMemoryNodes=");
	tree_write(&tree, path, "Name:\tx\nCapEff:\t0000000000000000\nMems_allowed_list:\t0\n");
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_RIGHTS, HN_FINDING_FAIL, "missing: CAP_SYS_NICE",
		      "root");
	tree_remove(&tree, "sys/devices/system/node/has_memory"); /* nothing to compare with */
	tree_write(&tree, path, "Name:\tx\n%sMems_allowed_list:\t0\n", all);
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_RIGHTS, HN_FINDING_OK, "", "");
	tree_done(&tree);
}

static void pages_are_merged_across_nodes(void **state)
{
	struct tree tree;

	tree_init(&tree);
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_KSM, HN_FINDING_OK, "nothing", "");
	tree_write(&tree, "sys/kernel/mm/ksm/run", "0\n");
	tree_write(&tree, "sys/kernel/mm/ksm/merge_across_nodes", "1\n");
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_KSM, HN_FINDING_OK, "nothing", "");
	tree_write(&tree, "sys/kernel/mm/ksm/run", "1\n");
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_KSM, HN_FINDING_WARNING, "different nodes",
		      "echo 2 > run && echo 0 > merge_across_nodes");
	tree_write(&tree, "sys/kernel/mm/ksm/merge_across_nodes", "0\n");
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_KSM, HN_FINDING_OK, "within a node", "");
	tree_done(&tree);
}

static void reserved_cpus_are_not_isolated_ones(void **state)
{
	struct hn_doctor_case known = {0};
	struct tree tree;

	tree_init(&tree);
	check_finding(&tree, &known, HN_CHECK_ISOLATED_CPUS, HN_FINDING_OK, "none", "");
	tree_write(&tree, "sys/devices/system/cpu/isolated", "4-7\n");
	tree_write(&tree, "sys/devices/system/cpu/nohz_full", " (null)\n");
	hn_set_add(&known.reserved_cpus, 3);
	check_finding(&tree, &known, HN_CHECK_ISOLATED_CPUS, HN_FINDING_OK, "4-7", "");
	hn_set_add(&known.reserved_cpus, 4);
	hn_set_add(&known.reserved_cpus, 5);
	check_finding(&tree, &known, HN_CHECK_ISOLATED_CPUS, HN_FINDING_WARNING, "CPUs 4-5 are",
		      "reserved_cpus");
	tree_write(&tree, "sys/devices/system/cpu/nohz_full", "2-7\n");
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_ISOLATED_CPUS, HN_FINDING_NOTE, "CPUs 2-3 are",
		      "isolcpus=");
	tree_done(&tree);
}

/* Writes the environment of an irqbalance, pid 50. */
static void write_irqbalance(const struct tree *tree, const char *variable)
{
	char path[100];
	FILE *file;

	tree_write(tree, "proc/50/comm", "irqbalance\n");
	tree_write(tree, "proc/50/environ", "x");
	snprintf(path, sizeof(path), "%s/proc/50/environ", tree->root);
	file = fopen(path, "w");
	assert_non_null(file);
	fwrite("PATH=/bin", 1, sizeof("PATH=/bin"), file);
	if (variable)
		fwrite(variable, 1, strlen(variable) + 1, file);
	fclose(file);
}

static void interrupts_stay_off_isolated_cpus(void **state)
{
	struct tree tree;

	tree_init(&tree);
	tree_write(&tree, "sys/devices/system/cpu/isolated", "2-3,36\n");
	write_irqbalance(&tree, NULL); /* keeps off by itself */
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_IRQBALANCE, HN_FINDING_OK, "2-3,36", "");
	write_irqbalance(&tree, "IRQBALANCE_BANNED_CPULIST=3");
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_IRQBALANCE, HN_FINDING_WARNING, "CPUs 2,36",
		      "IRQBALANCE_BANNED_CPULIST=2-3,36 in");
	write_irqbalance(&tree, "IRQBALANCE_BANNED_CPULIST=0-40");
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_IRQBALANCE, HN_FINDING_OK, "0-40", "");
	write_irqbalance(&tree, "IRQBALANCE_BANNED_CPUS=00000010,0000000C");
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_IRQBALANCE, HN_FINDING_OK, "2-3,36", "");
	write_irqbalance(&tree, "IRQBALANCE_BANNED_CPUS=c");
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_IRQBALANCE, HN_FINDING_WARNING, "CPUs 36", "2-3,36");
	write_irqbalance(&tree, "IRQBALANCE_BANNED_CPUS=zz");
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_IRQBALANCE, HN_FINDING_UNKNOWN, "cannot be read",
		      "");
	tree_remove(&tree, "proc/50/environ");
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_IRQBALANCE, HN_FINDING_UNKNOWN, "No such file", "");
	tree_done(&tree);
}

static void libvirt_asks_homenode(void **state)
{
	struct tree tree;

	tree_init(&tree);
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_HOOK, HN_FINDING_OK, "no libvirt", "");
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_NUMAD, HN_FINDING_OK, "no libvirt", "");
	tree_write(&tree, "usr/sbin/libvirtd", "x");
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_HOOK, HN_FINDING_WARNING, "does not ask",
		      "/etc/libvirt/hooks/qemu.d/50-homenode");
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_NUMAD, HN_FINDING_WARNING, "not there",
		      "numad-diversion install");
	tree_write(&tree, "etc/libvirt/hooks/qemu.d/10-other", "#!/bin/sh\n");
	tree_write(&tree, "usr/bin/numad", "numad 20150602");
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_HOOK, HN_FINDING_WARNING, "does not ask",
		      "install -D");
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_NUMAD, HN_FINDING_WARNING, "another's", "install");
	tree_write(&tree, "etc/libvirt/hooks/qemu.d/20-x", "exec /usr/libexec/homenode-hook \"$@\"\n");
	tree_write(&tree, "usr/bin/numad", "ELF numad (homenode) 0.1");
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_HOOK, HN_FINDING_OK, "20-x", "");
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_NUMAD, HN_FINDING_OK, "homenode's", "");
	tree_done(&tree);
}

static void cpusets_of_either_version(void **state)
{
	static const char v2[] = "31 23 0:28 / /cg rw - cgroup2 cgroup2 rw\n";
	struct tree tree;

	tree_init(&tree);
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_CGROUPS, HN_FINDING_UNKNOWN, "mountinfo", "");
	tree_write(&tree, "proc/self/mountinfo", "1 0 0:1 / / rw - ext4 /dev/sda rw\n");
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_CGROUPS, HN_FINDING_NOTE, "no control groups", "");
	tree_write(&tree, "proc/self/mountinfo", "%s", v2);
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_CGROUPS, HN_FINDING_UNKNOWN, "cgroup.controllers",
		      "");
	tree_write(&tree, "cg/cgroup.controllers", "cpu io memory\n");
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_CGROUPS, HN_FINDING_WARNING, "without the cpuset",
		      "cgroup_disable=cpuset");
	tree_write(&tree, "cg/cgroup.controllers", "cpuset cpu io memory\n");
	tree_write(&tree, "cg/cgroup.subtree_control", "cpu\n");
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_CGROUPS, HN_FINDING_NOTE, "not given",
		      "echo +cpuset > /cg/cgroup.subtree_control");
	tree_write(&tree, "cg/cgroup.subtree_control", "cpu cpuset\n");
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_CGROUPS, HN_FINDING_OK, "cpuset at /cg", "");
	tree_write(&tree, "proc/self/mountinfo", "34 31 0:31 / /cpuset rw - cgroup cgroup rw,cpuset\n");
	check_finding(&tree, &NOTHING_RESERVED, HN_CHECK_CGROUPS, HN_FINDING_OK, "version 1", "");
	tree_done(&tree);
}

static void check_host(const struct hn_host *host, enum hn_check check, enum hn_finding_verdict verdict,
		       const char *found, const char *remedy)
{
	struct hn_checkup checkup = {0};
	const struct hn_finding *finding;

	hn_doctor_examine_host(host, &checkup);
	finding = hn_checkup_find(&checkup, check);
	assert_non_null(finding);
	assert_int_equal(finding->verdict, verdict);
	if (!strstr(finding->found, found) || !strstr(finding->remedy, remedy))
		fail_msg("'%s', '%s'", finding->found, finding->remedy);
}

static void nodes_have_cpus_and_memory(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = hn_host_new("h", 2, 2);

	assert_non_null(host);
	for (int i = 0; i < 2; i++) {
		hn_set_clear(&host->nodes[i].cpus);
		hn_set_add(&host->nodes[i].cpus, i);
		host->nodes[i].memory_bytes = HN_GIB;
	}
	check_host(host, HN_CHECK_NODES, HN_FINDING_OK, "2 nodes a guest can live on: 0-1", "");
	check_host(host, HN_CHECK_MEMORY_ONLY, HN_FINDING_OK, "both", "");
	hn_set_clear(&host->nodes[1].cpus);
	check_host(host, HN_CHECK_NODES, HN_FINDING_NOTE, "nothing to place here", "");
	check_host(host, HN_CHECK_MEMORY_ONLY, HN_FINDING_NOTE, "node 1 has memory and no CPUs", "");
	hn_set_add(&host->nodes[1].cpus, 1);
	host->nodes[1].memory_bytes = 0;
	check_host(host, HN_CHECK_MEMORY_ONLY, HN_FINDING_WARNING, "CPUs of node 1", "reserved_cpus");
	host->nodes[0].memory_bytes = 0;
	check_host(host, HN_CHECK_NODES, HN_FINDING_FAIL, "no node", "");
}

static void pools_of_huge_pages_are_alike(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = hn_host_new("h", 2, 2);

	assert_non_null(host);
	for (int i = 0; i < 2; i++) {
		hn_set_clear(&host->nodes[i].cpus);
		hn_set_add(&host->nodes[i].cpus, i);
		host->nodes[i].memory_bytes = HN_GIB;
	}
	check_host(host, HN_CHECK_HUGE_PAGES, HN_FINDING_OK, "none", "");
	host->nodes[0].pool_count = 1;
	host->nodes[0].pools[0] = (struct hn_page_pool){2 * HN_MIB, 100, 30};
	check_host(host, HN_CHECK_HUGE_PAGES, HN_FINDING_WARNING, "node 0 has 100, node 1 has 0",
		   "echo 100 > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages");
	host->nodes[1].pool_count = 1;
	host->nodes[1].pools[0] = (struct hn_page_pool){2 * HN_MIB, 49, 49};
	check_host(host, HN_CHECK_HUGE_PAGES, HN_FINDING_WARNING, "node 1 has 49", "node1");
	host->nodes[1].pools[0].total_pages = 50;
	check_host(host, HN_CHECK_HUGE_PAGES, HN_FINDING_OK, "79 of 2 MiB", "");
	/* what a node without CPUs has makes no difference */
	hn_set_clear(&host->nodes[1].cpus);
	host->nodes[1].pools[0].total_pages = 1;
	check_host(host, HN_CHECK_HUGE_PAGES, HN_FINDING_OK, "30 of 2 MiB", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_knob_has_its_verdict),
		cmocka_unit_test(nodes_are_switched_off),
		cmocka_unit_test(the_movers_own_cpuset_has_all_nodes),
		cmocka_unit_test(pages_are_merged_across_nodes),
		cmocka_unit_test(reserved_cpus_are_not_isolated_ones),
		cmocka_unit_test(interrupts_stay_off_isolated_cpus),
		cmocka_unit_test(libvirt_asks_homenode),
		cmocka_unit_test(cpusets_of_either_version),
		cmocka_unit_test(nodes_have_cpus_and_memory),
		cmocka_unit_test(pools_of_huge_pages_are_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
