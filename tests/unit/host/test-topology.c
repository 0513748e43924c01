/* Every recorded machine must come out as its own sysfs files describe it. */
#include "host/topology.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tree.h"

#define NODES "sys/devices/system/node"
#define CPUS "sys/devices/system/cpu"

/* A set from a sysfs file; false when the machine has no such file. */
static bool set_of_file(const char *root, struct hn_set *ret, const char *format, int number)
{
	struct hn_error err;
	char text[8192], path[256];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(path, sizeof(path), format, number);
#pragma GCC diagnostic pop
	hn_set_clear(ret);
	if (file_read(text, sizeof(text), root, "%s", path) < 0)
		return false;
	assert_int_equal(hn_set_parse(text, ret, &err), 0);
	return true;
}

static const struct hn_cpu *cpu_of(const struct hn_host *host, int id)
{
	for (size_t i = 0; i < host->cpu_count; i++)
		if (host->cpus[i].id == id)
			return &host->cpus[i];
	return NULL;
}

static void check_nodes(const char *root, const struct hn_host *host)
{
	struct hn_set online;
	size_t listed = 0;

	for (int id = 0; id < HN_NODE_IDS; id++) {
		char text[8192], *total;

		if (file_read(text, sizeof(text), root, NODES "/node%d/meminfo", id) < 0)
			continue;
		assert_true(listed < host->node_count);
		assert_int_equal(host->nodes[listed].id, id);
		assert_int_equal(hn_host_node_index(host, id), listed);
		total = strstr(text, "MemTotal:");
		assert_non_null(total);
		assert_true(host->nodes[listed].memory_bytes == strtoull(total + 9, NULL, 10) * 1024);
		listed++;
	}
	assert_int_equal(listed, host->node_count);
	if (!set_of_file(root, &online, CPUS "/online", 0))
		return;
	assert_int_equal(hn_set_count(&online), host->cpu_count);
	for (size_t i = 0; i < host->node_count; i++) {
		struct hn_set cpus;

		if (!set_of_file(root, &cpus, NODES "/node%d/cpulist", host->nodes[i].id))
			continue;
		hn_set_and(&cpus, &online);
		assert_true(hn_set_equal(&cpus, &host->nodes[i].cpus));
	}
}

static int core_id(const char *root, int cpu)
{
	char text[32];

	return file_read(text, sizeof(text), root, CPUS "/cpu%d/topology/core_id", cpu) < 0 ? -1 : atoi(text);
}

/* Same core exactly when siblings with one number: AMD's modules (family 21) list two cores, hwloc and we
 * tell them apart. */
static void check_cores(const char *root, const struct hn_host *host)
{
	static int ids[HN_SET_MAX];

	for (size_t i = 0; i < host->cpu_count; i++)
		ids[i] = core_id(root, host->cpus[i].id);
	for (size_t i = 0; i < host->cpu_count; i++) {
		struct hn_set siblings;

		if (!set_of_file(root, &siblings, CPUS "/cpu%d/topology/thread_siblings_list",
				 host->cpus[i].id))
			continue;
		for (size_t k = 0; k < host->cpu_count; k++)
			assert_int_equal(host->cpus[k].core == host->cpus[i].core,
					 hn_set_has(&siblings, host->cpus[k].id) && ids[k] == ids[i]);
	}
}

static void check_cpus(const char *root, const struct hn_host *host)
{
	for (size_t i = 0; i < host->cpu_count; i++) {
		const struct hn_cpu *cpu = &host->cpus[i];
		int node = -1;

		assert_true(i == 0 || host->cpus[i - 1].id < cpu->id);
		for (size_t k = 0; k < host->node_count; k++)
			if (hn_set_has(&host->nodes[k].cpus, cpu->id))
				node = host->nodes[k].id;
		assert_int_equal(cpu->node, node);
	}
	check_cores(root, host);
}

