#pragma once
/*
 * database-private - the inside of an open database, for the database*.c files.
 */
#include "store/database.h"
#include "store/sql.h"

enum hn_statement {
	HN_STATEMENT_BEGIN,
	HN_STATEMENT_COMMIT,
	HN_STATEMENT_ROLLBACK,
	HN_STATEMENT_FIND_GUEST,
	HN_STATEMENT_ADD_GUEST,
	HN_STATEMENT_FIND_BOOT,
	HN_STATEMENT_ADD_BOOT,
	HN_STATEMENT_ADD_SAMPLE,
	HN_STATEMENT_ADD_DECISION,
	HN_STATEMENT_ADD_MOVE,
	HN_STATEMENT_ASK_SAMPLES,
	HN_STATEMENT_ASK_DECISIONS,
	HN_STATEMENT_ASK_MOVES,
	HN_STATEMENT_PAGE_COUNT,
	HN_STATEMENT_FREE_COUNT,
	HN_STATEMENT_OLDEST,
	HN_STATEMENT_FIRST_FROM,
	HN_STATEMENT_FOLD,
	HN_STATEMENT_FOLD_DELETE,
	HN_STATEMENT_FOLD_PUT_BACK,
	HN_STATEMENT_FOLD_CLEAR,
	HN_STATEMENT_COUNT,
};

struct hn_database {
	sqlite3 *db;
	char *path;
	sqlite3_stmt *statements[HN_STATEMENT_COUNT];
	char boot[HN_UUID_MAX]; /* of this boot */
	int64_t page_limit;
	uint64_t next_sequence, first_sequence; /* first: of what is written since the file was opened */
	uint64_t clock_offset;                  /* added to CLOCK_BOOTTIME it gives the store's clock */
	uint64_t newest_ns;                     /* on the store's clock */
	uint64_t found_ns;                      /* the newest when the file was opened */
	uint64_t doubt_until_ns; /* CLOCK_BOOTTIME: the clock is not believed before, 0: it is */
};

/* The statement, on loan: HN_AUTO(hn_sql_loan). */
sqlite3_stmt *hn_database_statement(struct hn_database *database, enum hn_statement statement);
/* Runs one without parameters. */
int hn_database_run(struct hn_database *database, enum hn_statement statement, struct hn_error *err);
int hn_database_number(struct hn_database *database, enum hn_statement statement, int64_t *ret,
		       struct hn_error *err);
/* Rolls back what is under way, keeping the error that led to it. */
void hn_database_roll_back(struct hn_database *database);

/* The store's clock. */
uint64_t hn_database_clock(const struct hn_database *database, uint64_t uptime_ns);
/* It begins at a moment, in a file whose newest record is from then; 0: it has none. */
void hn_database_clock_begin(struct hn_database *database, uint64_t newest_ns, const struct hn_moment *now);
/* 1 when ages by it are to be believed, 0 not yet. A wall clock that has been set meanwhile is taken. */
int hn_database_clock_settle(struct hn_database *database, const struct hn_moment *now, struct hn_error *err);

/* Makes room when the file has grown near to its limit, in a transaction of its own; the more, the higher
 * urgency, 0..3. */
int hn_database_make_room(struct hn_database *database, unsigned urgency, struct hn_error *err);

/* share_mean(shares, looks): the weighted mean of blobs of shares; those of nothing known do not count. */
int hn_database_add_functions(sqlite3 *db);

/* Shares as they are in the file. */
#define HN_SHARE_ONE 65535.0
#define HN_SHARES_BYTES_MAX (2 * HN_SET_MAX)
