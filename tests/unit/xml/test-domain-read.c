/*
 * Domains as guests: the recorded ones with what a reader of their XML expects, and small ones that are wrong
 * in one place, refused with the line, the field and the value.
 */
#include "xml/domain-read.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/pages.h"
#include "base/random.h"
#include "base/units.h"
#include "model/check.h"

#define TEXT_MAX 65536

/* A file below the source tree, or of the recorded data; false when it is not there. */
static bool read_text(const char *path, char *text, size_t *ret_length)
{
	FILE *file = fopen(path, "r");

	if (!file)
		return false;
	*ret_length = fread(text, 1, TEXT_MAX - 1, file);
	text[*ret_length] = '\0';
	fclose(file);
	return true;
}

static const char *source_path(const char *name, char path[512])
{
	const char *source = getenv("HOMENODE_SOURCE");

	snprintf(path, 512, "%s/%s", source ? source : ".", name);
	return path;
}

static int read_fixture(const char *name, struct hn_guest **ret, struct hn_error *err)
{
	static char text[TEXT_MAX];
	char path[512], relative[256];
	size_t length = 0;

	snprintf(relative, sizeof(relative), "tests/fixtures/xml/%s", name);
	assert_true(read_text(source_path(relative, path), text, &length));
	return hn_domain_read(text, length, ret, err);
}

static int read_recorded(const char *name, struct hn_guest **ret, struct hn_error *err)
{
	static char text[TEXT_MAX];
	const char *data = getenv("HOMENODE_DATA");
	char path[512], relative[256];
	size_t length = 0;

	snprintf(relative, sizeof(relative), "../shared/data/domains/%s.xml", name);
	if (data)
		snprintf(path, sizeof(path), "%s/domains/%s.xml", data, name);
	else
		source_path(relative, path);
	if (!read_text(path, text, &length)) {
		print_message("skipped: no %s; set HOMENODE_DATA to the folder of domains/\n", path);
		skip();
	}
	return hn_domain_read(text, length, ret, err);
}

static void assert_set(const struct hn_set *set, const char *expected)
{
	char text[200];

	assert_string_equal(hn_set_format(set, text, sizeof(text)), expected);
}

struct expected_cell {
	int id;
	const char *vcpus;
	uint64_t kib, page_kib;
};

/* Expectations read off the XML by eye. */
struct expected {
	const char *file, *name, *uuid, *allowed, *device;
	enum hn_class class;
	enum hn_movability movability;
	unsigned iothreads;
	size_t cell_count, dimm_count;
	struct expected_cell cells[6];
};

#define UUID1 "c7a5fdbd-edaf-9455-926a-d65c16db1809"
#define UUID_NUMA "c7a5fdb2-cdaf-9455-926a-d65c16db1809"
#define UUID_TUNE "9f4b6512-e73a-4a25-93e8-5307802821ce"

