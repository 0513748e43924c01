#include "store/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "store/sql.h"

/*
 * seq orders all records of all tables; at is the store's clock, which never goes back, time the wall clock.
 * A sample's rung is its place in store/ladder.h; shares are 16-bit little-endian parts of 65535, one a node.
 */
static const char *const migrations[HN_SCHEMA_VERSION] = {
	/* 1 */
	"CREATE TABLE guests (id INTEGER PRIMARY KEY, uuid TEXT NOT NULL, name TEXT NOT NULL,"
	" UNIQUE (uuid, name));"
	"CREATE TABLE boots (id INTEGER PRIMARY KEY, boot TEXT NOT NULL UNIQUE);"
	"CREATE TABLE samples (seq INTEGER PRIMARY KEY, guest INTEGER NOT NULL, boot INTEGER NOT NULL,"
	" at INTEGER NOT NULL, time INTEGER NOT NULL, rung INTEGER NOT NULL, cell INTEGER NOT NULL,"
	" looks INTEGER NOT NULL, low REAL, value REAL, high REAL, busy REAL NOT NULL, shares BLOB NOT NULL);"
	"CREATE INDEX samples_by_guest ON samples (guest);"
	"CREATE INDEX samples_by_rung ON samples (rung);"
	"CREATE TABLE decisions (seq INTEGER PRIMARY KEY, guest INTEGER NOT NULL, boot INTEGER NOT NULL,"
	" at INTEGER NOT NULL, time INTEGER NOT NULL, verdict TEXT NOT NULL, changed INTEGER NOT NULL,"
	" reason TEXT NOT NULL, home TEXT NOT NULL);"
	"CREATE TABLE moves (seq INTEGER PRIMARY KEY, guest INTEGER NOT NULL, boot INTEGER NOT NULL,"
	" at INTEGER NOT NULL, time INTEGER NOT NULL, operation INTEGER NOT NULL, price REAL NOT NULL,"
	" predicted_bytes INTEGER NOT NULL, moved_bytes INTEGER NOT NULL, stayed_bytes INTEGER NOT NULL,"
	" cpu_ns INTEGER NOT NULL, elapsed_ns INTEGER NOT NULL, outcome TEXT NOT NULL,"
	" message TEXT NOT NULL);",
	/* 2: what a move was to gain, and decisions and moves found by guest */
	"ALTER TABLE moves ADD COLUMN predicted_gain REAL NOT NULL DEFAULT 0;"
	"CREATE INDEX decisions_by_guest ON decisions (guest);"
	"CREATE INDEX moves_by_guest ON moves (guest);",
};

static int fail_foreign(const char *path, struct hn_error *err)
{
	return hn_fail(
		err, -EPROTONOSUPPORT,
		"%s is a database of something else and is left alone: name another file in [store] path",
		path);
}

static int check_version(const char *path, int64_t version, struct hn_error *err)
{
	if (version >= 0 && version <= HN_SCHEMA_VERSION)
		return 0;
	return hn_fail(
		err, -EPROTONOSUPPORT,
		"%s was written by a newer homenode (schema %lld, this one knows %d) and is left alone: "
		"install that one again, or move the file away",
		path, (long long)version, HN_SCHEMA_VERSION);
}

static uint32_t big_endian(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* https://www.sqlite.org/fileformat2.html, "The Database Header": user version at 60, application id at 68.
 */
int hn_schema_inspect(const char *path, struct hn_error *err)
{
	HN_AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	unsigned char header[100];

	if (fd < 0 || read(fd, header, sizeof(header)) != sizeof(header) ||
	    memcmp(header, "SQLite format 3", 16) != 0)
		return 0;
	if (big_endian(header + 68) != HN_SCHEMA_APPLICATION)
		/* of ours, and killed before the first transaction reached it: all is in the log yet */
		return big_endian(header + 68) == 0 && big_endian(header + 60) == 0 ? 0
										    : fail_foreign(path, err);
	return check_version(path, (int32_t)big_endian(header + 60), err);
}

int hn_schema_check(sqlite3 *db, const char *path, struct hn_error *err)
{
	int64_t version, application, tables;
	int r;

	if ((r = hn_sql_number(db, path, "PRAGMA user_version", &version, err)) < 0 ||
	    (r = hn_sql_number(db, path, "PRAGMA application_id", &application, err)) < 0 ||
	    (r = hn_sql_number(db, path, "SELECT count(*) FROM sqlite_schema", &tables, err)) < 0)
		return r;
	if (application != HN_SCHEMA_APPLICATION && (application || version || tables))
		return fail_foreign(path, err);
	return check_version(path, version, err);
}

int hn_schema_migrate(sqlite3 *db, const char *path, int *ret_from, struct hn_error *err)
{
	int64_t version;
	char tail[100];
	int r = hn_sql_number(db, path, "PRAGMA user_version", &version, err);

	if (r < 0)
		return r;
	*ret_from = (int)version;
	for (; version < HN_SCHEMA_VERSION; version++) {
		snprintf(tail, sizeof(tail), "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT;",
			 HN_SCHEMA_APPLICATION, (int)version + 1);
		if ((r = hn_sql_exec(db, path, "BEGIN IMMEDIATE;", err)) < 0)
			return r;
		if ((r = hn_sql_exec(db, path, migrations[version], err)) < 0 ||
		    (r = hn_sql_exec(db, path, tail, err)) < 0) {
			hn_sql_exec(db, path, "ROLLBACK;", NULL);
			return hn_error_prefix(err, "schema %d to %d", (int)version, (int)version + 1), r;
		}
	}
	return 0;
}
