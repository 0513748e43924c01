/*
 * topology - from hwloc's tree of objects to the flat tables of a model host.
 *
 * hwloc knows the machines; three things it does are undone here. It attaches a memory-only node to the CPUs
 * it is near to, where the kernel says it has none. It leaves out what the caller's own cgroup may not use,
 * where a daemon has to see the machine. And on x86 it binds itself to every CPU in turn to ask CPUID, which
 * would disturb realtime guests and hang on a CPU one of them never leaves: that component is switched off,
 * sysfs tells enough.
 *
 * hwloc takes another root, and the wish to see GPUs' nodes, only through the environment. It is set for the
 * time of one load, which is why hn_topology_load() must not run beside other threads that read or change the
 * environment.
 */
#include "host/topology.h"

#include <errno.h>
#include <hwloc.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "host/node-memory.h"
#include "host/numa-nodes.h"
#include "host/pci-devices.h"
#include "host/proc-file.h"

HN_CLEANUP_DEFINE(hwloc, hwloc_topology_t, hwloc_topology_destroy);

#define LIST_MAX 8192

static bool is_xml(const char *root)
{
	size_t length = strlen(root);

	return length > 4 && strcmp(root + length - 4, ".xml") == 0;
}

static char *environment_set(const char *name, const char *value)
{
	const char *before = getenv(name);
	char *kept = before ? strdup(before) : NULL;

	setenv(name, value, 1);
	return kept;
}

static void environment_restore(const char *name, char *before)
{
	if (before)
		setenv(name, before, 1);
	else
		unsetenv(name);
	free(before);
}

/* HWLOC_THISSYSTEM=0 keeps hwloc from asking the running kernel about the machine in the folder. */
static int load_below(hwloc_topology_t topology, const char *folder)
{
	char *root = environment_set("HWLOC_FSROOT", folder);
	char *this_system = environment_set("HWLOC_THISSYSTEM", "0");
	int r = hwloc_topology_load(topology);

	environment_restore("HWLOC_THISSYSTEM", this_system);
	environment_restore("HWLOC_FSROOT", root);
	return r;
}

/*
 * The nodes of GPUs' memory are the kernel's nodes like others: guests' pages can be there. hwloc's own words
 * about files that contradict each other would go to stderr.
 */
static int load_with_gpus(hwloc_topology_t topology, const char *folder)
{
	char *gpus = environment_set("HWLOC_KEEP_NVIDIA_GPU_NUMA_NODES", "1");
	char *quiet = environment_set("HWLOC_HIDE_ERRORS", "2");
	int r = *folder ? load_below(topology, folder) : hwloc_topology_load(topology);

	environment_restore("HWLOC_HIDE_ERRORS", quiet);
	environment_restore("HWLOC_KEEP_NVIDIA_GPU_NUMA_NODES", gpus);
	return r;
}

static int tree_load(const char *root, hwloc_topology_t *ret, struct hn_error *err)
{
	HN_AUTO(hwloc) hwloc_topology_t topology = NULL;
	int r;

	if (hwloc_topology_init(&topology))
		return hn_oom(err);
	hwloc_topology_set_components(topology, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, "x86");
	hwloc_topology_set_flags(topology,
				 HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED | HWLOC_TOPOLOGY_FLAG_NO_CPUKINDS);
	if (*root && is_xml(root)) {
		hwloc_topology_set_type_filter(topology, HWLOC_OBJ_PCI_DEVICE, HWLOC_TYPE_FILTER_KEEP_ALL);
		if (hwloc_topology_set_xml(topology, root))
			return hn_fail(err, -EINVAL, "hwloc cannot read '%s'", root);
		r = hwloc_topology_load(topology);
	} else {
		r = load_with_gpus(topology, root);
	}
	if (r)
		return hn_fail(err, -EINVAL, "hwloc finds no topology in '%s' (another version's export?)",
			       *root ? root : "/");
	*ret = topology;
	topology = NULL;
	return 0;
}

/*
 * hwloc aborts the program over a list of nodes that it can make no node of, such as one that is out of
 * order: the list must be as the kernel writes it, and what it names be there.
 */
static int online_check(const char *root, const char *what, int limit, struct hn_error *err)
{
	char text[LIST_MAX], canonical[HN_SET_TEXT_MAX];
	struct hn_set online;
	ssize_t length = hn_proc_read(text, sizeof(text), root, "sys/devices/system/%s/online", what);

	if (length == -ENOENT)
		return 0;
	if (length > 0) /* some recordings have a NUL behind the line */
		text[strcspn(text, "\n")] = '\0';
	if (length < 0 || hn_set_parse(text, &online, NULL) < 0 || hn_set_empty(&online) ||
	    hn_set_next(&online, limit) >= 0 ||
	    strcmp(hn_set_format(&online, canonical, sizeof(canonical)), text) != 0)
		return hn_fail(err, -EINVAL,
			       "sys/devices/system/%s/online of '%s' is no list of numbers up to %d", what,
			       root, limit - 1);
	HN_SET_FOREACH (number, &online) {
		HN_AUTO(fd)
		int folder = hn_proc_open(root, 0, "sys/devices/system/%s/%s%d", what, what, number);

		if (folder < 0)
			return hn_fail(err, -EINVAL,
				       "sys/devices/system/%s/online of '%s' names %s%d, which is not there",
				       what, root, what, number);
	}
	return 0;
}

