/* What is set apart, from the text of the configuration to the host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "daemon/config.h"
#include "daemon/reserve.h"

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

static struct hn_host *host_of_three(void)
{
	struct hn_host *host = hn_host_new("h", 3, 6);

	for (int i = 0; i < 3; i++)
		host->nodes[i].memory_bytes = (uint64_t)i * 2 * HN_GIB;
	for (int i = 0; i < 6; i++) {
		host->cpus[i].id = 2 * i;
		host->cpus[i].node = i / 2;
		hn_set_add(&host->nodes[i / 2].cpus, 2 * i);
	}
	return host;
}

static void keys_are_read(void **state)
{
	struct hn_error err = {0};
	struct hn_config config;

	hn_config_init(&config);
	assert_true(hn_set_empty(&config.reserved_cpus));
	assert_int_equal(config.reserved_memory_bytes, 0);
	hn_config_done(&config);
	assert_int_equal(load("[homenoded]\nreserved_cpus = 0-1,8\nreserved_memory = 3G\n", &config, &err),
			 0);
	assert_int_equal(hn_set_count(&config.reserved_cpus), 3);
	assert_true(hn_set_has(&config.reserved_cpus, 8));
	assert_true(config.reserved_memory_bytes == 3 * HN_GIB);
	hn_config_done(&config);
	assert_int_equal(load("[homenoded]\nreserved_cpus = none\n", &config, &err), 0);
	assert_true(hn_set_empty(&config.reserved_cpus));
	hn_config_done(&config);
}

static void mistakes_are_told_with_their_line(void **state)
{
	static const char *const cases[][2] = {
		{"[homenoded]\nreserved_cpus = 3-1\n", ":2: reserved_cpus"},
		{"[homenoded]\nreserved_cpus = all\n", ":2: reserved_cpus"},
		{"[homenoded]\nreserved_cpus = 5000\n", ":2: reserved_cpus"},
		{"[homenoded]\n\nreserved_memory = -1\n", ":3: reserved_memory"},
		{"[homenoded]\nreserved_memory = much\n", ":2: reserved_memory"},
	};

	for (size_t i = 0; i < HN_COUNT(cases); i++) {
		struct hn_error err = {0};
		struct hn_config config;

		assert_int_equal(load(cases[i][0], &config, &err), -EINVAL);
		if (!strstr(err.message, cases[i][1]))
			fail_msg("\"%s\" does not say \"%s\"", err.message, cases[i][1]);
		hn_config_done(&config);
	}
}

static void cpus_and_memory_are_set_apart(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = host_of_three();
	struct hn_set cpus = hn_set_of(4);
	struct hn_error err = {0};

	hn_set_add(&cpus, 10);
	assert_int_equal(hn_host_reserve(host, &cpus, 3 * HN_GIB, &err), 0);
	for (int i = 0; i < 6; i++)
		assert_int_equal(host->cpus[i].reserved, i == 2 || i == 5);
	assert_true(host->nodes[0].reserved_bytes == 0);
	assert_true(host->nodes[1].reserved_bytes == 2 * HN_GIB); /* it has no more */
	assert_true(host->nodes[2].reserved_bytes == 3 * HN_GIB);
	hn_set_clear(&cpus);
	assert_int_equal(hn_host_reserve(host, &cpus, 0, &err), 0);
	for (int i = 0; i < 6; i++)
		assert_false(host->cpus[i].reserved);
	assert_true(host->nodes[2].reserved_bytes == 0);
}

static void what_cannot_be_set_apart_is_refused(void **state)
{
	HN_AUTO(hn_host) struct hn_host *host = host_of_three();
	struct hn_set cpus = hn_set_of(3);
	struct hn_error err = {0};

	hn_set_add(&cpus, 4);
	assert_int_equal(hn_host_reserve(host, &cpus, HN_GIB, &err), -EINVAL);
	assert_non_null(strstr(err.message, "reserved_cpus: CPU 3"));
	hn_set_clear(&cpus);
	for (int i = 0; i < 6; i++)
		hn_set_add(&cpus, 2 * i);
	assert_int_equal(hn_host_reserve(host, &cpus, HN_GIB, &err), -EINVAL);
	assert_non_null(strstr(err.message, "reserved_cpus: all 6 CPUs"));
	for (int i = 0; i < 6; i++)
		assert_false(host->cpus[i].reserved);
	assert_true(host->nodes[2].reserved_bytes == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_read),
		cmocka_unit_test(mistakes_are_told_with_their_line),
		cmocka_unit_test(cpus_and_memory_are_set_apart),
		cmocka_unit_test(what_cannot_be_set_apart_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
