#pragma once
/*
 * http-answer - an HTTP/1.1 answer that comes in pieces: is it whole, and what does it say?
 */
#include <stddef.h>

#define HTTP_HEAD_MAX 8192

struct http_answer {
	int status;
	char type[64]; /* Content-Type without parameters, "" when there is none */
	const char *body;
	size_t length;
};

/*
 * data: all that has come so far, in a buffer of size bytes. 1 and *ret (pointing into data) when the answer
 * is whole, 0 when there is more to come; -EPROTO when it is no answer, or one without Content-Length where
 * there should be a body: nobody could tell whether that is whole; -EMSGSIZE when it will not fit into the
 * buffer.
 */
int http_answer_parse(const char *data, size_t length, size_t size, struct http_answer *ret);
