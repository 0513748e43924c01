#include "daemon/draining.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "daemon/decision.h"
#include "daemon/events.h"
#include "daemon/operation.h"

#define TEXT_MAX 1024

static void path_of(const struct hn_service *service, char *path, size_t size)
{
	const char *slash = strrchr(service->config->socket, '/');

	snprintf(path, size, "%.*s/draining", slash ? (int)(slash - service->config->socket) : 1,
		 slash ? service->config->socket : ".");
}

static struct hn_set nodes_of(const struct hn_service *service)
{
	struct hn_set nodes = {0};

	for (size_t i = 0; i < service->host->node_count; i++)
		if (service->host->nodes[i].draining)
			hn_set_add(&nodes, service->host->nodes[i].id);
	return nodes;
}

static int read_file(const char *path, struct hn_set *ret, struct hn_error *err)
{
	HN_AUTO(file) FILE *file = fopen(path, "re");
	char text[TEXT_MAX] = "";

	if (!file)
		return hn_fail_errno(err, -errno, "cannot read %s", path);
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	return hn_set_parse(text, ret, err);
}

void hn_draining_load(struct hn_service *service)
{
	struct hn_set nodes = {0};
	struct hn_error err;
	char path[200];

	path_of(service, path, sizeof(path));
	if (read_file(path, &nodes, &err) < 0 && err.code != -ENOENT)
		hn_log(HN_LOG_WARNING, "which nodes are being drained is not known any more: %s: %s", path,
		       err.message);
	for (size_t i = 0; i < service->host->node_count; i++) {
		struct hn_node *node = &service->host->nodes[i];

		node->draining = hn_set_has(&nodes, node->id);
		if (node->draining)
			hn_log(HN_LOG_INFO, "node %d is still being drained", node->id);
	}
}

/* As a whole or not at all. */
static int write_file(const struct hn_service *service, struct hn_error *err)
{
	const struct hn_set nodes = nodes_of(service);
	char path[200], draft[208], text[TEXT_MAX];
	HN_AUTO(file) FILE *file = NULL;

	path_of(service, path, sizeof(path));
	snprintf(draft, sizeof(draft), "%s.new", path);
	hn_set_format(&nodes, text, sizeof(text));
	file = fopen(draft, "we");
	if (file && fprintf(file, "%s\n", text) > 0 && fflush(file) == 0 && rename(draft, path) == 0)
		return 0;
	hn_fail(err, -EIO, "cannot write %s: %s", path, strerror(errno));
	unlink(draft);
	return -EIO;
}

static void tell(struct hn_service *service, const struct hn_node *node, const char *state)
{
	json_object *json = json_object_new_object();

	if (json) {
		hn_json_add_int(json, "node", node->id);
		hn_json_add_string(json, "state", state);
	}
	hn_event_emit(service, HN_EVENT_DRAIN, "", json);
}

static int mark(struct hn_service *service, size_t node, bool draining, struct hn_error *err)
{
	struct hn_node *marked = &service->host->nodes[node];
	struct hn_managed *managed;
	bool before = marked->draining;

	marked->draining = draining;
	if (write_file(service, err) < 0) {
		marked->draining = before;
		return -EIO;
	}
	TAILQ_FOREACH(managed, &service->guests, entry)
	managed->drain_tries = 0;
	if (before == draining)
		return 0;
	hn_set_remove(&service->drained, marked->id);
	hn_log(HN_LOG_INFO, "node %d is %s", marked->id,
	       draining ? "being drained" : "no longer being drained");
	tell(service, marked, draining ? "begun" : "ended");
	return 0;
}

int hn_draining_check(const struct hn_service *service, size_t node, struct hn_error *err)
{
	struct hn_set homes = hn_host_home_nodes(service->host), others = nodes_of(service);
	int id = service->host->nodes[node].id;

	hn_set_subtract(&homes, &others);
	hn_set_remove(&homes, id);
	return hn_set_empty(&homes)
		       ? hn_fail(err, -ENOSPC,
				 "what is on node %d has nowhere to go: no other node has CPUs and memory%s",
				 id, hn_set_empty(&others) ? "" : " and is not being drained as well")
		       : 0;
}

int hn_draining_plan(struct hn_service *service, size_t node, struct hn_drain *ret,
		     struct hn_snapshot *ret_snapshot, struct hn_error *err)
{
	const struct hn_decide_options options = hn_decision_options(service, true);
	const struct hn_set nodes = hn_set_of(service->host->nodes[node].id);
	size_t ignored;
	int r = hn_decision_snapshot(service, NULL, ret_snapshot, &ignored, err);

	*ret = (struct hn_drain){0};
	if (r < 0)
		return r;
	if (!service->host->nodes[node].draining) {
		ret_snapshot->host = hn_host_copy(service->host);
		if (ret_snapshot->host)
			ret_snapshot->host->nodes[node].draining = true;
		else
			r = hn_oom(err);
	}
	if (r == 0)
		r = hn_drain_plan(ret_snapshot, &nodes, &options, ret, err);
	if (r < 0) {
		free(hn_steal(ret_snapshot->guests));
		if (ret_snapshot->host != service->host)
			hn_host_free(hn_steal(ret_snapshot->host));
	}
	return r;
}

static int begin_one(struct hn_managed *managed, const struct hn_plan *plan, struct hn_error *err)
{
	struct hn_plan *copy;

	if (managed->running) /* being stopped: its next look decides for the drain */
		return hn_fail(err, -EBUSY, "operation %llu on it ends first",
			       (unsigned long long)managed->operation.id);
	copy = hn_plan_copy(plan);
	managed->drain_tries++;
	return copy ? hn_decision_act(managed, copy, err) : hn_oom(err);
}

