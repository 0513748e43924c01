/* Settings in metadata, pins, and the question numad is asked: numbers as libvirt's source has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xml/domain-wishes.h"

#define NAMED(inside) "<domain type='kvm'>\n<name>g</name>\n" inside "</domain>\n"
#define WITH(inside) NAMED("<memory unit='KiB'>1048577</memory>\n" inside)
#define OURS(attributes)                                                                             \
	WITH("<metadata><homenode:guest xmlns:homenode='" HN_DOMAIN_NAMESPACE "' " attributes "/></" \
	     "metadata>")

static struct hn_domain_wishes read_wishes(const char *xml)
{
	struct hn_domain_wishes wishes;
	struct hn_error err = {0};

	if (hn_domain_wishes_read(xml, strlen(xml), &wishes, &err) < 0)
		fail_msg("%s", err.message);
	return wishes;
}

static void assert_refused(const char *xml, const char *says)
{
	struct hn_domain_wishes wishes, nothing = {0};
	struct hn_error err = {0};

	assert_int_equal(hn_domain_wishes_read(xml, strlen(xml), &wishes, &err), -EPROTO);
	if (!strstr(err.message, says))
		fail_msg("'%s' is not in '%s'", says, err.message);
	assert_memory_equal(&wishes, &nothing, sizeof(wishes));
}

static void assert_set(const struct hn_set *set, const char *expected)
{
	char text[200];

	assert_string_equal(hn_set_format(set, text, sizeof(text)), expected);
}

static void settings_are_attributes(void **state)
{
	struct hn_domain_wishes wishes =
		read_wishes(OURS("mode='enforce' near='a&amp;b' nodes='0-1' class=''"));

	assert_int_equal(wishes.settings.mode, HN_MODE_ENFORCE);
	assert_string_equal(wishes.settings.near, "a&b");
	assert_set(&wishes.settings.nodes, "0-1");
	assert_int_equal(wishes.settings.said,
			 1u << HN_SETTING_MODE | 1u << HN_SETTING_NEAR | 1u << HN_SETTING_NODES);
	hn_domain_wishes_done(&wishes);
}

static void other_namespaces_are_others_business(void **state)
{
	struct hn_domain_wishes wishes = read_wishes(WITH(
		"<metadata><guest mode='rubbish'/><x:guest xmlns:x='urn:x' mode='rubbish'><x:y/></x:guest>"
		"<h:guest xmlns:h='" HN_DOMAIN_NAMESPACE "' xmlns:x='urn:x' x:colour='red' mode='off'/>"
		"</metadata>"));

	assert_int_equal(wishes.settings.said, 1u << HN_SETTING_MODE);
	hn_domain_wishes_done(&wishes);
}

static void mistakes_in_settings_are_told_with_their_line(void **state)
{
	assert_refused(OURS("mood='good'"),
		       "line 4: <guest>: unknown setting 'mood': choose one of mode, class");
	assert_refused(OURS("mode='good'"), "line 4: <guest>: mode: unknown mode 'good'");
	assert_refused(WITH("<metadata><h:gest xmlns:h='" HN_DOMAIN_NAMESPACE "'/></metadata>"),
		       "line 4: <gest>: there is only <guest>");
	assert_refused(WITH("<metadata>\n<h:guest xmlns:h='" HN_DOMAIN_NAMESPACE
			    "'/>\n<g:guest xmlns:g='" HN_DOMAIN_NAMESPACE "'/></metadata>"),
		       "line 6: <guest>: is there twice, on line 5 already");
	assert_refused(WITH("<metadata><h:guest xmlns:h='" HN_DOMAIN_NAMESPACE "'><mode>off</mode></h:guest>"
			    "</metadata>"),
		       "<mode>: settings are attributes");
}

static void settings_are_written_and_read_back(void **state)
{
	struct hn_settings settings = {0};
	struct hn_error err = {0};
	struct hn_domain_wishes wishes;
	char xml[2000], *element = NULL;

	assert_int_equal(hn_domain_settings_write(&settings, &element, &err), 0);
	assert_null(element);
	assert_int_equal(hn_settings_set(&settings, "mode", "advise", &err), 0);
	assert_int_equal(hn_settings_set(&settings, "apart", "<a>&'b'\"c\"", &err), 0);
	assert_int_equal(hn_settings_set(&settings, "window", "23:00-01:00", &err), 0);
	assert_int_equal(hn_domain_settings_write(&settings, &element, &err), 0);
	assert_string_equal(element, "<guest mode='advise' apart='&lt;a&gt;&amp;&apos;b&apos;\"c\"' "
				     "window='23:00-01:00'/>");
	/* libvirt adds the namespace */
	snprintf(xml, sizeof(xml), WITH("<metadata><h:guest xmlns:h='" HN_DOMAIN_NAMESPACE "'%s</metadata>"),
		 element + strlen("<guest"));
	wishes = read_wishes(xml);
	assert_memory_equal(&wishes.settings, &settings, sizeof(settings));
	hn_domain_wishes_done(&wishes);
	free(element);
}

struct question {
	const char *xml;
	bool asked;
	unsigned vcpus;
	uint64_t mib;
};

