/*
 * database-write - records into rows, a batch in one transaction.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/database-private.h"

#define ROOM_TRIES 4

static int64_t clamp(uint64_t number)
{
	return number > INT64_MAX ? INT64_MAX : (int64_t)number;
}

static void bind_text(sqlite3_stmt *statement, int *place, const char *text)
{
	sqlite3_bind_text(statement, ++*place, text, -1, SQLITE_STATIC);
}

static void bind_number(sqlite3_stmt *statement, int *place, uint64_t number)
{
	sqlite3_bind_int64(statement, ++*place, clamp(number));
}

static void bind_fraction(sqlite3_stmt *statement, int *place, double fraction, bool known)
{
	if (known)
		sqlite3_bind_double(statement, ++*place, fraction);
	else
		sqlite3_bind_null(statement, ++*place);
}

/* The id that belongs to one or two texts, by one statement; entered by another when there is none. */
static int find_or_add(struct hn_database *database, enum hn_statement find, enum hn_statement add,
		       const char *first, const char *second, int64_t *ret, struct hn_error *err)
{
	HN_AUTO(hn_sql_loan) sqlite3_stmt *finder = hn_database_statement(database, find);
	HN_AUTO(hn_sql_loan) sqlite3_stmt *adder = hn_database_statement(database, add);
	int step, r;

	sqlite3_bind_text(finder, 1, first, -1, SQLITE_STATIC);
	sqlite3_bind_text(adder, 1, first, -1, SQLITE_STATIC);
	if (second) {
		sqlite3_bind_text(finder, 2, second, -1, SQLITE_STATIC);
		sqlite3_bind_text(adder, 2, second, -1, SQLITE_STATIC);
	}
	step = sqlite3_step(finder);
	if (step == SQLITE_ROW) {
		*ret = sqlite3_column_int64(finder, 0);
		return 0;
	}
	if (step != SQLITE_DONE)
		return hn_sql_fail(database->db, database->path, err);
	r = hn_sql_run(database->db, database->path, adder, err);
	*ret = sqlite3_last_insert_rowid(database->db);
	return r;
}

static size_t pack_shares(const struct hn_sample_record *sample, unsigned char *bytes)
{
	size_t count = sample->node_count < HN_SET_MAX ? sample->node_count : HN_SET_MAX;

	for (size_t i = 0; i < count; i++) {
		unsigned share = (unsigned)lround(fmin(1, fmax(0, sample->memory_share[i])) * HN_SHARE_ONE);

		bytes[2 * i] = (unsigned char)share;
		bytes[2 * i + 1] = (unsigned char)(share >> 8);
	}
	return 2 * count;
}

static void bind_sample(sqlite3_stmt *statement, int *place, const struct hn_sample_record *sample,
			unsigned char *bytes)
{
	sqlite3_bind_int(statement, ++*place, sample->cell);
	bind_number(statement, place, sample->looks ? sample->looks : 1);
	bind_fraction(statement, place, sample->locality.low, sample->locality_known);
	bind_fraction(statement, place, sample->locality.value, sample->locality_known);
	bind_fraction(statement, place, sample->locality.high, sample->locality_known);
	/* a NaN would be stored as NULL, which the column refuses */
	bind_fraction(statement, place, isfinite(sample->busy) ? sample->busy : 0, true);
	sqlite3_bind_blob(statement, ++*place, bytes, (int)pack_shares(sample, bytes), SQLITE_STATIC);
}

/* "0:0-1 1:2": cell and nodes. NULL when out of memory. */
static char *write_home(const struct hn_decision_record *decision)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < decision->cell_count; i++) {
		char nodes[HN_SET_TEXT_MAX];

		fprintf(out, "%s%d:%s", i ? " " : "", decision->home[i].cell,
			hn_set_format(&decision->home[i].nodes, nodes, sizeof(nodes)));
	}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static void bind_decision(sqlite3_stmt *statement, int *place, const struct hn_decision_record *decision,
			  const char *home)
{
	bind_text(statement, place, hn_verdict_name(decision->verdict));
	bind_number(statement, place, decision->verdict_changed | decision->home_changed << 1);
	bind_text(statement, place, decision->reason);
	bind_text(statement, place, home);
}