static int root_check(const char *root, struct hn_error *err)
{
	HN_AUTO(fd) int cpus = -1;
	int r;

	if (*root == '\0')
		return 0;
	if (access(root, R_OK))
		return hn_fail_errno(err, -errno, "cannot read the topology '%s'", root);
	if (is_xml(root))
		return 0;
	/* Below an empty folder hwloc would make up a machine of one CPU. */
	cpus = hn_proc_open(root, 0, "sys/devices/system/cpu");
	if (cpus < 0)
		return hn_fail(err, -EINVAL, "'%s' is no tree with sys/devices/system/cpu inside", root);
	r = online_check(root, "node", HN_NODE_IDS, err);
	return r ? r : online_check(root, "cpu", HN_SET_MAX, err);
}

static int isolated_read(const char *root, struct hn_set *ret, struct hn_error *err)
{
	char text[LIST_MAX];
	ssize_t length;

	hn_set_clear(ret);
	if (is_xml(root)) /* an export does not tell */
		return 0;
	length = hn_proc_read(text, sizeof(text), root, "sys/devices/system/cpu/isolated");
	if (length == -ENOENT)
		return 0;
	if (length < 0)
		return hn_fail_errno(err, (int)length, "cannot read the isolated CPUs of '%s'", root);
	return hn_set_parse(text, ret, err);
}

/*
 * A group is named by the lowest of its CPUs, which is unique over the machine as such groups are
 * disjoint.
 */
static int group_of(hwloc_obj_t group)
{
	return group ? hwloc_bitmap_first(group->cpuset) : -1;
}

static hwloc_obj_t last_level_cache(hwloc_obj_t cpu)
{
	hwloc_obj_t last = NULL;

	for (hwloc_obj_t at = cpu->parent; at; at = at->parent)
		if (hwloc_obj_type_is_dcache(at->type) && at->attr->cache.depth > 1)
			last = at;
	return last;
}

static void cpu_fill(hwloc_topology_t topology, hwloc_obj_t object, const struct hn_set *isolated,
		     struct hn_cpu *ret)
{
	hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_CORE, object);
	hwloc_obj_t package = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_PACKAGE, object);

	*ret = (struct hn_cpu){
		.id = (int)object->os_index,
		.node = -1,
		.core = core ? group_of(core) : (int)object->os_index,
		.llc = group_of(last_level_cache(object)),
		.package = package ? (int)package->logical_index : -1,
		.isolated = hn_set_has(isolated, (int)object->os_index),
	};
}

static int cpus_fill(hwloc_topology_t topology, const struct hn_set *isolated, struct hn_host *host,
		     struct hn_error *err)
{
	hwloc_const_cpuset_t online = hwloc_topology_get_topology_cpuset(topology);
	size_t at = 0;
	int id;

	hwloc_bitmap_foreach_begin(id, online)
	{
		hwloc_obj_t object = hwloc_get_pu_obj_by_os_index(topology, (unsigned)id);

		if (id >= HN_SET_MAX)
			return hn_fail(err, -ERANGE, "CPU %d is beyond the %d this build can hold", id,
				       HN_SET_MAX);
		if (object && at < host->cpu_count)
			cpu_fill(topology, object, isolated, &host->cpus[at++]);
	}
	hwloc_bitmap_foreach_end();
	host->cpu_count = at;
	return 0;
}

static void cpus_assign(struct hn_host *host)
{
	for (size_t i = 0; i < host->cpu_count; i++)
		for (size_t node = 0; node < host->node_count; node++)
			if (hn_set_has(&host->nodes[node].cpus, host->cpus[i].id))
				host->cpus[i].node = host->nodes[node].id;
}

static void name_find(hwloc_topology_t topology, const char *root, char *ret, size_t size)
{
	const char *told = hwloc_obj_get_info_by_name(hwloc_get_root_obj(topology), "HostName");
	const char *slash;

	if (*root == '\0' && gethostname(ret, size) == 0) {
		ret[size - 1] = '\0';
		return;
	}
	slash = strrchr(root, '/');
	snprintf(ret, size, "%s", told ? told : slash && slash[1] ? slash + 1 : root);
}

static int host_build(hwloc_topology_t topology, const char *root, struct hn_host **ret, struct hn_error *err)
{
	int nodes = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_NUMANODE);
	int cpus = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	struct hn_set isolated;
	char name[256];
	int r;

	if (nodes < 1 || cpus < 1)
		return hn_fail(err, -EINVAL, "hwloc finds no CPU or no memory in '%s'", root);
	name_find(topology, root, name, sizeof(name));
	host = hn_host_new(name, (size_t)nodes, (size_t)cpus);
	if (!host)
		return hn_oom(err);
	r = isolated_read(root, &isolated, err);
	if (!r)
		r = cpus_fill(topology, &isolated, host, err);
	if (!r)
		r = hn_numa_nodes_fill(topology, is_xml(root) ? NULL : root, host, err);
	if (r)
		return r;
	cpus_assign(host);
	if (hn_node_memory_fill(topology, host))
		return hn_oom(err);
	r = hn_pci_devices_fill(topology, is_xml(root) ? NULL : root, host, err);
	if (r)
		return r;
	*ret = hn_steal(host);
	return 0;
}

int hn_topology_load(const char *root, struct hn_host **ret, struct hn_error *err)
{
	HN_AUTO(hwloc) hwloc_topology_t topology = NULL;
	int r;

	if (!root)
		root = "";
	r = root_check(root, err);
	if (!r)
		r = tree_load(root, &topology, err);
	return r ? r : host_build(topology, root, ret, err);
}