static const struct expected recorded[] = {
	{"cpu-numa-disjoint", "QEMUGuest1", UUID1, "", NULL, .cell_count = 2,
	 .cells = {{0, "0-3,8-11", 109550, 0}, {1, "4-7,12-15", 109550, 0}}},
	{"cpu-numa1", "QEMUGuest1", UUID1, "", NULL, .cell_count = 2,
	 .cells = {{0, "0-7", 109550, 0}, {1, "8-15", 109550, 0}}},
	{"cputune-iothreads", "QEMUGuest1", UUID1, "", NULL, .class = HN_CLASS_DEDICATED, .iothreads = 2,
	 .cell_count = 1, .cells = {{0, "0-1", 219136, 0}}},
	{"cputune-numatune", "dummy2", "4d92ec27-9ebf-400b-ae91-20c71c647c19", "", NULL, .iothreads = 2,
	 .cell_count = 1, .cells = {{0, "0-1", 131072, 0}}},
	{"hostdev-vfio", "QEMUGuest2", "c7a5fdbd-edaf-9466-926a-d65c16db1809", "", "0000:06:12.1",
	 .movability = HN_IMMOVABLE_PINNED, .cell_count = 1, .cells = {{0, "0", 219100, 0}}},
	{"hugepages-nodeset", "SomeDummyHugepagesGuest", "ef1bdff4-27f3-4e85-a807-5fb4d58463cc", "", NULL,
	 .cell_count = 1, .cells = {{0, "0-1", 1048576, 2048}}},
	{"hugepages-numa-nodeset", "QEMUGuest1", UUID1, "", NULL, .cell_count = 4,
	 .cells = {{0, "0", 1048576, 1048576},
		   {1, "1", 1048576, 2048},
		   {2, "2", 1048576, 1048576},
		   {3, "3", 1048576, 1048576}}},
	{"memfd-memory-numa", "instance-00000092", "126f2720-6f8e-45ab-a886-ec9277079a67", "", NULL,
	 .cell_count = 1, .cells = {{0, "0-7", 14680064, 2048}}}, /* its NVDIMM is a file */
	{"memory-hotplug-dimm", "QEMUGuest1", UUID1, "", NULL, .cell_count = 1, .dimm_count = 2,
	 .cells = {{0, "0-1", 219136 + 523264 + 524287, 0}}},
	{"numad-auto-vcpu-no-numatune", "QEMUGuest1", UUID1, "", NULL, .cell_count = 1,
	 .cells = {{0, "0-1", 219136, 0}}},
	{"numad", "QEMUGuest1", UUID1, "", NULL, .cell_count = 1, .cells = {{0, "0-1", 219136, 0}}},
	{"numatune-auto-prefer", "QEMUGuest", UUID_TUNE, "", NULL, .cell_count = 1,
	 .cells = {{0, "0", 65536, 0}}},
	{"numatune-distances", "QEMUGuest", UUID_NUMA, "", NULL, .cell_count = 6,
	 .cells = {{0, "0,11", 2097152, 0},
		   {1, "1,10", 2097152, 0},
		   {2, "2,9", 2097152, 0},
		   {3, "3,8", 2097152, 0},
		   {4, "4,7", 2097152, 0},
		   {5, "5-6", 2097152, 0}}},
	{"numatune-hmat", "QEMUGuest", UUID_NUMA, "", NULL, .cell_count = 6,
	 .cells = {{0, "0-3", 2097152, 0},
		   {1, "4-7", 2097152, 0},
		   {2, "8-11", 2097152, 0},
		   {3, "", 2097152, 0},
		   {4, "", 2097152, 0},
		   {5, "", 2097152, 0}}},
	{"numatune-memnode-restrictive-mode", "QEMUGuest", UUID_TUNE, "0-7", NULL, .cell_count = 3,
	 .cells = {{0, "0", 20002, 0}, {1, "1-27,29", 660066, 0}, {2, "28,30-31", 24002400, 0}}},
	{"numatune-memnode", "QEMUGuest", UUID_TUNE, "0-7", NULL, .cell_count = 3,
	 .cells = {{0, "0", 20002, 0}, {1, "1-27,29", 660066, 0}, {2, "28,30-31", 24002400, 0}}},
	{"numatune-memory", "QEMUGuest1", UUID1, "0-3,5", NULL, .cell_count = 1,
	 .cells = {{0, "0-1", 219136, 0}}},
};

static void check_cells(const struct expected *expected, const struct hn_guest *guest)
{
	size_t dimms = 0;

	assert_int_equal(guest->cell_count, expected->cell_count);
	for (size_t i = 0; i < guest->cell_count; i++) {
		assert_int_equal(guest->cells[i].id, expected->cells[i].id);
		assert_set(&guest->cells[i].vcpus, expected->cells[i].vcpus);
		assert_true(guest->cells[i].memory_bytes == expected->cells[i].kib * 1024);
		assert_true(guest->cells[i].page_bytes == expected->cells[i].page_kib * 1024);
	}
	for (size_t i = 0; i < guest->backend_count; i++) {
		dimms += guest->backends[i].dimm;
		assert_int_equal(guest->backends[i].movability, expected->movability);
	}
	assert_int_equal(dimms, expected->dimm_count);
	assert_int_equal(guest->backend_count, expected->cell_count + dimms);
}

static void recorded_domains_are_read(void **state)
{
	for (size_t i = 0; i < HN_COUNT(recorded); i++) {
		const struct expected *expected = &recorded[i];
		HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
		struct hn_error err = {0};

		if (read_recorded(expected->file, &guest, &err))
			fail_msg("%s: %s", expected->file, err.message);
		assert_string_equal(guest->name, expected->name);
		assert_string_equal(guest->uuid, expected->uuid);
		assert_set(&guest->allowed_nodes, expected->allowed);
		assert_int_equal(guest->class, expected->class);
		assert_int_equal(guest->iothread_count, expected->iothreads);
		assert_int_equal(guest->device_count, expected->device ? 1 : 0);
		if (expected->device)
			assert_string_equal(guest->devices[0], expected->device);
		check_cells(expected, guest);
	}
}

/* libvirt's own test expects it to be refused: vCPU 1 is in two of them. */
static void overlapping_schedulers_are_refused(void **state)
{
	struct hn_guest *guest = NULL;
	struct hn_error err = {0};

	assert_int_equal(read_recorded("cputune-vcpusched-overlap", &guest, &err), -EPROTO);
	assert_non_null(strstr(err.message, "<vcpusched>: vcpus names vCPU 1"));
}

