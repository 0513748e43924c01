/*
 * A placement written into XML: what is expected is written by hand after libvirt's formatter, and everything
 * else stays byte by byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/units.h"
#include "xml/domain-read.h"
#include "xml/domain-write.h"

#define NODES 4
#define NODE_CPUS 4 /* node n has CPUs 4n to 4n+3 */

static struct hn_host *make_host(void)
{
	struct hn_host *host = hn_host_new("h", NODES, NODES * NODE_CPUS);

	for (size_t i = 0; i < host->cpu_count; i++) {
		host->cpus[i].node = (int)(i / NODE_CPUS);
		hn_set_add(&host->nodes[i / NODE_CPUS].cpus, (int)i);
	}
	for (size_t i = 0; i < NODES; i++)
		host->nodes[i].memory_bytes = host->nodes[i].free_bytes = 16 * HN_GIB;
	return host;
}

static struct hn_set cpus_of(const struct hn_host *host, const struct hn_set *nodes)
{
	struct hn_set cpus = {0};

	HN_SET_FOREACH (node, nodes) {
		hn_set_or(&cpus, &host->nodes[node].cpus);
	}
	return cpus;
}

/* Cell i on the i-th of these sets of nodes, its vCPUs on their CPUs, the rest on those of the first. */
static struct hn_placement *make_home(const struct hn_guest *guest, const struct hn_host *host,
				      const char *const *nodes)
{
	struct hn_placement *home = hn_placement_new(host->node_count, guest->cell_count);
	size_t at = 0;

	assert_int_equal(hn_placement_set_vcpus(home, (size_t)hn_guest_vcpu_count(guest)), 0);
	for (size_t i = 0; i < guest->cell_count; i++) {
		home->cells[i].cell = guest->cells[i].id;
		assert_int_equal(hn_set_parse(nodes[i], &home->cells[i].nodes, NULL), 0);
	}
	for (int vcpu = 0; at < home->vcpu_count; vcpu++)
		for (size_t i = 0; i < guest->cell_count; i++)
			if (hn_set_has(&guest->cells[i].vcpus, vcpu)) {
				home->vcpus[at].vcpu = vcpu;
				home->vcpus[at++].cpus = cpus_of(host, &home->cells[i].nodes);
			}
	home->other_cpus = cpus_of(host, &home->cells[0].nodes);
	return home;
}

/* The XML with its cells on these nodes; the caller frees it. */
static char *write_xml(const char *xml, const char *const *nodes, enum hn_domain_scope scope,
		       bool *ret_changed)
{
	HN_AUTO(hn_host) struct hn_host *host = make_host();
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
	HN_AUTO(hn_placement) struct hn_placement *home = NULL;
	struct hn_error err = {0};
	char *written = NULL;

	if (hn_domain_read(xml, strlen(xml), &guest, &err) < 0)
		fail_msg("%s", err.message);
	home = make_home(guest, host, nodes);
	if (hn_domain_write(xml, strlen(xml), guest, host, home, scope, &written, ret_changed, &err) < 0)
		fail_msg("%s", err.message);
	return written;
}

#define ON(...) ((const char *const[]){__VA_ARGS__})

static void assert_written(const char *xml, const char *const *nodes, enum hn_domain_scope scope,
			   const char *expected)
{
	bool changed = false;
	char *written = write_xml(xml, nodes, scope, &changed), *again;

	assert_string_equal(written, expected);
	assert_int_equal(changed, strcmp(xml, expected) != 0);
	again = write_xml(written, nodes, scope, &changed);
	assert_string_equal(again, expected);
	assert_false(changed);
	free(again);
	free(written);
}

