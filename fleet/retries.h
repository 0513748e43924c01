#pragma once
/*
 * retries - to which host a reservation went, by its client's Idempotency-Key: a retry is for that host,
 * which knows the key, even when others suit the guest better by now or it is full itself. Bounded and
 * forgetful: another replica, or this one after a restart, knows nothing of it.
 */
#include <stdint.h>

#define HN_RETRIES_MAX 4096    /* keys; the oldest gives way */
#define HN_RETRIES_LIFE_S 3600 /* as long as a reservation that nobody confirms may last */
#define HN_RETRIES_KEY_MAX 128 /* longest key, without its NUL */

struct hn_retries;

struct hn_retries *hn_retries_new(void); /* NULL: out of memory */
void hn_retries_free(struct hn_retries *retries);

/* The host that the key went to, NULL unknown; valid until something is put. now_ns: CLOCK_MONOTONIC. */
const char *hn_retries_find(struct hn_retries *retries, const char *key, uint64_t now_ns);
/* It went to that host, and to none that was put before. */
void hn_retries_put(struct hn_retries *retries, const char *key, const char *host, uint64_t now_ns);
/* That host has refused it; nothing happens when the key is known to have gone to another. */
void hn_retries_drop(struct hn_retries *retries, const char *key, const char *host);
