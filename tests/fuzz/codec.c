/*
 * Documents of the model, {"snapshot": {...}} and the like: what is taken is written so that it reads the
 * same, and a snapshot that is possible can be decided on.
 */
#include "model/codec.h"
#include "fuzz.h"
#include "model/check.h"
#include "policy/decide.h"
#include "tests/unit/model/specimen.h"

#define STEPS 500
#define NODES_MAX 8 /* to decide on; more only costs time */
#define CELLS_MAX 32

static void check_document(const struct document *document, json_object *json)
{
	void *thing = NULL, *again = NULL;
	struct hn_error err = {0};
	int r = document->decode(json, &thing, &err);
	json_object *written;

	if (r < 0) {
		fuzz_require_refusal(r, &err);
		return;
	}
	written = document->encode(thing);
	fuzz_require(written);
	if (document->decode(written, &again, &err) < 0) {
		fprintf(stderr, "%s\n", json_object_to_json_string(written));
		fuzz_fail(err.message, __FILE__, __LINE__);
	}
	fuzz_require_same_json(written, document->encode(again));
	document->free(thing);
	document->free(again);
}

static void check_reservation(json_object *json)
{
	HN_AUTO(hn_reservation) struct hn_reservation *reservation = NULL, *again = NULL;
	HN_AUTO(json) json_object *written = NULL;
	struct hn_error err = {0};
	int r = hn_reservation_decode(json, &reservation, &err);

	if (r < 0) {
		fuzz_require_refusal(r, &err);
		return;
	}
	written = hn_reservation_encode(reservation);
	fuzz_require(written);
	if (hn_reservation_decode(written, &again, &err) < 0)
		fuzz_fail(err.message, __FILE__, __LINE__);
	fuzz_require_same_json(json_object_get(written), hn_reservation_encode(again));
}

static void check_explanation(json_object *json)
{
	HN_AUTO(hn_explanation) struct hn_explanation *explanation = NULL, *again = NULL;
	HN_AUTO(json) json_object *written = NULL;
	struct hn_error err = {0};
	int r = hn_explanation_decode(json, &explanation, &err);

	if (r < 0) {
		fuzz_require_refusal(r, &err);
		return;
	}
	written = hn_explanation_encode(explanation);
	fuzz_require(written);
	if (hn_explanation_decode(written, &again, &err) < 0)
		fuzz_fail(err.message, __FILE__, __LINE__);
	fuzz_require_same_json(json_object_get(written), hn_explanation_encode(again));
}

static void decide(const struct hn_snapshot *snapshot, size_t guest)
{
	struct hn_decide_options options = hn_decide_defaults;
	HN_AUTO(hn_plan) struct hn_plan *plan = NULL;
	HN_AUTO(hn_regret) struct hn_regret *regret = NULL;
	HN_AUTO(json) json_object *json = NULL;
	struct hn_looks looks;
	struct hn_error err = {0};
	int r;

	options.solver.steps = STEPS;
	if (snapshot->guests[guest].guest->cell_count > CELLS_MAX)
		return;
	r = hn_decide(snapshot, guest, &options, &plan, &looks, &regret, &err);
	if (r < 0) {
		fuzz_require_refusal(r, &err);
		return;
	}
	json = hn_plan_encode(plan);
	fuzz_require(json);
}

static void check_snapshot(json_object *json)
{
	HN_AUTO(hn_snapshot) struct hn_snapshot *snapshot = NULL;
	struct hn_error err = {0};

	if (hn_snapshot_decode(json, &snapshot, &err) < 0)
		return;
	fuzz_require(hn_snapshot_check(snapshot, &err) == 0);
	for (size_t i = 0; i < snapshot->guest_count && snapshot->host->node_count <= NODES_MAX; i++)
		decide(snapshot, i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HN_AUTO(json) json_object *json = fuzz_json(data, size);
	json_object *part;

	if (!json)
		return 0;
	for (size_t i = 0; i < DOCUMENT_COUNT; i++)
		if (hn_json_get_object(json, documents[i].name, &part, NULL) == 0)
			check_document(&documents[i], part);
	if (hn_json_get_object(json, "reservation", &part, NULL) == 0)
		check_reservation(part);
	if (hn_json_get_object(json, "explanation", &part, NULL) == 0)
		check_explanation(part);
	if (hn_json_get_object(json, "snapshot", &part, NULL) == 0)
		check_snapshot(part);
	return 0;
}