/* Level 3 where the machine has it, else 2: who shares it is in the same group. */
static void check_caches(const char *root, const struct hn_host *host)
{
	for (size_t i = 0; i < host->cpu_count; i++) {
		const struct hn_cpu *cpu = &host->cpus[i];
		int best = -1, best_level = 1;
		struct hn_set shared;

		for (int index = 0; index < 10; index++) {
			char level[16];

			if (file_read(level, sizeof(level), root, CPUS "/cpu%d/cache/index%d/level", cpu->id,
				      index) < 0 ||
			    atoi(level) <= best_level)
				continue;
			best_level = atoi(level);
			best = index;
		}
		if (best < 0)
			continue;
		hn_set_clear(&shared);
		for (size_t k = 0; k < host->cpu_count; k++)
			if (host->cpus[k].llc == cpu->llc)
				hn_set_add(&shared, host->cpus[k].id);
		/* shared_cpu_list is not in the older recordings; a CPU shares its cache with itself at
		 * least. */
		assert_true(hn_set_has(&shared, cpu->id));
		{
			char text[8192];
			struct hn_set listed, online;
			struct hn_error err;

			if (file_read(text, sizeof(text), root, CPUS "/cpu%d/cache/index%d/shared_cpu_list",
				      cpu->id, best) < 0)
				continue;
			assert_int_equal(hn_set_parse(text, &listed, &err), 0);
			hn_set_clear(&online);
			for (size_t k = 0; k < host->cpu_count; k++)
				hn_set_add(&online, host->cpus[k].id);
			hn_set_and(&listed, &online);
			assert_true(hn_set_equal(&listed, &shared));
		}
	}
}

/* Known when every node's file has a number for every node; then equal to the files. */
static void check_distances(const char *root, const struct hn_host *host)
{
	bool complete = host->node_count > 1;

	for (size_t from = 0; from < host->node_count; from++) {
		char text[8192], *at = text, *end;
		size_t to = 0;

		if (file_read(text, sizeof(text), root, NODES "/node%d/distance", host->nodes[from].id) < 0)
			text[0] = '\0';
		for (long value; value = strtol(at, &end, 10), end != at; at = end, to++)
			if (host->distances_known && to < host->node_count)
				assert_int_equal(hn_host_distance(host, from, to), value);
		complete = complete && to == host->node_count;
	}
	assert_int_equal(host->distances_known, complete);
	for (size_t i = 0; !complete && i < host->node_count * host->node_count; i++)
		assert_int_equal(host->distances[i], i / host->node_count == i % host->node_count
							     ? HN_DISTANCE_LOCAL
							     : HN_DISTANCE_REMOTE);
}

/* Every device but the bridges, with the node its numa_node file names, or whose CPUs are its local ones. */
static void check_devices(const char *root, const struct hn_host *host)
{
	char path[PATH_MAX], text[8192];
	size_t listed = 0;
	struct dirent *entry;
	DIR *folder;

	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices", root);
	folder = opendir(path);
	while (folder && (entry = readdir(folder))) {
		const struct hn_device *device;

		if (file_read(text, sizeof(text), root, "sys/bus/pci/devices/%s/class", entry->d_name) < 0 ||
		    strncmp(text, "0x06", 4) == 0)
			continue;
		listed++;
		device = hn_host_device(host, entry->d_name);
		assert_non_null(device);
		if (file_read(text, sizeof(text), root, "sys/bus/pci/devices/%s/numa_node", entry->d_name) >
		    0)
			assert_int_equal(device->node, atoi(text));
	}
	if (folder)
		closedir(folder);
	assert_int_equal(listed, host->device_count);
	for (size_t i = 1; i < host->device_count; i++)
		assert_true(strcmp(host->devices[i - 1].name, host->devices[i].name) < 0);
}

/* HMAT as Linux shows it: what the initiators a node lists get of it. */
static void check_performance(const char *root, const struct hn_host *host)
{
	size_t known = 0, expected = 0;

	assert_non_null(host->bandwidths);
	for (size_t to = 0; to < host->node_count; to++) {
		int id = host->nodes[to].id;

		for (size_t from = 0; from < host->node_count; from++) {
			char text[64];
			uint32_t told = host->bandwidths[from * host->node_count + to];

			known += told > 0;
			for (int class = 1; class >= 0; class --) {
				if (file_read(text, sizeof(text), root,
					      NODES "/node%d/access%d/initiators/node%d/uevent", id, class,
					      host->nodes[from].id) < 0 &&
				    file_read(text, sizeof(text), root,
					      NODES "/node%d/access%d/initiators/node%d/cpulist", id, class,
					      host->nodes[from].id) < 0)
					continue;
				if (file_read(text, sizeof(text), root,
					      NODES "/node%d/access%d/initiators/read_bandwidth", id,
					      class) < 0)
					continue;
				assert_int_equal(told, atoi(text));
				expected++;
				break;
			}
		}
	}
	assert_true(expected > 0);
	assert_int_equal(known, expected);
}

