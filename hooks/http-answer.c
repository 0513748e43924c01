#include "hooks/http-answer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEAD_END "\r\n\r\n"

struct head {
	bool has_length, has_encoding;
	size_t length;
};

static int parse_status(const char *text, int *ret)
{
	if (strncmp(text, "HTTP/1.", 7) != 0 || (text[7] != '0' && text[7] != '1') || text[8] != ' ' ||
	    strspn(text + 9, "0123456789") != 3 || (text[12] != ' ' && text[12] != '\r'))
		return -EPROTO;
	*ret = atoi(text + 9);
	return 0;
}

static int take_length(const char *value, struct head *head)
{
	size_t digits = strspn(value, "0123456789");
	size_t length;

	if (digits == 0 || value[digits + strspn(value + digits, " \t")] != '\r')
		return -EPROTO;
	length = digits < 19 ? strtoull(value, NULL, 10) : SIZE_MAX;
	if (head->has_length && head->length != length)
		return -EPROTO;
	head->has_length = true;
	head->length = length;
	return 0;
}

static void take_type(const char *value, struct http_answer *answer)
{
	size_t length = strcspn(value, "; \t\r");

	snprintf(answer->type, sizeof(answer->type), "%.*s", (int)length, value);
}

static int take_field(const char *line, struct head *head, struct http_answer *answer)
{
	size_t name = strcspn(line, ":\r");
	const char *value = line + name + 1;

	if (line[name] != ':')
		return -EPROTO;
	value += strspn(value, " \t");
	if (name == 14 && strncasecmp(line, "Content-Length", name) == 0)
		return take_length(value, head);
	if (name == 12 && strncasecmp(line, "Content-Type", name) == 0)
		take_type(value, answer);
	head->has_encoding |= name == 17 && strncasecmp(line, "Transfer-Encoding", name) == 0;
	return 0;
}

/* text: the head with the \r\n of its last line. */
static int parse_head(const char *text, struct head *head, struct http_answer *answer)
{
	int r = parse_status(text, &answer->status);

	for (const char *at = strstr(text, "\r\n"); r == 0 && at && at[2]; at = strstr(at + 2, "\r\n"))
		r = take_field(at + 2, head, answer);
	return r;
}

static bool has_no_body(int status)
{
	return status == 204 || status == 304;
}

int http_answer_parse(const char *data, size_t length, size_t size, struct http_answer *ret)
{
	const char *end = memmem(data, length, HEAD_END, strlen(HEAD_END));
	size_t head_length = end ? (size_t)(end - data) + strlen(HEAD_END) : length;
	struct http_answer answer = {0};
	char text[HTTP_HEAD_MAX];
	struct head head = {0};

	if (head_length >= sizeof(text) || memchr(data, '\0', head_length))
		return -EPROTO;
	if (!end)
		return length == size ? -EMSGSIZE : 0;
	memcpy(text, data, head_length - 2);
	text[head_length - 2] = '\0';
	if (parse_head(text, &head, &answer) < 0)
		return -EPROTO;
	if (!has_no_body(answer.status)) {
		if (head.has_encoding || !head.has_length)
			return -EPROTO;
		answer.length = head.length;
	}
	if (answer.length > size - head_length)
		return -EMSGSIZE;
	if (answer.length > length - head_length)
		return 0;
	answer.body = data + head_length;
	*ret = answer;
	return 1;
}