static void all_of_it_is_written_where_libvirt_would(void **state)
{
	assert_written("<?xml version=\"1.0\"?>\n"
		       "<!-- mine -->\n"
		       "<domain type=\"kvm\" xmlns:q='urn:q'>\n"
		       "  <name>g&amp;h</name>\n"
		       "  <memory unit='GiB'>2</memory>  <!-- two -->\n"
		       "  <vcpu>4</vcpu>\n"
		       "  <iothreads>1</iothreads><!-- one -->\n"
		       "  <cpu>\n"
		       "    <numa>\n"
		       "      <cell id='0' cpus='0-1' memory='1' unit='GiB'/>\n"
		       "      <cell id='1' cpus='2-3' memory='1' unit='GiB'></cell>\n"
		       "    </numa>\n"
		       "  </cpu>\n"
		       "  <q:commandline  a = '1' ><![CDATA[<cputune/>]]></q:commandline >\n"
		       "</domain>\n",
		       ON("1", "3"), HN_DOMAIN_ALL,
		       "<?xml version=\"1.0\"?>\n"
		       "<!-- mine -->\n"
		       "<domain type=\"kvm\" xmlns:q='urn:q'>\n"
		       "  <name>g&amp;h</name>\n"
		       "  <memory unit='GiB'>2</memory>  <!-- two -->\n"
		       "  <vcpu cpuset='4-7,12-15'>4</vcpu>\n"
		       "  <iothreads>1</iothreads><!-- one -->\n"
		       "  <cputune>\n"
		       "    <vcpupin vcpu='0' cpuset='4-7'/>\n"
		       "    <vcpupin vcpu='1' cpuset='4-7'/>\n"
		       "    <vcpupin vcpu='2' cpuset='12-15'/>\n"
		       "    <vcpupin vcpu='3' cpuset='12-15'/>\n"
		       "    <emulatorpin cpuset='4-7'/>\n"
		       "    <iothreadpin iothread='1' cpuset='4-7'/>\n"
		       "  </cputune>\n"
		       "  <numatune>\n"
		       "    <memory mode='strict' nodeset='1,3'/>\n"
		       "    <memnode cellid='0' mode='strict' nodeset='1'/>\n"
		       "    <memnode cellid='1' mode='strict' nodeset='3'/>\n"
		       "  </numatune>\n"
		       "  <cpu>\n"
		       "    <numa>\n"
		       "      <cell id='0' cpus='0-1' memory='1' unit='GiB'/>\n"
		       "      <cell id='1' cpus='2-3' memory='1' unit='GiB'></cell>\n"
		       "    </numa>\n"
		       "  </cpu>\n"
		       "  <q:commandline  a = '1' ><![CDATA[<cputune/>]]></q:commandline >\n"
		       "</domain>\n");
}

static void what_says_so_already_is_left(void **state)
{
	static const char xml[] =
		"<domain type='kvm'><name>g</name><memory>1024</memory>\n"
		"<vcpu cpuset = '&#48;,1,2,3'>1</vcpu>\n"
		"<cputune><vcpupin cpuset=\"0-4,^4\" vcpu='0x0'/><emulatorpin cpuset='3,2,0-1'/></cputune>"
		"<numatune><memory nodeset='0'/></numatune></domain>";

	assert_written(xml, ON("0"), HN_DOMAIN_ALL, xml);
	assert_written(xml, ON("0"), HN_DOMAIN_EXISTING, xml);
}

static void auto_gives_way(void **state)
{
	assert_written("<domain type='kvm'>\n <name>g</name>\n <memory>1024</memory>\n"
		       " <vcpu placement=\"auto\" current='1'>1</vcpu>\n"
		       " <numatune>\n  <memory placement='auto' mode='preferred'/>\n </numatune>\n</domain>",
		       ON("2"), HN_DOMAIN_ALL,
		       "<domain type='kvm'>\n <name>g</name>\n <memory>1024</memory>\n"
		       " <vcpu placement='static' cpuset='8-11' current='1'>1</vcpu>\n"
		       " <cputune>\n   <vcpupin vcpu='0' cpuset='8-11'/>\n   <emulatorpin cpuset='8-11'/>\n "
		       "</cputune>\n"
		       " <numatune>\n  <memory nodeset='2' mode='preferred'/>\n </numatune>\n</domain>");
}

