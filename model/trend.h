#pragma once
/*
 * trend - which way a value goes (policy/trend.h tells it from its last looks).
 */
#include "base/error.h"

enum hn_trend {
	HN_TREND_UNKNOWN, /* too few looks */
	HN_TREND_STEADY,
	HN_TREND_RISING,
	HN_TREND_FALLING,
	HN_TREND_COUNT,
};
const char *hn_trend_name(enum hn_trend trend);
int hn_trend_parse(const char *text, enum hn_trend *ret, struct hn_error *err);
