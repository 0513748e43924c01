/*
 * homenode that is built without libvirt: there is no connection, and the sentence says why.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "virt/virt.h"

static void test_no_connection_is_made(void **state)
{
	const struct hn_virt_listener listener = {0};
	struct hn_virt *virt = NULL;
	struct hn_error err = {0};

	assert_int_equal(hn_virt_new(NULL, "qemu:///system", &listener, &virt, &err), -EOPNOTSUPP);
	assert_int_equal(err.code, -EOPNOTSUPP);
	assert_string_equal(err.message, "homenode was built without libvirt");
	assert_int_equal(hn_virt_new_limited(NULL, "qemu:///system", NULL, &listener, &virt, &err),
			 -EOPNOTSUPP);
	assert_null(virt);
	assert_false(hn_virt_connected(virt));
	hn_virt_free(virt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_connection_is_made)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
