#pragma once
/*
 * units - sizes, rates and durations as people write and read them. Binary prefixes throughout.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Room for any text this module writes. */
#define HN_UNITS_TEXT_MAX 32

/* "512", "400M", "1.5G", "4GiB", "64KiB": bytes. A bare number is bytes. -EINVAL or -ERANGE with a sentence.
 */
int hn_bytes_parse(const char *text, uint64_t *ret, struct hn_error *err);

/* "500ms", "10s", "2m", "1h"; a bare number is seconds. Nanoseconds. */
int hn_duration_parse(const char *text, uint64_t *ret_ns, struct hn_error *err);

/* "0 B", "400 MiB", "4.7 GiB": with one decimal below 100, where that is not 0. Returns buffer. */
const char *hn_bytes_format(uint64_t bytes, char *buffer, size_t size);

/* "3 s", "4.3 min", "2.1 h", "3 d". Returns buffer. */
const char *hn_duration_format(uint64_t ns, char *buffer, size_t size);

#define HN_KIB UINT64_C(1024)
#define HN_MIB (HN_KIB * 1024)
#define HN_GIB (HN_MIB * 1024)
#define HN_NS_PER_S UINT64_C(1000000000)
#define HN_NS_PER_MS UINT64_C(1000000)
