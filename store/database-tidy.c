/*
 * database-tidy - what is old is thinned out, and the oldest goes when the file is as large as it may be.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/database-private.h"
#include "store/ladder.h"

#define ROUNDS_MAX 100
#define EVENT_BYTES 512 /* of a decision or move in the file, with its place in the index */

struct share_sums {
	double weight;
	size_t count;
	double sums[HN_SET_MAX];
};

static void on_share_step(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct share_sums *sums = sqlite3_aggregate_context(context, sizeof(*sums));
	const unsigned char *bytes = sqlite3_value_blob(values[0]);
	size_t nodes = (size_t)sqlite3_value_bytes(values[0]) / 2;
	double looks = sqlite3_value_double(values[1]);
	unsigned total = 0;

	if (!sums) {
		sqlite3_result_error_nomem(context);
		return;
	}
	nodes = nodes < HN_SET_MAX ? nodes : HN_SET_MAX;
	sums->count = nodes > sums->count ? nodes : sums->count;
	for (size_t i = 0; i < nodes; i++)
		total += bytes[2 * i] + 256u * bytes[2 * i + 1];
	if (total == 0)
		return;
	sums->weight += looks;
	for (size_t i = 0; i < nodes; i++)
		sums->sums[i] += looks * (bytes[2 * i] + 256u * bytes[2 * i + 1]);
}

static void on_share_final(sqlite3_context *context)
{
	struct share_sums *sums = sqlite3_aggregate_context(context, 0);
	unsigned char bytes[HN_SHARES_BYTES_MAX];
	size_t count = sums ? sums->count : 0;

	for (size_t i = 0; i < count; i++) {
		unsigned share = sums->weight > 0 ? (unsigned)(sums->sums[i] / sums->weight + 0.5) : 0;

		bytes[2 * i] = (unsigned char)share;
		bytes[2 * i + 1] = (unsigned char)(share >> 8);
	}
	sqlite3_result_blob(context, bytes, (int)(2 * count), SQLITE_TRANSIENT);
}

int hn_database_add_functions(sqlite3 *db)
{
	return sqlite3_create_function_v2(db, "share_mean", 2, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, NULL,
					  on_share_step, on_share_final, NULL);
}

/* Runs a statement on the rows of a rung below a sequence. */
static int run_below(struct hn_database *database, enum hn_statement statement, size_t rung, int64_t sequence,
		     struct hn_error *err)
{
	HN_AUTO(hn_sql_loan) sqlite3_stmt *loan = hn_database_statement(database, statement);

	sqlite3_bind_int64(loan, 1, (int64_t)rung);
	sqlite3_bind_int64(loan, 2, sequence);
	return hn_sql_run(database->db, database->path, loan, err);
}

/* A number of a rung's row: 1 and *ret, 0 when there is no such row. */
static int find_row(struct hn_database *database, enum hn_statement statement, size_t rung, uint64_t from_ns,
		    int64_t *ret, struct hn_error *err)
{
	HN_AUTO(hn_sql_loan) sqlite3_stmt *loan = hn_database_statement(database, statement);
	int step;

	sqlite3_bind_int64(loan, 1, (int64_t)rung);
	if (statement == HN_STATEMENT_FIRST_FROM)
		sqlite3_bind_int64(loan, 2, (int64_t)from_ns);
	step = sqlite3_step(loan);
	if (step != SQLITE_ROW)
		return step == SQLITE_DONE ? 0 : hn_sql_fail(database->db, database->path, err);
	*ret = sqlite3_column_int64(loan, 0);
	return 1;
}

/* Rows of the rung from before end_ns become one a guest and cell on the next rung, or nothing. */
static int fold(struct hn_database *database, size_t rung, uint64_t end_ns, struct hn_error *err)
{
	int64_t end = INT64_MAX;
	int r = find_row(database, HN_STATEMENT_FIRST_FROM, rung, end_ns, &end, err);
	bool last = rung + 1 == HN_RUNG_COUNT;

	if (r < 0 || (r = hn_database_run(database, HN_STATEMENT_BEGIN, err)) < 0)
		return r;
	if ((r = hn_database_run(database, HN_STATEMENT_FOLD_CLEAR, err)) < 0 ||
	    (r = last ? 0 : run_below(database, HN_STATEMENT_FOLD, rung, end, err)) < 0 ||
	    (r = run_below(database, HN_STATEMENT_FOLD_DELETE, rung, end, err)) < 0 ||
	    (r = hn_database_run(database, HN_STATEMENT_FOLD_PUT_BACK, err)) < 0 ||
	    (r = hn_database_run(database, HN_STATEMENT_FOLD_CLEAR, err)) < 0 ||
	    (r = hn_database_run(database, HN_STATEMENT_COMMIT, err)) < 0) {
		hn_database_roll_back(database);
		return r;
	}
	return 1;
}

static int tidy_rung(struct hn_database *database, size_t rung, uint64_t now_ns, struct hn_error *err)
{
	uint64_t due = hn_ladder_due(rung, now_ns);
	int64_t oldest = 0;
	int r = find_row(database, HN_STATEMENT_OLDEST, rung, 0, &oldest, err);

	if (r <= 0 || (uint64_t)oldest >= due)
		return r < 0 ? r : 0;
	/* a span at a time, so that no transaction is long */
	return fold(database, rung,
		    rung + 1 < HN_RUNG_COUNT ? hn_ladder_span_end(rung + 1, (uint64_t)oldest) : due, err);
}

