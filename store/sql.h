#pragma once
/*
 * sql - SQLite's results as errors of ours, and the little that every user of it needs. Private to store/.
 */
#include <sqlite3.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

HN_CLEANUP_DEFINE(hn_sql_statement, sqlite3_stmt *, sqlite3_finalize);

/* Lends a prepared statement of a connection: it is ready for its next use at the end of the scope. */
static inline void hn_sql_give_back(sqlite3_stmt *statement)
{
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
}
HN_CLEANUP_DEFINE(hn_sql_loan, sqlite3_stmt *, hn_sql_give_back);

/*
 * Turns the connection's last error into a sentence about the file: -EUCLEAN when it is damaged, -ENOSPC,
 * -EROFS, -EBUSY, -EACCES, -EIO, -ENOMEM when another time it may work, -EINVAL for what should not happen.
 * db may be NULL: out of memory.
 */
int hn_sql_fail(sqlite3 *db, const char *path, struct hn_error *err);

/* Runs statements that give no rows that matter. */
int hn_sql_exec(sqlite3 *db, const char *path, const char *text, struct hn_error *err);

/* Runs a statement of one row and column with a number in it; 0 when there is no row. */
int hn_sql_number(sqlite3 *db, const char *path, const char *text, int64_t *ret, struct hn_error *err);

/* Steps a statement that gives no row. */
int hn_sql_run(sqlite3 *db, const char *path, sqlite3_stmt *statement, struct hn_error *err);
