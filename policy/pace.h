#pragma once
/*
 * pace - how much of its allowed rate a migration is to use while memory is under pressure. Pure: no I/O,
 * clock, logging or globals.
 *
 * A PID controller, as FreeBSD's page daemon has one on free pages. Pressure is a share of what is tolerable:
 * 1 is the limit, 0 none at all. The factor it returns multiplies rates and duties.
 *
 * How it behaves (tests/unit/policy/test-pace.c), asked every quarter of a second, where the full rate makes
 * up to five times the tolerable pressure, which follows the rate with a lag of 0.3 to 2 seconds:
 *   - from the full rate pressure first goes over the limit, since nothing is known yet: after 10 s it is
 * within 5 % of it, and never more than 5 % over it again;
 *   - below the limit the factor stays 1;
 *   - however long and high pressure was, the factor is 1 again within 5 s of its end (nothing winds up);
 *   - under endless pressure HN_PACE_LEAST is left, so that what has begun ends some day.
 */
#include <stdbool.h>

#define HN_PACE_LEAST 0.02

struct hn_pace {
	bool begun;
	double integral; /* 0..1 */
	double last;     /* error at the last step */
};

/* At full rate; a zeroed one will do as well. */
void hn_pace_init(struct hn_pace *pace);

/* The factor for the next seconds, HN_PACE_LEAST..1, after that many seconds under that pressure. */
double hn_pace_step(struct hn_pace *pace, double pressure, double seconds);