/* Whether one of the driver's files says that the node is a GPU's memory. */
static bool is_of_gpu(const char *root, int node)
{
	char path[PATH_MAX], text[256];
	struct dirent *entry;
	bool found = false;
	DIR *folder;

	snprintf(path, sizeof(path), "%s/proc/driver/nvidia/gpus", root);
	folder = opendir(path);
	assert_non_null(folder);
	while ((entry = readdir(folder)))
		if (file_read(text, sizeof(text), root, "proc/driver/nvidia/gpus/%s/numa_status",
			      entry->d_name) > 0 &&
		    strncmp(text, "Node:", 5) == 0)
			found = found || atoi(text + 5) == node;
	closedir(folder);
	return found;
}

static void check_recorded(const char *name)
{
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	struct hn_error err;
	struct tree tree;
	const char *root = tree_unpack(&tree, name);

	if (hn_topology_load(root, &host, &err))
		fail_msg("%s", err.message);
	check_nodes(root, host);
	check_cpus(root, host);
	check_caches(root, host);
	check_distances(root, host);
	check_devices(root, host);
	tree_done(&tree);
}

#define RECORDED(function, name)           \
	static void function(void **state) \
	{                                  \
		check_recorded(name);      \
	}
RECORDED(recorded_arm_four_nodes, "128arm-2pa2n8cluster4co")
RECORDED(recorded_amd_eight_nodes, "16amd64-8n2c")
RECORDED(recorded_inside_a_cpuset, "32amd64-4s2n4c-cgroup2")
RECORDED(recorded_numbered_across_nodes, "40intel64-2g2n4c+pcilocality")
RECORDED(recorded_uneven_distances, "64amd64-4s2n4ca2co")
RECORDED(recorded_nodes_above_packages, "96em64t-4no4pa3ca2co")
RECORDED(recorded_memory_only_nodes, "fakeheteromemtiers")
RECORDED(recorded_first_node_offline, "offline-cpu0-node0")

/* Memory-only nodes: in the host, without CPUs, and no home. Which they are, the machine's has_cpu file
 * tells. */
static void memory_only_nodes_are_no_home(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	struct hn_set homes, with_cpu, with_memory;
	struct hn_error err;
	struct tree tree;
	const char *root = tree_unpack(&tree, "fakeheteromemtiers");

	assert_int_equal(hn_topology_load(root, &host, &err), 0);
	assert_true(set_of_file(root, &with_cpu, NODES "/has_cpu", 0));
	assert_true(set_of_file(root, &with_memory, NODES "/has_memory", 0));
	homes = hn_host_home_nodes(host);
	hn_set_and(&with_cpu, &with_memory);
	assert_true(hn_set_equal(&homes, &with_cpu));
	assert_true(hn_set_count(&with_memory) > hn_set_count(&homes));
	tree_done(&tree);
}

/* The driver's numa_status files name the nodes of GPUs' memory: they are nodes without CPUs, of that kind.
 */
static void gpu_nodes_are_told(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	struct hn_set with_cpu, nodes, homes;
	struct hn_error err;
	struct tree tree;
	const char *root = tree_unpack(&tree, "nvidiagpunumanodes");

	assert_int_equal(hn_topology_load(root, &host, &err), 0);
	assert_true(set_of_file(root, &with_cpu, NODES "/has_cpu", 0));
	assert_true(set_of_file(root, &nodes, NODES "/online", 0));
	assert_int_equal(host->node_count, hn_set_count(&nodes));
	homes = hn_host_home_nodes(host);
	assert_true(hn_set_equal(&homes, &with_cpu));
	for (size_t i = 0; i < host->node_count; i++) {
		struct hn_set cpus, online;

		assert_int_equal(host->nodes[i].memory_kind,
				 is_of_gpu(root, host->nodes[i].id) ? HN_MEMORY_GPU : HN_MEMORY_DRAM);
		set_of_file(root, &cpus, NODES "/node%d/cpulist", host->nodes[i].id);
		set_of_file(root, &online, CPUS "/online", 0);
		hn_set_and(&cpus, &online);
		assert_true(hn_set_equal(&cpus, &host->nodes[i].cpus));
	}
	check_cpus(root, host);
	check_distances(root, host);
	check_devices(root, host);
	tree_done(&tree);
}

