/*
 * database-read - rows back into records, newest first.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/database-private.h"

/* Columns that every kind begins with; the others follow. */
enum { SEQUENCE, TIME, BOOT, UUID, GUEST, FIRST };

static const char *text_of(sqlite3_stmt *row, int column)
{
	const unsigned char *text = sqlite3_column_text(row, column);

	return text ? (const char *)text : "";
}

static uint64_t number_of(sqlite3_stmt *row, int column)
{
	int64_t number = sqlite3_column_int64(row, column);

	return number > 0 ? (uint64_t)number : 0;
}

static struct hn_record *read_sample(sqlite3_stmt *row)
{
	const unsigned char *bytes = sqlite3_column_blob(row, FIRST + 6);
	size_t count = (size_t)sqlite3_column_bytes(row, FIRST + 6) / 2;
	struct hn_record *record;

	count = count < HN_SET_MAX ? count : HN_SET_MAX;
	record = hn_record_new_sample(text_of(row, GUEST), text_of(row, UUID), sqlite3_column_int(row, FIRST),
				      bytes ? count : 0);
	if (!record)
		return NULL;
	record->sample.looks = (unsigned)number_of(row, FIRST + 1);
	record->sample.locality_known = sqlite3_column_type(row, FIRST + 3) != SQLITE_NULL;
	if (record->sample.locality_known)
		record->sample.locality = (struct hn_interval){.low = sqlite3_column_double(row, FIRST + 2),
							       .value = sqlite3_column_double(row, FIRST + 3),
							       .high = sqlite3_column_double(row, FIRST + 4)};
	record->sample.busy = sqlite3_column_double(row, FIRST + 5);
	for (size_t i = 0; i < record->sample.node_count; i++)
		record->sample.memory_share[i] =
			(double)(bytes[2 * i] | bytes[2 * i + 1] << 8) / HN_SHARE_ONE;
	return record;
}

/* Reads one "cell:nodes" and goes on to the next. */
static bool read_cell(char **text, struct hn_cell_nodes *ret)
{
	char *item = strsep(text, " "), *colon = item ? strchr(item, ':') : NULL, *end;

	if (!colon)
		return false;
	ret->cell = (int)strtol(item, &end, 10);
	return end == colon && hn_set_parse(colon + 1, &ret->nodes, NULL) == 0;
}

static struct hn_record *read_decision(sqlite3_stmt *row)
{
	__attribute__((cleanup(hn_cleanup_memory))) char *home = strdup(text_of(row, FIRST + 3));
	struct hn_record *record;
	char *rest = home;
	size_t cells = home && *home ? 1 : 0;

	if (!home)
		return NULL;
	for (const char *blank = home; (blank = strchr(blank, ' ')); blank++)
		cells++;
	record = hn_record_new_decision(text_of(row, GUEST), text_of(row, UUID), cells);
	if (!record)
		return NULL;
	/* words of a later version of the same schema are shown as unknown */
	if (hn_verdict_parse(text_of(row, FIRST), &record->decision.verdict, NULL) < 0)
		record->decision.verdict = HN_VERDICT_UNKNOWN;
	record->decision.verdict_changed = number_of(row, FIRST + 1) & 1;
	record->decision.home_changed = number_of(row, FIRST + 1) >> 1 & 1;
	snprintf(record->decision.reason, sizeof(record->decision.reason), "%s", text_of(row, FIRST + 2));
	record->decision.cell_count = 0;
	while (record->decision.cell_count < cells &&
	       read_cell(&rest, &record->decision.home[record->decision.cell_count]))
		record->decision.cell_count++;
	return record;
}

static struct hn_record *read_move(sqlite3_stmt *row)
{
	struct hn_record *record = hn_record_new_move(text_of(row, GUEST), text_of(row, UUID));