static void what_exists_becomes_right_elsewhere(void **state)
{
	assert_written("<domain type='kvm'><name>g</name><memory>1024</memory><vcpu cpuset='0-3' "
		       "placement='static'>2</vcpu>"
		       "<iothreads>2</iothreads>"
		       "<cputune><shares>9</shares><iothreadpin iothread='2' cpuset='1'/><vcpupin vcpu='1' "
		       "cpuset='0'/>"
		       "<vcpusched vcpus='0' scheduler='batch'/></cputune>"
		       "<numatune><memory mode='restrictive' nodeset='0'/></numatune></domain>",
		       ON("3"), HN_DOMAIN_EXISTING,
		       "<domain type='kvm'><name>g</name><memory>1024</memory><vcpu cpuset='12-15' "
		       "placement='static'>2</vcpu>"
		       "<iothreads>2</iothreads>"
		       "<cputune><shares>9</shares><iothreadpin iothread='2' cpuset='12-15'/><vcpupin "
		       "vcpu='1' cpuset='12-15'/>"
		       "<vcpusched vcpus='0' scheduler='batch'/></cputune>"
		       "<numatune><memory mode='restrictive' nodeset='3'/></numatune></domain>");
}

static void nothing_exists_and_nothing_is_added(void **state)
{
	static const char *const texts[] = {
		"<domain type='kvm'><name>g</name><memory>1024</memory></domain>",
		"<domain type='kvm'><name>g</name><memory>1024</memory><vcpu placement='auto' "
		"cpuset='7'>1</vcpu>"
		"<cputune><shares>9</shares></cputune><numatune><memory mode='strict' "
		"placement='auto'/></numatune>"
		"<memoryBacking><hugepages><page size='2048' nodeset='0'/></hugepages></memoryBacking>"
		"<cpu><numa><cell id='0' cpus='0' memory='2048'/></numa></cpu></domain>",
	};

	for (size_t i = 0; i < 2; i++)
		assert_written(texts[i], ON("3"), HN_DOMAIN_EXISTING, texts[i]);
}

static void missing_pins_go_between_others(void **state)
{
	assert_written("<domain type='kvm'>\n  <name>g</name>\n  <memory>1024</memory>\n"
		       "  <vcpu cpuset='4-7'>4</vcpu>\n"
		       "  <cputune>\n"
		       "\t<!-- first -->\n"
		       "\t<shares>9</shares>\n"
		       "\t<vcpupin vcpu='1' cpuset='4-7'/> <!-- one -->\n"
		       "\t<vcpupin vcpu='3' cpuset='1'/>\n"
		       "\t<vcpupin vcpu='9' cpuset='1'/>\n"
		       "\t<vcpusched vcpus='0' scheduler='batch'/>\n"
		       "  </cputune>\n"
		       "</domain>",
		       ON("1"), HN_DOMAIN_ALL,
		       "<domain type='kvm'>\n  <name>g</name>\n  <memory>1024</memory>\n"
		       "  <vcpu cpuset='4-7'>4</vcpu>\n"
		       "  <cputune>\n"
		       "\t<!-- first -->\n"
		       "\t<shares>9</shares>\n"
		       "\t<vcpupin vcpu='0' cpuset='4-7'/>\n"
		       "\t<vcpupin vcpu='1' cpuset='4-7'/> <!-- one -->\n"
		       "\t<vcpupin vcpu='2' cpuset='4-7'/>\n"
		       "\t<vcpupin vcpu='3' cpuset='4-7'/>\n"
		       "\t<vcpupin vcpu='9' cpuset='1'/>\n"
		       "\t<emulatorpin cpuset='4-7'/>\n"
		       "\t<vcpusched vcpus='0' scheduler='batch'/>\n"
		       "  </cputune>\n"
		       "  <numatune>\n"
		       "    <memory mode='strict' nodeset='1'/>\n"
		       "  </numatune>\n"
		       "</domain>");
}