/* Slow memory beside fast: which is which the DAX devices' kinds and HMAT say. */
static void kinds_of_memory_are_told(void **state)
{
	static const struct {
		int node;
		enum hn_memory_kind kind;
	} expected[] = {{0, HN_MEMORY_DRAM}, {1, HN_MEMORY_DRAM}, {2, HN_MEMORY_HBM}, {4, HN_MEMORY_HBM},
			{6, HN_MEMORY_NVM},  {8, HN_MEMORY_NVM},  {9, HN_MEMORY_NVM}};
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	struct hn_error err;
	struct tree tree;
	const char *root = tree_unpack(&tree, "fakeheteromemtiers");

	assert_int_equal(hn_topology_load(root, &host, &err), 0);
	assert_int_equal(host->node_count, HN_COUNT(expected));
	for (size_t i = 0; i < HN_COUNT(expected); i++) {
		assert_int_equal(host->nodes[i].id, expected[i].node);
		assert_int_equal(host->nodes[i].memory_kind, expected[i].kind);
	}
	check_performance(root, host);
	tree_done(&tree);
}

static void devices_have_the_nodes_of_their_files(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	struct hn_error err;
	struct tree tree;
	const char *root = tree_unpack_devices(&tree, "40intel64-2g2n4c+pcilocality");

	assert_int_equal(hn_topology_load(root, &host, &err), 0);
	check_devices(root, host);
	assert_int_equal(hn_host_device(host, "0000:43:00.0")->node, 2);        /* by its file */
	assert_string_equal(hn_host_device(host, "0000:43:00.0")->kind, "net"); /* class 0x0c0600 */
	assert_int_equal(hn_host_device(host, "0000:02:00.0")->node, -1);
	assert_string_equal(hn_host_device(host, "0000:02:00.0")->kind, "net");   /* 0x020000 */
	assert_string_equal(hn_host_device(host, "0000:09:03.0")->kind, "gpu");   /* 0x030000 */
	assert_string_equal(hn_host_device(host, "0000:01:00.0")->kind, "block"); /* 0x010400 */
	assert_string_equal(hn_host_device(host, "0000:00:1a.0")->kind, "usb");   /* 0x0c0300 */
	assert_string_equal(hn_host_device(host, "0000:00:14.0")->kind, "");      /* 0x080000 */
	assert_null(hn_host_device(host, "0000:00:03.0"));                        /* a bridge, 0x060400 */
	tree_done(&tree);
}

