/* Who has the last word on a guest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/settings.h"

static void load(struct hn_config *config, const char *text)
{
	char path[] = "/tmp/homenode-test-XXXXXX";
	int fd = mkstemp(path);
	struct hn_error err = {0};

	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	hn_config_init(config);
	if (hn_config_load(path, config, &err) < 0)
		fail_msg("%s", err.message);
	unlink(path);
}

static void test_the_nearest_to_the_guest_wins(void **state)
{
	enum hn_setting_source sources[HN_SETTING_COUNT];
	struct hn_settings metadata = {0}, settings;
	struct hn_guest *guest = hn_guest_new("web-17");
	struct hn_config config;

	load(&config, "[guests]\nmode = advise\n[guest web-*]\npolicy = static\nmode = off\n");
	guest->class = HN_CLASS_DEDICATED;
	assert_int_equal(hn_settings_set(&metadata, "mode", "enforce", NULL), 0);
	settings = hn_settings_of(&config, guest, &metadata, sources);
	assert_int_equal(settings.mode, HN_MODE_ENFORCE);
	assert_int_equal(sources[HN_SETTING_MODE], HN_SOURCE_METADATA);
	assert_string_equal(settings.policy, "static");
	assert_int_equal(sources[HN_SETTING_POLICY], HN_SOURCE_CONFIGURATION);
	assert_int_equal(settings.class, HN_CLASS_DEDICATED);
	assert_int_equal(sources[HN_SETTING_CLASS], HN_SOURCE_DOMAIN);
	settings = hn_settings_of(&config, guest, NULL, NULL);
	assert_int_equal(settings.mode, HN_MODE_OFF);
	strcpy(guest->name, "db");
	settings = hn_settings_of(&config, guest, NULL, sources);
	assert_int_equal(settings.mode, HN_MODE_ADVISE);
	assert_int_equal(sources[HN_SETTING_MODE], HN_SOURCE_DEFAULT);
	assert_string_equal(settings.policy, "home-node");
	hn_guest_free(guest);
	hn_config_done(&config);
}

/* Nodes 0 to 2 with two CPUs each. */
static struct hn_host *make_host(void)
{
	struct hn_host *host = hn_host_new("test", 3, 6);

	for (int node = 0; node < 3; node++) {
		host->nodes[node].id = node;
		hn_set_add(&host->nodes[node].cpus, 2 * node);
		hn_set_add(&host->nodes[node].cpus, 2 * node + 1);
	}
	return host;
}

static void test_a_guest_stays_where_its_operator_has_pinned_all_of_it(void **state)
{
	struct hn_domain_pin pins[] = {{0, hn_set_of(2)}, {1, hn_set_of(4)}};
	struct hn_domain_wishes wishes = {.numad_vcpus = 2, .vcpu_pin_count = 2, .vcpu_pins = pins};
	struct hn_settings settings = {0};
	struct hn_host *host = make_host();
	struct hn_guest *guest = hn_guest_new("web");
	struct hn_set expected;

	hn_set_parse("1-2", &expected, NULL);
	hn_settings_respect_pins(&wishes, &settings, false, host, guest);
	assert_true(hn_set_equal(&guest->allowed_nodes, &expected));
	guest->allowed_nodes = hn_set_of(2);
	hn_settings_respect_pins(&wishes, &settings, false, host, guest);
	expected = hn_set_of(2);
	assert_true(hn_set_equal(&guest->allowed_nodes, &expected));

	/* one vCPU is free to go anywhere */
	hn_set_clear(&guest->allowed_nodes);
	wishes.vcpu_pin_count = 1;
	hn_settings_respect_pins(&wishes, &settings, false, host, guest);
	assert_true(hn_set_empty(&guest->allowed_nodes));
	/* but not with a cpuset for all that have no pin */
	wishes.vcpu_cpus = hn_set_of(0);
	hn_settings_respect_pins(&wishes, &settings, false, host, guest);
	hn_set_parse("0-1", &expected, NULL);
	assert_true(hn_set_equal(&guest->allowed_nodes, &expected));
	hn_guest_free(guest);
	hn_host_free(host);
}

static void test_pins_of_our_own_and_those_given_up_are_none(void **state)
{
	struct hn_domain_pin pins[] = {{0, hn_set_of(2)}};
	struct hn_domain_wishes wishes = {.numad_vcpus = 1, .vcpu_pin_count = 1, .vcpu_pins = pins};
	struct hn_settings settings = {0}, given_up = {.override_pins = true};
	struct hn_host *host = make_host();
	struct hn_set nodes = hn_pinned_nodes(&wishes, &settings, true, host);

	assert_true(hn_set_empty(&nodes));
	nodes = hn_pinned_nodes(&wishes, &given_up, false, host);
	assert_true(hn_set_empty(&nodes));
	nodes = hn_pinned_nodes(&wishes, &settings, false, host);
	assert_true(hn_set_has(&nodes, 1) && hn_set_count(&nodes) == 1);
	hn_host_free(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_nearest_to_the_guest_wins),
		cmocka_unit_test(test_a_guest_stays_where_its_operator_has_pinned_all_of_it),
		cmocka_unit_test(test_pins_of_our_own_and_those_given_up_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
