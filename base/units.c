#include "base/units.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

struct unit {
	const char *name;
	double factor;
};

static const struct unit byte_units[] = {
	{"", 1},         {"B", 1},      {"K", 0x1p10},   {"KiB", 0x1p10}, {"M", 0x1p20},
	{"MiB", 0x1p20}, {"G", 0x1p30}, {"GiB", 0x1p30}, {"T", 0x1p40},   {"TiB", 0x1p40},
};

static const struct unit duration_units[] = {
	{"", 1e9}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"min", 60e9}, {"h", 3600e9}, {"d", 86400e9},
};

static int parse_with_unit(const char *text, const struct unit *units, size_t count, const char *example,
			   uint64_t *ret, struct hn_error *err)
{
	double number, value;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return hn_fail(err, -EINVAL, "'%.40s' is not a number with a unit, such as %s", text,
			       example);
	number = strtod(text, &end);
	while (*end == ' ')
		end++;
	for (size_t i = 0; i < count; i++) {
		if (strcasecmp(end, units[i].name) != 0)
			continue;
		value = number * units[i].factor;
		if (!(value < 0x1p63))
			return hn_fail(err, -ERANGE, "'%.40s' is too large", text);
		*ret = (uint64_t)llround(value);
		return 0;
	}
	return hn_fail(err, -EINVAL, "'%.40s' has the unknown unit '%.10s'; write it as in %s", text, end,
		       example);
}

int hn_bytes_parse(const char *text, uint64_t *ret, struct hn_error *err)
{
	return parse_with_unit(text, byte_units, HN_COUNT(byte_units), "400M or 1.5GiB", ret, err);
}

int hn_duration_parse(const char *text, uint64_t *ret_ns, struct hn_error *err)
{
	return parse_with_unit(text, duration_units, HN_COUNT(duration_units), "500ms, 10s or 2min", ret_ns,
			       err);
}

/* 4.72 -> "4.7", 47.21 -> "47.2", 472.1 -> "472", 4.02 -> "4". */
static void format_value(double value, const char *unit, char *buffer, size_t size)
{
	if (value >= 100 || fabs(value - round(value)) < 0.05)
		snprintf(buffer, size, "%.0f %s", value, unit);
	else
		snprintf(buffer, size, "%.1f %s", value, unit);
}

const char *hn_bytes_format(uint64_t bytes, char *buffer, size_t size)
{
	static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
	double value = (double)bytes;
	size_t step = 0;

	while (step + 1 < HN_COUNT(names) && round(value) >= 1024) {
		value /= 1024;
		step++;
	}
	format_value(value, names[step], buffer, size);
	return buffer;
}

const char *hn_duration_format(uint64_t ns, char *buffer, size_t size)
{
	double seconds = (double)ns / 1e9;

	if (round(seconds * 1e3) < 1000)
		format_value(seconds * 1e3, "ms", buffer, size);
	else if (seconds < 120)
		format_value(seconds, "s", buffer, size);
	else if (seconds < 7200)
		format_value(seconds / 60, "min", buffer, size);
	else if (seconds < 172800)
		format_value(seconds / 3600, "h", buffer, size);
	else
		format_value(seconds / 86400, "d", buffer, size);
	return buffer;
}
