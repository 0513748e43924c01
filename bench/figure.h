#pragma once
/*
 * figure - one measured figure, as the line of JSON that every benchmark prints. README.md lists them all.
 */
#include <math.h>
#include <stddef.h>

#define BENCH_NONE NAN /* a value that does not exist: null */

struct bench_figure {
	const char *bench, *scene, *figure, *unit; /* scene: the case, a word C keeps for itself */
	double ours, peer;
	const char *peer_name; /* NULL: there is no peer */
	unsigned n;            /* ours and peer are medians of so many runs */
	const char *more;      /* further members, as they stand in JSON; NULL for none */
};

/* On stdout, at once. Texts are taken as they are: no quotes in them. */
void bench_figure_print(const struct bench_figure *figure);

/* Puts the values in order. count > 0. */
double bench_median(double *values, size_t count);
