/* Against the vectors of RFC 4648, section 10, and what that RFC wants refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/cleanup.h"
#include "qmp/base64.h"

static void reads_the_vectors(void **state)
{
	static const struct {
		const char *text, *bytes;
	} vectors[] = {
		{"", ""},
		{"Zg==", "f"},
		{"Zm8=", "fo"},
		{"Zm9v", "foo"},
		{"Zm9vYg==", "foob"},
		{"Zm9vYmE=", "fooba"},
		{"Zm9vYmFy", "foobar"},
		{"+/+/", "\xfb\xff\xbf"},
	};

	for (size_t i = 0; i < HN_COUNT(vectors); i++) {
		unsigned char buffer[16];
		long count = hn_base64_decode(vectors[i].text, strlen(vectors[i].text), buffer);

		assert_int_equal(count, strlen(vectors[i].bytes));
		assert_memory_equal(buffer, vectors[i].bytes, (size_t)count);
		assert_true((size_t)count <= hn_base64_room(strlen(vectors[i].text)));
	}
}

static void refuses_the_rest(void **state)
{
	static const char *const wrong[] = {
		"Z",    "Zg",   "Zg=",  "Zg==Zg==", "Zh==", "Zm9=",     "====",
		"=m9v", "Z===", "Zm 9", "Zm9\n",    "Zm9-", "Zm9vZg=v",
	};
	unsigned char buffer[16];

	for (size_t i = 0; i < HN_COUNT(wrong); i++)
		if (hn_base64_decode(wrong[i], strlen(wrong[i]), buffer) != -1)
			fail_msg("accepted '%s'", wrong[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_vectors),
		cmocka_unit_test(refuses_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
