#include "cli/glyphs.h"

#include <math.h>
#include <string.h>

#include "base/cleanup.h"

static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
static const char *const digits[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};

const char *hn_glyph_height(double share, bool unicode)
{
	size_t count = unicode ? HN_COUNT(blocks) : HN_COUNT(digits);
	size_t step = (size_t)floor(fmin(1, fmax(0, share)) * (double)count);

	step = step < count ? step : count - 1;
	return unicode ? blocks[step] : digits[step];
}

const char *hn_glyph_heat(double share, bool unicode)
{
	if (!(share > 0))
		return unicode ? "·" : ".";
	return hn_glyph_height(share, unicode);
}

const char *hn_glyph_trend(enum hn_trend trend, bool unicode)
{
	switch (trend) {
	case HN_TREND_RISING:
		return unicode ? "↑" : "+";
	case HN_TREND_FALLING:
		return unicode ? "↓" : "-";
	case HN_TREND_STEADY:
		return "=";
	default:
		return " ";
	}
}

size_t hn_strip_step(size_t count, size_t width)
{
	return count > width ? (count + width - 1) / width : 1;
}

size_t hn_strip_fold(const double *shares, size_t count, size_t width, double *sums)
{
	size_t step = hn_strip_step(count, width), used = 0;

	for (size_t i = 0; i < count; i++) {
		if (i % step == 0)
			sums[used++] = 0;
		sums[used - 1] += shares[i];
	}
	return used;
}

const char *hn_say_course(const struct hn_course *course, unsigned width, bool unicode, char *buffer,
			  size_t size)
{
	unsigned known = course->count < width ? course->count : width;
	size_t used = 0;

	for (unsigned i = 0; i < width && used + 4 <= size; i++) {
		const char *glyph = " ";

		if (i >= width - known)
			glyph = hn_glyph_height(hn_course_at(course, width - 1 - i), unicode);
		memcpy(buffer + used, glyph, strlen(glyph));
		used += strlen(glyph);
	}
	if (size > 0)
		buffer[used] = '\0';
	return buffer;
}
