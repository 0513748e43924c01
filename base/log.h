#pragma once
/*
 * log - one line on stderr a message, for daemons. Libraries do not log: only daemon/ does, and
 * fleet/ where it is homenode-fleetd's own.
 *
 * Under systemd (JOURNAL_STREAM is set) lines begin with the journal's priority prefix, see sd-daemon(3);
 * elsewhere with the time and the level. Control characters are made plain (base/plain.h).
 */
#include "base/error.h"

enum hn_log_level {
	HN_LOG_ERROR,
	HN_LOG_WARNING,
	HN_LOG_INFO,
	HN_LOG_DEBUG,
	HN_LOG_LEVEL_COUNT,
};

/* Messages above the level are dropped; HN_LOG_INFO at the start. Call before threads are started. */
void hn_log_set_level(enum hn_log_level level);
enum hn_log_level hn_log_level(void);

/* "error", "warning", "info", "debug" */
const char *hn_log_level_name(enum hn_log_level level);
int hn_log_level_parse(const char *text, enum hn_log_level *ret, struct hn_error *err);

void hn_log(enum hn_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