/* The same three in every way the elements around them can be written. */
static void every_way_of_writing_is_kept(void **state)
{
	static const char *const ways[][2] = {
		{"<d>%1<cputune/>%1<numatune  />%1</d>",
		 "<d>%1<cputune>%2<vcpupin/>%2<emulatorpin/>%1</cputune>%1<numatune>%2<memory/>%1</"
		 "numatune>%1</d>"},
		{"<d>%1<cputune></cputune>%1<numatune>%1</numatune>%1</d>",
		 "<d>%1<cputune>%2<vcpupin/>%2<emulatorpin/>%1</cputune>%1<numatune>%2<memory/>%1</"
		 "numatune>%1</d>"},
		{"<d><cputune/><numatune></numatune></d>",
		 "<d><cputune><vcpupin/><emulatorpin/></cputune><numatune><memory/></numatune></d>"},
		{"<d>%1<cputune><period>1000</period></cputune>%1<numatune><!--none--></numatune>%1</d>",
		 "<d>%1<cputune><period>1000</period><vcpupin/><emulatorpin/></cputune>%1"
		 "<numatune>%2<memory/><!--none-->%1</numatune>%1</d>"},
		{"<d>%1<os/>%1</d>", "<d>%1<cputune>%2<vcpupin/>%2<emulatorpin/>%1</"
				     "cputune>%1<numatune>%2<memory/>%1</numatune>%1<os/>%1</d>"},
	};
	static const char *const breaks[][2] = {{"\n", "\n  "}, {"\n\t", "\n\t  "}, {"\r\n ", "\r\n   "}};
	static const struct {
		const char *from, *to;
	} shorts[] = {
		{"<d>",
		 "<domain type='kvm'>%1<name>g</name>%1<memory>1024</memory>%1<vcpu cpuset='0-3'>1</vcpu>"},
		{"</d>", "</domain>"},
		{"<vcpupin/>", "<vcpupin vcpu='0' cpuset='0-3'/>"},
		{"<emulatorpin/>", "<emulatorpin cpuset='0-3'/>"},
		{"<memory/>", "<memory mode='strict' nodeset='0'/>"},
	};

	for (size_t way = 0; way < sizeof(ways) / sizeof(ways[0]); way++)
		for (size_t with = 0; with < 3; with++) {
			char texts[2][2000];

			for (size_t side = 0; side < 2; side++) {
				bool is_flat = !strstr(ways[way][0], "%1");
				char expanded[2000] = "", *out = texts[side];

				for (const char *at = ways[way][side]; *at;) {
					const char *add = NULL;

					for (size_t i = 0; i < sizeof(shorts) / sizeof(shorts[0]) && !add;
					     i++)
						if (strncmp(at, shorts[i].from, strlen(shorts[i].from)) ==
						    0) {
							add = shorts[i].to;
							at += strlen(shorts[i].from);
						}
					if (add)
						strcat(expanded, add);
					else
						strncat(expanded, at++, 1);
				}
				for (const char *at = expanded; *at; at++) {
					if (*at != '%') {
						*out++ = *at;
						continue;
					}
					out += sprintf(out, "%s", is_flat ? "" : breaks[with][*++at - '1']);
					at += is_flat;
				}
				*out = '\0';
			}
			assert_written(texts[0], ON("0"), HN_DOMAIN_ALL, texts[1]);
		}
}

#define EMULATED(os, cputune, cpuset, numatune, rest)                                     \
	"<domain type='qemu'><name>g</name><memory>1024</memory><vcpu" cpuset ">2</vcpu>" \
	"<iothreads>1</iothreads><cputune>" cputune "</cputune>" numatune os rest "</domain>"

#define FOREIGN "<os><type arch='sparc'>hvm</type></os>"

