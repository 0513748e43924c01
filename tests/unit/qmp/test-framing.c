/* Bytes in, messages out: whatever the pieces, and whatever is wrong with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "harness.h"
#include "qmp/framing.h"

#define LIMIT ((size_t)1 << 20)

/* Feeds bytes and appends each message and a line end to *text; the result of the last feed. */
static int feed(struct hn_framing *framing, const char *bytes, size_t length, char **text,
		struct hn_error *err)
{
	size_t at = 0;
	int r = 0;

	while (at < length && r >= 0) {
		HN_AUTO(json) json_object *message = NULL;
		char *joined;
		size_t used;

		r = hn_framing_feed(framing, bytes + at, length - at, &used, &message, err);
		assert_true(used <= length - at);
		assert_true(r != 0 || used == length - at);
		at += used;
		if (r != 1)
			continue;
		assert_int_equal(json_object_get_type(message), json_type_object);
		assert_true(asprintf(&joined, "%s%s\n", *text ? *text : "",
				     json_object_to_json_string(message)) >= 0);
		free(*text);
		*text = joined;
	}
	return r;
}

static char *feed_pieces(const char *bytes, size_t first, size_t piece)
{
	HN_AUTO(hn_framing) struct hn_framing *framing = hn_framing_new(LIMIT, false);
	struct hn_error err = {0};
	size_t length = strlen(bytes);
	char *text = NULL;

	assert_true(feed(framing, bytes, first, &text, &err) >= 0);
	for (size_t at = first; at < length; at += piece)
		assert_true(feed(framing, bytes + at, length - at < piece ? length - at : piece, &text,
				 &err) >= 0);
	return text;
}

static void splits_at_every_byte(void **state)
{
	struct transcript transcript;
	char *whole;
	size_t length;

	transcript_load("two-cells", &transcript);
	length = strlen(transcript.received);
	whole = feed_pieces(transcript.received, 0, length);
	for (size_t first = 1; first < length; first += 7) {
		char *text = feed_pieces(transcript.received, first, length);

		assert_string_equal(text, whole);
		free(text);
	}
	for (size_t piece = 1; piece < 50; piece++) {
		char *text = feed_pieces(transcript.received, 0, piece);

		assert_string_equal(text, whole);
		free(text);
	}
	free(whole);
	transcript_free(&transcript);
}

static void splits_a_short_stream_at_every_byte(void **state)
{
	const char *bytes = "{\"a\": \"\\u00e4 } \\\" \\\\\"}\r\n{\"b\": {\"c\": [1, 2.5e3, true, null]}} "
			    "\t{}{\"d\": -1}{\"2-1\": \"\\\\2-3+4\", \"e\":[-2,3e-4,-5.5E+1]}\n";
	const char *expected =
		"{ \"a\": \"ä } \\\" \\\\\" }\n{ \"b\": { \"c\": [ 1, 2.5e3, true, null ] } "
		"}\n{ }\n{ \"d\": -1 }\n{ \"2-1\": \"\\\\2-3+4\", \"e\": [ -2, 3e-4, -5.5E+1 ] }\n";

	for (size_t first = 0; first <= strlen(bytes); first++) {
		char *text = feed_pieces(bytes, first, strlen(bytes));

		assert_string_equal(text, expected);
		free(text);
	}
}

/* What must be refused, with what the sentence shows of it. */
static const struct {
	const char *bytes;
	size_t length; /* 0: strlen */
	const char *shows;
} wrong[] = {
	{"garbage", 0, "garbage"},
	{"{} [1]", 0, "[1]"},
	{"1", 0, "no object"},
	{"null", 0, "null"},
	{"\"text\"", 0, "text"},
	{"{\"a\": nonsense}", 0, "nonsense"},
	{"{\"a\": 1,}", 0, ""},
	{"{\"a\" 1}", 0, ""},
	{"{\"a\": /* no */ 1}", 0, ""},
	{"{\"a\": \"\0\"}", 10, "\\x00"},
	{"\0", 1, "\\x00"},
	{"{\"a\": \"\xc3\xa4\"}", 0, "\\xc3"},
	{"\xff{}", 0, "\\xff"},
	{"{\"a\": \xff", 0, "\\xff"},
	{"{\"a\": \"\x01\"}", 0, "\\x01"},
	{"{\"a\": 2-}", 0, ""},
	{"{\"a\": 2-1, \"b\": 1}", 0, ""},
	{"{\"a\": [1.+5]}", 0, ""},
	{"{\"a\": --5}", 0, ""},
	{"{\"a\": 1e5-3}", 0, ""},
	{"{\"a\": -1Infinity}", 0, ""},
	{"{\"a\": -Infinity}", 0, "-Infinity"},
	{"{\"a\": [Infinity]}", 0, "Infinity"},
	{"{\"a\": NaN}", 0, "NaN"},
	{"HTTP/1.1 400 Bad Request", 0, "HTTP"},
};