/* What is on its way to the node when it begins to drain is stopped; it is decided anew by the next look. */
static void stop_arrivals(struct hn_service *service, int node)
{
	struct hn_managed *managed;
	struct hn_error ignored;
	char why[HN_REASON_MAX];

	snprintf(why, sizeof(why), "stopped, as node %d is drained", node);
	TAILQ_FOREACH(managed, &service->guests, entry)
	{
		if (hn_operation_goes_to(managed, node))
			hn_operation_cancel(managed, why, &ignored);
	}
}

int hn_draining_begin(struct hn_service *service, size_t node, const struct hn_drain *drain,
		      const struct hn_snapshot *snapshot, unsigned *ret_begun, struct hn_error *err)
{
	int r = mark(service, node, true, err);

	*ret_begun = 0;
	if (r == 0)
		stop_arrivals(service, service->host->nodes[node].id);
	for (size_t i = 0; i < drain->count && r == 0; i++) {
		const struct hn_leaving *leaving = &drain->guests[i];
		struct hn_managed *managed =
			hn_managed_find(service, snapshot->guests[leaving->guest].guest->name);
		struct hn_error why;

		if (!managed || leaving->plan->verdict != HN_VERDICT_ACT)
			continue;
		if (begin_one(managed, leaving->plan, &why) == 0)
			++*ret_begun;
		else if (why.code != -EBUSY)
			hn_managed_set_problem(managed, &why);
	}
	if (r == 0)
		hn_draining_review(service);
	return r;
}

int hn_draining_end(struct hn_service *service, size_t node, struct hn_error *err)
{
	return mark(service, node, false, err);
}

static bool lingers(const struct hn_managed *managed, const struct hn_set *nodes)
{
	const struct hn_guest_state state = {
		.guest = managed->guest, .sample = managed->sample, .home = managed->home};
	struct hn_lingering ignored;

	return managed->guest && hn_drain_lingers(managed->service->host, &state, nodes, &ignored);
}

bool hn_draining_any(const struct hn_service *service, const struct hn_set *nodes)
{
	struct hn_set draining = nodes_of(service);

	hn_set_and(&draining, nodes);
	return !hn_set_empty(&draining);
}

static bool is_expected_on(const struct hn_reservation *reservation, int node)
{
	struct hn_set home = hn_placement_nodes(reservation->home);

	return reservation->state != HN_RESERVATION_PARKED && !reservation->seen && hn_set_has(&home, node);
}

bool hn_draining_is_empty(const struct hn_service *service, size_t node)
{
	const int id = service->host->nodes[node].id;
	const struct hn_set nodes = hn_set_of(id);
	const struct hn_managed *managed;
	const struct hn_reserved *item;

	TAILQ_FOREACH(managed, &service->guests, entry)
	if (hn_operation_leaves(managed, id) || lingers(managed, &nodes))
		return false;
	TAILQ_FOREACH(item, &service->reservations.list, entry)
	if (is_expected_on(item->reservation, id))
		return false;
	return true;
}

/* It settles like any other. What has brought most of what it was to bring was no vain try; what was
 * cancelled is not to be tried. */
static bool may_try(struct hn_managed *managed)
{
	const struct hn_operation *last = &managed->operation;

	if (managed->running || hn_now_ns() < managed->looks.settle_until_ns)
		return false;
	if (managed->drain_tries > 0 && last->state == HN_OPERATION_CANCELLED)
		managed->drain_tries = HN_DRAIN_TRIES;
	else if (last->moved_bytes > 0 && 2 * last->moved_bytes >= last->to_move_bytes)
		managed->drain_tries = 0;
	return managed->drain_tries < HN_DRAIN_TRIES;
}

int hn_draining_heed(struct hn_managed *managed, struct hn_plan **plan, struct hn_error *err)
{
	const struct hn_decide_options options = hn_decision_options(managed->service, true);
	const struct hn_set nodes = nodes_of(managed->service);
	HN_AUTO(hn_plan) struct hn_plan *leave = NULL;
	struct hn_snapshot snapshot;
	size_t index = 0;
	int r;

	if (hn_set_empty(&nodes) || !lingers(managed, &nodes) || !may_try(managed))
		return 0;
	r = hn_decision_snapshot(managed->service, managed, &snapshot, &index, err);
	if (r == 0) {
		r = hn_drain_plan_guest(&snapshot, index, &nodes, &options, &leave, err);
		free(snapshot.guests);
	}
	if (r < 0 || !leave || leave->verdict != HN_VERDICT_ACT)
		return r;
	hn_plan_free(*plan);
	*plan = hn_steal(leave);
	return 1;
}

void hn_draining_review(struct hn_service *service)
{
	for (size_t i = 0; i < service->host->node_count; i++) {
		const struct hn_node *node = &service->host->nodes[i];
		bool empty;

		if (!node->draining)
			continue;
		empty = hn_draining_is_empty(service, i);
		if (empty && !hn_set_has(&service->drained, node->id)) {
			hn_log(HN_LOG_INFO, "node %d is drained: nothing of any guest is left there",
			       node->id);
			tell(service, node, "drained");
			hn_set_add(&service->drained, node->id);
		} else if (!empty) {
			hn_set_remove(&service->drained, node->id);
		}
	}
}
