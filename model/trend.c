#include "model/trend.h"

#include "base/cleanup.h"
#include "model/names.h"

static const char *const trend_names[HN_TREND_COUNT] = {"unknown", "steady", "rising", "falling"};

const char *hn_trend_name(enum hn_trend trend)
{
	return hn_name_of(trend_names, HN_COUNT(trend_names), (size_t)trend);
}

int hn_trend_parse(const char *text, enum hn_trend *ret, struct hn_error *err)
{
	int r = hn_name_parse(trend_names, HN_COUNT(trend_names), "trend", text, err);

	if (r < 0)
		return r;
	*ret = (enum hn_trend)r;
	return 0;
}
