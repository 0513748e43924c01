#pragma once
/*
 * schema - the tables of the history, their version, and how a file of an earlier version becomes one of
 * this.
 */
#include <sqlite3.h>

#include "base/error.h"

#define HN_SCHEMA_VERSION 2              /* PRAGMA user_version */
#define HN_SCHEMA_APPLICATION 0x686e6873 /* PRAGMA application_id: "hnhs" */

/*
 * Whether the file may be touched, from its header alone and without opening it as a database: 0 also for
 * one that is not there, is empty, or is no database at all. -EPROTONOSUPPORT for a newer schema and for a
 * database of something else.
 */
int hn_schema_inspect(const char *path, struct hn_error *err);

/* The same of an open one: what its write-ahead log holds counts, too. */
int hn_schema_check(sqlite3 *db, const char *path, struct hn_error *err);

/* Brings it up to HN_SCHEMA_VERSION, each step a transaction. *ret_from is the version it had, 0: it was new.
 */
int hn_schema_migrate(sqlite3 *db, const char *path, int *ret_from, struct hn_error *err);