static void bind_move(sqlite3_stmt *statement, int *place, const struct hn_move_record *move)
{
	bind_number(statement, place, move->operation);
	bind_fraction(statement, place, isfinite(move->price) ? move->price : 0, true);
	bind_number(statement, place, move->predicted_bytes);
	bind_fraction(statement, place, isfinite(move->predicted_gain) ? move->predicted_gain : 0, true);
	bind_number(statement, place, move->moved_bytes);
	bind_number(statement, place, move->stayed_bytes);
	bind_number(statement, place, move->cpu_ns);
	bind_number(statement, place, move->elapsed_ns);
	bind_text(statement, place, hn_operation_state_name(move->outcome));
	bind_text(statement, place, move->message);
}

static int write_record(struct hn_database *database, const struct hn_record *record, int64_t boot,
			uint64_t sequence, uint64_t at_ns, struct hn_error *err)
{
	static const enum hn_statement kinds[HN_RECORD_KIND_COUNT] = {
		HN_STATEMENT_ADD_SAMPLE, HN_STATEMENT_ADD_DECISION, HN_STATEMENT_ADD_MOVE};
	HN_AUTO(hn_sql_loan) sqlite3_stmt *add = hn_database_statement(database, kinds[record->kind]);
	__attribute__((cleanup(hn_cleanup_memory))) char *home = NULL;
	unsigned char bytes[HN_SHARES_BYTES_MAX];
	int64_t guest;
	int place = 0, r;

	r = find_or_add(database, HN_STATEMENT_FIND_GUEST, HN_STATEMENT_ADD_GUEST, record->uuid,
			record->guest, &guest, err);
	if (r < 0)
		return r;
	bind_number(add, &place, sequence);
	bind_number(add, &place, (uint64_t)guest);
	bind_number(add, &place, (uint64_t)boot);
	bind_number(add, &place, at_ns);
	bind_number(add, &place, record->time_ns);
	if (record->kind == HN_RECORD_SAMPLE) {
		bind_sample(add, &place, &record->sample, bytes);
	} else if (record->kind == HN_RECORD_MOVE) {
		bind_move(add, &place, &record->move);
	} else {
		if (!(home = write_home(&record->decision)))
			return hn_oom(err);
		bind_decision(add, &place, &record->decision, home);
	}
	return hn_sql_run(database->db, database->path, add, err);
}

static int write_all(struct hn_database *database, struct hn_entry *const *entries, size_t count,
		     struct hn_error *err)
{
	uint64_t newest = database->newest_ns;
	int64_t boot = 0;
	int r = hn_database_run(database, HN_STATEMENT_BEGIN, err);

	if (r == 0)
		r = find_or_add(database, HN_STATEMENT_FIND_BOOT, HN_STATEMENT_ADD_BOOT, database->boot, NULL,
				&boot, err);
	for (size_t i = 0; i < count && r == 0; i++) {
		uint64_t at = entries[i]->uptime_ns + database->clock_offset;

		newest = at > newest ? at : newest;
		r = write_record(database, entries[i]->record, boot, database->next_sequence + i, newest,
				 err);
	}
	if (r == 0)
		r = hn_database_run(database, HN_STATEMENT_COMMIT, err);
	if (r < 0) {
		hn_database_roll_back(database);
		return r;
	}
	database->newest_ns = newest;
	database->next_sequence += count;
	return 0;
}

int hn_database_write(struct hn_database *database, struct hn_entry *const *entries, size_t count,
		      struct hn_error *err)
{
	int r = hn_database_make_room(database, 0, err);

	if (r >= 0)
		r = write_all(database, entries, count, err);
	for (unsigned i = 1; r == -ENOSPC && i < ROOM_TRIES; i++) {
		struct hn_error ignored;

		/* the disk is full, or the limit is reached: that can be helped */
		if (hn_database_make_room(database, i, &ignored) <= 0)
			break;
		r = write_all(database, entries, count, err);
	}
	return r;
}
