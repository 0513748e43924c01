#pragma once
/*
 * words - how figures about a guest are said: shares, homes, progress, what is being done.
 */
#include <stdbool.h>
#include <stddef.h>

#include "cli/table.h"
#include "model/host.h"
#include "model/report.h"

/* "98 %", with its interval when that is wider than a point: "71 ±4 %". Returns buffer. */
const char *hn_say_share(const struct hn_interval *share, char *buffer, size_t size);
enum hn_tone hn_tone_of_share(double share);

/* "2", "0-1", "-" while unknown or not homenode's business in this mode. Returns buffer. */
const char *hn_say_home(const struct hn_report *report, char *buffer, size_t size);

/* What is being done about the guest now, in a few words. Returns buffer. */
const char *hn_say_now(const struct hn_report *report, char *buffer, size_t size);
enum hn_tone hn_tone_of_now(const struct hn_report *report);

/* "[######----]" of width characters between the brackets; share is cut to 0..1. Returns buffer. */
const char *hn_say_bar(double share, unsigned width, char *buffer, size_t size);

/* "12 s left", "" while it cannot be told. Returns buffer. */
const char *hn_say_left(const struct hn_operation *operation, char *buffer, size_t size);

/* "vCPU 3", "iothread1", "vhost-4711", "emulator qemu": a name that tells the kind needs no other word.
 * Returns buffer. */
const char *hn_say_thread(const struct hn_thread *thread, char *buffer, size_t size);

/* Where it ran, by node id: "2: 97 %  3: 3 %", "-" for nowhere yet. Returns buffer. */
const char *hn_say_residency(const struct hn_host *host, const struct hn_thread_sample *thread, char *buffer,
			     size_t size);