static int forget_events(struct hn_database *database, const char *table, uint64_t before_ns,
			 struct hn_error *err)
{
	char text[200];
	int64_t oldest;
	int r;

	snprintf(text, sizeof(text), "SELECT at FROM %s ORDER BY seq LIMIT 1", table);
	if ((r = hn_sql_number(database->db, database->path, text, &oldest, err)) < 0 || oldest == 0 ||
	    (uint64_t)oldest >= before_ns)
		return r;
	snprintf(text, sizeof(text), "DELETE FROM %s WHERE at < %lld", table, (long long)before_ns);
	return hn_sql_exec(database->db, database->path, text, err);
}

int hn_database_tidy(struct hn_database *database, const struct hn_moment *moment, struct hn_error *err)
{
	uint64_t now, before;
	int r = hn_database_clock_settle(database, moment, err);

	if (r <= 0)
		return r;
	now = hn_database_clock(database, moment->uptime_ns);
	before = now > HN_EVENTS_KEEP_NS ? now - HN_EVENTS_KEEP_NS : 0;
	r = 0;
	for (size_t rung = HN_RUNG_COUNT; rung-- > 0 && r == 0;)
		r = tidy_rung(database, rung, now, err);
	if (r != 0)
		return r;
	if ((r = forget_events(database, "decisions", before, err)) < 0)
		return r;
	return forget_events(database, "moves", before, err);
}

/* The oldest of a table, that share of it: 1/part. */
static int forget_oldest(struct hn_database *database, const char *table, int64_t count, unsigned part,
			 struct hn_error *err)
{
	char text[200];

	snprintf(text, sizeof(text),
		 "DELETE FROM %s WHERE seq <= (SELECT seq FROM %s ORDER BY seq LIMIT 1 OFFSET %lld)", table,
		 table, (long long)(count / part));
	return hn_sql_exec(database->db, database->path, text, err);
}

static int count_rows(struct hn_database *database, const char *table, int64_t *ret, struct hn_error *err)
{
	char text[100];

	snprintf(text, sizeof(text), "SELECT count(*) FROM %s", table);
	return hn_sql_number(database->db, database->path, text, ret, err);
}

/* Samples first, unless decisions and moves have taken more than a quarter of the file. */
static int forget_some(struct hn_database *database, unsigned part, struct hn_error *err)
{
	int64_t samples, decisions, moves;
	int r;

	if ((r = count_rows(database, "samples", &samples, err)) < 0 ||
	    (r = count_rows(database, "decisions", &decisions, err)) < 0 ||
	    (r = count_rows(database, "moves", &moves, err)) < 0)
		return r;
	if (samples && (decisions + moves) * EVENT_BYTES < database->page_limit * 1024)
		r = forget_oldest(database, "samples", samples, part, err);
	else if (decisions >= moves)
		r = forget_oldest(database, "decisions", decisions, part, err);
	else
		r = forget_oldest(database, "moves", moves, part, err);
	if (r < 0)
		return r;
	return hn_sql_exec(
		database->db, database->path,
		"DELETE FROM guests WHERE NOT EXISTS (SELECT 1 FROM samples WHERE guest = guests.id) "
		"AND NOT EXISTS (SELECT 1 FROM decisions WHERE guest = guests.id) "
		"AND NOT EXISTS (SELECT 1 FROM moves WHERE guest = guests.id);",
		err);
}

/* It was allowed to be larger before: the pages at its end go back to the disk. */
static int shrink(struct hn_database *database, struct hn_error *err)
{
	char text[120];

	snprintf(text, sizeof(text),
		 "PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA max_page_count = %lld;",
		 (long long)database->page_limit);
	return hn_sql_exec(database->db, database->path, text, err);
}

static int count_pages(struct hn_database *database, int64_t *ret_pages, int64_t *ret_used,
		       struct hn_error *err)
{
	int64_t free_pages;
	int r;

	if ((r = hn_database_number(database, HN_STATEMENT_PAGE_COUNT, ret_pages, err)) < 0 ||
	    (r = hn_database_number(database, HN_STATEMENT_FREE_COUNT, &free_pages, err)) < 0)
		return r;
	*ret_used = *ret_pages - free_pages;
	return 0;
}

static int forget_in_transaction(struct hn_database *database, unsigned part, struct hn_error *err)
{
	int r = hn_database_run(database, HN_STATEMENT_BEGIN, err);

	if (r < 0)
		return r;
	if ((r = forget_some(database, part, err)) < 0 ||
	    (r = hn_database_run(database, HN_STATEMENT_COMMIT, err)) < 0)
		hn_database_roll_back(database);
	return r;
}

int hn_database_make_room(struct hn_database *database, unsigned urgency, struct hn_error *err)
{
	static const unsigned parts[] = {16, 8, 4, 2};
	int64_t tenth = database->page_limit / 10, high = (9 - (int64_t)urgency) * tenth, pages, used;
	int r = count_pages(database, &pages, &used, err);

	if (r < 0 || (used <= high && pages <= database->page_limit))
		return r;
	for (unsigned i = 0; i < ROUNDS_MAX && used > high - tenth / 2; i++)
		if ((r = forget_in_transaction(database, parts[urgency], err)) < 0 ||
		    (r = count_pages(database, &pages, &used, err)) < 0)
			return r;
	if (pages > database->page_limit && (r = shrink(database, err)) < 0)
		return r;
	return 1;
}
