#include "policy/pace.h"

#define PROPORTIONAL 0.2
#define INTEGRAL 0.3    /* a second */
#define DERIVATIVE 0.02 /* seconds */
#define ERROR_LEAST (-3.0)

static double clamp(double value, double least, double most)
{
	return value < least ? least : value > most ? most : value;
}

void hn_pace_init(struct hn_pace *pace)
{
	*pace = (struct hn_pace){.integral = 1};
}

double hn_pace_step(struct hn_pace *pace, double pressure, double seconds)
{
	double error = clamp(1 - pressure, ERROR_LEAST, 1), slope, wanted;

	if (!pace->begun) {
		hn_pace_init(pace);
		pace->last = error;
	}
	pace->begun = true;
	slope = seconds > 0 ? (error - pace->last) / seconds : 0;
	pace->last = error;
	wanted = PROPORTIONAL * error + pace->integral + DERIVATIVE * slope;
	/* what goes beyond what can be done is not remembered */
	if (!(wanted >= 1 && error > 0) && !(wanted <= HN_PACE_LEAST && error < 0))
		pace->integral = clamp(pace->integral + INTEGRAL * error * seconds, 0, 1);
	return clamp(PROPORTIONAL * error + pace->integral + DERIVATIVE * slope, HN_PACE_LEAST, 1);
}
