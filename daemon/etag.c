#include "daemon/etag.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hash.h"

static const char *const passing[] = {"\"age", "\"expires_in"};

#define BEHIND "_ns\":"

static bool is_passing(const char *begin, const char *behind)
{
	for (size_t i = 0; i < HN_COUNT(passing); i++) {
		size_t length = strlen(passing[i]);

		if ((size_t)(behind - begin) >= length && memcmp(behind - length, passing[i], length) == 0)
			return true;
	}
	return false;
}

/* Behind the next of the passing members, or the end. */
static const char *next_passing(const char *at, const char *end)
{
	const char *found, *from = at;

	while ((found = memmem(from, (size_t)(end - from), BEHIND, strlen(BEHIND)))) {
		from = found + strlen(BEHIND);
		if (is_passing(at, found))
			return from;
	}
	return end;
}

/* As hn_hash(), but for eight bytes at a time: listings are long. */
static uint64_t hash_long(uint64_t hash, const char *at, size_t length)
{
	uint64_t word;

	for (; length >= sizeof(word); at += sizeof(word), length -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
	}
	return hn_hash(hash, at, length);
}

const char *hn_etag(const char *json, size_t length, char buffer[HN_ETAG_MAX])
{
	const char *at = json, *end = json + length;
	uint64_t hash = HN_HASH_BEGIN;

	while (at < end) {
		const char *stop = next_passing(at, end);

		hash = hash_long(hash, at, (size_t)(stop - at));
		for (at = stop; at < end && *at >= '0' && *at <= '9'; at++)
			;
	}
	snprintf(buffer, HN_ETAG_MAX, "W/\"%016" PRIx64 "\"", hash);
	return buffer;
}

bool hn_etag_matches(const char *if_none_match, const char *tag)
{
	const char *strong = tag + strlen("W/");

	return if_none_match && (strcmp(if_none_match, "*") == 0 || strstr(if_none_match, strong));
}
