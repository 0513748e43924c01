#include "fleet/question.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "model/check.h"
#include "model/codec.h"
#include "model/request.h"

#define LIMIT_DEFAULT 10
#define LIMIT_MAX 100

static int refuse_unknown(json_object *json, const char *const *known, size_t count, struct hn_error *err)
{
	json_object_object_foreach(json, key, value)
	{
		bool found = false;

		(void)value;
		for (size_t i = 0; i < count && !found; i++)
			found = strcmp(key, known[i]) == 0;
		if (!found)
			return hn_fail(err, -EINVAL, "unknown member '%.40s'", key);
	}
	return 0;
}

static int get_number(json_object *json, const char *key, uint64_t least, uint64_t most, uint64_t *ret,
		      struct hn_error *err)
{
	int r = hn_json_has(json, key) ? hn_json_get_u64(json, key, ret, err) : 0;

	if (r == 0 && (*ret < least || *ret > most))
		r = hn_fail(err, -EINVAL, "member '%s' is not within %llu and %llu", key,
			    (unsigned long long)least, (unsigned long long)most);
	return r;
}

static int decode_shape(json_object *json, struct hn_guest **ret, struct hn_error *err)
{
	static const char *const known[] = {"vcpus", "memory_bytes", "cells", "class", "page_bytes"};
	struct hn_request request = {.cells = 1};
	uint64_t vcpus = 0, cells = 1;
	const char *class;
	int r;

	if ((r = refuse_unknown(json, known, HN_COUNT(known), err)) < 0 ||
	    (r = get_number(json, "vcpus", 1, HN_REQUEST_VCPUS_MAX, &vcpus, err)) < 0 ||
	    (r = hn_json_get_u64(json, "memory_bytes", &request.memory_bytes, err)) < 0 ||
	    (r = get_number(json, "cells", 1, HN_REQUEST_CELLS_MAX, &cells, err)) < 0 ||
	    (r = get_number(json, "page_bytes", 0, UINT64_MAX, &request.page_bytes, err)) < 0)
		return r;
	if (hn_json_has(json, "class") && ((r = hn_json_get_string(json, "class", &class, err)) < 0 ||
					   (r = hn_class_parse(class, &request.class, err)) < 0))
		return hn_error_prefix(err, "class");
	request.vcpus = (unsigned)vcpus;
	request.cells = (unsigned)cells;
	return hn_request_guest(&request, "newcomer", ret, err);
}

static int decode_guest(json_object *json, struct hn_guest **ret, struct hn_error *err)
{
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
	int r = hn_guest_decode(json, &guest, err);

	if (r < 0 || (r = hn_guest_check(guest, err)) < 0)
		return hn_error_prefix(err, "guest");
	*ret = hn_steal(guest);
	return 0;
}

int hn_fleet_question_decode(json_object *json, struct hn_fleet_question *ret, struct hn_error *err)
{
	static const char *const known[] = {"guest", "shape", "limit", "vcpus_per_cpu"};
	struct hn_fleet_question question = {.limit = LIMIT_DEFAULT};
	json_object *part;
	int r;

	if ((r = refuse_unknown(json, known, HN_COUNT(known), err)) < 0 ||
	    (r = get_number(json, "limit", 1, LIMIT_MAX, &question.limit, err)) < 0 ||
	    (hn_json_has(json, "vcpus_per_cpu") &&
	     (r = hn_json_get_double(json, "vcpus_per_cpu", &question.vcpus_per_cpu, err)) < 0))
		return r;
	if (!(question.vcpus_per_cpu >= 0 && question.vcpus_per_cpu <= 1000))
		return hn_fail(err, -EINVAL, "member 'vcpus_per_cpu' is not within 0 and 1000");
	if (hn_json_has(json, "guest") == hn_json_has(json, "shape"))
		return hn_fail(err, -EINVAL, "say either 'guest' or 'shape'");
	if (hn_json_has(json, "guest"))
		r = hn_json_get_object(json, "guest", &part, err) < 0
			    ? -EPROTO
			    : decode_guest(part, &question.guest, err);
	else
		r = hn_json_get_object(json, "shape", &part, err) < 0
			    ? -EPROTO
			    : decode_shape(part, &question.guest, err);
	if (r == 0)
		*ret = question;
	return r;
}

void hn_fleet_question_done(struct hn_fleet_question *question)
{
	hn_guest_free(question->guest);
	question->guest = NULL;
}
