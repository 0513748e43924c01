#include "cli/azure-trace.h"

#include <errno.h>
#include <math.h>
#include <sqlite3.h>

#include "base/random.h"
#include "base/units.h"
#include "sim/enliven.h"
#include "sim/generator.h"

HN_CLEANUP_DEFINE(sqlite, sqlite3 *, sqlite3_close);
HN_CLEANUP_DEFINE(statement, sqlite3_stmt *, sqlite3_finalize);

#define DAY_SECONDS 86400.0

/* One row of vm, joined with its type. */
struct row {
	int64_t id;
	double start_days, end_days; /* end: infinity when it stays */
	double core, memory;         /* shares of a machine */
};

struct reader {
	sqlite3 *database;
	const char *path;
	const struct hn_azure_options *options;
	const struct hn_host *host;
	double host_bytes;
	int64_t machine;
	double kept; /* share of the guests */
};

static int fail_sqlite(const struct reader *reader, struct hn_error *err)
{
	return hn_fail(err, -EINVAL, "trace '%s': %s", reader->path, sqlite3_errmsg(reader->database));
}

static int prepare(const struct reader *reader, const char *sql, sqlite3_stmt **ret, struct hn_error *err)
{
	return sqlite3_prepare_v2(reader->database, sql, -1, ret, NULL) == SQLITE_OK
		       ? 0
		       : fail_sqlite(reader, err);
}

static int find_machine(struct reader *reader, struct hn_error *err)
{
	HN_AUTO(statement) sqlite3_stmt *statement = NULL;
	int r = prepare(
		reader,
		"SELECT machineId FROM vmType GROUP BY machineId ORDER BY count(*) DESC, machineId LIMIT 1",
		&statement, err);

	if (r < 0)
		return r;
	r = sqlite3_step(statement);
	if (r == SQLITE_DONE)
		return hn_fail(err, -EINVAL, "trace '%s': table vmType is empty", reader->path);
	if (r != SQLITE_ROW)
		return fail_sqlite(reader, err);
	reader->machine = sqlite3_column_int64(statement, 0);
	return 0;
}

static bool is_number(sqlite3_stmt *statement, int column)
{
	int type = sqlite3_column_type(statement, column);

	return type == SQLITE_INTEGER || type == SQLITE_FLOAT;
}

/* A column that must be a number; named in the sentence. */
static int get_number(const struct reader *reader, sqlite3_stmt *statement, int column, double *ret,
		      struct hn_error *err)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);

	if (!is_number(statement, column))
		return hn_fail(err, -EINVAL, "trace '%s': vm %lld: %s '%.40s' is no number", reader->path,
			       (long long)sqlite3_column_int64(statement, 0),
			       sqlite3_column_name(statement, column), text ? text : "NULL");
	*ret = sqlite3_column_double(statement, column);
	return 0;
}

static int get_share(const struct reader *reader, sqlite3_stmt *statement, int column, double *ret,
		     struct hn_error *err)
{
	int r = get_number(reader, statement, column, ret, err);

	if (r == 0 && !(*ret > 0 && *ret <= 1))
		return hn_fail(err, -EINVAL, "trace '%s': vm %lld: %s %g is no share of a machine",
			       reader->path, (long long)sqlite3_column_int64(statement, 0),
			       sqlite3_column_name(statement, column), *ret);
	return r;
}

static int read_row(const struct reader *reader, sqlite3_stmt *statement, struct row *ret,
		    struct hn_error *err)
{
	int r;

	ret->id = sqlite3_column_int64(statement, 0);
	ret->end_days = HUGE_VAL;
	if ((r = get_number(reader, statement, 1, &ret->start_days, err)) < 0 ||
	    (sqlite3_column_type(statement, 2) != SQLITE_NULL &&
	     (r = get_number(reader, statement, 2, &ret->end_days, err)) < 0) ||
	    (r = get_share(reader, statement, 3, &ret->core, err)) < 0 ||
	    (r = get_share(reader, statement, 4, &ret->memory, err)) < 0)
		return r;
	if (ret->end_days < ret->start_days)
		return hn_fail(err, -EINVAL, "trace '%s': vm %lld: endtime %g is before starttime %g",
			       reader->path, (long long)ret->id, ret->end_days, ret->start_days);
	return 0;
}

static double trace_days(const struct reader *reader)
{
	return (double)reader->options->ticks * (double)reader->options->tick_ns / (double)HN_NS_PER_S /
	       DAY_SECONDS;
}