static void refuses_what_is_not_qmp(void **state)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		size_t length = wrong[i].length ? wrong[i].length : strlen(wrong[i].bytes);

		for (size_t piece = 1; piece <= length; piece++) {
			HN_AUTO(hn_framing) struct hn_framing *framing = hn_framing_new(LIMIT, false);
			HN_AUTO(memory) char *text = NULL;
			struct hn_error err = {0};
			int r = 0;

			for (size_t at = 0; at < length && r >= 0; at += piece)
				r = feed(framing, wrong[i].bytes + at,
					 length - at < piece ? length - at : piece, &text, &err);
			if (r != -EPROTO)
				print_error("case %zu by %zu\n", i, piece);
			assert_int_equal(r, -EPROTO);
			assert_int_equal(err.code, -EPROTO);
			if (piece == length && !strstr(err.message, wrong[i].shows))
				fail_msg("case %zu: '%s' does not show '%s'", i, err.message, wrong[i].shows);
		}
	}
}

static void refuses_deep_nesting(void **state)
{
	HN_AUTO(hn_framing) struct hn_framing *framing = hn_framing_new(LIMIT, false);
	HN_AUTO(memory) char *text = NULL;
	struct hn_error err = {0};
	char bytes[6 * 1000 + 1] = "";

	for (int i = 0; i < 1000; i++)
		memcpy(bytes + 5 * i, "{\"a\":", 6);
	assert_int_equal(feed(framing, bytes, strlen(bytes), &text, &err), -EPROTO);
}

/* A message of n bytes in all. */
static char *message_of(size_t n)
{
	char *bytes = malloc(n + 1);

	memset(bytes, 'x', n);
	memcpy(bytes, "{\"a\":\"", 6);
	memcpy(bytes + n - 2, "\"}", 3);
	return bytes;
}

static void bounds_a_message(void **state)
{
	for (size_t piece = 1; piece <= 101; piece++) {
		for (size_t size = 98; size <= 103; size++) {
			HN_AUTO(hn_framing) struct hn_framing *framing = hn_framing_new(100, false);
			HN_AUTO(memory) char *bytes = message_of(size);
			HN_AUTO(memory) char *text = NULL;
			struct hn_error err = {0};
			size_t at = 0;
			int r = 0;

			for (; at < size && r >= 0; at += piece)
				r = feed(framing, bytes + at, size - at < piece ? size - at : piece, &text,
					 &err);
			assert_int_equal(r, size <= 100 ? 1 : -EMSGSIZE);
			/* not after the rest of it was read */
			assert_true(size <= 100 || at <= 101 + piece);
		}
	}
}

static void an_endless_message_ends_at_the_limit(void **state)
{
	HN_AUTO(hn_framing) struct hn_framing *framing = hn_framing_new(LIMIT, false);
	HN_AUTO(memory) char *text = NULL;
	struct hn_error err = {0};
	char bytes[4096];
	size_t fed = 0;
	int r;

	memset(bytes, 'x', sizeof(bytes));
	assert_int_equal(feed(framing, "{\"a\":\"", 6, &text, &err), 0);
	do {
		r = feed(framing, bytes, sizeof(bytes), &text, &err);
		fed += sizeof(bytes);
	} while (r == 0);
	assert_int_equal(r, -EMSGSIZE);
	assert_true(fed <= LIMIT + 2 * sizeof(bytes));
}

