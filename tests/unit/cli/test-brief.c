/* The brief reading of reports, against the full codec, and against text that is no report. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/brief.h"
#include "cli/scan.h"
#include "model/codec.h"
#include "tests/unit/model/specimen.h"

/* {"guests": [report]}, which the caller frees. */
static char *write_report(const struct hn_report *report, int flags)
{
	HN_AUTO(json) json_object *json = json_object_new_object();
	json_object *items = json_object_new_array();

	json_object_array_add(items, hn_report_encode(report));
	json_object_object_add(json, "guests", items);
	return strdup(json_object_to_json_string_ext(json, flags));
}

static void same_cells(const struct hn_report *report, const struct hn_report *brief)
{
	assert_int_equal(brief->guest->cell_count, report->guest->cell_count);
	for (size_t i = 0; i < report->guest->cell_count; i++) {
		assert_int_equal(brief->guest->cells[i].id, report->guest->cells[i].id);
		assert_int_equal(brief->guest->cells[i].memory_bytes, report->guest->cells[i].memory_bytes);
		assert_true(hn_set_equal(&brief->guest->cells[i].vcpus, &report->guest->cells[i].vcpus));
		if (report->locality_known)
			assert_true(brief->cell_trend[i] == report->cell_trend[i] &&
				    brief->cell_locality[i].value == report->cell_locality[i].value &&
				    brief->cell_locality[i].low == report->cell_locality[i].low &&
				    brief->cell_locality[i].high == report->cell_locality[i].high);
		if (report->home)
			assert_true(
				hn_set_equal(&brief->home->cells[i].nodes, &report->home->cells[i].nodes));
		if (!report->sample)
			continue;
		assert_int_equal(brief->sample->cells[i].sampled, report->sample->cells[i].sampled);
		assert_int_equal(brief->sample->cells[i].absent, report->sample->cells[i].absent);
		assert_memory_equal(brief->sample->cells[i].on_node, report->sample->cells[i].on_node,
				    report->sample->node_count * sizeof(uint64_t));
	}
}

static void same_busy(const struct hn_report *report, const struct hn_brief *brief)
{
	const struct hn_sample *sample = report->sample;
	double vcpu = 0, all = 0;

	if (!sample)
		return;
	assert_int_equal(brief->node_count, sample->node_count);
	for (size_t i = 0; i < sample->thread_count; i++) {
		double busy = fmin(1, fmax(0, sample->threads[i].busy));

		all += busy;
		if (sample->thread_count == report->guest->thread_count &&
		    report->guest->threads[i].kind == HN_THREAD_VCPU)
			vcpu += busy;
	}
	assert_true(fabs(all - brief->busy) < 1e-9);
	assert_true(fabs(vcpu - brief->vcpu_busy) < 1e-9);
	for (size_t node = 0; node < sample->node_count; node++) {
		double busy = 0;

		for (size_t i = 0; i < sample->thread_count; i++)
			busy += fmin(1, fmax(0, sample->threads[i].busy)) *
				fmin(1, fmax(0, sample->threads[i].residency[node]));
		assert_true(fabs(busy - brief->node_busy[node]) < 1e-9);
	}
}

static void same_rest(const struct hn_report *report, const struct hn_report *brief)
{
	assert_string_equal(brief->guest->name, report->guest->name);
	assert_int_equal(brief->guest->pid, report->guest->pid);
	assert_int_equal(brief->guest->mode, report->guest->mode);
	assert_int_equal(brief->guest->class, report->guest->class);
	assert_int_equal(brief->guest->state, report->guest->state);
	assert_int_equal(brief->locality_known, report->locality_known);
	assert_int_equal(brief->trend, report->trend);
	assert_int_equal(brief->age_ns, report->age_ns);
	assert_int_equal(!brief->sample, !report->sample);
	assert_int_equal(!brief->home, !report->home);
	assert_int_equal(!brief->plan, !report->plan);
	if (report->plan) {
		assert_int_equal(brief->plan->verdict, report->plan->verdict);
		assert_string_equal(brief->plan->reason, report->plan->reason);
	}
	assert_int_equal(brief->operation.id, report->operation.id);
	assert_int_equal(brief->operation.state, report->operation.state);
	assert_int_equal(brief->operation.to_node, report->operation.to_node);
	assert_int_equal(brief->operation.moved_bytes, report->operation.moved_bytes);
	assert_int_equal(brief->operation.to_move_bytes, report->operation.to_move_bytes);
	assert_string_equal(brief->operation.message, report->operation.message);
	assert_string_equal(brief->problem, report->problem);
}

static void what_the_codec_writes_is_read(void **state)
{
	static const int flags[] = {JSON_C_TO_STRING_PLAIN, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED,
				    JSON_C_TO_STRING_NOSLASHESCAPE};
	struct hn_random random = {11};

	for (int round = 0; round < 300; round++) {
		HN_AUTO(hn_report) struct hn_report *report = specimen_report(&random);
		char *text = write_report(report, flags[round % 3]);
		struct hn_brief_list list;
		struct hn_error err = {0};

		/* as everywhere: what the full codec takes */
		if (hn_brief_list_read(text, &list, &err) < 0)
			fail_msg("%s", err.message);
		assert_int_equal(list.count, 1);
		same_cells(report, list.items[0].report);
		same_rest(report, list.items[0].report);
		same_busy(report, &list.items[0]);
		hn_brief_list_done(&list);
		free(text);
	}
}

