/* Answers whole, in pieces, and wrong. */
#include "hooks/http-answer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIZE 16384

static int parse(const char *text, struct http_answer *ret)
{
	return http_answer_parse(text, strlen(text), SIZE, ret);
}

static void an_answer_is_whole_with_its_last_byte(void **state)
{
	static const char text[] =
		"HTTP/1.1 200 OK\r\nContent-Type: application/xml; charset=utf-8\r\n"
		"Date: Sun, 22 Nov 2026 04:42:06 GMT\r\ncontent-length:  9\r\n\r\n<domain/>";
	struct http_answer answer;

	for (size_t length = 0; length < strlen(text); length++)
		assert_int_equal(http_answer_parse(text, length, SIZE, &answer), 0);
	assert_int_equal(parse(text, &answer), 1);
	assert_int_equal(answer.status, 200);
	assert_string_equal(answer.type, "application/xml");
	assert_int_equal(answer.length, 9);
	assert_memory_equal(answer.body, "<domain/>", 9);
}

static void what_follows_the_body_is_not_of_it(void **state)
{
	struct http_answer answer;

	assert_int_equal(parse("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabcd", &answer), 1);
	assert_int_equal(answer.length, 2);
	assert_string_equal(answer.type, "");
}

static void no_content_has_no_body(void **state)
{
	struct http_answer answer;

	assert_int_equal(parse("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", &answer), 1);
	assert_int_equal(answer.status, 204);
	assert_int_equal(answer.length, 0);
	assert_int_equal(parse("HTTP/1.0 204\r\n\r\n", &answer), 1);
}

static void nonsense_is_refused(void **state)
{
	static const char *const texts[] = {
		"SSH-2.0-OpenSSH_9.2\r\n\r\n",
		"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 -20 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1\r\n\r\n",
		"\r\n\r\n",
		/* nobody can tell whether these are whole */
		"HTTP/1.1 200 OK\r\n\r\n<domain/>",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nContent-Length: 3x\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 2\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nno field\r\nContent-Length: 3\r\n\r\nabc",
	};
	struct http_answer answer;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(parse(texts[i], &answer), -EPROTO);
	assert_int_equal(http_answer_parse("HTTP/1.1 200\0OK", 15, SIZE, &answer), -EPROTO);
}

static void too_much_is_refused_before_it_comes(void **state)
{
	char head[HTTP_HEAD_MAX + 1];
	struct http_answer answer;

	assert_int_equal(parse("HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n", &answer), -EMSGSIZE);
	assert_int_equal(parse("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n", &answer),
			 -EMSGSIZE);
	memset(head, 'x', sizeof(head));
	memcpy(head, "HTTP/1.1 200 OK\r\nX: ", 20);
	assert_int_equal(http_answer_parse(head, HTTP_HEAD_MAX, SIZE, &answer), -EPROTO);
	assert_int_equal(http_answer_parse(head, 100, 100, &answer), -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_whole_with_its_last_byte),
		cmocka_unit_test(what_follows_the_body_is_not_of_it),
		cmocka_unit_test(no_content_has_no_body),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(too_much_is_refused_before_it_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
