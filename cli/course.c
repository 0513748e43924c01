#include "cli/course.h"

void hn_course_add(struct hn_course *course, uint64_t taken_ns, double value)
{
	if (course->count > 0 && course->taken_ns == taken_ns)
		return;
	course->taken_ns = taken_ns;
	course->values[course->next] = value;
	course->next = (course->next + 1) % HN_COURSE_MAX;
	if (course->count < HN_COURSE_MAX)
		course->count++;
}

double hn_course_at(const struct hn_course *course, unsigned ago)
{
	return course->values[(course->next + HN_COURSE_MAX - 1 - ago) % HN_COURSE_MAX];
}
