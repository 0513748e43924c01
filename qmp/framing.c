/*
 * QMP puts one JSON object behind another, with CRLF between them or not; the tokener of json-c takes them in
 * pieces of any size and says where an object ends. What it would let through is caught here: QEMU and the
 * guest agent write pure ASCII (anything else as \u escapes), so a byte outside of it cannot be theirs, and a
 * value between messages that is not an object is garbage. The first byte that cannot be right ends the
 * stream: nothing is gained by guessing where the next message may start.
 */
#include "qmp/framing.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 32
#define SENTINEL 0xff
#define EXCERPT_BYTES 40
#define CONTEXT_BYTES 8 /* shown in front of the byte that is wrong */

/*
 * What json-c takes for a value: some 100 bytes, and for an object, be it empty, 800. A message may weigh 1
 * for each so many bytes that it may have; the longest lists of QEMU and its agent weigh half of that.
 */
#define VALUE_WEIGHT 1
#define CONTAINER_WEIGHT 8
#define WEIGHT_BYTES 4

struct hn_framing {
	struct json_tokener *tokener; /* NULL between messages */
	size_t message_bytes;         /* most bytes of one message */
	size_t taken;                 /* bytes of the message at hand, 0 between messages */
	size_t weight;                /* of its values: memory, where bytes say little about it */
	bool sentinels;
	bool skipping;           /* until the next sentinel */
	bool in_string, escaped; /* where the bytes taken so far end */
	char last;               /* of them */
};

static struct json_tokener *new_tokener(void)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);

	if (tokener)
		json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
	return tokener;
}

struct hn_framing *hn_framing_new(size_t message_bytes, bool sentinels)
{
	HN_AUTO(hn_framing) struct hn_framing *framing = calloc(1, sizeof(*framing));

	if (!framing)
		return NULL;
	framing->message_bytes = message_bytes;
	framing->sentinels = sentinels;
	return hn_steal(framing);
}

void hn_framing_free(struct hn_framing *framing)
{
	if (!framing)
		return;
	if (framing->tokener)
		json_tokener_free(framing->tokener);
	free(framing);
}

/* Between messages there is no tokener: it keeps room for nesting and for the longest string it has seen, too
 * much for a thousand connections. */
static void reset(struct hn_framing *framing)
{
	if (framing->tokener)
		json_tokener_free(framing->tokener);
	framing->tokener = NULL;
	framing->taken = framing->weight = 0;
	framing->in_string = framing->escaped = false;
	framing->last = '\0';
}

void hn_framing_await_sentinel(struct hn_framing *framing)
{
	reset(framing);
	framing->skipping = true;
}

/* A few bytes for a sentence, with everything unprintable as \xNN. */
static const char *excerpt(const char *bytes, size_t length, char *buffer, size_t size)
{
	size_t at = 0;

	buffer[0] = '\0';
	for (size_t i = 0; i < length && i < EXCERPT_BYTES && at + 5 < size; i++) {
		unsigned char c = (unsigned char)bytes[i];

		at += (size_t)snprintf(buffer + at, size - at, isprint(c) ? "%c" : "\\x%02x", c);
	}
	return buffer;
}

static int garbage(const char *bytes, size_t length, const char *why, struct hn_error *err)
{
	char text[EXCERPT_BYTES * 4 + 8];

	return hn_fail(err, -EPROTO, "not QMP (%s) at '%s'", why, excerpt(bytes, length, text, sizeof(text)));
}