static void cut_text_is_refused(void **state)
{
	struct hn_random random = {12};
	HN_AUTO(hn_report) struct hn_report *report = specimen_report(&random);
	char *text = write_report(report, JSON_C_TO_STRING_PLAIN);

	/* each by itself, so that a sanitizer sees a read behind its end */
	for (size_t length = 0; length + 1 < strlen(text); length++) {
		char *cut = strndup(text, length);
		struct hn_brief_list list;
		struct hn_error err = {0};

		assert_int_equal(hn_brief_list_read(cut, &list, &err), -EPROTO);
		assert_true(err.message[0]);
		free(cut);
	}
	free(text);
}

static void spoilt_text_breaks_nothing(void **state)
{
	static const char spoilers[] = "{}[]\",:\\0-9ntfe. \x01\xff";
	struct hn_random random = {13};
	int refused = 0;

	for (int round = 0; round < 3000; round++) {
		HN_AUTO(hn_report) struct hn_report *report = round % 100 ? NULL : specimen_report(&random);
		static char *text;
		struct hn_brief_list list;
		char *spoilt;

		if (report) {
			free(text);
			text = write_report(report, JSON_C_TO_STRING_PLAIN);
		}
		spoilt = strdup(text);
		for (int i = 0; i < 3; i++)
			spoilt[hn_random_below(&random, strlen(text))] =
				spoilers[hn_random_below(&random, sizeof(spoilers) - 1)];
		if (hn_brief_list_read(spoilt, &list, NULL) < 0)
			refused++;
		hn_brief_list_done(&list);
		free(spoilt);
		if (round == 2999)
			free(text);
	}
	assert_true(refused > 500);
}

static void refused_with(const char *text, const char *says)
{
	struct hn_brief_list list;
	struct hn_error err = {0};

	assert_int_equal(hn_brief_list_read(text, &list, &err), -EPROTO);
	if (!strstr(err.message, says))
		fail_msg("'%s' is not in: %s", says, err.message);
}

static void a_refusal_names_what_is_wrong(void **state)
{
	static const char deep[] =
		"{\"guests\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
		"]]]]]]]]]}";

	refused_with("", "'guests'");
	refused_with("[]", "'guests'");
	refused_with("{\"guests\": 5}", "array");
	refused_with("{\"guests\": [5]}", "'guest'");
	refused_with("{\"guests\": [{\"guest\": {\"name\": 7}}]}", "'name'");
	refused_with("{\"guests\": [{\"guest\": {\"name\": \"web\", \"pid\": \"x\"}}]}", "'pid'");
	refused_with(deep, "malformed");
}

static void no_guests_are_none(void **state)
{
	struct hn_brief_list list;

	assert_int_equal(hn_brief_list_read(" {\"x\": [1, {}], \"guests\" : [ ] } ", &list, NULL), 0);
	assert_int_equal(list.count, 0);
	hn_brief_list_done(&list);
}

static void numbers_at_their_limits(void **state)
{
	static const char *const keys[] = {"a", "b", "c", "d", "e", NULL};
	struct hn_scan scan;
	uint64_t number;
	double value;
	int integer;
	bool flag;

	assert_int_equal(hn_scan_object("{\"a\":18446744073709551615,\"b\":18446744073709551616,\"c\":-5,"
					"\"d\":1.5,\"e\":true}",
					keys, &scan, NULL),
			 0);
	assert_int_equal(hn_scan_u64(&scan, "a", &number, NULL), 0);
	assert_true(number == UINT64_MAX);
	assert_int_equal(hn_scan_u64(&scan, "b", &number, NULL), -EPROTO);
	assert_int_equal(hn_scan_u64(&scan, "c", &number, NULL), -EPROTO);
	assert_int_equal(hn_scan_u64(&scan, "d", &number, NULL), -EPROTO);
	assert_int_equal(hn_scan_int(&scan, "c", &integer, NULL), 0);
	assert_int_equal(integer, -5);
	assert_int_equal(hn_scan_int(&scan, "a", &integer, NULL), -EPROTO);
	assert_int_equal(hn_scan_double(&scan, "d", &value, NULL), 0);
	assert_true(value == 1.5);
	assert_int_equal(hn_scan_double(&scan, "e", &value, NULL), -EPROTO);
	assert_int_equal(hn_scan_bool(&scan, "e", &flag, NULL), 0);
	assert_true(flag);
	assert_int_equal(hn_scan_bool(&scan, "a", &flag, NULL), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_codec_writes_is_read),
		cmocka_unit_test(cut_text_is_refused),
		cmocka_unit_test(spoilt_text_breaks_nothing),
		cmocka_unit_test(a_refusal_names_what_is_wrong),
		cmocka_unit_test(no_guests_are_none),
		cmocka_unit_test(numbers_at_their_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
