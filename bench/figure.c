#include "bench/figure.h"

#include <stdio.h>
#include <stdlib.h>

static void print_value(const char *name, double value)
{
	if (isfinite(value))
		printf("\"%s\":%.6g,", name, value);
	else
		printf("\"%s\":null,", name);
}

void bench_figure_print(const struct bench_figure *figure)
{
	double peer = figure->peer_name ? figure->peer : BENCH_NONE;

	printf("{\"bench\":\"%s\",\"case\":\"%s\",\"figure\":\"%s\",\"unit\":\"%s\",", figure->bench,
	       figure->scene, figure->figure, figure->unit);
	print_value("ours", figure->ours);
	print_value("peer", peer);
	if (figure->peer_name)
		printf("\"peer_name\":\"%s\",", figure->peer_name);
	else
		printf("\"peer_name\":null,");
	print_value("ratio", figure->ours / peer);
	printf("\"n\":%u%s%s}\n", figure->n, figure->more ? "," : "", figure->more ? figure->more : "");
	fflush(stdout);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}
