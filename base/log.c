#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/plain.h"

static enum hn_log_level current_level = HN_LOG_INFO;

static const struct {
	const char *name;
	int priority; /* as in syslog(3) */
} levels[HN_LOG_LEVEL_COUNT] = {{"error", 3}, {"warning", 4}, {"info", 6}, {"debug", 7}};

void hn_log_set_level(enum hn_log_level level)
{
	current_level = level;
}

enum hn_log_level hn_log_level(void)
{
	return current_level;
}

const char *hn_log_level_name(enum hn_log_level level)
{
	return levels[level].name;
}

int hn_log_level_parse(const char *text, enum hn_log_level *ret, struct hn_error *err)
{
	for (int i = 0; i < HN_LOG_LEVEL_COUNT; i++) {
		if (strcmp(levels[i].name, text) == 0) {
			*ret = (enum hn_log_level)i;
			return 0;
		}
	}
	return hn_fail(err, -EINVAL, "unknown log level '%.40s': choose one of error, warning, info, debug",
		       text);
}

void hn_log(enum hn_log_level level, const char *format, ...)
{
	char line[1024];
	va_list args;

	if (level > current_level)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	hn_make_plain(line); /* a guest's name must not be able to forge a line */
	if (getenv("JOURNAL_STREAM")) {
		fprintf(stderr, "<%d>%s\n", levels[level].priority, line);
	} else {
		struct timespec now;
		struct tm local;
		char stamp[16];

		clock_gettime(CLOCK_REALTIME, &now);
		strftime(stamp, sizeof(stamp), "%H:%M:%S", localtime_r(&now.tv_sec, &local));
		fprintf(stderr, "%s.%03ld %-7s %s\n", stamp, now.tv_nsec / 1000000, levels[level].name, line);
	}
}
