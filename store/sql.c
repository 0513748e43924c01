#include "store/sql.h"

#include <errno.h>
#include <string.h>

static int code_of(sqlite3 *db)
{
	switch (sqlite3_errcode(db) & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_IOERR:
	case SQLITE_PROTOCOL:
	case SQLITE_INTERRUPT:
		return -EIO;
	default:
		return -EINVAL;
	}
}

int hn_sql_fail(sqlite3 *db, const char *path, struct hn_error *err)
{
	int code, number;

	if (!db)
		return hn_oom(err);
	code = code_of(db);
	number = code == -EIO || code == -EACCES ? sqlite3_system_errno(db) : 0;
	return hn_fail(err, code, "%s: %s%s%s", path, sqlite3_errmsg(db), number ? ": " : "",
		       number ? strerror(number) : "");
}

int hn_sql_exec(sqlite3 *db, const char *path, const char *text, struct hn_error *err)
{
	return sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : hn_sql_fail(db, path, err);
}

int hn_sql_number(sqlite3 *db, const char *path, const char *text, int64_t *ret, struct hn_error *err)
{
	HN_AUTO(hn_sql_statement) sqlite3_stmt *statement = NULL;
	int step;

	if (sqlite3_prepare_v2(db, text, -1, &statement, NULL) != SQLITE_OK)
		return hn_sql_fail(db, path, err);
	step = sqlite3_step(statement);
	if (step != SQLITE_ROW && step != SQLITE_DONE)
		return hn_sql_fail(db, path, err);
	*ret = step == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
	return 0;
}

int hn_sql_run(sqlite3 *db, const char *path, sqlite3_stmt *statement, struct hn_error *err)
{
	return sqlite3_step(statement) == SQLITE_DONE ? 0 : hn_sql_fail(db, path, err);
}
