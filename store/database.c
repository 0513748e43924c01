#include "store/database-private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "store/schema.h"

#define BUSY_MS 2000
#define PAGE_BYTES 4096

#define SAMPLE_COLUMNS "guest, boot, at, time, rung, cell, looks, low, value, high, busy, shares"
#define EVENT_COLUMNS "guest, boot, at, time"
#define DECISION_COLUMNS "verdict, changed, reason, home"
#define MOVE_COLUMNS                                                                                         \
	"operation, price, predicted_bytes, predicted_gain, moved_bytes, stayed_bytes, cpu_ns, elapsed_ns, " \
	"outcome, message"

/* ?1 uuid, ?2 name, ?3 not older than, ?4 how many */
#define ASK(columns, table, and)                                                                         \
	"SELECT seq, time, b.boot, g.uuid, g.name, " columns " FROM " table " t JOIN boots b ON b.id = " \
	"t.boot JOIN guests g ON g.id = t.guest WHERE t.guest IN (SELECT id FROM guests WHERE "          \
	"CASE WHEN ?1 = '' THEN name = ?2 ELSE uuid = ?1 OR (uuid = '' AND name = ?2) END) "             \
	"AND at >= ?3 " and                                                                              \
		"ORDER BY seq DESC LIMIT ?4"

static const char *const texts[HN_STATEMENT_COUNT] = {
	[HN_STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
	[HN_STATEMENT_COMMIT] = "COMMIT",
	[HN_STATEMENT_ROLLBACK] = "ROLLBACK",
	[HN_STATEMENT_FIND_GUEST] = "SELECT id FROM guests WHERE uuid = ? AND name = ?",
	[HN_STATEMENT_FIND_BOOT] = "SELECT id FROM boots WHERE boot = ?",
	[HN_STATEMENT_ADD_BOOT] = "INSERT INTO boots (boot) VALUES (?)",
	[HN_STATEMENT_ADD_GUEST] = "INSERT INTO guests (uuid, name) VALUES (?, ?)",
	[HN_STATEMENT_ADD_SAMPLE] = "INSERT INTO samples (seq, " SAMPLE_COLUMNS
				    ") VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?)",
	[HN_STATEMENT_ADD_DECISION] = "INSERT INTO decisions (seq, " EVENT_COLUMNS ", " DECISION_COLUMNS
				      ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[HN_STATEMENT_ADD_MOVE] = "INSERT INTO moves (seq, " EVENT_COLUMNS ", " MOVE_COLUMNS
				  ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[HN_STATEMENT_ASK_SAMPLES] = ASK("cell, looks, low, value, high, busy, shares", "samples",
					 "AND (?5 IS NULL OR cell = ?5) "),
	[HN_STATEMENT_ASK_DECISIONS] = ASK(DECISION_COLUMNS, "decisions", ""),
	[HN_STATEMENT_ASK_MOVES] = ASK(MOVE_COLUMNS, "moves", ""),
	[HN_STATEMENT_PAGE_COUNT] = "PRAGMA page_count",
	[HN_STATEMENT_FREE_COUNT] = "PRAGMA freelist_count",
	[HN_STATEMENT_OLDEST] = "SELECT at FROM samples WHERE rung = ? ORDER BY seq LIMIT 1",
	[HN_STATEMENT_FIRST_FROM] = "SELECT seq FROM samples WHERE rung = ? AND at >= ? ORDER BY seq LIMIT 1",
	[HN_STATEMENT_FOLD] =
		"INSERT INTO temp.fold SELECT m.seq, m.guest, m.boot, m.at, m.time, m.rung + 1, m.cell, "
		"f.looks, f.low, f.value, f.high, f.busy, f.shares FROM (SELECT max(seq) AS last, "
		"sum(looks) AS looks, min(low) AS low, sum(value * looks) / sum(CASE WHEN value IS NULL THEN "
		"0 "
		"ELSE looks END) AS value, max(high) AS high, sum(busy * looks) / sum(looks) AS busy, "
		"share_mean(shares, looks) AS shares FROM main.samples WHERE rung = ?1 AND seq < ?2 "
		"GROUP BY guest, cell) f JOIN main.samples m ON m.seq = f.last",
	[HN_STATEMENT_FOLD_DELETE] = "DELETE FROM main.samples WHERE rung = ?1 AND seq < ?2",
	[HN_STATEMENT_FOLD_PUT_BACK] = "INSERT INTO main.samples (seq, " SAMPLE_COLUMNS
				       ") SELECT seq, " SAMPLE_COLUMNS " FROM temp.fold",
	[HN_STATEMENT_FOLD_CLEAR] = "DELETE FROM temp.fold",
};

struct hn_moment hn_moment_now(void)
{
	struct timespec wall, uptime;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_BOOTTIME, &uptime);
	return (struct hn_moment){.wall_ns = (uint64_t)wall.tv_sec * HN_NS_PER_S + (uint64_t)wall.tv_nsec,
				  .uptime_ns =
					  (uint64_t)uptime.tv_sec * HN_NS_PER_S + (uint64_t)uptime.tv_nsec};
}