/* Two nodes with a CPU and a network card each, as hwloc writes it; made by hand. */
static void devices_of_an_export_are_near_their_place(void **state)
{
	static const char package[] =
		"<object type=\"Package\" os_index=\"%d\" cpuset=\"0x%d\" complete_cpuset=\"0x%d\" "
		"nodeset=\"0x%d\" complete_nodeset=\"0x%d\" gp_index=\"%d\">"
		"<object type=\"NUMANode\" os_index=\"%d\" cpuset=\"0x%d\" complete_cpuset=\"0x%d\" "
		"nodeset=\"0x%d\" complete_nodeset=\"0x%d\" gp_index=\"%d\" local_memory=\"1048576\"/>"
		"<object type=\"PU\" os_index=\"%d\" cpuset=\"0x%d\" complete_cpuset=\"0x%d\" "
		"nodeset=\"0x%d\" complete_nodeset=\"0x%d\" gp_index=\"%d\"/>"
		"<object type=\"Bridge\" gp_index=\"%d\" bridge_type=\"0-1\" depth=\"0\" "
		"bridge_pci=\"0000:[%02x-%02x]\">"
		"<object type=\"PCIDev\" gp_index=\"%d\" pci_busid=\"0000:%02x:00.1\" "
		"pci_type=\"0200 [8086:1521] [8086:1521] 01\" pci_link_speed=\"0.0\"/></object></object>";
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	char packages[2][2048], path[128];
	struct hn_error err;
	struct tree tree;

	for (int i = 0; i < 2; i++) {
		int mask = 1 << i, gp = 10 * (i + 1), bus = 0x10 * (i + 1);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(packages[i], sizeof(packages[i]), package, i, mask, mask, mask, mask, gp, i, mask,
			 mask, mask, mask, gp + 1, i, mask, mask, mask, mask, gp + 2, gp + 3, bus, bus,
			 gp + 4, bus);
#pragma GCC diagnostic pop
	}
	tree_init(&tree);
	tree_write(&tree, "export.xml",
		   "<?xml version=\"1.0\"?>\n<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n<topology "
		   "version=\"2.0\">"
		   "<object type=\"Machine\" os_index=\"0\" cpuset=\"0x3\" complete_cpuset=\"0x3\" "
		   "allowed_cpuset=\"0x3\" nodeset=\"0x3\" complete_nodeset=\"0x3\" allowed_nodeset=\"0x3\" "
		   "gp_index=\"1\">%s%s</object></topology>",
		   packages[0], packages[1]);
	snprintf(path, sizeof(path), "%s/export.xml", tree.root);
	if (hn_topology_load(path, &host, &err))
		fail_msg("%s", err.message);
	assert_int_equal(host->device_count, 2);
	assert_int_equal(hn_host_device(host, "0000:10:00.1")->node, 0);
	assert_int_equal(hn_host_device(host, "0000:20:00.1")->node, 1);
	assert_string_equal(hn_host_device(host, "0000:20:00.1")->kind, "net");
	tree_done(&tree);
}

/* A made-up tree: node 0 with both CPUs, node 1 with memory alone and nothing told of it. */
static void memory_that_nobody_describes_is_slower(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	struct hn_error err;
	struct tree tree;

	tree_init(&tree);
	tree_write_two_nodes(&tree);
	assert_int_equal(hn_topology_load(tree.root, &host, &err), 0);
	assert_int_equal(host->node_count, 2);
	assert_int_equal(host->nodes[0].memory_kind, HN_MEMORY_DRAM);
	assert_int_equal(host->nodes[1].memory_kind, HN_MEMORY_CXL);
	assert_null(host->bandwidths);
	tree_done(&tree);
}

/* What HMAT says of a node as seen from its initiators, in a made-up tree: MiB/s and ns, the read figures. */
static void write_initiator(const struct tree *tree, int node, int bandwidth, int latency)
{
	const char *const names[] = {"read_bandwidth", "write_bandwidth", "read_latency", "write_latency"};
	const int values[] = {bandwidth, bandwidth / 2, latency, latency * 2};
	char path[128];

	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), NODES "/node%d/access0/initiators/%s", node, names[i]);
		tree_write(tree, path, "%d\n", values[i]);
	}
	snprintf(path, sizeof(path), NODES "/node%d/access0/initiators/node0/uevent", node);
	tree_write(tree, path, "%s", "");
}

static void bandwidths_and_latencies_are_told(void **state)
{
	static const struct {
		int bandwidth;
		enum hn_memory_kind kind;
	} cases[] = {{20000, HN_MEMORY_CXL}, {400000, HN_MEMORY_HBM}};

	for (size_t i = 0; i < HN_COUNT(cases); i++) {
		HN_AUTO(hn_host) struct hn_host *host = NULL;
		struct hn_error err;
		struct tree tree;

		tree_init(&tree);
		tree_write_two_nodes(&tree);
		write_initiator(&tree, 0, 100000, 90);
		write_initiator(&tree, 1, cases[i].bandwidth, 250);
		if (hn_topology_load(tree.root, &host, &err))
			fail_msg("%s", err.message);
		assert_non_null(host->bandwidths);
		assert_int_equal(host->bandwidths[0], 100000); /* node 0 from node 0 */
		assert_int_equal(host->bandwidths[1], cases[i].bandwidth);
		assert_int_equal(host->bandwidths[2] + host->bandwidths[3], 0); /* no CPU is on node 1 */
		assert_int_equal(host->latencies[0], 90);
		assert_int_equal(host->latencies[1], 250);
		assert_int_equal(host->nodes[0].memory_kind, HN_MEMORY_DRAM);
		assert_int_equal(host->nodes[1].memory_kind, cases[i].kind);
		tree_done(&tree);
	}
}