static void backends_have_policies_and_nodes(void **state)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL, *dimms = NULL;
	struct hn_error err = {0};

	assert_int_equal(read_recorded("numatune-memnode", &guest, &err), 0);
	assert_string_equal(guest->backends[0].id, "ram-node0");
	assert_string_equal(guest->backends[0].policy, "preferred");
	assert_set(&guest->backends[0].host_nodes, "3");
	assert_string_equal(guest->backends[1].policy, "bind"); /* from <memory> */
	assert_set(&guest->backends[1].host_nodes, "0-7");
	assert_set(&guest->backends[2].host_nodes, "1-2,5,7");
	assert_int_equal(read_recorded("memory-hotplug-dimm", &dimms, &err), 0);
	assert_true(dimms->backends[2].bytes == UINT64_C(524287) * 1024);
	assert_true(dimms->backends[2].page_bytes == 2 * HN_MIB);
	assert_true(dimms->backends[1].page_bytes == 0);
	assert_set(&dimms->backends[2].host_nodes, "1-3");
	assert_string_equal(dimms->backends[2].policy, "bind");
}

/* tests/fixtures/xml/wide.xml has what the recorded ones have not. */
static bool is_of_another_machine(void)
{
	if (hn_base_page_bytes() == 4096)
		return false;
	print_message("skipped: wide.xml is of a host with pages of 4 KiB\n");
	return true;
}

static void the_wide_domain_is_read(void **state)
{
	static const struct expected expected = {
		"wide.xml",
		"wide",
		"01234567-89ab-cdef-0123-456789abcdef",
		"1-2,4-5,7",
		NULL,
		.class = HN_CLASS_DEDICATED,
		.iothreads = 2,
		.cell_count = 3,
		.dimm_count = 3,
		.cells = {{0, "0", 1048576 + 262144, 2048},
			  {2, "1", 976563 + 524288, 0}, /* 1000001024 bytes are 976563.5 KiB */
			  {5, "4", 2097152, 1048576}}};
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
	struct hn_error err = {0};

	if (is_of_another_machine())
		skip();
	if (read_fixture(expected.file, &guest, &err))
		fail_msg("%s", err.message);
	assert_string_equal(guest->name, expected.name);
	assert_string_equal(guest->uuid, expected.uuid);
	assert_set(&guest->allowed_nodes, expected.allowed);
	assert_int_equal(guest->class, expected.class);
	assert_int_equal(guest->iothread_count, 2);
	assert_int_equal(guest->device_count, 0);
	assert_true(guest->cells[1].memory_bytes == UINT64_C(1000001024) + 512 * HN_MIB);
	guest->cells[1].memory_bytes = expected.cells[1].kib * 1024;
	check_cells(&expected, guest);
	assert_false(guest->backends[0].shared); /* ram-node5: memAccess private */
	assert_true(guest->backends[1].shared);  /* as memoryBacking says */
	assert_true(guest->backends[1].prealloc);
	assert_string_equal(guest->backends[0].policy, "bind");
	assert_string_equal(guest->backends[2].policy, "default"); /* restrictive is the cgroup's */
	assert_set(&guest->backends[2].host_nodes, "7");
}

static void fixtures_that_are_no_domain_are_refused(void **state)
{
	static const struct {
		const char *file, *sentence;
	} cases[] = {
		{"not-xml.txt", "line 1: this is not XML"},
		{"cut-off.xml", "this is not XML"},
		{"network.xml", "line 1: <network>: is not a <domain>"},
		{"lxc.xml", "line 1: <domain>: type 'lxc'"},
		{"overlap.xml", "line 8: <cell>: cpus names vCPU 2, which another cell has too"},
		{"entities.xml", "line 2: a DOCTYPE is not accepted"},
	};

	for (size_t i = 0; i < HN_COUNT(cases); i++) {
		struct hn_guest *guest = NULL;
		struct hn_error err = {0};

		assert_int_equal(read_fixture(cases[i].file, &guest, &err), -EPROTO);
		assert_null(guest);
		if (!strstr(err.message, cases[i].sentence))
			fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].file, err.message,
				 cases[i].sentence);
	}
}

/* A domain of one line each: its head, what is put in, and what stands behind. */
static int read_with(const char *vcpu, const char *memory, const char *rest, struct hn_guest **ret,
		     struct hn_error *err)
{
	char text[4096];
	int length =
		snprintf(text, sizeof(text), "<domain type='kvm'>\n<name>g</name>\n%s\n%s\n%s\n</domain>\n",
			 vcpu, memory, rest);

	return hn_domain_read(text, (size_t)length, ret, err);
}

#define VCPU "<vcpu>4</vcpu>"
#define MEMORY "<memory unit='MiB'>512</memory>"
#define CELLS(...) "<cpu><numa>" __VA_ARGS__ "</numa></cpu>"
#define HOSTDEV(...) \
	"<devices><hostdev mode='subsystem' type='pci'><source>" __VA_ARGS__ "</source></hostdev></devices>"
#define ADDRESS "<address domain='0x0001' bus='0x3b' slot='0x00' function='0x1'/>"

