/* What [store] and [guest PATTERN] sections say, from the text of the configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config.h"

/* What hn_config_load() makes of these lines. */
static int load(const char *lines, struct hn_config *config, struct hn_error *err)
{
	char path[] = "/tmp/homenode-test-XXXXXX";
	int fd = mkstemp(path), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, lines, strlen(lines)), strlen(lines));
	close(fd);
	hn_config_init(config);
	r = hn_config_load(path, config, err);
	unlink(path);
	return r;
}

static void every_setting_is_a_key(void **state)
{
	struct hn_error err = {0};
	struct hn_config config;

	for (unsigned i = 0; i < HN_SETTING_COUNT; i++) {
		const struct hn_guest_rule *rule;
		char lines[200], text[HN_SETTING_TEXT_MAX];
		const char *standard = hn_setting_default((enum hn_setting)i);

		snprintf(lines, sizeof(lines), "[guest web-*]\n%s = %s\n",
			 hn_setting_name((enum hn_setting)i), standard);
		assert_int_equal(load(lines, &config, &err), 0);
		rule = hn_config_rule(&config, "web-1");
		assert_non_null(rule);
		assert_int_equal(rule->settings.said, 1u << i);
		assert_string_equal(hn_settings_get(&rule->settings, (enum hn_setting)i, text, sizeof(text)),
				    standard);
		assert_null(hn_config_rule(&config, "db-1"));
		hn_config_done(&config);
	}
}

static void the_first_section_that_matches_counts(void **state)
{
	struct hn_error err = {0};
	struct hn_config config;
	const struct hn_guest_rule *rule;

	assert_int_equal(load("[guest web-1]\nclass = realtime\n[guest web-*]\nmode = enforce\n"
			      "[guest web-1]\nwindow = 02:00-04:30\n",
			      &config, &err),
			 0);
	rule = hn_config_rule(&config, "web-1");
	assert_int_equal(config.rule_count, 2);
	assert_int_equal(rule->settings.said, 1u << HN_SETTING_CLASS | 1u << HN_SETTING_WINDOW);
	assert_int_equal(hn_config_rule(&config, "web-2")->settings.mode, HN_MODE_ENFORCE);
	hn_config_done(&config);
}

/* Longer than what inih remembers of a section. */
static void names_of_guests_may_be_long(void **state)
{
	static const char east[] = "kubevirt-production_database-replica-eu-east-17";
	static const char west[] = "kubevirt-production_database-replica-eu-west-17";
	struct hn_error err = {0};
	struct hn_config config;
	char lines[600], name[HN_NAME_MAX + 1];

	snprintf(lines, sizeof(lines),
		 "\xEF\xBB\xBF[guest %s]\nmode = off\n[guest %s]  ; a comment\nmode = enforce\n"
		 " [guest no-section]\n",
		 west, east);
	assert_int_equal(load(lines, &config, &err), -EINVAL); /* a value that goes on */
	assert_non_null(strstr(err.message, ":5: mode"));
	hn_config_done(&config);
	*strstr(lines, "\n [guest no") = '\0';
	assert_int_equal(load(lines, &config, &err), 0);
	assert_int_equal(config.rule_count, 2);
	assert_int_equal(hn_config_rule(&config, west)->settings.mode, HN_MODE_OFF);
	assert_int_equal(hn_config_rule(&config, east)->settings.mode, HN_MODE_ENFORCE);
	hn_config_done(&config);

	memset(name, 'x', sizeof(name));
	name[HN_NAME_MAX - 1] = '\0';
	snprintf(lines, sizeof(lines), "[guest %s]\nmode = off\n", name);
	assert_int_equal(load(lines, &config, &err), 0);
	assert_non_null(hn_config_rule(&config, name));
	hn_config_done(&config);
	name[HN_NAME_MAX - 1] = 'x';
	name[HN_NAME_MAX] = '\0';
	snprintf(lines, sizeof(lines), "[guest %s]\nmode = off\n", name);
	assert_int_equal(load(lines, &config, &err), -EINVAL);
	assert_non_null(strstr(err.message, ":2: the name in section [guest xxx"));
	assert_non_null(strstr(err.message, "longer than 127 bytes: a pattern such as [guest xxx"));
	hn_config_done(&config);
}

