#pragma once
/*
 * course - the latest values of a share, for a picture of where it has been.
 */
#include <stdint.h>

#define HN_COURSE_MAX 16

/* Zeroed: empty. */
struct hn_course {
	unsigned count; /* kept */
	unsigned next;  /* where the next value goes */
	uint64_t taken_ns;
	double values[HN_COURSE_MAX];
};

/* A value of a look taken at that time; the look that was added last is not added twice. */
void hn_course_add(struct hn_course *course, uint64_t taken_ns, double value);

/* The value so many looks ago; 0 is the latest. ago < count. */
double hn_course_at(const struct hn_course *course, unsigned ago);