static void what_is_wrong_is_told_with_its_line(void **state)
{
	static const struct {
		const char *vcpu, *memory, *rest, *sentence;
	} cases[] = {
		{"<vcpu>0</vcpu>", MEMORY, "", "line 3: <vcpu>: '0' is no number from 1 to 2048"},
		{"<vcpu>-4</vcpu>", MEMORY, "", "line 3: <vcpu>: '-4' is no number"},
		{"<vcpu>4x</vcpu>", MEMORY, "", "line 3: <vcpu>: '4x' is no number"},
		{"<vcpu/>", MEMORY, "", "line 3: <vcpu>: '' is no number"},
		{"<vcpu>99999999999999999999</vcpu>", MEMORY, "", "'99999999999999999999' is no number"},
		{"<vcpu current='5'>4</vcpu>", MEMORY, "", "current '5' is no number from 1 to 4"},
		{VCPU "<vcpus><vcpu id='4' enabled='yes'/></vcpus>", MEMORY, "",
		 "id '4' is no number from 0 to 3"},
		{VCPU "<vcpus><vcpu id='3' enabled='2'/></vcpus>", MEMORY, "",
		 "enabled is neither yes nor no"},
		{VCPU, "", "", "line 1: <domain>: <memory> is missing"},
		{VCPU, "<memory>0</memory>", "", "line 4: <memory>: 0 KiB is not within"},
		{VCPU, "<memory>-1</memory>", "", "line 4: <memory>: '-1' is no number"},
		{VCPU, "<memory unit='EiB'>8</memory>", "", "line 4: <memory>: 8 EiB is not within"},
		{VCPU, "<memory unit='TiB'>18446744073709551615</memory>", "", "18446744073709551615 TiB"},
		{VCPU, "<memory unit='furlong'>8</memory>", "", "unit 'furlong' is no unit of size"},
		{VCPU, "<memory unit='Kibble'>8</memory>", "", "unit 'Kibble' is no unit of size"},
		{VCPU, MEMORY, CELLS("<cell id='0' cpus='0-3'/>"),
		 "line 5: <cell>: attribute memory is missing"},
		{VCPU, MEMORY, CELLS("<cell id='0' cpus='0-3' memory='x'/>"), "memory 'x' is no number"},
		{VCPU, MEMORY, CELLS("<cell id='0' cpus='0-4' memory='4'/>"),
		 "cpus names vCPU 4, but the guest has 4"},
		{VCPU, MEMORY, CELLS("<cell id='0' cpus='3-1' memory='4'/>"),
		 "cpus: '3-1' is no number or range"},
		{VCPU, MEMORY, CELLS("<cell id='0' cpus='0,,1' memory='4'/>"),
		 "cpus: '' is no number or range"},
		{VCPU, MEMORY, CELLS("<cell id='0' cpus='0,^0' memory='4'/>"), "cpus is an empty set"},
		{VCPU, MEMORY, CELLS("<cell id='-1' cpus='0' memory='4'/>"), "id '-1' is no number"},
		{VCPU, MEMORY, CELLS("<cell id='1' cpus='0' memory='4'/><cell id='1' cpus='1' memory='4'/>"),
		 "id 1 is there twice"},
		{VCPU, MEMORY,
		 CELLS("<cell id='0' cpus='0-3' memory='9007199254740991'/><cell memory='1024'/>"),
		 "memory_bytes"},
		{VCPU, MEMORY,
		 "<memoryBacking><hugepages><page size='3' unit='MiB'/></hugepages></memoryBacking>",
		 "<page>: size of 3145728 bytes is no power of two"},
		{VCPU, MEMORY,
		 "<memoryBacking><hugepages><page size='1' unit='GiB'/></hugepages></memoryBacking>",
		 "memory_bytes 536870912 is no multiple of page_bytes 1073741824"},
		{VCPU, MEMORY,
		 "<memoryBacking><hugepages><page size='2048' nodeset='1'/></hugepages></memoryBacking>",
		 "nodeset names cell 1, which the guest does not have"},
		{VCPU, MEMORY, "<numatune><memory mode='strict' nodeset='zero'/></numatune>",
		 "nodeset: 'zero'"},
		{VCPU, MEMORY, "<numatune><memory mode='loose' nodeset='0'/></numatune>",
		 "mode 'loose' is none of"},
		{VCPU, MEMORY, "<numatune><memnode cellid='3' mode='strict' nodeset='0'/></numatune>",
		 "cellid 3 is no cell's"},
		{VCPU, MEMORY, "<numatune><memory mode='strict' nodeset='0-9999'/></numatune>",
		 "nodeset: '0-9999'"},
		{VCPU, MEMORY, "<cputune><vcpupin vcpu='x' cpuset='0'/></cputune>", "vcpu 'x' is no number"},
		{VCPU, MEMORY, "<cputune><vcpupin vcpu='0'/></cputune>", "attribute cpuset is missing"},
		{VCPU, MEMORY,
		 "<cputune><vcpupin vcpu='0' cpuset='1'/><vcpupin vcpu='0' cpuset='2'/></cputune>",
		 "vcpu 0 is pinned twice"},
		{VCPU, MEMORY, "<iothreads>many</iothreads>", "<iothreads>: 'many' is no number"},
		{VCPU, MEMORY, HOSTDEV(""), "<hostdev>: its source's <address> is missing"},
		{VCPU, MEMORY, HOSTDEV("<address bus='0x100' slot='0' function='0'/>"),
		 "bus '0x100' is no number"},
		{VCPU, MEMORY, HOSTDEV("<address bus='0x10' slot='32' function='0'/>"),
		 "slot '32' is no number"},
		{VCPU, MEMORY, HOSTDEV("<address bus='0x10' slot='1' function='8'/>"),
		 "function '8' is no number"},
		{VCPU, MEMORY,
		 "<devices><memory model='dimm'><target><node>0</node></target></memory></devices>",
		 "<memory>: the target's size is missing"},
		{VCPU, MEMORY,
		 "<devices><memory "
		 "model='dimm'><target><size>4</size><node>2</node></target></memory></devices>",
		 "<node>: there is no cell 2"},
		{VCPU, MEMORY,
		 "<devices><memory model='dimm'><target><size unit='E'>7</size></target></memory>"
		 "<memory model='dimm'><target><size unit='E'>7</size></target></memory></devices>",
		 "size brings cell 0 to more than"},
		{VCPU, MEMORY, "<uuid>1234</uuid>", "line 5: <uuid>: '1234' is no UUID"},
		{VCPU, MEMORY, "<uuid>0123456789abcdef0123456789abcdef0</uuid>", "is no UUID"},
		{VCPU, MEMORY, "<uuid>g123456789abcdef0123456789abcdef</uuid>", "is no UUID"},
		{VCPU, MEMORY, "<memory>", "line 6: this is not XML"},
		{VCPU, MEMORY, "&undeclared;", "line 5: this is not XML"},
	};

	for (size_t i = 0; i < HN_COUNT(cases); i++) {
		struct hn_guest *guest = NULL;
		struct hn_error err = {0};
		int r = read_with(cases[i].vcpu, cases[i].memory, cases[i].rest, &guest, &err);

		if ((r != -EPROTO && r != -EINVAL) || err.code != r ||
		    !strstr(err.message, cases[i].sentence))
			fail_msg("%s %s %s: %d \"%s\" does not say \"%s\"", cases[i].vcpu, cases[i].memory,
				 cases[i].rest, r, err.message, cases[i].sentence);
		assert_null(guest);
	}
}