static void vcpus_that_may_share_a_thread_get_no_pins(void **state)
{
	static const char *const texts[][2] = {
		{FOREIGN, ""},
		{"", "<q:commandline xmlns:q='urn:q'><q:arg value='-icount'/></q:commandline>"}};

	for (size_t i = 0; i < 2; i++) {
		char before[1000], after[1000];

		snprintf(before, sizeof(before),
			 EMULATED("%s", "<vcpupin vcpu='1' cpuset='1'/>", "", "", "%s"), texts[i][0],
			 texts[i][1]);
		snprintf(after, sizeof(after),
			 EMULATED("%s",
				  "<vcpupin vcpu='1' cpuset='4-7'/><emulatorpin cpuset='4-7'/>"
				  "<iothreadpin iothread='1' cpuset='4-7'/>",
				  " cpuset='4-7'", "<numatune><memory mode='strict' nodeset='1'/></numatune>",
				  "%s"),
			 texts[i][0], texts[i][1]);
		assert_written(before, ON("1"), HN_DOMAIN_ALL, after);
	}
}

static void emulated_vcpus_with_threads_are_pinned(void **state)
{
	assert_written(EMULATED("<os><type>hvm</type></os>", "", "", "", ""), ON("1"), HN_DOMAIN_ALL,
		       EMULATED("<os><type>hvm</type></os>",
				"<vcpupin vcpu='0' cpuset='4-7'/><vcpupin vcpu='1' cpuset='4-7'/>"
				"<emulatorpin cpuset='4-7'/><iothreadpin iothread='1' cpuset='4-7'/>",
				" cpuset='4-7'", "<numatune><memory mode='strict' nodeset='1'/></numatune>",
				""));
}

/* vCPUs 0 and 2 are there at start, 1 and 3 of the other cell and 4 of none may come. */
static void vcpus_to_come_are_pinned_with_their_cell(void **state)
{
	char *written = write_xml(
		"<domain type='kvm'><name>g</name><memory>2048</memory><vcpu current='2'>5</vcpu>"
		"<vcpus><vcpu id='0' enabled='yes'/><vcpu id='1' enabled='no'/>"
		"<vcpu id='2' enabled='yes'/></vcpus>"
		"<cpu><numa><cell id='0' cpus='0,2' memory='1024'/><cell id='1' cpus='1,3' memory='1024'/>"
		"</numa></cpu></domain>",
		ON("0", "2"), HN_DOMAIN_ALL, NULL);

	assert_non_null(strstr(written, "<vcpupin vcpu='0' cpuset='0-3'/><vcpupin vcpu='1' cpuset='8-11'/>"
					"<vcpupin vcpu='2' cpuset='0-3'/><vcpupin vcpu='3' cpuset='8-11'/>"
					"<vcpupin vcpu='4' cpuset='0-3'/><emulatorpin"));
	assert_non_null(strstr(written, "<vcpu cpuset='0-3,8-11' current='2'>5</vcpu>"));
	free(written);
}

static void iothreads_have_the_ids_libvirt_gives_them(void **state)
{
	char *written =
		write_xml("<domain type='kvm'><name>g</name><memory>1024</memory><iothreads>4</iothreads>"
			  "<iothreadids><iothread id='9'/><iothread id='2'/></iothreadids></domain>",
			  ON("0"), HN_DOMAIN_ALL, NULL);

	assert_non_null(strstr(
		written, "<emulatorpin cpuset='0-3'/><iothreadpin iothread='1' cpuset='0-3'/>"
			 "<iothreadpin iothread='2' cpuset='0-3'/><iothreadpin iothread='3' cpuset='0-3'/>"
			 "<iothreadpin iothread='9' cpuset='0-3'/></cputune>"));
	free(written);
}

/* libvirt wants restrictive memnodes below restrictive memory. */
static void new_memnodes_take_the_mode_that_is_there(void **state)
{
	static const char guest[] = "<domain type='kvm'><name>g</name><memory>2048</memory><vcpu>2</vcpu>%s"
				    "<cpu><numa><cell id='0' cpus='0' memory='1024'/><cell id='1' "
				    "memory='1024'/></numa></cpu></domain>";
	static const char *const tunes[][2] = {
		{"<numatune><memory mode='restrictive' nodeset='0'/></numatune>",
		 "<numatune><memory mode='restrictive' nodeset='1-2'/><memnode cellid='0' mode='restrictive' "
		 "nodeset='1'/>"
		 "<memnode cellid='1' mode='restrictive' nodeset='2'/></numatune>"},
		{"<numatune><memnode cellid='1' mode='preferred' nodeset='0'/></numatune>",
		 "<numatune><memory mode='preferred' nodeset='1'/><memnode cellid='0' mode='preferred' "
		 "nodeset='1'/>"
		 "<memnode cellid='1' mode='preferred' nodeset='2'/></numatune>"},
	};

	for (size_t i = 0; i < 2; i++) {
		char xml[1000], *written;

		snprintf(xml, sizeof(xml), guest, tunes[i][0]);
		written = write_xml(xml, ON("1", "2"), HN_DOMAIN_ALL, NULL);
		if (!strstr(written, tunes[i][1]))
			fail_msg("'%s' is not in '%s'", tunes[i][1], written);
		free(written);
	}
}

