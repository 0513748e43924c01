/*
 * api-defragment - which guests would have to move within their hosts so that one of this shape fits. Hosts
 * that have the room in all, but not in one piece, are asked for their snapshots, and policy/admit.h looks
 * for the moves. Nothing is done.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "fleet/answer.h"
#include "fleet/host-api.h"
#include "fleet/question.h"
#include "fleet/rank.h"
#include "model/codec.h"
#include "policy/admit.h"

#define HOSTS_MAX 8
#define MOVERS_MAX 2
#define TIMEOUT_MS 5000
#define SNAPSHOT_MAX (32u << 20)
#define STEPS 200000 /* 20 ms of a search */

struct defragment;

struct asked {
	struct defragment *all;
	char host[HN_FLEET_NAME_MAX];
	struct hn_http_call *asking; /* NULL: answered */
	json_object *proposal;       /* NULL: none */
	uint64_t move_bytes;
};

struct defragment {
	struct hn_fleet_call call;
	struct hn_guest *guest;
	size_t count, waiting;
	struct asked hosts[HOSTS_MAX];
	json_object *problems;
};

static void free_all(struct defragment *all)
{
	for (size_t i = 0; i < all->count; i++) {
		hn_http_cancel(all->hosts[i].asking);
		json_object_put(all->hosts[i].proposal);
	}
	json_object_put(all->problems);
	hn_guest_free(all->guest);
	free(all);
}

static void on_client_gone(void *context)
{
	free_all(context);
}

static int compare_asked(const void *a, const void *b)
{
	const struct asked *x = a, *y = b;

	if (x->move_bytes != y->move_bytes)
		return x->move_bytes < y->move_bytes ? -1 : 1;
	return strcmp(x->host, y->host);
}

static void answer(struct defragment *all, size_t fits)
{
	json_object *json = json_object_new_object(), *hosts = json_object_new_array();

	qsort(all->hosts, all->count, sizeof(all->hosts[0]), compare_asked);
	for (size_t i = 0; hosts && i < all->count; i++)
		if (all->hosts[i].proposal)
			json_object_array_add(hosts, hn_steal(all->hosts[i].proposal));
	if (json) {
		hn_json_add_u64(json, "fits_without_moves_on", fits);
		hn_json_add_u64(json, "asked", all->count);
		hn_json_add(json, "hosts", hosts);
		hn_json_add(json, "problems", hn_steal(all->problems));
	}
	hn_fleet_send(&all->call, 200, json);
	free_all(all);
}

static void note(struct defragment *all, const char *host, const char *detail)
{
	json_object *json = json_object_new_object();

	if (!json)
		return;
	hn_json_add_string(json, "host", host);
	hn_json_add_string(json, "detail", detail);
	json_object_array_add(all->problems, json);
}

static const char *name_of(const struct hn_snapshot *snapshot, size_t guest)
{
	return snapshot->guests[guest].guest->name;
}

static json_object *encode_move(const struct hn_snapshot *snapshot, const struct hn_admitted *admitted)
{
	const struct hn_guest_state *state = &snapshot->guests[admitted->guest];
	struct hn_set to = hn_placement_nodes(admitted->placement), from = {0};
	json_object *json = json_object_new_object();
	char text[HN_SET_TEXT_MAX];

	if (!json)
		return NULL;
	if (state->home)
		from = hn_placement_nodes(state->home);
	hn_json_add_string(json, "guest", name_of(snapshot, admitted->guest));
	hn_json_add_string(json, "from", hn_set_format(&from, text, sizeof(text)));
	hn_json_add_string(json, "to", hn_set_format(&to, text, sizeof(text)));
	return json;
}

static json_object *encode_proposal(const struct asked *asked, const struct hn_snapshot *snapshot,
				    const struct hn_admission *admission)
{
	json_object *json = json_object_new_object(), *moves = json_object_new_array();
	struct hn_set nodes = hn_placement_nodes(admission->guests[0].placement);
	char text[HN_SET_TEXT_MAX];

	for (size_t i = 1; moves && i < admission->count; i++)
		json_object_array_add(moves, encode_move(snapshot, &admission->guests[i]));
	if (!json)
		return NULL;
	hn_json_add_string(json, "host", asked->host);
	hn_json_add_string(json, "nodes", hn_set_format(&nodes, text, sizeof(text)));
	hn_json_add_u64(json, "move_bytes", admission->move_bytes);
	hn_json_add(json, "moves", moves);
	return json;
}

/* The host as it is, with the newcomer: who has to move? */
static int propose(struct asked *asked, json_object *json, struct hn_error *err)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = NULL;
	struct hn_solver_limits limits = {.steps = STEPS, .keep_free_bytes = 64 * HN_MIB};
	struct hn_admission admission = {0};
	struct hn_guest_state *state;
	json_object *options;
	int r = hn_snapshot_decode(json, &snapshot, err);

	if (r < 0)
		return r;
	if (hn_json_get_object(json, "options", &options, NULL) == 0)
		(void)hn_json_get_u64(options, "keep_free_bytes", &limits.keep_free_bytes, NULL);
	state = hn_snapshot_add(snapshot);
	if (!state || !(state->guest = hn_guest_copy(asked->all->guest)))
		return hn_oom(err);
	r = hn_admit(snapshot, snapshot->guest_count - 1, &limits, MOVERS_MAX, &admission, err);
	if (r == 0) {
		asked->move_bytes = admission.move_bytes;
		asked->proposal = encode_proposal(asked, snapshot, &admission);
	}
	hn_admission_done(&admission);
	return r;
}