/* Calls take for every guest that is there at some time of the trace. */
static int for_each_row(struct reader *reader,
			int (*take)(struct reader *reader, const struct row *row, void *context),
			void *context, struct hn_error *err)
{
	HN_AUTO(statement) sqlite3_stmt *statement = NULL;
	int r = prepare(
		reader,
		"SELECT vm.vmId, vm.starttime, vm.endtime, vmType.core, vmType.memory FROM vm JOIN vmType "
		"ON vmType.vmTypeId = vm.vmTypeId AND vmType.machineId = ?1 WHERE vm.starttime < ?2 AND "
		"(vm.endtime IS NULL OR vm.endtime > 0) ORDER BY vm.starttime, vm.vmId",
		&statement, err);

	if (r < 0)
		return r;
	sqlite3_bind_int64(statement, 1, reader->machine);
	sqlite3_bind_double(statement, 2, trace_days(reader));
	while ((r = sqlite3_step(statement)) == SQLITE_ROW) {
		struct row row;

		r = read_row(reader, statement, &row, err);
		if (r < 0)
			return r;
		if (take(reader, &row, context) < 0)
			return hn_oom(err);
	}
	return r == SQLITE_DONE ? 0 : fail_sqlite(reader, err);
}

struct demand {
	double core_days, memory_days;
	uint64_t rows;
};

static int add_demand(struct reader *reader, const struct row *row, void *context)
{
	struct demand *demand = context;
	double days = fmin(row->end_days, trace_days(reader)) - fmax(row->start_days, 0);

	demand->core_days += days * row->core;
	demand->memory_days += days * row->memory;
	demand->rows++;
	return 0;
}

static int measure_demand(struct reader *reader, struct hn_error *err)
{
	struct demand demand = {0};
	double asked;
	int r = for_each_row(reader, add_demand, &demand, err);

	if (r < 0)
		return r;
	if (demand.rows == 0)
		return hn_fail(err, -EINVAL, "trace '%s': no vm is there in the first %.3g days",
			       reader->path, trace_days(reader));
	asked = fmax(demand.core_days, demand.memory_days) / trace_days(reader);
	reader->kept = asked > 0 ? fmin(1, reader->options->load / asked) : 1;
	return 0;
}

static uint64_t tick_at(const struct reader *reader, double days)
{
	double tick = days * DAY_SECONDS * (double)HN_NS_PER_S / (double)reader->options->tick_ns;

	return tick <= 0 ? 0 : tick >= 1e15 ? UINT64_MAX : (uint64_t)tick;
}

static int add_guest(struct reader *reader, const struct row *row, void *context)
{
	struct hn_random random = {reader->options->seed ^ (uint64_t)row->id * UINT64_C(0x9e3779b97f4a7c15)};
	double drawn = (double)(hn_random_next(&random) >> 11) / (double)(UINT64_C(1) << 53);
	struct hn_request request = {
		.vcpus = (unsigned)fmax(1, round(row->core * (double)reader->host->cpu_count)),
		.memory_bytes = (uint64_t)(row->memory * reader->host_bytes) / (2 * HN_MIB) * 2 * HN_MIB,
	};

	if (drawn >= reader->kept)
		return 0;
	if (request.memory_bytes < request.vcpus * 2 * HN_MIB)
		request.memory_bytes = request.vcpus * 2 * HN_MIB;
	request.cells = hn_cells_for(reader->host, request.vcpus, request.memory_bytes);
	return hn_trace_add_guest(context, tick_at(reader, row->start_days), tick_at(reader, row->end_days),
				  &request, hn_draw_load(&random));
}

int hn_azure_trace_load(const char *path, const struct hn_azure_options *options, const struct hn_host *host,
			struct hn_trace **ret, struct hn_error *err)
{
	HN_AUTO(sqlite) sqlite3 *database = NULL;
	HN_AUTO(hn_trace) struct hn_trace *trace = NULL;
	struct reader reader = {.path = path, .options = options, .host = host};
	int r = sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL);

	if (!database)
		return hn_oom(err);
	reader.database = database;
	if (r != SQLITE_OK)
		return fail_sqlite(&reader, err);
	for (size_t i = 0; i < host->node_count; i++)
		if (!hn_set_empty(&host->nodes[i].cpus))
			reader.host_bytes += (double)host->nodes[i].memory_bytes;
	trace = hn_trace_new(options->ticks, options->tick_ns);
	if (!trace)
		return hn_oom(err);
	if ((r = find_machine(&reader, err)) < 0 || (r = measure_demand(&reader, err)) < 0 ||
	    (r = for_each_row(&reader, add_guest, trace, err)) < 0)
		return r;
	if (hn_trace_enliven(trace, options->seed, options->stray_ns) < 0)
		return hn_oom(err);
	*ret = hn_steal(trace);
	return 0;
}
