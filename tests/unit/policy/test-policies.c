/* The table of policies, as help texts and guests see it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "policy/home-node.h"
#include "policy/policies.h"

static void every_policy_is_found_by_its_name(void **state)
{
	struct hn_error err = {0};
	size_t count = 0;

	for (const struct hn_policy *policy = hn_policies(); policy->name; policy++, count++) {
		assert_ptr_equal(hn_policy_find(policy->name, &err), policy);
		assert_true(*policy->name && *policy->summary && *policy->origin);
		assert_true(strlen(policy->name) < sizeof(((struct hn_guest *)0)->policy));
		assert_non_null(policy->find_home);
	}
	assert_true(count > 0);
}

static void no_name_is_the_default(void **state)
{
	const struct hn_policy *policy = hn_policy_find("", NULL);

	assert_string_equal(policy->name, "home-node");
	assert_true(policy->find_home == hn_home_node_find);
}

static void another_name_is_refused_with_the_choices(void **state)
{
	struct hn_error err = {0};

	assert_null(hn_policy_find("Home-node", &err));
	assert_true(err.code < 0);
	assert_non_null(strstr(err.message, "'Home-node'"));
	assert_non_null(strstr(err.message, "home-node"));
	assert_null(hn_policy_find("nonsense", NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_policy_is_found_by_its_name),
		cmocka_unit_test(no_name_is_the_default),
		cmocka_unit_test(another_name_is_refused_with_the_choices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
