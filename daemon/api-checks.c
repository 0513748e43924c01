/*
 * api-checks - the check of this host, over the API. The hands are asked first, so the answer comes later.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/checkup.h"
#include "daemon/hands-channel.h"
#include "daemon/open-call.h"
#include "host/doctor.h"
#include "model/codec.h"

struct check {
	struct hn_service *service;
	struct hn_open_call open;
};

static void on_client_gone(void *context)
{
	struct check *check = context;

	hn_hands_forget(check->service->hands, check);
	free(check);
}

static void answer(struct check *check, const struct hn_checkup *found, const struct hn_error *err)
{
	struct hn_call call = {.service = check->service, .request = hn_open_call_end(&check->open)};
	struct hn_checkup checkup = *found;
	struct hn_error why;

	if (!err && hn_checkup_add_known(check->service, &checkup, &why) < 0)
		err = &why;
	free(check);
	if (err)
		hn_call_send_failure(&call, err);
	else
		hn_call_send_json(&call, 200, "application/json", hn_checkup_encode(&checkup));
}

static void on_checkup_reply(int result, const void *body, size_t length, const struct hn_error *err,
			     void *context)
{
	struct hn_checkup checkup = {0};
	struct hn_error why;

	if (result == 0 && length != sizeof(checkup)) {
		hn_fail(&why, -EIO, "a check came back with %zu bytes", length);
		err = &why;
	} else if (result == 0) {
		memcpy(&checkup, body, sizeof(checkup));
	}
	answer(context, &checkup, err);
}

void hn_api_get_checks(const struct hn_call *call)
{
	struct check *check = calloc(1, sizeof(*check));
	struct hn_doctor_case known = {.reserved_cpus = call->service->config->reserved_cpus};
	struct hn_error err;

	if (!check) {
		hn_oom(&err);
		hn_call_send_failure(call, &err);
		return;
	}
	check->service = call->service;
	if (hn_hands_request(call->service->hands, HN_HANDS_CHECKUP,
			     &(struct hn_hands_part){&known, sizeof(known)}, 1, NULL, on_checkup_reply, check,
			     &err) < 0) {
		free(check);
		hn_call_send_failure(call, &err);
		return;
	}
	hn_open_call_begin(&check->open, call, on_client_gone, check);
}
