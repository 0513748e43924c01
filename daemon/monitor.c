#include "daemon/monitor.h"

#include <errno.h>
#include <string.h>

#include "daemon/hands-channel.h"
#include "daemon/make-up.h"

/* In a container threads have other numbers than here; both are kept. False when they are not those asked
 * for. */
static bool take_tids(struct hn_guest *guest, const void *body, size_t length)
{
	const int32_t *tids = body;

	if (length != guest->thread_count * sizeof(*tids))
		return false;
	for (size_t i = 0; i < guest->thread_count; i++) {
		if (guest->threads[i].tid != tids[i])
			guest->threads[i].tid_inside = guest->threads[i].tid;
		guest->threads[i].tid = tids[i];
	}
	return true;
}

static void on_identify_reply(int result, const void *body, size_t length, const struct hn_error *err,
			      void *context)
{
	struct hn_managed *managed = context;
	struct hn_hands_identity identity;

	managed->looking = false;
	if (result < 0) {
		hn_make_up_failed(managed, err);
		return;
	}
	if (!managed->guest)
		return;
	if (managed->look_generation != managed->generation || length < sizeof(identity) ||
	    !take_tids(managed->guest, (const char *)body + sizeof(identity), length - sizeof(identity))) {
		hn_managed_look_in(managed, 0); /* the make-up has changed since */
		return;
	}
	memcpy(&identity, body, sizeof(identity));
	hn_make_up_identified(managed, &identity.process, &identity.nodes);
}

/* Which process is it? The threads that QMP named tell, if they belong to whoever listens on the socket. */
static int request_identity(struct hn_managed *managed, struct hn_error *err)
{
	struct hn_hands_identify identify = {.uid = -1};
	int32_t tids[HN_HANDS_TIDS_MAX];
	pid_t peer;
	uid_t uid;

	for (size_t i = 0; i < managed->guest->thread_count && identify.tid_count < HN_HANDS_TIDS_MAX; i++)
		tids[identify.tid_count++] = managed->guest->threads[i].tid;
	if (identify.tid_count == 0)
		return hn_fail(err, -ENOENT, "QMP named none of its threads");
	if (managed->socket && hn_qmp_peer(managed->qmp, &peer, &uid, NULL) == 0) {
		identify.uid = uid;
		identify.told_by = peer;
	}
	managed->look_generation = managed->generation;
	return hn_hands_request(managed->service->hands, HN_HANDS_IDENTIFY,
				(struct hn_hands_part[]){{&identify, sizeof(identify)},
							 {tids, identify.tid_count * sizeof(tids[0])}},
				2, NULL, on_identify_reply, managed, err);
}

void hn_monitor_identify(struct hn_managed *managed)
{
	struct hn_error err;

	if (managed->looking)
		return;
	if (request_identity(managed, &err) < 0)
		hn_make_up_failed(managed, &err);
	else
		managed->looking = true;
}

static void on_introspect_done(struct hn_introspect_result *result, const struct hn_error *err, void *context)
{
	struct hn_managed *managed = context;

	managed->introspection = NULL;
	if (!result) {
		hn_make_up_failed(managed, err);
		return;
	}
	if (!hn_make_up_take(managed, hn_steal(result->guest)))
		return;
	for (size_t i = 0; i < result->note_count; i++)
		hn_log(HN_LOG_INFO, "guest '%s': %s", managed->name, result->notes[i]);
	hn_monitor_identify(managed);
}

void hn_monitor_introspect(struct hn_managed *managed)
{
	struct hn_error err;

	if (hn_introspect_start(managed->qmp, managed->name, on_introspect_done, managed,
				&managed->introspection, &err) < 0)
		hn_managed_set_problem(managed, &err);
}

static void on_qmp_ready(struct hn_qmp *qmp, void *context)
{
	struct hn_managed *managed = context;

	hn_introspect_cancel(hn_steal(managed->introspection));
	hn_monitor_introspect(managed);
}

static void on_qmp_down(struct hn_qmp *qmp, const struct hn_error *why, uint64_t retry_ns, void *context)
{
	struct hn_managed *managed = context;

	hn_introspect_cancel(hn_steal(managed->introspection));
	hn_managed_set_problem(managed, why);
}

static void on_qmp_event(struct hn_qmp *qmp, const char *name, json_object *data, void *context)
{
	static const struct {
		const char *name;
		enum hn_run_state state;
	} changes[] = {{"STOP", HN_RUN_PAUSED}, {"RESUME", HN_RUN_RUNNING}, {"SHUTDOWN", HN_RUN_SHUTDOWN}};
	struct hn_managed *managed = context;

	hn_log(HN_LOG_DEBUG, "guest '%s': event %s", managed->name, name);
	for (size_t i = 0; i < HN_COUNT(changes); i++)
		if (strcmp(changes[i].name, name) == 0)
			hn_managed_set_run_state(managed, changes[i].state);
	if (hn_introspect_event_matters(name))
		hn_make_up_soon(managed);
}

int hn_monitor_new(struct hn_managed *managed, struct hn_error *err)
{
	const struct hn_qmp_listener listener = {on_qmp_ready, on_qmp_down, on_qmp_event, managed};

	int r = hn_qmp_new(managed->service->base, managed->name, managed->socket, HN_QMP_MONITOR, NULL,
			   &listener, &managed->qmp, err);

	if (r == 0)
		hn_qmp_set_opener(managed->qmp, &managed->service->opener.qmp);
	return r;
}

int hn_monitor_new_from_fd(struct hn_managed *managed, int fd, struct hn_error *err)
{
	const struct hn_qmp_listener listener = {on_qmp_ready, on_qmp_down, on_qmp_event, managed};

	return hn_qmp_new_from_fd(managed->service->base, managed->name, fd, HN_QMP_MONITOR, NULL, &listener,
				  &managed->qmp, err);
}