static void mode_preferred_is_for_one_node(void **state)
{
	static const char guest[] = "<domain type='kvm'><name>g</name><memory>1024</memory>"
				    "<numatune><memory mode='preferred' nodeset='%s'/></numatune></domain>";
	static const char *const sets[][2] = {{"0", "2"}, {"0-3", "2"}, {"2", "2"}, {"2-3", "2-3"}};

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		char before[400], after[400];

		snprintf(before, sizeof(before), guest, sets[i][0]);
		snprintf(after, sizeof(after), guest, sets[i][1]);
		assert_written(before, ON("2-3"), HN_DOMAIN_EXISTING, after);
	}
}

static void a_cell_on_several_nodes_names_them_all(void **state)
{
	char *written = write_xml("<domain type='kvm'><name>g</name><memory>1024</memory></domain>",
				  ON("0,2-3"), HN_DOMAIN_ALL, NULL);

	assert_non_null(strstr(written, "<memory mode='strict' nodeset='0,2-3'/>"));
	assert_null(strstr(written, "memnode")); /* libvirt refuses it without cells */
	assert_non_null(strstr(written, "<vcpu placement='static' cpuset='0-3,8-15'>1</vcpu>"));
	free(written);
}

static void dimms_go_with_their_cell(void **state)
{
	static const char dimm[] =
		"<memory model='dimm'><source><nodemask>%s</nodemask></source><target><size>1024</size>"
		"<node>%d</node></target></memory><memory model='dimm'><target><size>1024</size>"
		"<node>0</node></target></memory>";
	char before[1000], after[1000], xml[2000], *written;

	snprintf(before, sizeof(before), dimm, " 0-3<!-- all --> ", 1);
	snprintf(after, sizeof(after), dimm, "2", 1);
	snprintf(
		xml, sizeof(xml),
		"<domain type='kvm'><name>g</name><memory>2048</memory><vcpu>2</vcpu><cpu><numa><cell id='0' "
		"cpus='0' memory='1024'/><cell id='1' "
		"memory='1024'/></numa></cpu><devices>%s</devices></domain>",
		before);
	written = write_xml(xml, ON("1", "2"), HN_DOMAIN_EXISTING, NULL);
	assert_non_null(strstr(written, after));
	free(written);
}

static void elements_of_others_are_not_ours(void **state)
{
	static const char xml[] =
		"<domain type='kvm' xmlns:x='urn:x'><name>g</name><memory>1024</memory>"
		"<x:vcpu cpuset='9'/><cputune xmlns='urn:x'><vcpupin vcpu='0' cpuset='9'/></cputune>"
		"<x:numatune><memory nodeset='9'/></x:numatune></domain>";

	assert_written(xml, ON("1"), HN_DOMAIN_EXISTING, xml);
}