sqlite3_stmt *hn_database_statement(struct hn_database *database, enum hn_statement statement)
{
	return database->statements[statement];
}

int hn_database_run(struct hn_database *database, enum hn_statement statement, struct hn_error *err)
{
	HN_AUTO(hn_sql_loan) sqlite3_stmt *loan = hn_database_statement(database, statement);

	return hn_sql_run(database->db, database->path, loan, err);
}

int hn_database_number(struct hn_database *database, enum hn_statement statement, int64_t *ret,
		       struct hn_error *err)
{
	HN_AUTO(hn_sql_loan) sqlite3_stmt *loan = hn_database_statement(database, statement);

	if (sqlite3_step(loan) != SQLITE_ROW)
		return hn_sql_fail(database->db, database->path, err);
	*ret = sqlite3_column_int64(loan, 0);
	return 0;
}

void hn_database_roll_back(struct hn_database *database)
{
	if (!sqlite3_get_autocommit(database->db)) /* SQLite itself rolls back on some errors */
		hn_database_run(database, HN_STATEMENT_ROLLBACK, NULL);
}

void hn_database_close(struct hn_database *database)
{
	if (!database)
		return;
	for (size_t i = 0; i < HN_STATEMENT_COUNT; i++)
		sqlite3_finalize(database->statements[i]);
	sqlite3_close(database->db);
	free(database->path);
	free(database);
}

/* The file with its mode, and its folder. What is wrong with them shows when SQLite opens it. */
static int prepare_file(const char *path, struct hn_error *err)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	struct stat status;
	int fd;

	if (stat(path, &status) == 0)
		return S_ISREG(status.st_mode) ? 0
					       : hn_fail(err, -EPROTONOSUPPORT,
							 "%s is not a file: name one in [store] path", path);
	if (slash && slash > path && (size_t)(slash - path) < sizeof(folder)) {
		memcpy(folder, path, (size_t)(slash - path));
		folder[slash - path] = '\0';
		if (mkdir(folder, 0750) < 0 && errno != EEXIST) {
			int code = errno == EROFS || errno == ENOSPC ? -errno : -EACCES;

			return hn_fail(err, code, "cannot make %s: %s", folder, strerror(errno));
		}
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0) {
		int code = errno == EROFS || errno == ENOSPC ? -errno : -EACCES;

		return hn_fail(err, code, "cannot make %s: %s", path, strerror(errno));
	}
	close(fd);
	return 0;
}

