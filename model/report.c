#include "model/report.h"

#include <errno.h>

#include "model/names.h"

static const char *const operation_names[HN_OPERATION_COUNT] = {"none", "running", "done", "failed",
								"cancelled"};

const char *hn_operation_state_name(enum hn_operation_state state)
{
	return hn_name_of(operation_names, HN_COUNT(operation_names), (size_t)state);
}

int hn_operation_state_parse(const char *text, enum hn_operation_state *ret, struct hn_error *err)
{
	int r = hn_name_parse(operation_names, HN_COUNT(operation_names), "operation state", text, err);

	if (r < 0)
		return r;
	*ret = (enum hn_operation_state)r;
	return 0;
}

struct hn_report *hn_report_new(void)
{
	struct hn_report *report = calloc(1, sizeof(*report));

	if (report)
		report->operation.cell = report->operation.to_node = -1;
	return report;
}

int hn_report_add_cell_localities(struct hn_report *report, size_t cell_count)
{
	report->cell_locality = calloc(cell_count + 1, sizeof(*report->cell_locality));
	report->cell_trend = calloc(cell_count + 1, sizeof(*report->cell_trend));
	return report->cell_locality && report->cell_trend ? 0 : -ENOMEM;
}

void hn_report_free(struct hn_report *report)
{
	if (!report)
		return;
	hn_guest_free(report->guest);
	hn_sample_free(report->sample);
	hn_placement_free(report->home);
	hn_plan_free(report->plan);
	hn_reported_free(report->reported);
	hn_access_free(report->access);
	hn_activity_free(report->activity);
	free(report->cell_locality);
	free(report->cell_trend);
	free(report->devices);
	free(report);
}