/* The result for a list of count times part, in pieces as they come from a socket. */
static int feed_list(const char *part, size_t count)
{
	HN_AUTO(hn_framing) struct hn_framing *framing = hn_framing_new(LIMIT, true);
	HN_AUTO(memory) char *text = NULL;
	HN_AUTO(memory) char *bytes = malloc(count * strlen(part) + 20);
	struct hn_error err = {0};
	size_t length = (size_t)sprintf(bytes, "{\"return\": [");
	int r = 0;

	for (size_t i = 0; i < count; i++, length += strlen(part))
		memcpy(bytes + length, part, strlen(part));
	length += (size_t)sprintf(bytes + length, "0]}");
	assert_true(length < LIMIT);
	for (size_t at = 0; at < length && r >= 0; at += 8192)
		r = feed(framing, bytes + at, length - at < 8192 ? length - at : 8192, &text, &err);
	assert_int_equal(err.code, r < 0 ? r : 0);
	return r;
}

/*
 * An empty object takes 800 bytes of memory for its two: a limit on bytes alone would be one of 266 times as
 * much. What QEMU and its agent write stays far below: a vCPU, 2 objects and 7 members in 150 bytes; a CPU of
 * guest-get-cpustats, one object and 12 members in 130.
 */
static void bounds_what_a_message_takes_in_memory(void **state)
{
	static const char vcpu[] =
		"{\"thread-id\": 4440, \"props\": {\"core-id\": 0, \"thread-id\": 0, \"socket-id\": 0}, "
		"\"qom-path\": \"/machine/unattached/device[0]\", \"cpu-index\": 0, \"target\": "
		"\"x86_64\"}, ";
	static const char cpu[] =
		"{\"cpu\": 0, \"type\": \"linux\", \"user\": 1, \"nice\": 1, \"system\": 1, \"idle\": 1, "
		"\"iowait\": 1, \"irq\": 1, \"softirq\": 1, \"steal\": 1, \"guest\": 1, \"guestnice\": 1}, ";

	assert_int_equal(feed_list(vcpu, 4096), 1);
	assert_int_equal(feed_list(cpu, 1024 * LIMIT / (256 * 1024)), 1);
	assert_int_equal(feed_list("\"{[,:{[,:\",", 90000), 1);
	assert_int_equal(feed_list("{},", 300000), -EMSGSIZE);
	assert_int_equal(feed_list("[],", 300000), -EMSGSIZE);
	assert_int_equal(feed_list("1,", 500000), -EMSGSIZE);
	assert_int_equal(feed_list("{\"\":1},", 140000), -EMSGSIZE);
}

static void waits_for_the_sentinel(void **state)
{
	const char *bytes =
		"} garbage \x80 {\"return\": 1}\n\xff{\"return\": 2}\n{\"ret\xff{\"return\": 3}\n\xff";
	const char *expected = "{ \"return\": 2 }\n{ \"return\": 3 }\n";

	for (size_t piece = 1; piece <= strlen(bytes); piece++) {
		HN_AUTO(hn_framing) struct hn_framing *framing = hn_framing_new(LIMIT, true);
		HN_AUTO(memory) char *text = NULL;
		struct hn_error err = {0};

		hn_framing_await_sentinel(framing);
		for (size_t at = 0; at < strlen(bytes); at += piece)
			assert_true(feed(framing, bytes + at, strnlen(bytes + at, piece), &text, &err) >= 0);
		assert_string_equal(text, expected);
	}
}

static void a_new_wait_drops_half_a_message(void **state)
{
	HN_AUTO(hn_framing) struct hn_framing *framing = hn_framing_new(LIMIT, true);
	HN_AUTO(memory) char *text = NULL;
	struct hn_error err = {0};

	assert_int_equal(feed(framing, "{\"half\":", 8, &text, &err), 0);
	hn_framing_await_sentinel(framing);
	assert_int_equal(feed(framing, "1}\xff{\"b\":1}", 10, &text, &err), 1);
	assert_string_equal(text, "{ \"b\": 1 }\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_at_every_byte),
		cmocka_unit_test(splits_a_short_stream_at_every_byte),
		cmocka_unit_test(refuses_what_is_not_qmp),
		cmocka_unit_test(refuses_deep_nesting),
		cmocka_unit_test(bounds_a_message),
		cmocka_unit_test(an_endless_message_ends_at_the_limit),
		cmocka_unit_test(bounds_what_a_message_takes_in_memory),
		cmocka_unit_test(waits_for_the_sentinel),
		cmocka_unit_test(a_new_wait_drops_half_a_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
