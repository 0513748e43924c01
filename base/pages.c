#include "base/pages.h"

#include <unistd.h>

uint64_t hn_base_page_bytes(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t hn_huge_page_bytes(void)
{
	return hn_base_page_bytes() / sizeof(uint64_t) * hn_base_page_bytes();
}
