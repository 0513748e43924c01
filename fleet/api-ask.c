/*
 * api-ask - where would this guest go, and how many of it: over the API, from memory alone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "fleet/answer.h"
#include "fleet/count.h"
#include "fleet/question.h"
#include "fleet/rank.h"

static const struct hn_fleet_record *record_of(const struct hn_fleet_place *place)
{
	return place->group->records[place->host];
}

static json_object *encode_cost(const struct hn_cost *cost)
{
	json_object *json = json_object_new_object();

	for (int part = 0; json && part < HN_COST_PARTS; part++)
		hn_json_add_u64(json, hn_cost_part_name((enum hn_cost_part)part), cost->parts[part]);
	return json;
}

static json_object *encode_cells(const struct hn_placement *placement)
{
	json_object *array = json_object_new_array();
	char text[HN_SET_TEXT_MAX];

	for (size_t i = 0; array && i < placement->cell_count; i++) {
		json_object *cell = json_object_new_object();

		if (!cell)
			break;
		hn_json_add_int(cell, "cell", placement->cells[i].cell);
		hn_json_add_string(cell, "nodes",
				   hn_set_format(&placement->cells[i].nodes, text, sizeof(text)));
		json_object_array_add(array, cell);
	}
	return array;
}

static void add_reason(json_object *array, const char *text)
{
	json_object *value = hn_json_new_string(text);

	if (array && value)
		json_object_array_add(array, value);
}

static json_object *encode_reasons(const struct hn_fleet_choice *choice)
{
	const struct hn_fleet_record *record = record_of(&choice->place);
	const struct hn_placement *home = choice->placement;
	struct hn_set nodes = hn_placement_nodes(home);
	char text[HN_SET_TEXT_MAX], sentence[HN_REASON_MAX];
	json_object *array = json_object_new_array();
	size_t split = 0;

	for (size_t i = 0; i < home->cell_count; i++)
		split += hn_set_count(&home->cells[i].nodes) > 1;
	hn_set_format(&nodes, text, sizeof(text));
	if (split)
		snprintf(sentence, sizeof(sentence),
			 "%zu of its cells would lie on several nodes each (%.60s)", split, text);
	else
		snprintf(sentence, sizeof(sentence), "each cell wholly on one node (%.60s)", text);
	add_reason(array, sentence);
	if (home->cost.parts[HN_COST_REMOTE]) {
		snprintf(sentence, sizeof(sentence),
			 "its parts are %llu above local distance from each other",
			 (unsigned long long)home->cost.parts[HN_COST_REMOTE]);
		add_reason(array, sentence);
	}
	if (home->cost.parts[HN_COST_CPU]) {
		snprintf(sentence, sizeof(sentence),
			 "%llu vCPUs more than CPUs on its nodes, others' included",
			 (unsigned long long)home->cost.parts[HN_COST_CPU]);
		add_reason(array, sentence);
	}
	if (!home->proven)
		add_reason(array, "the search was cut short: a better place on this host may exist");
	if (record->failed)
		add_reason(array, "checks of this host fail");
	return array;
}

static json_object *encode_choice(const struct hn_fleet_choice *choice)
{
	const struct hn_fleet_record *record = record_of(&choice->place);
	json_object *json = json_object_new_object();

	if (!json)
		return NULL;
	hn_json_add_string(json, "host", record->host);
	hn_json_add_string(json, "api", record->api);
	hn_json_add_u64(json, "generation", record->generation);
	hn_json_add_string(json, "health", hn_fleet_health_name(record));
	hn_json_add(json, "cost", encode_cost(&choice->placement->cost));
	hn_json_add(json, "cells", encode_cells(choice->placement));
	hn_json_add(json, "reasons", encode_reasons(choice));
	return json;
}

static json_object *encode_ranking(const struct hn_fleet_service *service,
				   const struct hn_fleet_ranking *ranking)
{
	json_object *json = json_object_new_object(), *hosts = json_object_new_array();
	json_object *refused = json_object_new_object();

	for (size_t i = 0; hosts && i < ranking->count; i++)
		json_object_array_add(hosts, encode_choice(&ranking->hosts[i]));
	for (int i = 0; refused && i < HN_FLEET_REFUSAL_COUNT; i++)
		if (i != HN_FLEET_POSSIBLE)
			hn_json_add_u64(refused, hn_fleet_refusal_name((enum hn_fleet_refusal)i),
					ranking->refused[i]);
	if (!json)
		return NULL;
	hn_json_add_u64(json, "revision", (uint64_t)hn_mirror_state(service->mirror).revision);
	hn_json_add_u64(json, "scanned", ranking->scanned);
	hn_json_add_u64(json, "possible", ranking->possible);
	hn_json_add_u64(json, "solved", ranking->solved);
	hn_json_add_bool(json, "partial", ranking->partial);
	hn_json_add(json, "refused", refused);
	hn_json_add(json, "hosts", hosts);
	return json;
}

static int read_question(const struct hn_fleet_call *call, struct hn_fleet_question *ret,
			 struct hn_error *err)
{
	HN_AUTO(json) json_object *json = NULL;
	int r = hn_fleet_body(call, &json, err);

	return r < 0 ? r : hn_fleet_question_decode(json, ret, err);
}

void hn_fleet_api_rank(struct hn_fleet_call *call)
{
	HN_AUTO(memory) struct hn_fleet_ranking *ranking = calloc(1, sizeof(*ranking));
	struct hn_fleet_question question = {0};
	struct hn_error err = {0};
	uint64_t begun = hn_fleet_now_ns();

	if (!hn_fleet_is_ready(call))
		return;
	if ((ranking ? read_question(call, &question, &err) : hn_oom(&err)) < 0 ||
	    hn_fleet_rank(call->service->index, question.guest, question.limit, ranking, &err) < 0) {
		hn_fleet_send_failure(call, &err);
	} else {
		hn_fleet_send(call, 200, encode_ranking(call->service, ranking));
		hn_fleet_ranking_done(ranking);
		call->service->tally.ranks++;
		call->service->tally.rank_ns += hn_fleet_now_ns() - begun;
	}
	hn_fleet_question_done(&question);
}

static json_object *encode_total(const struct hn_fleet_service *service, const struct hn_fleet_total *total)
{
	json_object *json = json_object_new_object(), *hosts = json_object_new_array();

	for (size_t i = 0; hosts && i < total->share_count; i++) {
		json_object *share = json_object_new_object();

		if (!share)
			break;
		hn_json_add_string(share, "host", record_of(&total->shares[i].place)->host);
		hn_json_add_u64(share, "count", total->shares[i].count);
		hn_json_add_u64(share, "at_most", total->shares[i].at_most);
		json_object_array_add(hosts, share);
	}
	if (!json)
		return NULL;
	hn_json_add_u64(json, "revision", (uint64_t)hn_mirror_state(service->mirror).revision);
	hn_json_add_u64(json, "scanned", total->scanned);
	hn_json_add_u64(json, "count", total->count);
	hn_json_add_u64(json, "at_most", total->at_most);
	hn_json_add_u64(json, "on_hosts", total->hosts);
	hn_json_add(json, "hosts", hosts);
	return json;
}

void hn_fleet_api_count(struct hn_fleet_call *call)
{
	HN_AUTO(memory) struct hn_fleet_total *total = calloc(1, sizeof(*total));
	struct hn_fleet_question question = {0};
	struct hn_error err = {0};
	uint64_t begun = hn_fleet_now_ns();

	if (!hn_fleet_is_ready(call))
		return;
	if ((total ? read_question(call, &question, &err) : hn_oom(&err)) < 0 ||
	    hn_fleet_count(call->service->index, question.guest, question.vcpus_per_cpu, question.limit,
			   total, &err) < 0) {
		hn_fleet_send_failure(call, &err);
	} else {
		hn_fleet_send(call, 200, encode_total(call->service, total));
		call->service->tally.counts++;
		call->service->tally.count_ns += hn_fleet_now_ns() - begun;
	}
	hn_fleet_question_done(&question);
}
