#include "cli/score.h"

#include <langinfo.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/units.h"
#include "cli/table.h"
#include "cli/words.h"

/* Locality over time as a line of blocks, or digits without UTF-8; the lowest step stands for 0.5 and less.
 */
static const char *say_course(const struct hn_score *score, char *text, size_t size)
{
	static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char *const digits[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
	bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	const char *const *steps = utf8 ? blocks : digits;
	int count = (int)(utf8 ? HN_COUNT(blocks) : HN_COUNT(digits));
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < HN_COURSE && used < size; i++) {
		double value = score->course[i];
		int step = (int)floor((value - 0.5) * 2 * count);

		step = step < 0 ? 0 : step >= count ? count - 1 : step;
		used += (size_t)snprintf(text + used, size - used, "%s", value < 0 ? " " : steps[step]);
	}
	return text;
}

static void add_run(struct hn_table *table, const struct hn_run *run)
{
	const struct hn_world_counts *counts = &run->score.counts;
	char text[128];

	hn_table_row(table);
	hn_table_cell(table, HN_TONE_PLAIN, "%s", run->policy->name);
	hn_table_cell(table, HN_TONE_PLAIN, "%llu", (unsigned long long)counts->placed);
	hn_table_cell(table, HN_TONE_PLAIN, "%llu", (unsigned long long)counts->refused);
	if (run->score.locality >= 0)
		hn_table_cell(table, hn_tone_of_share(run->score.locality), "%.2f %%",
			      100 * run->score.locality);
	else
		hn_table_cell(table, HN_TONE_FAINT, "-");
	if (run->score.kept >= 0)
		hn_table_cell(table, HN_TONE_PLAIN, "%.2f %%", 100 * run->score.kept);
	else
		hn_table_cell(table, HN_TONE_FAINT, "-");
	hn_table_cell(table, HN_TONE_PLAIN, "%s", say_course(&run->score, text, sizeof(text)));
	hn_table_cell(table, HN_TONE_PLAIN, "%s", hn_bytes_format(counts->moved_bytes, text, sizeof(text)));
	hn_table_cell(table, HN_TONE_PLAIN, "%llu", (unsigned long long)counts->moves);
	hn_table_cell(table, HN_TONE_PLAIN, "%llu", (unsigned long long)counts->swaps);
	hn_table_cell(table, counts->undone ? HN_TONE_BAD : HN_TONE_PLAIN, "%llu",
		      (unsigned long long)counts->undone);
	hn_table_cell(table, HN_TONE_FAINT, "%.0f", (double)run->score.ticks / fmax(run->seconds, 1e-6));
}

int hn_print_runs(const struct hn_run *runs, size_t count, const struct hn_host *host, bool colour)
{
	static const struct {
		const char *title;
		bool right;
	} columns[] = {{"POLICY", false}, {"PLACED", true},  {"REFUSED", true}, {"LOCAL", true},
		       {"KEPT", true},    {"COURSE", false}, {"MOVED", true},   {"MOVES", true},
		       {"SWAPS", true},   {"UNDONE", true},  {"TICKS/S", true}};
	struct hn_table *table = hn_table_new(colour);
	int r;

	printf("%s: %zu nodes, %zu CPUs; %llu guests come in %llu ticks, %zu at a time at most, memory %.0f "
	       "%% "
	       "full\n\n",
	       host->name, host->node_count, host->cpu_count,
	       (unsigned long long)runs[0].score.counts.arrived, (unsigned long long)runs[0].score.ticks,
	       runs[0].score.most_guests, 100 * runs[0].score.filled);
	for (size_t i = 0; i < HN_COUNT(columns); i++)
		hn_table_column(table, columns[i].title, columns[i].right);
	for (size_t i = 0; i < count; i++)
		add_run(table, &runs[i]);
	r = hn_table_print(table, 0, stdout);
	hn_table_free(table);
	return r;
}

static json_object *share_or_null(double share)
{
	return share < 0 ? NULL : json_object_new_double(share);
}

json_object *hn_run_encode(const struct hn_run *run)
{
	const struct hn_world_counts *counts = &run->score.counts;
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = {{"ticks", run->score.ticks},
		       {"arrived", counts->arrived},
		       {"placed", counts->placed},
		       {"refused", counts->refused},
		       {"placed_before_refusal", counts->placed_before_refusal},
		       {"departed", counts->departed},
		       {"most_guests", run->score.most_guests},
		       {"looks", counts->looks},
		       {"moves", counts->moves},
		       {"moved_bytes", counts->moved_bytes},
		       {"undone", counts->undone},
		       {"undone_bytes", counts->undone_bytes},
		       {"binds", counts->binds},
		       {"swaps", counts->swaps}};
	const struct {
		const char *key;
		double value;
	} seconds[] = {{"busy_seconds", counts->busy_s},
		       {"lost_to_remote_seconds", counts->remote_s},
		       {"lost_to_moves_seconds", counts->stalled_s},
		       {"lost_to_others_moves_seconds", counts->crowded_s}};
	HN_AUTO(json) json_object *json = json_object_new_object();
	json_object *course = json_object_new_array();
	int failed = !json || !course;

	for (size_t i = 0; i < HN_COURSE && !failed; i++)
		failed = json_object_array_add(course, share_or_null(run->score.course[i]));
	if (failed || hn_json_add(json, "course", course)) {
		if (failed)
			json_object_put(course);
		return NULL;
	}
	failed = hn_json_add_string(json, "policy", run->policy->name) ||
		 hn_json_add(json, "locality", share_or_null(run->score.locality)) ||
		 hn_json_add_double(json, "memory_filled", run->score.filled);
	for (size_t i = 0; i < HN_COUNT(numbers) && !failed; i++)
		failed = hn_json_add_u64(json, numbers[i].key, numbers[i].value);
	for (size_t i = 0; i < HN_COUNT(seconds) && !failed; i++)
		failed = hn_json_add_double(json, seconds[i].key, seconds[i].value);
	failed = failed || hn_json_add(json, "kept", share_or_null(run->score.kept));
	return failed ? NULL : hn_steal(json);
}