#define DEVICE(model, sizes, rest) "<memory model='" model "'><target>" sizes "</target>" rest "</memory>"

/* Dimm0 was unplugged, dimm1 is an NVDIMM; what does not run has no aliases. */
static void memory_devices_are_called_as_libvirt_calls_them(void **state)
{
	static const char *const running =
		"<devices>" DEVICE("dimm", "<size unit='MiB'>64</size>", "<alias name='dimm3'/>")
			DEVICE("nvdimm", "<size unit='MiB'>64</size>", "<alias name='nvdimm1'/>")
				DEVICE("dimm", "<size unit='MiB'>64</size>", "<alias name='ua-mine'/>")
					DEVICE("virtio-mem", "<size unit='MiB'>64</size>",
					       "<alias name='virtiomem0'/>") "</devices>";
	static const char *const defined = "<devices>" DEVICE("dimm", "<size unit='MiB'>64</size>", "")
		DEVICE("virtio-mem", "<size unit='MiB'>64</size>", "") "</devices>";
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL, *other = NULL;
	struct hn_error err = {0};

	assert_int_equal(read_with(VCPU, MEMORY, running, &guest, &err), 0);
	assert_int_equal(guest->backend_count, 4);
	assert_string_equal(guest->backends[1].id, "memdimm3");
	assert_string_equal(guest->backends[2].id, "memua-mine");
	assert_string_equal(guest->backends[3].id, "memvirtiomem0");
	assert_int_equal(read_with(VCPU, MEMORY, defined, &other, &err), 0);
	assert_int_equal(other->backend_count, 3);
	assert_string_not_equal(other->backends[1].id, other->backends[2].id);
}

static void memory_devices_of_too_much_or_with_long_aliases(void **state)
{
	static const char *const too_much = "<devices>" DEVICE(
		"virtio-mem", "<size unit='E'>7</size><requested>0</requested>", "")
		DEVICE("virtio-mem", "<size unit='E'>7</size><requested>0</requested>", "") "</devices>";
	struct hn_guest *guest = NULL;
	struct hn_error err = {0};
	char device[400];

	assert_int_equal(read_with(VCPU, MEMORY, too_much, &guest, &err), -EPROTO);
	assert_non_null(strstr(err.message, "size brings cell 0 to more than"));
	snprintf(device, sizeof(device), "<devices>%s<alias name='ua-%0*d'/></memory></devices>",
		 "<memory model='dimm'><target><size unit='MiB'>64</size></target>", HN_NAME_MAX, 1);
	assert_int_equal(read_with(VCPU, MEMORY, device, &guest, &err), 0);
	assert_string_equal(guest->backends[1].id, "memory device 0");
	hn_guest_free(guest);
}