/* Opens what is there without changing it, and looks whether it is ours to change. */
static int open_untouched(struct hn_database *database, struct hn_error *err)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	int one = 1, r;

	if (sqlite3_open_v2(database->path, &database->db, flags, NULL) != SQLITE_OK)
		return hn_sql_fail(database->db, database->path, err);
	sqlite3_busy_timeout(database->db, BUSY_MS);
	sqlite3_db_config(database->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_db_config(database->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(database->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_file_control(database->db, "main", SQLITE_FCNTL_PERSIST_WAL, &one);
	if ((r = hn_schema_check(database->db, database->path, err)) < 0)
		return r;
	one = 0;
	sqlite3_file_control(database->db, "main", SQLITE_FCNTL_PERSIST_WAL, &one);
	sqlite3_db_config(database->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	return 0;
}

static int check_whole(struct hn_database *database, struct hn_error *err)
{
	HN_AUTO(hn_sql_statement) sqlite3_stmt *statement = NULL;
	const char *answer, *line;

	if (sqlite3_prepare_v2(database->db, "PRAGMA quick_check(1)", -1, &statement, NULL) != SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_ROW)
		return hn_sql_fail(database->db, database->path, err);
	answer = (const char *)sqlite3_column_text(statement, 0);
	if (answer && strcmp(answer, "ok") == 0)
		return 0;
	if (!answer)
		return hn_oom(err);
	/* "*** in database main ***", then a line each */
	line = strrchr(answer, '\n');
	return hn_fail(err, -EUCLEAN, "%s: %.200s", database->path, line ? line + 1 : answer);
}

static int configure(struct hn_database *database, struct hn_error *err)
{
	char text[400];

	/* auto_vacuum and page_size count for a new file only, WAL stays with the file */
	snprintf(text, sizeof(text),
		 "PRAGMA page_size = %d; PRAGMA auto_vacuum = incremental; PRAGMA journal_mode = wal;"
		 "PRAGMA synchronous = normal; PRAGMA temp_store = memory; PRAGMA cache_size = -256;"
		 "PRAGMA wal_autocheckpoint = 256; PRAGMA journal_size_limit = 1048576;"
		 "PRAGMA cell_size_check = on; PRAGMA max_page_count = %lld;",
		 PAGE_BYTES, (long long)database->page_limit);
	return hn_sql_exec(database->db, database->path, text, err);
}

static int prepare_statements(struct hn_database *database, struct hn_error *err)
{
	int r = hn_sql_exec(
		database->db, database->path,
		"CREATE TEMP TABLE fold AS SELECT seq, " SAMPLE_COLUMNS " FROM main.samples LIMIT 0", err);

	if (r < 0)
		return r;
	if (hn_database_add_functions(database->db) != SQLITE_OK)
		return hn_sql_fail(database->db, database->path, err);
	for (size_t i = 0; i < HN_STATEMENT_COUNT; i++)
		if (sqlite3_prepare_v3(database->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
				       &database->statements[i], NULL) != SQLITE_OK)
			return hn_sql_fail(database->db, database->path, err);
	return 0;
}

/* Where sequence and clock were left. */
static int resume(struct hn_database *database, const struct hn_database_options *options,
		  struct hn_error *err)
{
#define NEWEST(column)                                                                            \
	"SELECT max((SELECT ifnull(max(" column "), 0) FROM samples), (SELECT ifnull(max(" column \
	"), 0) FROM "                                                                             \
	"decisions), (SELECT ifnull(max(" column "), 0) FROM moves))"
#define NEWEST_TIME                                                                                         \
	"SELECT max(ifnull((SELECT at FROM samples ORDER BY seq DESC LIMIT 1), 0), ifnull((SELECT at FROM " \
	"decisions ORDER BY seq DESC LIMIT 1), 0), ifnull((SELECT at FROM moves ORDER BY seq DESC LIMIT "   \
	"1), 0))"
	int64_t sequence, newest;
	int r;

	if ((r = hn_sql_number(database->db, database->path, NEWEST("seq"), &sequence, err)) < 0 ||
	    (r = hn_sql_number(database->db, database->path, NEWEST_TIME, &newest, err)) < 0)
		return r;
	snprintf(database->boot, sizeof(database->boot), "%s", options->boot);
	database->next_sequence = database->first_sequence = (uint64_t)sequence + 1;
	hn_database_clock_begin(database, (uint64_t)newest, &options->now);
	return 0;
}

int hn_database_open(const struct hn_database_options *options, struct hn_database **ret, int *ret_from,
		     struct hn_error *err)
{
	HN_AUTO(hn_database) struct hn_database *database = calloc(1, sizeof(*database));
	uint64_t size =
		options->size_bytes > HN_DATABASE_SIZE_LEAST ? options->size_bytes : HN_DATABASE_SIZE_LEAST;
	int r;

	if (!database || !(database->path = strdup(options->path)))
		return hn_oom(err);
	database->page_limit = (int64_t)(size / PAGE_BYTES);
	if ((r = hn_schema_inspect(options->path, err)) < 0 || (r = prepare_file(options->path, err)) < 0 ||
	    (r = open_untouched(database, err)) < 0 || (r = configure(database, err)) < 0 ||
	    (r = options->check ? check_whole(database, err) : 0) < 0 ||
	    (r = hn_schema_migrate(database->db, database->path, ret_from, err)) < 0 ||
	    (r = prepare_statements(database, err)) < 0 || (r = resume(database, options, err)) < 0)
		return r;
	*ret = hn_steal(database);
	return 0;
}

int hn_database_set_aside(const char *path, struct hn_error *err)
{
	static const char *const tails[] = {"-wal", "-shm", ""};

	for (size_t i = 0; i < HN_COUNT(tails); i++) {
		char from[PATH_MAX], to[PATH_MAX];

		snprintf(from, sizeof(from), "%s%s", path, tails[i]);
		snprintf(to, sizeof(to), "%s.bad%s", path, tails[i]);
		if (rename(from, to) == 0)
			continue;
		if (errno != ENOENT)
			return hn_fail_errno(err, -errno, "cannot rename %s to %s", from, to);
		unlink(to); /* of an earlier one: it would be taken for this one's */
	}
	return 0;
}
