#pragma once
/*
 * newcomer - a guest that a client of the API tells of before it starts.
 */
#include <json-c/json.h>

#include "daemon/service.h"
#include "model/guest.h"

/*
 * Reads {"name", "uuid", and either "domain": XML or "vcpus", "memory_bytes", "cells", "class",
 * "page_bytes"}; other names members that the caller reads itself, separated by blanks. What the
 * configuration says of a guest of that name is applied. The caller frees *ret. -EINVAL, -EPROTO with the
 * member that is wrong, -ENOMEM.
 */
int hn_newcomer_read(struct hn_service *service, json_object *json, const char *other, struct hn_guest **ret,
		     struct hn_error *err);
