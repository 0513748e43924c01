/*
 * Sizes of pages: of arm64 as the kernel's Documentation/arch/arm64/hugetlbpage.rst has them (column PMD), of
 * x86-64 its Documentation/admin-guide/mm/hugetlbpage.rst. Which row is tested is the machine's; ./test arm64
 * has two.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/pages.h"
#include "base/units.h"

static void test_sizes(void **state)
{
	static const struct {
		long base;
		uint64_t huge;
	} known[] = {{4096, 2 * HN_MIB}, {16384, 32 * HN_MIB}, {65536, 512 * HN_MIB}};
	long base = sysconf(_SC_PAGESIZE);
	size_t i = 0;

	while (i < HN_COUNT(known) && known[i].base != base)
		i++;
	assert_true(i < HN_COUNT(known));
	assert_int_equal(hn_base_page_bytes(), base);
	assert_int_equal(hn_huge_page_bytes(), known[i].huge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_sizes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
