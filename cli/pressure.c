#include "cli/pressure.h"

#include <string.h>

#include "base/json.h"

static bool read_part(json_object *pressure, const char *key, double *ret)
{
	json_object *part;
	double value;

	if (hn_json_get_object(pressure, key, &part, NULL) < 0 ||
	    hn_json_get_double(part, "some_avg10", &value, NULL) < 0 || !(value >= 0 && value <= 100))
		return false;
	*ret = value;
	return true;
}

void hn_pressure_read(json_object *host, struct hn_pressure *ret)
{
	json_object *pressure;

	memset(ret, 0, sizeof(*ret));
	if (!hn_json_has(host, "pressure") || hn_json_get_object(host, "pressure", &pressure, NULL) < 0)
		return;
	ret->cpu_known = read_part(pressure, "cpu", &ret->cpu);
	ret->memory_known = read_part(pressure, "memory", &ret->memory);
}