/* What is mapped is found by its size; what is given is what a home has to have room for. */
static void virtio_mem_maps_more_than_it_gives(void **state)
{
	static const char *const devices = "<devices>" DEVICE(
		"virtio-mem", "<size unit='GiB'>8</size><requested unit='GiB'>3</requested>", "")
		DEVICE("virtio-mem", "<size unit='GiB'>4</size><requested unit='GiB'>0</requested>",
		       "") "</devices>";
	static const char *const too_much = "<devices>" DEVICE(
		"virtio-mem", "<size unit='GiB'>2</size><requested unit='GiB'>3</requested>",
		"") "</devices>";
	/* one grows, the other has not yet given back what it shall */
	static const char *const running = "<devices>" DEVICE(
		"virtio-mem",
		"<size unit='GiB'>8</size><requested unit='GiB'>3</requested><current unit='GiB'>1</current>",
		"") DEVICE("virtio-mem",
			   "<size unit='GiB'>4</size><requested unit='KiB'>0</requested>"
			   "<current unit='MiB'>512</current>",
			   "") "</devices>";
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL, *grown = NULL;
	struct hn_guest *none = NULL;
	struct hn_error err = {0};

	assert_int_equal(read_with(VCPU, MEMORY, running, &grown, &err), 0);
	assert_true(grown->cells[0].memory_bytes == 512 * HN_MIB + 3 * HN_GIB + 512 * HN_MIB);
	assert_int_equal(read_with(VCPU, MEMORY, devices, &guest, &err), 0);
	assert_true(guest->cells[0].memory_bytes == 512 * HN_MIB + 3 * HN_GIB);
	assert_true(guest->backends[1].bytes == 8 * HN_GIB);
	assert_true(guest->backends[2].bytes == 4 * HN_GIB);
	assert_int_equal(read_with(VCPU, MEMORY, too_much, &none, &err), -EPROTO);
	assert_non_null(strstr(err.message, "<requested>: is more than the size"));
}

/* "1.5" of each unit is refused, 3 of it is so many bytes. */
static void units_are_libvirts(void **state)
{
	static const struct {
		const char *unit;
		uint64_t bytes;
	} cases[] = {{"b", 1},
		     {"bytes", 1},
		     {"KB", 1000},
		     {"k", 1024},
		     {"KiB", 1024},
		     {"MB", 1000000},
		     {"M", 1 << 20},
		     {"mib", 1 << 20},
		     {"GB", 1000000000},
		     {"G", 1 << 30},
		     {"TB", UINT64_C(1000000000000)},
		     {"T", UINT64_C(1) << 40},
		     {"PiB", UINT64_C(1) << 50},
		     {"EB", UINT64_C(1000000000000000000)}};

	for (size_t i = 0; i < HN_COUNT(cases); i++) {
		HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
		struct hn_error err = {0};
		char memory[100];

		snprintf(memory, sizeof(memory), "<memory unit='%s'>3</memory>", cases[i].unit);
		assert_int_equal(read_with(VCPU, memory, "", &guest, &err), 0);
		assert_true(guest->cells[0].memory_bytes == 3 * cases[i].bytes);
	}
}

static void pages_are_those_of_the_machine(void **state)
{
	uint64_t base = hn_base_page_bytes(), other = base == 4096 ? 65536 : 4096;
	const struct {
		uint64_t bytes; /* 0: as many as the kernel likes */
		uint64_t expected;
	} cases[] = {{base, 0}, {other, other}, {0, hn_huge_page_bytes()}};

	for (size_t i = 0; i < HN_COUNT(cases); i++) {
		HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
		struct hn_error err = {0};
		char page[100] = "", backing[200];

		if (cases[i].bytes)
			snprintf(page, sizeof(page), "<page size='%d' unit='b'/>", (int)cases[i].bytes);
		snprintf(backing, sizeof(backing), "<memoryBacking><hugepages>%s</hugepages></memoryBacking>",
			 page);
		assert_int_equal(read_with(VCPU, MEMORY, backing, &guest, &err), 0);
		assert_true(guest->cells[0].page_bytes == cases[i].expected);
	}
}

/* 2 GiB in pages of 1 GiB, and 512 MiB in pages of 2 MiB: QEMU takes that, whose words are read likewise. */
static void what_is_plugged_in_may_be_of_smaller_pages(void **state)
{
	static const char *const rest =
		"<memoryBacking><hugepages><page size='1' "
		"unit='GiB'/></hugepages></memoryBacking><devices>" DEVICE(
			"dimm", "<size unit='MiB'>512</size>",
			"<source><pagesize unit='MiB'>2</pagesize></source>") "</devices>";
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
	struct hn_error err = {0};

	if (read_with(VCPU, "<memory unit='GiB'>2</memory>", rest, &guest, &err))
		fail_msg("%s", err.message);
	assert_true(guest->cells[0].memory_bytes == 2 * HN_GIB + 512 * HN_MIB);
	assert_true(guest->cells[0].page_bytes == 2 * HN_MIB);
	assert_true(guest->backends[0].page_bytes == HN_GIB);
	assert_true(guest->backends[1].page_bytes == 2 * HN_MIB);
}