/* Likewise, with a few bytes in front of the one that is wrong. */
static int garbage_at(const char *bytes, size_t length, size_t wrong, const char *why, struct hn_error *err)
{
	size_t from = wrong > CONTEXT_BYTES ? wrong - CONTEXT_BYTES : 0;

	return garbage(bytes + from, length - from, why, err);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* How many of the bytes can stand in a message at all. */
static size_t plain_bytes(const char *bytes, size_t length)
{
	size_t i = 0;

	while (i < length && ((bytes[i] >= 0x20 && bytes[i] < 0x7f) || is_space(bytes[i])))
		i++;
	return i;
}

/* Bytes in front of the next message: white space, and whatever waits for a sentinel. */
static size_t skip(struct hn_framing *framing, const char *bytes, size_t length)
{
	size_t i = 0;

	while (i < length && (framing->skipping || is_space(bytes[i]))) {
		if (framing->skipping && (unsigned char)bytes[i] == SENTINEL)
			framing->skipping = false;
		i++;
	}
	return i;
}

/*
 * JSON has a sign only in front of a number or of its exponent, and neither Infinity nor NaN. json-c (0.16)
 * takes the two, and forgets between two pieces that a number has begun: "2" and "-" are 2, "-1" and
 * "Infinity" are -Infinity.
 */
static bool is_json(char c, char last)
{
	if (c == '-' || c == '+')
		return last == 'e' || last == 'E' || (c == '-' && !strchr("0123456789.+-", last));
	return c != 'I' && c != 'N';
}

/* Of the values that begin with or behind that byte. */
static size_t weight_of(char c)
{
	if (c == '{' || c == '[')
		return CONTAINER_WEIGHT;
	return c == ',' || c == ':' ? VALUE_WEIGHT : 0;
}

/* Goes through bytes that the tokener has taken, and weighs them; returns at which one they are no JSON, or
 * length. */
static size_t scan(struct hn_framing *framing, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (framing->escaped)
			framing->escaped = false;
		else if (bytes[i] == '"')
			framing->in_string = !framing->in_string;
		else if (framing->in_string)
			framing->escaped = bytes[i] == '\\';
		else if (!is_json(bytes[i], framing->last))
			return i;
		else
			framing->weight += weight_of(bytes[i]);
		framing->last = bytes[i];
	}
	return length;
}

/* Of bytes that the tokener has taken: whether they are JSON, and of bounded size in memory. */
static int check(struct hn_framing *framing, const char *bytes, size_t length, size_t taken,
		 struct hn_error *err)
{
	size_t wrong = scan(framing, bytes, taken);

	if (wrong < taken)
		return garbage_at(bytes, length, wrong, "no JSON", err);
	if (framing->weight > framing->message_bytes / WEIGHT_BYTES)
		return hn_fail(err, -EMSGSIZE, "a message is of too many values for one of up to %zu bytes",
			       framing->message_bytes);
	return 0;
}

/*
 * Gives plain bytes to the tokener, never more than the message may still have: a message that is too large
 * is refused when its first byte too many arrives.
 */
static int tokenize(struct hn_framing *framing, const char *bytes, size_t length, size_t *ret_used,
		    json_object **ret, struct hn_error *err)
{
	size_t room = framing->message_bytes - framing->taken;
	size_t chunk = length < room ? length : room;
	enum json_tokener_error error;
	int r;

	if (chunk > INT_MAX)
		chunk = INT_MAX;
	if (!framing->tokener && !(framing->tokener = new_tokener()))
		return hn_oom(err);
	*ret = json_tokener_parse_ex(framing->tokener, bytes, (int)chunk);
	error = json_tokener_get_error(framing->tokener);
	*ret_used = json_tokener_get_parse_end(framing->tokener);
	if (error != json_tokener_success && error != json_tokener_continue)
		return garbage_at(bytes, length, *ret_used, json_tokener_error_desc(error), err);
	r = check(framing, bytes, length, *ret_used, err);
	if (r < 0) {
		json_object_put(hn_steal(*ret));
		return r;
	}
	if (error == json_tokener_success) {
		reset(framing);
		return 1;
	}
	framing->taken += chunk;
	if (chunk == room && chunk < length)
		return hn_fail(err, -EMSGSIZE, "a message is larger than %zu bytes", framing->message_bytes);
	return 0;
}

static int feed_message(struct hn_framing *framing, const char *bytes, size_t length, size_t *ret_used,
			json_object **ret, struct hn_error *err)
{
	size_t plain = plain_bytes(bytes, length);
	int r = 0;

	*ret_used = 0;
	if (framing->taken == 0 && bytes[0] != '{' && plain > 0)
		return garbage(bytes, length, "no object", err);
	if (plain > 0)
		r = tokenize(framing, bytes, plain, ret_used, ret, err);
	if (r != 0 || *ret_used == length)
		return r;
	if (*ret_used < plain)
		return 0; /* a chunk of INT_MAX: the rest comes with the next call */
	if (!framing->sentinels || (unsigned char)bytes[plain] != SENTINEL)
		return garbage(bytes + plain, length - plain, "stray byte", err);
	reset(framing);
	*ret_used = plain + 1;
	return 0;
}

int hn_framing_feed(struct hn_framing *framing, const char *bytes, size_t length, size_t *ret_used,
		    json_object **ret, struct hn_error *err)
{
	size_t at = 0;
	int r = 0;

	*ret = NULL;
	while (r == 0) {
		size_t used;

		if (framing->taken == 0)
			at += skip(framing, bytes + at, length - at);
		if (at == length)
			break;
		r = feed_message(framing, bytes + at, length - at, &used, ret, err);
		at += used;
	}
	*ret_used = at;
	return r;
}
