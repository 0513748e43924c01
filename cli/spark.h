#pragma once
/*
 * spark - a course of shares over time as a line of one character a span.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HN_SPARK_WIDTH 60
#define HN_SPARK_TEXT_MAX (HN_SPARK_WIDTH * 4 + 1)

struct hn_spark {
	uint64_t from_ns, until_ns;
	double sums[HN_SPARK_WIDTH], weights[HN_SPARK_WIDTH];
};

void hn_spark_init(struct hn_spark *spark, uint64_t from_ns, uint64_t until_ns);
/* A share, 0..1, at a time; outside the spans it does not count. */
void hn_spark_add(struct hn_spark *spark, uint64_t time_ns, double share, double weight);
/* Blocks of eighths, or digits (tenths, 9 for all) without UTF-8; a blank where nothing was added. Returns
 * buffer. */
const char *hn_spark_format(const struct hn_spark *spark, bool utf8, char *buffer, size_t size);
