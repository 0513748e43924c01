#pragma once
/*
 * database - the history's file: SQLite in WAL mode with synchronous=NORMAL, so that a transaction survives
 * the end of the process whatever it is, and all but the last ones the end of the machine. One thread at a
 * time; every call may block on the disk.
 *
 * Its clock: the wall clock when the file was opened, or its newest record's time if that is later, and from
 * there on the time that passes. So it does not go back; records are aged and sought by it, ordered by their
 * sequence, and shown with the wall clock's time of when they were made. Where the file is empty when it is
 * opened, or the two are more than 30 days apart, the wall clock may not have been set yet (a machine that
 * starts with a wrong one, before NTP). For the first 24 hours none of the records from before is thinned out
 * by age then, and a wall clock that comes out more than an hour behind or ahead is taken again: records from
 * ahead of it are as if they were written then, those written meanwhile go ahead with it.
 *
 * Errors: -EUCLEAN the file is damaged (hn_database_set_aside() then), -EPROTONOSUPPORT it is not to be
 * touched, -ENOSPC, -EROFS, -EACCES, -EBUSY, -EIO, -ENOMEM another time it may work. Whatever failed left
 * everything as it was.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "model/history.h"
#include "store/queue.h"

struct hn_database;

#define HN_DATABASE_SIZE_LEAST (4 * UINT64_C(1024) * 1024)

/* A moment on the two clocks. */
struct hn_moment {
	uint64_t wall_ns;   /* CLOCK_REALTIME */
	uint64_t uptime_ns; /* CLOCK_BOOTTIME */
};
struct hn_moment hn_moment_now(void);

struct hn_database_options {
	const char *path;
	uint64_t size_bytes; /* of the file at most, HN_DATABASE_SIZE_LEAST or more; its log takes 1 to 4 MiB
				besides */
	const char *boot;    /* id of this boot */
	struct hn_moment now;
	bool check; /* look through the whole file for damage */
};

/* Opens it, made when missing (and its folder, but not that one's), brought up to the present schema.
 * *ret_from: the schema it had, 0 new. */
int hn_database_open(const struct hn_database_options *options, struct hn_database **ret, int *ret_from,
		     struct hn_error *err);
void hn_database_close(struct hn_database *database); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_database, struct hn_database *, hn_database_close);

/* Renames path, path-wal and path-shm to path.bad, path.bad-wal, path.bad-shm, over what was there. */
int hn_database_set_aside(const char *path, struct hn_error *err);

/* All or none of them; they stay the caller's. Oldest records make room when the file has grown to its size.
 */
int hn_database_write(struct hn_database *database, struct hn_entry *const *entries, size_t count,
		      struct hn_error *err);

#define HN_CELL_ANY INT32_MIN
#define HN_ANSWER_MAX 5000

struct hn_question {
	char guest[HN_NAME_MAX]; /* by name, */
	char uuid[HN_UUID_MAX];  /* and by uuid where that is known: then namesakes do not count */
	uint64_t since_ns;       /* how far back from now; 0 as far as there is anything */
	bool kinds[HN_RECORD_KIND_COUNT];
	int cell;     /* of samples: a cell's id, -1 those of whole guests, HN_CELL_ANY */
	size_t limit; /* 1..HN_ANSWER_MAX */
};
int hn_database_ask(struct hn_database *database, const struct hn_question *question, uint64_t uptime_ns,
		    struct hn_history **ret, struct hn_error *err);

/* A step of thinning out by age: 1 when there may be more to do, 0 when not, or an error. */
int hn_database_tidy(struct hn_database *database, const struct hn_moment *now, struct hn_error *err);