static void numad_is_asked_as_libvirt_does(void **state)
{
	static const struct question questions[] = {
		{WITH("<vcpu placement='auto'>4</vcpu>"), true, 4, 1025},
		{WITH("<vcpu placement='static'>4</vcpu>"), false, 4, 1025},
		{WITH(""), false, 1, 1025},
		/* online vCPUs, not all there can be; all memory, whatever the balloon has */
		{WITH("<currentMemory unit='MiB'>512</currentMemory><vcpu placement='auto' "
		      "current='2'>8</vcpu>"),
		 true, 2, 1025},
		{WITH("<vcpu>3</vcpu><numatune><memory mode='strict' placement='auto'/></numatune>"), true, 3,
		 1025},
		/* memory is told, vCPUs are still to be placed */
		{WITH("<vcpu placement='auto'>3</vcpu><numatune><memory mode='strict' "
		      "nodeset='0'/></numatune>"),
		 true, 3, 1025},
		{WITH("<vcpu placement='auto'>2</vcpu><numatune><memory mode='strict' nodeset='0'/>"
		      "<memnode cellid='0' mode='strict' nodeset='0'/></numatune>"
		      "<cpu><numa><cell id='0' cpus='0-1' memory='1' unit='GiB'/></numa></cpu>"),
		 true, 2, 1025},
		/* without <memory>: cells and DIMMs, each rounded up to KiB */
		{NAMED("<vcpu placement='auto'>2</vcpu><cpu><numa>"
		       "<cell id='0' cpus='0-1' memory='1048575' unit='b'/><cell id='1' memory='1024'/>"
		       "</numa></cpu><devices><memory model='dimm'><target><size unit='MiB'>3</size>"
		       "<node>0</node></target></memory></devices>"),
		 true, 2, 5},
	};

	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		struct hn_domain_wishes wishes = read_wishes(questions[i].xml);

		assert_int_equal(wishes.asks_numad, questions[i].asked);
		assert_int_equal(wishes.numad_vcpus, questions[i].vcpus);
		assert_int_equal(wishes.numad_mib, questions[i].mib);
		hn_domain_wishes_done(&wishes);
	}
}

static void pins_are_read_in_order(void **state)
{
	struct hn_domain_wishes wishes =
		read_wishes(WITH("<vcpu cpuset='0-7,^3'>4</vcpu><iothreads>2</iothreads><cputune>"
				 "<vcpupin vcpu='2' cpuset='4'/><iothreadpin iothread='2' cpuset='6'/>"
				 "<vcpupin vcpu='0' cpuset='1-2'/><emulatorpin cpuset='5'/></cputune>"
				 "<numatune><memory nodeset='1'/></numatune>"));

	assert_set(&wishes.vcpu_cpus, "0-2,4-7");
	assert_int_equal(wishes.vcpu_pin_count, 2);
	assert_int_equal(wishes.vcpu_pins[0].number, 0);
	assert_set(&wishes.vcpu_pins[0].cpus, "1-2");
	assert_int_equal(wishes.vcpu_pins[1].number, 2);
	assert_int_equal(wishes.iothread_pin_count, 1);
	assert_int_equal(wishes.iothread_pins[0].number, 2);
	assert_set(&wishes.emulator_cpus, "5");
	assert_string_equal(wishes.memory_mode, "strict"); /* libvirt's default */
	assert_false(wishes.has_memnodes);
	assert_true(wishes.is_kvm);
	hn_domain_wishes_done(&wishes);
}

static void what_is_not_there_is_empty(void **state)
{
	struct hn_domain_wishes wishes = read_wishes("<domain type='qemu'><name>g</name><memory>1</memory>"
						     "<vcpu placement='auto' cpuset='0-3'>4</vcpu></domain>");

	assert_true(hn_set_empty(&wishes.vcpu_cpus)); /* libvirt ignores it there */
	assert_int_equal(wishes.vcpu_pin_count + wishes.iothread_pin_count, 0);
	assert_true(hn_set_empty(&wishes.emulator_cpus));
	assert_string_equal(wishes.memory_mode, "");
	assert_false(wishes.is_kvm);
	assert_int_equal(wishes.numad_mib, 1);
	hn_domain_wishes_done(&wishes);
}

static void wrong_pins_are_refused(void **state)
{
	assert_refused(
		WITH("<cputune><vcpupin vcpu='1' cpuset='0'/><vcpupin vcpu='1' cpuset='1'/></cputune>"),
		"vcpu 1 is pinned twice");
	assert_refused(WITH("<cputune><emulatorpin cpuset='a'/></cputune>"), "<emulatorpin>: cpuset");
	assert_refused(WITH("<cputune><iothreadpin cpuset='1'/></cputune>"), "iothread is missing");
	assert_refused(WITH("<vcpu cpuset=''>1</vcpu>"), "<vcpu>: cpuset");
	assert_refused("<domain type='lxc'><name>c</name></domain>", "neither kvm nor qemu");
	assert_refused("", "this is not XML");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_are_attributes),
		cmocka_unit_test(other_namespaces_are_others_business),
		cmocka_unit_test(mistakes_in_settings_are_told_with_their_line),
		cmocka_unit_test(settings_are_written_and_read_back),
		cmocka_unit_test(numad_is_asked_as_libvirt_does),
		cmocka_unit_test(pins_are_read_in_order),
		cmocka_unit_test(what_is_not_there_is_empty),
		cmocka_unit_test(wrong_pins_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
