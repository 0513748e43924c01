#include "cli/spark.h"

#include <stdio.h>
#include <string.h>

#include "cli/glyphs.h"

void hn_spark_init(struct hn_spark *spark, uint64_t from_ns, uint64_t until_ns)
{
	*spark = (struct hn_spark){.from_ns = from_ns,
				   .until_ns = until_ns > from_ns ? until_ns : from_ns + 1};
}

void hn_spark_add(struct hn_spark *spark, uint64_t time_ns, double share, double weight)
{
	size_t place;

	if (time_ns < spark->from_ns || time_ns > spark->until_ns || weight <= 0)
		return;
	place = (size_t)((double)(time_ns - spark->from_ns) / (double)(spark->until_ns - spark->from_ns) *
			 HN_SPARK_WIDTH);
	place = place < HN_SPARK_WIDTH ? place : HN_SPARK_WIDTH - 1;
	spark->sums[place] += share * weight;
	spark->weights[place] += weight;
}

const char *hn_spark_format(const struct hn_spark *spark, bool utf8, char *buffer, size_t size)
{
	size_t used = 0;

	*buffer = '\0';
	for (size_t i = 0; i < HN_SPARK_WIDTH; i++) {
		const char *text = spark->weights[i] > 0
					   ? hn_glyph_height(spark->sums[i] / spark->weights[i], utf8)
					   : " ";

		if (used + strlen(text) >= size)
			break;
		strcpy(buffer + used, text);
		used += strlen(text);
	}
	return buffer;
}