static void isolated_cpus_are_told(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	struct hn_error err;
	struct tree tree;
	char path[PATH_MAX];
	const char *root = tree_unpack(&tree, "16amd64-8n2c");
	FILE *file;

	snprintf(path, sizeof(path), "%s/" CPUS "/isolated", root);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("2-3,9\n", file);
	fclose(file);
	assert_int_equal(hn_topology_load(root, &host, &err), 0);
	for (size_t i = 0; i < host->cpu_count; i++) {
		int id = host->cpus[i].id;

		assert_int_equal(host->cpus[i].isolated, id == 2 || id == 3 || id == 9);
	}
	tree_done(&tree);
}

/*
 * The recorded exports are of format 3.0, which hwloc 2 refuses by its number alone. A copy that calls
 * itself 2.0 holds nothing it does not know.
 */
static int export_load(const char *name, struct hn_host **ret, struct hn_error *err)
{
	char path[128], *text, *version;
	struct tree tree;
	size_t length;
	FILE *file;
	int r;

	snprintf(path, sizeof(path), "hosts/%s", name);
	file = fopen(data_path(path), "r");
	assert_non_null(file);
	text = calloc(1, 1 << 20);
	assert_non_null(text);
	length = fread(text, 1, (1 << 20) - 1, file);
	fclose(file);
	version = strstr(text, "<topology version=\"3.0\"");
	if (version)
		version[strlen("<topology version=\"")] = '2';
	assert_true(length > 0);
	tree_init(&tree);
	tree_write(&tree, "export.xml", "%s", text);
	free(text);
	snprintf(path, sizeof(path), "%s/export.xml", tree.root);
	r = hn_topology_load(path, ret, err);
	tree_done(&tree);
	return r;
}

/* The export says DRAM for nodes 0-3 and HBM for 4-7, and gives each pair the same CPUs. */
static void export_gives_shared_cpus_to_plain_memory(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	struct hn_error err;

	if (export_load("64intel64-heteromem.xml", &host, &err)) {
		print_message("skipped: this hwloc reads no such export: %s\n", err.message);
		skip();
	}
	assert_int_equal(host->node_count, 8);
	assert_int_equal(host->cpu_count, 64);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(hn_set_count(&host->nodes[i].cpus), i < 4 ? 16 : 0);
	for (size_t i = 0; i < host->cpu_count; i++)
		assert_true(host->cpus[i].node >= 0 && host->cpus[i].node < 4);
	/* 0x000f000f,0x000f000f is node 0's cpuset in the export. */
	assert_true(hn_set_has(&host->nodes[0].cpus, 0) && hn_set_has(&host->nodes[0].cpus, 35));
	assert_false(hn_set_has(&host->nodes[0].cpus, 4));
	/* Its memattr "Bandwidth": 22500 for each node's DRAM, 90000 for the HBM beside it, nothing else. */
	for (size_t from = 0; from < 8; from++) {
		static const size_t beside[8] = {7, 4, 5, 6};

		for (size_t to = 0; to < 8; to++)
			assert_int_equal(host->bandwidths[from * 8 + to], from > 3             ? 0
									  : to == from         ? 22500
									  : to == beside[from] ? 90000
											       : 0);
		assert_int_equal(host->nodes[from].memory_kind, from < 4 ? HN_MEMORY_DRAM : HN_MEMORY_HBM);
	}
}

/* The export numbers nodes 1,0,2,5,4,3,6,7 in order of place, and has matrices of other objects besides. */
static void export_orders_nodes_by_id(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	struct hn_error err;

	if (export_load("16amd64-4distances.xml", &host, &err)) {
		print_message("skipped: this hwloc reads no such export: %s\n", err.message);
		skip();
	}
	assert_int_equal(host->node_count, 8);
	assert_true(host->distances_known);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(host->nodes[i].id, i);
		assert_int_equal(hn_host_distance(host, (size_t)i, (size_t)i), 10);
	}
	assert_int_equal(cpu_of(host, 0)->node, 1);
	assert_int_equal(cpu_of(host, 2)->node, 0);
	assert_int_equal(cpu_of(host, 6)->node, 5);
}

