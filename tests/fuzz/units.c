/* Sizes and durations: what is written of a value reads as about that value. */
#include "base/units.h"

#include "fuzz.h"

/* Beyond that, PiB are written, which nobody writes into a configuration. */
#define BYTES_MAX (UINT64_C(1023) << 40)

static void check_bytes(const char *text)
{
	char buffer[HN_UNITS_TEXT_MAX];
	uint64_t bytes = 7, again;
	struct hn_error err = {0};
	int r = hn_bytes_parse(text, &bytes, &err);

	if (r < 0) {
		fuzz_require_refusal(r, &err);
		fuzz_require(bytes == 7);
		return;
	}
	hn_bytes_format(bytes, buffer, sizeof(buffer));
	fuzz_require(strlen(buffer) < sizeof(buffer) - 1);
	if (bytes > BYTES_MAX)
		return;
	fuzz_require(hn_bytes_parse(buffer, &again, &err) == 0);
	fuzz_require((again > bytes ? again - bytes : bytes - again) <= bytes / 20);
}

static void check_duration(const char *text)
{
	char buffer[HN_UNITS_TEXT_MAX];
	struct hn_error err = {0};
	uint64_t ns;
	int r = hn_duration_parse(text, &ns, &err);

	if (r < 0)
		fuzz_require_refusal(r, &err);
	else
		fuzz_require(strlen(hn_duration_format(ns, buffer, sizeof(buffer))) < sizeof(buffer) - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HN_AUTO(memory) char *text = fuzz_text(data, size);
	char buffer[HN_UNITS_TEXT_MAX];
	uint64_t number = 0;

	check_bytes(text);
	check_duration(text);
	memcpy(&number, data, size < sizeof(number) ? size : sizeof(number));
	fuzz_require(strlen(hn_bytes_format(number, buffer, sizeof(buffer))) < sizeof(buffer) - 1);
	fuzz_require(strlen(hn_duration_format(number, buffer, sizeof(buffer))) < sizeof(buffer) - 1);
	return 0;
}