static void on_snapshot(const struct hn_http_answer *answered, void *context)
{
	struct asked *asked = context;
	struct defragment *all = asked->all;
	HN_AUTO(json) json_object *json = NULL;
	struct hn_error err = answered->error;
	int r = err.code;

	asked->asking = NULL;
	if (answered->status && answered->status != 200)
		r = hn_fail(&err, -EREMOTEIO, "it answered %d", answered->status);
	else if (answered->status)
		r = hn_json_parse(answered->body, answered->length, "its snapshot", &json, &err);
	if (r == 0)
		r = propose(asked, json, &err);
	if (r < 0)
		note(all, asked->host, err.message);
	if (--all->waiting == 0) {
		hn_fleet_answer_now(&all->call);
		answer(all, 0);
	}
}

static int ask_host(struct defragment *all, const struct hn_fleet_record *record, struct hn_error *err)
{
	struct asked *asked = &all->hosts[all->count];
	char url[256];
	struct hn_http_ask ask = {.method = "GET",
				  .url = url,
				  .timeout_ms = TIMEOUT_MS,
				  .length_max = SNAPSHOT_MAX,
				  .done = on_snapshot,
				  .context = asked};
	int r = hn_fleet_host_url(record, "/v1/snapshot", url, sizeof(url), err);

	*asked = (struct asked){.all = all};
	strcpy(asked->host, record->host);
	if (r < 0 || (r = hn_http_start(all->call.service->hosts, &ask, &asked->asking, err)) < 0)
		return r;
	all->count++;
	all->waiting++;
	return 0;
}

struct candidate {
	uint64_t estimate, order;
	const struct hn_fleet_record *record;
};

static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->estimate != y->estimate)
		return x->estimate < y->estimate ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

/* Hosts with room enough in all, those that come nearest first. */
static int ask_hosts(struct defragment *all, struct hn_error *err)
{
	const struct hn_fleet_index *index = all->call.service->index;
	HN_AUTO(memory) struct hn_fleet_demand *demand = malloc(sizeof(*demand));
	HN_AUTO(memory) struct candidate *found = calloc(hn_fleet_index_count(index) + 1, sizeof(*found));
	size_t count = 0;
	int r = demand && found ? hn_fleet_demand_init(demand, all->guest, err) : hn_oom(err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < hn_fleet_index_groups(index); i++) {
		const struct hn_fleet_group *group = hn_fleet_index_group(index, i);

		for (size_t host = 0; host < group->count; host++) {
			struct candidate *candidate = &found[count];

			candidate->order = group->order[host];
			candidate->record = group->records[host];
			count += hn_fleet_estimate(group, host, demand, UINT64_MAX, &candidate->estimate) ==
				 HN_FLEET_POSSIBLE;
		}
	}
	qsort(found, count, sizeof(*found), compare_candidates);
	for (size_t i = 0; i < count && all->count < HOSTS_MAX; i++)
		if (ask_host(all, found[i].record, err) < 0)
			note(all, found[i].record->host, err->message);
	return 0;
}

/* *ret_fits: hosts that it fits on as they are, of those tried. */
static int begin(struct defragment *all, size_t *ret_fits, struct hn_error *err)
{
	HN_AUTO(memory) struct hn_fleet_ranking *ranking = calloc(1, sizeof(*ranking));
	HN_AUTO(json) json_object *json = NULL;
	struct hn_fleet_question question = {0};
	int r;

	all->problems = json_object_new_array();
	if (!ranking || !all->problems)
		return hn_oom(err);
	if ((r = hn_fleet_body(&all->call, &json, err)) < 0 ||
	    (r = hn_fleet_question_decode(json, &question, err)) < 0)
		return r;
	all->guest = question.guest;
	all->guest->mode = HN_MODE_ENFORCE;
	if ((r = hn_fleet_rank(all->call.service->index, all->guest, HOSTS_MAX, ranking, err)) < 0)
		return r;
	*ret_fits = ranking->count;
	hn_fleet_ranking_done(ranking);
	return *ret_fits ? 0 : ask_hosts(all, err);
}

void hn_fleet_api_defragment(struct hn_fleet_call *call)
{
	struct defragment *all;
	struct hn_error err = {0};
	size_t fits = 0;

	if (!hn_fleet_is_ready(call))
		return;
	all = calloc(1, sizeof(*all));
	if (all)
		all->call = *call;
	if ((all ? begin(all, &fits, &err) : hn_oom(&err)) < 0) {
		hn_fleet_send_failure(call, &err);
		if (all)
			free_all(all);
	} else if (all->waiting == 0) {
		answer(all, fits);
	} else {
		hn_fleet_keep(&all->call, on_client_gone, all);
	}
}
