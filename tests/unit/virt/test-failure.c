/* libvirt's error codes as ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "virt/failure.h"

static void codes(void **state)
{
	assert_int_equal(hn_virt_code(VIR_ERR_NO_DOMAIN, "Domain not found"), -ENOENT);
	assert_int_equal(hn_virt_code(VIR_ERR_OPERATION_INVALID,
				      "Requested operation is not valid: domain is not running"),
			 -ENOENT);
	assert_int_equal(hn_virt_code(VIR_ERR_OPERATION_INVALID,
				      "Requested operation is not valid: cpu affinity is not supported"),
			 -EOPNOTSUPP);
	assert_int_equal(hn_virt_code(VIR_ERR_OPERATION_INVALID, NULL), -EOPNOTSUPP);
	assert_int_equal(hn_virt_code(VIR_ERR_OPERATION_TIMEOUT, "Timed out during operation"), -ETIMEDOUT);
	assert_int_equal(hn_virt_code(VIR_ERR_INTERNAL_ERROR, "internal error"), -EREMOTEIO);
}

static void sentence_and_code_come_from_the_last_error(void **state)
{
	virConnectPtr connection = virConnectOpen("test:///default");
	struct hn_error err;

	assert_non_null(connection);
	assert_null(virDomainLookupByName(connection, "nobody"));
	assert_int_equal(hn_virt_fail(&err, "domain %s", "nobody"), -ENOENT);
	assert_int_equal(err.code, -ENOENT);
	assert_string_equal(err.message, "domain nobody: Domain not found");
	virResetLastError();
	assert_int_equal(hn_virt_fail(&err, "x"), -EREMOTEIO);
	virConnectClose(connection);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes),
		cmocka_unit_test(sentence_and_code_come_from_the_last_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
