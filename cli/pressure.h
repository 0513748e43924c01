#pragma once
/*
 * pressure - how much tasks of the host waited for CPUs and memory, as the kernel tells it in /proc/pressure:
 * per cent of the last 10 seconds in which some task waited.
 */
#include <json-c/json.h>
#include <stdbool.h>

struct hn_pressure {
	bool cpu_known, memory_known;
	double cpu, memory; /* 0..100 */
};

/*
 * From the member "pressure" of a host, {"cpu": {"some_avg10": N}, "memory": {"some_avg10": N}}. It may be
 * missing, or any part of it; what is not a number between 0 and 100 is unknown.
 */
void hn_pressure_read(json_object *host, struct hn_pressure *ret);
