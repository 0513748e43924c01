#pragma once
/*
 * question - what somebody asks the fleet, as JSON: a guest as the API of a host knows it, or its sizes
 * alone.
 *
 *     {"guest": {...}}
 *     {"shape": {"vcpus": 4, "memory_bytes": 8589934592, "cells": 1, "class": "shared", "page_bytes": 0}}
 */
#include "base/json.h"
#include "model/guest.h"

struct hn_fleet_question {
	struct hn_guest *guest;
	uint64_t limit;       /* hosts in the answer */
	double vcpus_per_cpu; /* 0 not said */
};

/*
 * Reads and checks it; unknown members are refused, as a wish that is not heard is worse than none. limit
 * from 1 to 100, 10 where it is not said. -EPROTO, -EINVAL, -ENOMEM.
 */
int hn_fleet_question_decode(json_object *json, struct hn_fleet_question *ret, struct hn_error *err);
void hn_fleet_question_done(struct hn_fleet_question *question);