static void a_mistake_is_told_with_its_line(void **state)
{
	static const char *const wrong[][2] = {
		{"[guest g]\ncolour = red\n", ":2: unknown key 'colour' in section [guest g]"},
		{"[guest g]\n\nmode = fast\n", ":3: mode: unknown mode 'fast': choose one of off"},
		{"[guest g]\nmode =\n", ":2: mode: a value is missing"},
		{"[guest g]\npolicy = best\n", ":2: policy: "},
		{"[guest g]\nwindow = always\n", ":2: window: 'always' is not a span of time"},
		{"[store]\npath = history.db\n", ":2: path: 'history.db' is neither the path of a file"},
		{"[store]\npath = /var/lib/\n", ":2: path: '/var/lib/' is neither the path of a file"},
		{"[store]\nsize = 1M\n", ":2: size: '1M' is not within 4M and 1T"},
		{"[store]\nsize = 2T\n", ":2: size: '2T' is not within 4M and 1T"},
		{"[sampling]\ncpu_budget = 2\n", ":2: cpu_budget: '2' is not within 0.01% and 100%"},
		{"[sampling]\ncpu_budget = 0%\n", ":2: cpu_budget: '0%' is not within 0.01% and 100%"},
		{"[sampling]\ncpu_budget = 101%\n", ":2: cpu_budget: '101%' is not within 0.01% and 100%"},
		{"[sampling]\nguest_cpu_budget = nan%\n", ":2: guest_cpu_budget: 'nan%' is not within"},
		{"[sampling]\nguest_cpu_budget = -1%\n", ":2: guest_cpu_budget: '-1%' is not within"},
		{"[sampling]\ncpu_budget = 2% of one\n", ":2: cpu_budget: '2% of one' is not within"},
		{"[guest]\nmode = off\n", ":2: write the guest's name or a pattern"},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct hn_error err = {0};
		struct hn_config config;

		assert_int_equal(load(wrong[i][0], &config, &err), -EINVAL);
		if (!strstr(err.message, wrong[i][1]))
			fail_msg("'%s' is not in '%s'", wrong[i][1], err.message);
		hn_config_done(&config);
	}
}

static void the_history_has_a_place_and_a_size(void **state)
{
	struct hn_error err = {0};
	struct hn_config config;

	hn_config_init(&config);
	assert_string_equal(config.store_path, "/var/lib/homenode/history.db");
	assert_int_equal(config.store_size_bytes, 256 << 20);
	hn_config_done(&config);
	assert_int_equal(load("[store]\npath = /srv/h.db\nsize = 1G\n", &config, &err), 0);
	assert_string_equal(config.store_path, "/srv/h.db");
	assert_int_equal(config.store_size_bytes, 1 << 30);
	hn_config_done(&config);
	assert_int_equal(load("[store]\npath = none\n", &config, &err), 0);
	assert_string_equal(config.store_path, "");
	hn_config_done(&config);
}

static void looks_have_a_budget(void **state)
{
	struct hn_error err = {0};
	struct hn_config config;

	hn_config_init(&config);
	assert_true(config.cpu_budget == 0.02);
	assert_true(config.guest_cpu_budget == 0.01);
	hn_config_done(&config);
	assert_int_equal(load("[sampling]\ncpu_budget = 12.5 %\nguest_cpu_budget = none\n", &config, &err),
			 0);
	assert_true(config.cpu_budget == 0.125);
	assert_true(config.guest_cpu_budget == 0);
	hn_config_done(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_setting_is_a_key),
		cmocka_unit_test(the_first_section_that_matches_counts),
		cmocka_unit_test(the_history_has_a_place_and_a_size),
		cmocka_unit_test(looks_have_a_budget),
		cmocka_unit_test(names_of_guests_may_be_long),
		cmocka_unit_test(a_mistake_is_told_with_its_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
