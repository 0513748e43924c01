/* The table of policies, as help texts and guests see it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
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

/* The page, with line breaks and scdoc's marks taken out. */
static char *read_page(void)
{
	FILE *file = fopen(MAN_PAGE, "re");
	char *text = calloc(1, 65536);
	size_t length, kept = 0;

	assert_non_null(file);
	assert_non_null(text);
	length = fread(text, 1, 65535, file);
	fclose(file);
	for (size_t i = 0; i < length; i++) {
		char c = text[i] == '\n' || text[i] == '\t' ? ' ' : text[i];

		if (!(c == ' ' && kept > 0 && text[kept - 1] == ' '))
			text[kept++] = c;
	}
	text[kept] = '\0';
	return text;
}

/* homenode.conf(5) has each policy with the table's own words, and no other. */
static void the_man_page_lists_the_table(void **state)
{
	char *page = read_page(), *list = strstr(page, "# POLICIES"), *end = strstr(page, "# ADAPTIVE");
	size_t listed = 0, count = 0;

	assert_true(list && end);
	*end = '\0';
	for (const struct hn_policy *policy = hn_policies(); policy->name; policy++, count++) {
		char entry[400];

		snprintf(entry, sizeof(entry), "*%s* %s (%s)", policy->name, policy->summary, policy->origin);
		if (!strstr(list, entry))
			fail_msg("homenode.conf(5) does not say: %s", entry);
	}
	for (const char *star = strchr(list, '*'); star; star = strchr(star + 1, '*'))
		listed++;
	assert_int_equal(listed, 2 * count);
	free(page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_policy_is_found_by_its_name),
		cmocka_unit_test(no_name_is_the_default),
		cmocka_unit_test(another_name_is_refused_with_the_choices),
		cmocka_unit_test(the_man_page_lists_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
