#include "policy/trend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/interval.h"

#define LOOKS_LEAST 6

void hn_trend_add(struct hn_trend_looks *looks, double value)
{
	if (looks->count == HN_TREND_LOOKS)
		memmove(looks->values, looks->values + 1, --looks->count * sizeof(*looks->values));
	looks->values[looks->count++] = value;
}

/* Pairs that rise less pairs that fall. */
static int concordance(const struct hn_trend_looks *looks)
{
	int sum = 0;

	for (size_t i = 0; i < looks->count; i++)
		for (size_t j = i + 1; j < looks->count; j++)
			sum += (looks->values[j] > looks->values[i]) - (looks->values[j] < looks->values[i]);
	return sum;
}

static double tie_term(double size)
{
	return size * (size - 1) * (2 * size + 5);
}

/* Of the concordance, were the order of the looks chance. */
static double variance(const struct hn_trend_looks *looks)
{
	double sum = tie_term((double)looks->count);

	for (size_t i = 0; i < looks->count; i++) {
		size_t equal = 0, before = 0;

		for (size_t j = 0; j < looks->count; j++) {
			equal += looks->values[j] == looks->values[i];
			before += j < i && looks->values[j] == looks->values[i];
		}
		if (before == 0)
			sum -= tie_term((double)equal);
	}
	return sum / 18;
}

static double median(const double *values, size_t count)
{
	double sorted[HN_TREND_LOOKS];

	for (size_t i = 0; i < count; i++) {
		size_t at = i;

		for (; at > 0 && sorted[at - 1] > values[i]; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = values[i];
	}
	return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

enum hn_trend hn_trend_of(const struct hn_trend_looks *looks)
{
	size_t half = looks->count / 2;
	double change;
	int sum;

	if (looks->count < LOOKS_LEAST)
		return HN_TREND_UNKNOWN;
	sum = concordance(looks);
	change = median(looks->values + looks->count - half, half) - median(looks->values, half);
	/* the sum is whole and takes every second value: one less makes the normal distribution fit */
	if (fabs(change) < HN_TREND_LEAST || abs(sum) - 1 <= HN_Z98 * sqrt(variance(looks)))
		return HN_TREND_STEADY;
	if (sum > 0 && change > 0)
		return HN_TREND_RISING;
	return sum < 0 && change < 0 ? HN_TREND_FALLING : HN_TREND_STEADY;
}