static void a_home_of_another_guest_or_host_is_refused(void **state)
{
	static const char xml[] =
		"<domain type='kvm'><name>g</name><memory>1024</memory><vcpu>2</vcpu></domain>";

	for (int wrong = 0; wrong < 7; wrong++) {
		HN_AUTO(hn_host) struct hn_host *host = make_host();
		HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
		HN_AUTO(hn_placement) struct hn_placement *home = NULL;
		struct hn_error err = {0};
		char *written = NULL;

		assert_int_equal(hn_domain_read(xml, strlen(xml), &guest, &err), 0);
		home = make_home(guest, host, ON("1"));
		if (wrong == 0)
			home->cells[0].cell = 1;
		else if (wrong == 1)
			hn_set_clear(&home->cells[0].nodes);
		else if (wrong == 2)
			hn_set_add(&home->cells[0].nodes, 77);
		else if (wrong == 3)
			home->node_count--;
		else if (wrong == 4)
			home->vcpu_count--;
		else if (wrong == 5)
			hn_set_clear(&home->vcpus[1].cpus);
		else
			home->vcpus[1].vcpu = 2;
		assert_int_equal(hn_domain_write(xml, strlen(xml), guest, host, home, HN_DOMAIN_ALL, &written,
						 NULL, &err),
				 -EINVAL);
		assert_true(strlen(err.message) > 20);
		assert_null(written);
	}
}

/* Whatever is damaged: refused, or written so that it can be read again. */
static void random_damage_is_survived(void **state)
{
	static const char xml[] =
		"<domain type='kvm'>\n<name>g</name><memory>1024</memory><vcpu placement='auto'>2</vcpu>\n"
		"<iothreads>1</iothreads><cputune>\n <vcpupin vcpu='1' cpuset='0-3'/>\n<x/></cputune>"
		"<numatune><memory mode='strict' nodeset='0'/></numatune><!-- c --></domain>\n";
	HN_AUTO(hn_host) struct hn_host *host = make_host();
	struct hn_random random = {11};
	int written_count = 0;

	for (int round = 0; round < 20000; round++) {
		HN_AUTO(hn_guest) struct hn_guest *guest = NULL, *again = NULL;
		HN_AUTO(hn_placement) struct hn_placement *home = NULL;
		char *text = strdup(xml), *written = NULL;
		size_t length = strlen(xml);
		struct hn_error err = {0};

		for (int i = 0; i <= round % 3; i++)
			text[hn_random_below(&random, length)] =
				"<>/'\"! -=&;01xc\n"[hn_random_below(&random, 16)];
		if (hn_domain_read(text, length, &guest, &err) == 0 && guest->cell_count == 1 &&
		    hn_guest_vcpu_count(guest) < 1000) {
			home = make_home(guest, host, ON("1"));
			if (hn_domain_write(text, length, guest, host, home,
					    (enum hn_domain_scope)(round % 2), &written, NULL, &err) == 0) {
				written_count++;
				if (hn_domain_read(written, strlen(written), &again, &err) < 0)
					fail_msg("%s: %s\n%s", err.message, text, written);
			} else {
				assert_true(err.code < 0 && err.message[0]);
			}
		}
		free(written);
		free(text);
	}
	assert_in_range(written_count, 1000, 20000); /* most damage is not even XML */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it_is_written_where_libvirt_would),
		cmocka_unit_test(what_says_so_already_is_left),
		cmocka_unit_test(auto_gives_way),
		cmocka_unit_test(what_exists_becomes_right_elsewhere),
		cmocka_unit_test(nothing_exists_and_nothing_is_added),
		cmocka_unit_test(missing_pins_go_between_others),
		cmocka_unit_test(every_way_of_writing_is_kept),
		cmocka_unit_test(vcpus_that_may_share_a_thread_get_no_pins),
		cmocka_unit_test(emulated_vcpus_with_threads_are_pinned),
		cmocka_unit_test(vcpus_to_come_are_pinned_with_their_cell),
		cmocka_unit_test(iothreads_have_the_ids_libvirt_gives_them),
		cmocka_unit_test(new_memnodes_take_the_mode_that_is_there),
		cmocka_unit_test(mode_preferred_is_for_one_node),
		cmocka_unit_test(a_cell_on_several_nodes_names_them_all),
		cmocka_unit_test(dimms_go_with_their_cell),
		cmocka_unit_test(elements_of_others_are_not_ours),
		cmocka_unit_test(a_home_of_another_guest_or_host_is_refused),
		cmocka_unit_test(random_damage_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
