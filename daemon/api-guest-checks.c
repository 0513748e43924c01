/*
 * api-guest-checks - the check of one guest, over the API: what the hands read of its process and CPUs, and
 * what the last look at it tells. The hands are asked first, so the answer comes later.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/checkup.h"
#include "daemon/hands-channel.h"
#include "daemon/open-call.h"
#include "host/doctor.h"
#include "model/codec.h"
#include "policy/conditions.h"

struct check {
	struct hn_service *service;
	struct hn_open_call open;
	struct hn_process process; /* of the guest that was asked about */
	struct hn_checkup found;
};

static void on_client_gone(void *context)
{
	struct check *check = context;

	hn_hands_forget(check->service->hands, check);
	free(check);
}

static struct hn_managed *guest_of(const struct check *check)
{
	struct hn_managed *managed;

	TAILQ_FOREACH(managed, &check->service->guests, entry)
	if (managed->guest && managed->guest->pid == check->process.pid &&
	    managed->guest->start_ticks == check->process.start_ticks)
		return managed;
	return NULL;
}

static int add_conditions(struct check *check, struct hn_error *err)
{
	const struct hn_managed *managed = guest_of(check);

	if (!managed)
		return hn_fail(err, -ESRCH, "the guest has ended meanwhile");
	return hn_checkup_add_conditions(managed, &check->found, err);
}

static void on_examine_reply(int result, const void *body, size_t length, const struct hn_error *err,
			     void *context)
{
	struct check *check = context;
	struct hn_call call = {.service = check->service, .request = hn_open_call_end(&check->open)};
	struct hn_error why;

	if (result == 0 && length != sizeof(check->found)) {
		hn_fail(&why, -EIO, "a check came back with %zu bytes", length);
		err = &why;
	} else if (result == 0) {
		memcpy(&check->found, body, sizeof(check->found));
		if (add_conditions(check, &why) < 0)
			err = &why;
	}
	if (err)
		hn_call_send_failure(&call, err);
	else
		hn_call_send_json(&call, 200, "application/json", hn_checkup_encode(&check->found));
	free(check);
}

static int start(const struct hn_call *call, const struct hn_managed *managed, struct check *check,
		 struct hn_error *err)
{
	const struct hn_guest *guest = managed->guest;
	const char *problem = hn_managed_problem(managed);
	struct hn_doctor_guest known;

	if (!guest || !managed->identified)
		return hn_fail(err, -EAGAIN, "%s",
			       problem ? problem : "its process is not known yet: try again in a moment");
	if (!check)
		return hn_oom(err);
	known = (struct hn_doctor_guest){
		.process = {guest->pid, guest->start_ticks},
		.cpus = hn_vcpu_cpus(guest, managed->sample),
		.realtime = guest->class == HN_CLASS_REALTIME,
		.bound = hn_is_passed_by_balancing(guest),
	};
	check->service = call->service;
	check->process = known.process;
	return hn_hands_request(call->service->hands, HN_HANDS_EXAMINE,
				&(struct hn_hands_part){&known, sizeof(known)}, 1, NULL, on_examine_reply,
				check, err);
}

void hn_api_get_guest_checks(const struct hn_call *call)
{
	const struct hn_managed *managed = hn_call_guest(call);
	struct check *check;
	struct hn_error err;

	if (!managed)
		return;
	check = calloc(1, sizeof(*check));
	if (start(call, managed, check, &err) < 0) {
		free(check);
		hn_call_send_failure(call, &err);
		return;
	}
	hn_open_call_begin(&check->open, call, on_client_gone, check);
}
