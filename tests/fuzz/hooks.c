/*
 * What the hook and the numad drop-in read: homenoded's answer, a command line and the answers of the last
 * seconds. An answer that is whole is the same one however it arrived.
 */
#include <errno.h>

#include "fuzz.h"
#include "hooks/http-answer.h"
#include "hooks/numad-request.h"
#include "hooks/recent.h"

#define BUFFER_MAX 16384
#define ARGUMENTS_MAX 16
#define NOW_MS 100000

static void check_answer(const char *text, size_t size)
{
	struct http_answer whole, early;
	int r = http_answer_parse(text, size, BUFFER_MAX, &whole);

	fuzz_require(r == 1 || r == 0 || r == -EPROTO || r == -EMSGSIZE);
	if (r != 1)
		return;
	fuzz_require(whole.status >= 0 && whole.status <= 999);
	fuzz_require(whole.length <= size);
	if (whole.length)
		fuzz_require(whole.body >= text && whole.body + whole.length <= text + size);
	for (size_t length = 0; length < size; length += 1 + size / 64) {
		HN_AUTO(memory) char *part = fuzz_text((const uint8_t *)text, length);

		r = http_answer_parse(part, length, BUFFER_MAX, &early);
		fuzz_require(r == 0 ||
			     (r == 1 && early.status == whole.status && early.length == whole.length));
	}
}

static void check_request(char *text)
{
	char *arguments[ARGUMENTS_MAX + 1] = {(char *)"numad"}, *rest;
	struct numad_request request = {0};
	int count = 1;

	for (char *word = strtok_r(text, "\n", &rest); word && count < ARGUMENTS_MAX;
	     word = strtok_r(NULL, "\n", &rest))
		arguments[count++] = word;
	numad_request_parse(count, arguments, &request);
	fuzz_require(request.wish <= NUMAD_ELSEWHERE && request.root);
	fuzz_require(numad_elsewhere(request.option));
}

static void check_recent(const char *text, size_t size)
{
	static struct recent recent;

	recent.count = 0;
	recent_parse(text, size, NOW_MS, &recent);
	fuzz_require(recent.count <= RECENT_MAX);
	for (size_t i = 0; i < recent.count; i++) {
		fuzz_require(recent.answers[i].at_ms <= NOW_MS);
		fuzz_require(recent.answers[i].at_ms >= NOW_MS - RECENT_MS);
		fuzz_require(!node_set_empty(&recent.answers[i].nodes));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HN_AUTO(memory) char *text = fuzz_text(data, size);

	check_answer(text, size);
	check_recent(text, size);
	check_request(text);
	return 0;
}