static void export_without_distances_assumes_them(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	struct hn_error err;

	if (export_load("8intel64-4n2t-memattrs.xml", &host, &err)) {
		print_message("skipped: this hwloc reads no such export: %s\n", err.message);
		skip();
	}
	assert_int_equal(host->node_count, 4);
	assert_false(host->distances_known);
	assert_int_equal(hn_host_distance(host, 1, 1), HN_DISTANCE_LOCAL);
	assert_int_equal(hn_host_distance(host, 1, 2), HN_DISTANCE_REMOTE);
}

static void roots_that_are_none_are_refused(void **state)
{
	struct hn_host *host = NULL;
	struct hn_error err = {0};
	struct tree tree;
	char path[128];

	assert_int_equal(hn_topology_load("/no/such/folder", &host, &err), -ENOENT);
	assert_non_null(strstr(err.message, "/no/such/folder"));
	tree_init(&tree);
	assert_int_equal(hn_topology_load(tree.root, &host, &err), -EINVAL);
	tree_write(&tree, "broken.xml", "<topology");
	snprintf(path, sizeof(path), "%s/broken.xml", tree.root);
	/* hwloc complains on stderr about broken XML in its verbose mode only. */
	assert_int_equal(hn_topology_load(path, &host, &err), -EINVAL);
	assert_null(host);
	tree_done(&tree);
}

static void the_environment_is_left_as_it_was(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	struct hn_error err;
	struct tree tree;
	const char *root = tree_unpack(&tree, "16amd64-8n2c");

	setenv("HWLOC_FSROOT", "/before", 1);
	unsetenv("HWLOC_THISSYSTEM");
	assert_int_equal(hn_topology_load(root, &host, &err), 0);
	assert_string_equal(getenv("HWLOC_FSROOT"), "/before");
	assert_null(getenv("HWLOC_THISSYSTEM"));
	unsetenv("HWLOC_FSROOT");
	tree_done(&tree);
}

/* The machine the test runs on, whatever it is, against its own sysfs. */
static void this_machine_is_read(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	struct hn_error err;
	char hostname[256];

	if (hn_topology_load(NULL, &host, &err))
		fail_msg("%s", err.message);
	assert_int_equal(gethostname(hostname, sizeof(hostname)), 0);
	assert_string_equal(host->name, hostname);
	if (access("/" NODES "/node0", R_OK) == 0)
		check_nodes("", host);
	else
		assert_int_equal(host->node_count, 1);
	check_cpus("", host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_arm_four_nodes),
		cmocka_unit_test(recorded_amd_eight_nodes),
		cmocka_unit_test(recorded_inside_a_cpuset),
		cmocka_unit_test(recorded_numbered_across_nodes),
		cmocka_unit_test(recorded_uneven_distances),
		cmocka_unit_test(recorded_nodes_above_packages),
		cmocka_unit_test(recorded_memory_only_nodes),
		cmocka_unit_test(recorded_first_node_offline),
		cmocka_unit_test(memory_only_nodes_are_no_home),
		cmocka_unit_test(gpu_nodes_are_told),
		cmocka_unit_test(kinds_of_memory_are_told),
		cmocka_unit_test(devices_have_the_nodes_of_their_files),
		cmocka_unit_test(devices_of_an_export_are_near_their_place),
		cmocka_unit_test(memory_that_nobody_describes_is_slower),
		cmocka_unit_test(bandwidths_and_latencies_are_told),
		cmocka_unit_test(isolated_cpus_are_told),
		cmocka_unit_test(export_gives_shared_cpus_to_plain_memory),
		cmocka_unit_test(export_orders_nodes_by_id),
		cmocka_unit_test(export_without_distances_assumes_them),
		cmocka_unit_test(roots_that_are_none_are_refused),
		cmocka_unit_test(the_environment_is_left_as_it_was),
		cmocka_unit_test(this_machine_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
