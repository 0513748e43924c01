#include "policy/explain-words.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void hn_say(char *text, size_t size, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, size - used, format, args);
	va_end(args);
}

/* Mean distance from a node to those of a set. */
static double distance_to(const struct hn_host *host, size_t node, const struct hn_set *nodes)
{
	double sum = 0;
	int count = 0;

	for (size_t i = 0; i < host->node_count; i++) {
		if (hn_set_has(nodes, host->nodes[i].id)) {
			sum += hn_host_distance(host, node, i);
			count++;
		}
	}
	return count ? sum / count : 0;
}

/* Mean distance from all nodes of one set to all of another. */
static double distance_between(const struct hn_host *host, const struct hn_set *from, const struct hn_set *to)
{
	double sum = 0;
	int count = 0;

	for (size_t i = 0; i < host->node_count; i++) {
		if (hn_set_has(from, host->nodes[i].id)) {
			sum += distance_to(host, i, to);
			count++;
		}
	}
	return count ? sum / count : 0;
}

static void say_distance(char *text, size_t size, double before, double after, const char *what)
{
	double change = after - before;

	if (fabs(change) < 0.05)
		return;
	hn_say(text, size, "%s%.3g %s %s", *text ? ", " : "", fabs(change),
	       change > 0 ? "further from" : "nearer to", what);
}

/* What gets nearer or further for a cell that goes from its home to a node. */
void hn_say_distances(const struct hn_host *host, const struct hn_guest *guest,
		      const struct hn_placement *home, size_t cell, size_t node, char *text, size_t size)
{
	const struct hn_set *from = &home->cells[cell].nodes;
	struct hn_set there = hn_set_of(host->nodes[node].id);
	char what[64];

	for (size_t i = 0; i < home->cell_count; i++) {
		const struct hn_set *other = &home->cells[i].nodes;

		snprintf(what, sizeof(what), "cell %d", home->cells[i].cell);
		if (i != cell)
			say_distance(text, size, distance_between(host, from, other),
				     distance_between(host, &there, other), what);
	}
	for (size_t i = 0; i < guest->device_count; i++) {
		const struct hn_device *device = hn_host_device(host, guest->devices[i]);
		struct hn_set at = hn_set_of(device ? device->node : -1);

		snprintf(what, sizeof(what), "device %s", guest->devices[i]);
		if (!hn_set_empty(&at))
			say_distance(text, size, distance_between(host, from, &at),
				     distance_between(host, &there, &at), what);
	}
}

void hn_say_parts(const int64_t *more, const char *distances, char *text, size_t size)
{
	static const struct {
		const char *name, *unit;
	} parts[HN_COST_PARTS] = {{"remote", ""},
				  {"CPU overload", " vCPUs"},
				  {"bandwidth overload", " MiB/s"},
				  {"fragmentation", ""},
				  {"to migrate", " MiB"}};
	const char *between = " ";

	for (size_t i = 0; i < HN_COST_PARTS; i++) {
		if (more[i] == 0)
			continue;
		hn_say(text, size, "%s%s %+lld%s", between, parts[i].name, (long long)more[i], parts[i].unit);
		if (i == HN_COST_REMOTE && *distances)
			hn_say(text, size, " (%s)", distances);
		between = ", ";
	}
}