static void classes_come_from_pins_and_schedulers(void **state)
{
	static const struct {
		const char *tune;
		enum hn_class class;
	} cases[] = {
		{"<vcpupin vcpu='0' cpuset='4'/><vcpupin vcpu='1' cpuset='5'/>", HN_CLASS_DEDICATED},
		{"<vcpupin vcpu='0' cpuset='4'/>", HN_CLASS_SHARED},
		{"<vcpupin vcpu='0' cpuset='4'/><vcpupin vcpu='1' cpuset='4'/>", HN_CLASS_SHARED},
		{"<vcpupin vcpu='0' cpuset='4-5'/><vcpupin vcpu='1' cpuset='6-7'/>", HN_CLASS_SHARED},
		{"<vcpusched vcpus='1' scheduler='fifo' priority='1'/>", HN_CLASS_REALTIME},
		{"<vcpusched vcpus='0-1' scheduler='rr' priority='1'/><vcpupin vcpu='0' cpuset='1-2'/>",
		 HN_CLASS_REALTIME},
		{"<vcpusched vcpus='0-1' scheduler='batch'/>", HN_CLASS_SHARED},
		{"<vcpusched vcpus='7' scheduler='fifo' priority='1'/>", HN_CLASS_SHARED}, /* no vCPU of it */
		{"", HN_CLASS_SHARED},
	};

	for (size_t i = 0; i < HN_COUNT(cases); i++) {
		HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
		struct hn_error err = {0};
		char tune[300];

		snprintf(tune, sizeof(tune), "<cputune>%s</cputune>", cases[i].tune);
		assert_int_equal(read_with("<vcpu>2</vcpu>", MEMORY, tune, &guest, &err), 0);
		if (guest->class != cases[i].class)
			fail_msg("%s gives %s", cases[i].tune, hn_class_name(guest->class));
	}
}

static void what_holds_memory_is_told(void **state)
{
	static const struct {
		const char *rest, *device;
		enum hn_movability movability;
	} cases[] = {
		{"", NULL, HN_MOVABLE},
		{"<memoryBacking><locked/></memoryBacking>", NULL, HN_MOVABLE},
		{HOSTDEV(ADDRESS), "0001:3b:00.1", HN_IMMOVABLE_PINNED},
		{"<devices><interface type='hostdev'><source><address type='pci' domain='0' bus='1' slot='2' "
		 "function='3'/></source></interface></devices>",
		 "0000:01:02.3", HN_IMMOVABLE_PINNED},
		{"<devices><interface type='network'><source network='default'/></interface></devices>", NULL,
		 HN_MOVABLE},
		{"<devices><interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/></interface></devices>",
		 NULL, HN_IMMOVABLE_PINNED},
		{"<devices><disk type='nvme' device='disk'><source type='pci' namespace='1'>"
		 "<address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></source></disk></devices>",
		 "0000:01:00.0", HN_IMMOVABLE_PINNED},
		{"<devices><hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address "
		 "uuid='c2'/>"
		 "</source></hostdev></devices>",
		 NULL, HN_IMMOVABLE_PINNED},
		{"<launchSecurity type='sev'><policy>0x0003</policy></launchSecurity>", NULL,
		 HN_IMMOVABLE_ENCRYPTED},
		{"<launchSecurity type='tdx'/>" HOSTDEV(ADDRESS), "0001:3b:00.1", HN_IMMOVABLE_ENCRYPTED},
	};

	for (size_t i = 0; i < HN_COUNT(cases); i++) {
		HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
		struct hn_error err = {0};

		if (read_with(VCPU, MEMORY, cases[i].rest, &guest, &err))
			fail_msg("%s: %s", cases[i].rest, err.message);
		assert_int_equal(guest->backends[0].movability, cases[i].movability);
		assert_int_equal(guest->device_count, cases[i].device ? 1 : 0);
		if (cases[i].device)
			assert_string_equal(guest->devices[0], cases[i].device);
	}
}

/* vCPUs no cell names go to the first, as libvirt gives them to QEMU. */
static void vcpus_of_no_cell_go_to_the_first(void **state)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
	struct hn_error err = {0};

	assert_int_equal(
		read_with(VCPU, MEMORY,
			  CELLS("<cell id='1' cpus='1' memory='4'/><cell id='0' cpus='0' memory='4'/>"),
			  &guest, &err),
		0);
	assert_set(&guest->cells[0].vcpus, "0,2-3");
	assert_set(&guest->cells[1].vcpus, "1");
}