	if (!record)
		return NULL;
	record->move = (struct hn_move_record){
		.operation = number_of(row, FIRST),
		.price = sqlite3_column_double(row, FIRST + 1),
		.predicted_bytes = number_of(row, FIRST + 2),
		.predicted_gain = sqlite3_column_double(row, FIRST + 3),
		.moved_bytes = number_of(row, FIRST + 4),
		.stayed_bytes = number_of(row, FIRST + 5),
		.cpu_ns = number_of(row, FIRST + 6),
		.elapsed_ns = number_of(row, FIRST + 7),
	};
	if (hn_operation_state_parse(text_of(row, FIRST + 8), &record->move.outcome, NULL) < 0)
		record->move.outcome = HN_OPERATION_NONE;
	snprintf(record->move.message, sizeof(record->move.message), "%s", text_of(row, FIRST + 9));
	return record;
}

static struct hn_record *read_record(sqlite3_stmt *row, enum hn_record_kind kind)
{
	static struct hn_record *(*const readers[HN_RECORD_KIND_COUNT])(sqlite3_stmt *) = {
		read_sample, read_decision, read_move};
	struct hn_record *record = readers[kind](row);

	if (!record)
		return NULL;
	record->sequence = number_of(row, SEQUENCE);
	record->time_ns = number_of(row, TIME);
	snprintf(record->boot, sizeof(record->boot), "%s", text_of(row, BOOT));
	return record;
}

static int read_kind(struct hn_database *database, const struct hn_question *question,
		     enum hn_record_kind kind, uint64_t since_ns, struct hn_history *history,
		     struct hn_error *err)
{
	static const enum hn_statement kinds[HN_RECORD_KIND_COUNT] = {
		HN_STATEMENT_ASK_SAMPLES, HN_STATEMENT_ASK_DECISIONS, HN_STATEMENT_ASK_MOVES};
	HN_AUTO(hn_sql_loan) sqlite3_stmt *ask = hn_database_statement(database, kinds[kind]);
	int step;

	sqlite3_bind_text(ask, 1, question->uuid, -1, SQLITE_STATIC);
	sqlite3_bind_text(ask, 2, question->guest, -1, SQLITE_STATIC);
	sqlite3_bind_int64(ask, 3, (int64_t)since_ns);
	sqlite3_bind_int64(ask, 4, (int64_t)question->limit + 1);
	if (kind == HN_RECORD_SAMPLE && question->cell != HN_CELL_ANY)
		sqlite3_bind_int(ask, 5, question->cell);
	while ((step = sqlite3_step(ask)) == SQLITE_ROW)
		if (hn_history_add(history, read_record(ask, kind)) < 0)
			return hn_oom(err);
	return step == SQLITE_DONE ? 0 : hn_sql_fail(database->db, database->path, err);
}

static int compare_records(const void *a, const void *b)
{
	uint64_t first = (*(struct hn_record *const *)a)->sequence;
	uint64_t second = (*(struct hn_record *const *)b)->sequence;

	return first < second ? 1 : first > second ? -1 : 0;
}

int hn_database_ask(struct hn_database *database, const struct hn_question *question, uint64_t uptime_ns,
		    struct hn_history **ret, struct hn_error *err)
{
	HN_AUTO(hn_history) struct hn_history *history = hn_history_new();
	uint64_t now = hn_database_clock(database, uptime_ns);
	uint64_t since = question->since_ns && question->since_ns < now ? now - question->since_ns : 0;
	int r = 0;

	if (!history)
		return hn_oom(err);
	for (size_t i = 0; i < HN_RECORD_KIND_COUNT && r == 0; i++)
		if (question->kinds[i])
			r = read_kind(database, question, (enum hn_record_kind)i, since, history, err);
	if (r < 0)
		return r;
	if (history->count)
		qsort(history->records, history->count, sizeof(*history->records), compare_records);
	history->more = history->count > question->limit;
	while (history->count > question->limit)
		hn_record_free(history->records[--history->count]);
	*ret = hn_steal(history);
	return 0;
}
