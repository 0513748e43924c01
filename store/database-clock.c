/*
 * database-clock - the store's clock, and what is done when the wall clock it begins with cannot be believed.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/units.h"
#include "store/database-private.h"

#define HOUR_NS (3600 * HN_NS_PER_S)
#define DAY_NS (24 * HOUR_NS)
#define JUMP_NS (30 * DAY_NS) /* from the newest record: more may be a clock that nobody has set yet */
#define BELIEVED_NS DAY_NS    /* a wall clock that homenoded has run with for so long has been set */

uint64_t hn_database_clock(const struct hn_database *database, uint64_t uptime_ns)
{
	uint64_t now = uptime_ns + database->clock_offset;

	return now > database->newest_ns ? now : database->newest_ns;
}

void hn_database_clock_begin(struct hn_database *database, uint64_t newest_ns, const struct hn_moment *now)
{
	uint64_t start = now->wall_ns > newest_ns ? now->wall_ns : newest_ns;
	uint64_t jump = now->wall_ns > newest_ns ? now->wall_ns - newest_ns : newest_ns - now->wall_ns;

	database->newest_ns = database->found_ns = newest_ns;
	database->clock_offset = start - now->uptime_ns;
	database->doubt_until_ns = newest_ns == 0 || jump > JUMP_NS ? now->uptime_ns + BELIEVED_NS : 0;
}

/* Changes rows of all tables, by what follows UPDATE and the table's name. */
static int change_rows(struct hn_database *database, const char *change, struct hn_error *err)
{
	static const char *const tables[] = {"samples", "decisions", "moves"};
	char text[160];
	int r = hn_database_run(database, HN_STATEMENT_BEGIN, err);

	for (size_t i = 0; r == 0 && i < HN_COUNT(tables); i++) {
		snprintf(text, sizeof(text), "UPDATE %s %s", tables[i], change);
		r = hn_sql_exec(database->db, database->path, text, err);
	}
	if (r < 0 || (r = hn_database_run(database, HN_STATEMENT_COMMIT, err)) < 0)
		hn_database_roll_back(database);
	return r;
}

/* From here on the wall clock counts; what was written ahead of it was written now. */
static int go_back(struct hn_database *database, const struct hn_moment *now, struct hn_error *err)
{
	char change[120];
	int r;

	snprintf(change, sizeof(change), "SET at = %" PRIu64 " WHERE at > %" PRIu64, now->wall_ns,
		 now->wall_ns);
	if ((r = change_rows(database, change, err)) < 0)
		return r;
	database->clock_offset = now->wall_ns - now->uptime_ns;
	if (database->newest_ns > now->wall_ns)
		database->newest_ns = now->wall_ns;
	return 0;
}

/* Likewise; what was written since the file was opened was written as much later. */
static int go_ahead(struct hn_database *database, const struct hn_moment *now, struct hn_error *err)
{
	uint64_t by = now->wall_ns - hn_database_clock(database, now->uptime_ns);
	char change[120];
	int r;

	snprintf(change, sizeof(change), "SET at = at + %" PRIu64 " WHERE seq >= %" PRIu64, by,
		 database->first_sequence);
	if ((r = change_rows(database, change, err)) < 0)
		return r;
	database->clock_offset = now->wall_ns - now->uptime_ns;
	if (database->next_sequence > database->first_sequence)
		database->newest_ns += by;
	return 0;
}

int hn_database_clock_settle(struct hn_database *database, const struct hn_moment *now, struct hn_error *err)
{
	uint64_t clock = hn_database_clock(database, now->uptime_ns);
	bool waited = now->uptime_ns >= database->doubt_until_ns, was_empty = database->found_ns == 0;
	int r = 0;

	if (!database->doubt_until_ns)
		return 1;
	/* one that has come back to behind the records has been set; one that was there from the beginning
	 * may still be */
	if (now->wall_ns + HOUR_NS < clock && (waited || now->wall_ns >= database->found_ns))
		r = go_back(database, now, err);
	else if (now->wall_ns > clock + HOUR_NS)
		r = go_ahead(database, now, err);
	if (r < 0)
		return r;
	if (waited || (!was_empty && now->wall_ns >= database->found_ns &&
		       now->wall_ns - database->found_ns <= JUMP_NS))
		database->doubt_until_ns = 0;
	/* all that is in one that was empty is as old as the time that has passed, whatever the clock */
	return was_empty || database->doubt_until_ns == 0;
}