/* libvirt starts a guest with one of its vCPUs, whatever cells the others will be plugged into. */
static void cells_may_be_more_than_vcpus(void **state)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
	struct hn_error err = {0};

	if (read_with("<vcpu current='1'>4</vcpu>", MEMORY,
		      CELLS("<cell id='0' cpus='0-1' memory='4'/><cell id='1' cpus='2-3' memory='8'/>"
			    "<cell id='2' memory='12'/>"),
		      &guest, &err))
		fail_msg("%s", err.message);
	assert_int_equal(guest->cell_count, 3);
	assert_set(&guest->cells[0].vcpus, "0");
	assert_true(hn_set_empty(&guest->cells[1].vcpus));
	assert_true(guest->cells[2].memory_bytes == 12 * HN_KIB);
}

static void a_long_text_is_refused(void **state)
{
	HN_AUTO(memory) char *text = malloc(HN_DOMAIN_BYTES_MAX + 1);
	struct hn_guest *guest = NULL;
	struct hn_error err = {0};
	static const char head[] = "<domain type='kvm'><name>g</name>" MEMORY "</domain>";

	memset(text, ' ', HN_DOMAIN_BYTES_MAX + 1);
	memcpy(text, head, sizeof(head) - 1);
	assert_int_equal(hn_domain_read(text, HN_DOMAIN_BYTES_MAX + 1, &guest, &err), -EMSGSIZE);
	assert_int_equal(hn_domain_read(text, HN_DOMAIN_BYTES_MAX, &guest, &err), 0);
	hn_guest_free(guest);
	guest = NULL;
	assert_int_equal(hn_domain_read(text, 0, &guest, &err), -EPROTO);
}

/* A few bytes overwritten at random: a guest that can be, or a sentence. */
static void random_damage_is_survived(void **state)
{
	static const char letters[] = "0123456789-^,<>/='\"& ax\x80";
	static char text[TEXT_MAX];
	struct hn_random random = {71};
	size_t length = 0, read_count = 0, refused = 0;
	char path[512];

	if (is_of_another_machine())
		skip();
	for (int round = 0; round < 3000; round++) {
		HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
		struct hn_error err = {0}, again;

		assert_true(read_text(source_path("tests/fixtures/xml/wide.xml", path), text, &length));
		for (uint64_t i = hn_random_below(&random, 3); i < 3; i++)
			text[hn_random_below(&random, length)] =
				letters[hn_random_below(&random, sizeof(letters) - 1)];
		if (hn_domain_read(text, length, &guest, &err) == 0) {
			assert_int_equal(hn_guest_check(guest, &again), 0);
			read_count++;
		} else {
			assert_true(strlen(err.message) > 10);
			assert_null(guest);
			refused++;
		}
	}
	assert_true(read_count > 100 && refused > 100);
}

static void memnodes_are_in_place_of_the_guests_nodes(void **state)
{
	static const char xml[] =
		"<domain type='kvm'><name>g</name><memory unit='MiB'>96</memory><vcpu>3</vcpu>"
		"<cpu><numa><cell id='0' cpus='0' memory='32' unit='MiB'/><cell id='1' cpus='1' memory='32' "
		"unit='MiB'/>"
		"<cell id='2' cpus='2' memory='32' unit='MiB'/></numa></cpu>"
		"<numatune><memory mode='strict' nodeset='1-2'/><memnode cellid='0' mode='strict' "
		"nodeset='5'/>"
		"<memnode cellid='1' mode='preferred' nodeset='6'/></numatune></domain>";
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
	struct hn_error err = {0};

	if (hn_domain_read(xml, strlen(xml), &guest, &err) < 0)
		fail_msg("%s", err.message);
	assert_set(&guest->cells[0].allowed_nodes, "5");
	assert_set(&guest->cells[2].allowed_nodes, "1-2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memnodes_are_in_place_of_the_guests_nodes),
		cmocka_unit_test(recorded_domains_are_read),
		cmocka_unit_test(overlapping_schedulers_are_refused),
		cmocka_unit_test(backends_have_policies_and_nodes),
		cmocka_unit_test(the_wide_domain_is_read),
		cmocka_unit_test(fixtures_that_are_no_domain_are_refused),
		cmocka_unit_test(what_is_wrong_is_told_with_its_line),
		cmocka_unit_test(memory_devices_are_called_as_libvirt_calls_them),
		cmocka_unit_test(memory_devices_of_too_much_or_with_long_aliases),
		cmocka_unit_test(virtio_mem_maps_more_than_it_gives),
		cmocka_unit_test(units_are_libvirts),
		cmocka_unit_test(pages_are_those_of_the_machine),
		cmocka_unit_test(classes_come_from_pins_and_schedulers),
		cmocka_unit_test(what_holds_memory_is_told),
		cmocka_unit_test(vcpus_of_no_cell_go_to_the_first),
		cmocka_unit_test(cells_may_be_more_than_vcpus),
		cmocka_unit_test(what_is_plugged_in_may_be_of_smaller_pages),
		cmocka_unit_test(a_long_text_is_refused),
		cmocka_unit_test(random_damage_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
