/*
 * api-metrics - figures for Prometheus, in its text format.
 */
#include <event2/buffer.h>
#include <inttypes.h>

#include "base/units.h"
#include "fleet/answer.h"

#define SILENT_NS (11 * 60 * HN_NS_PER_S) /* a host tells of itself every five minutes at least */

static void add(struct evbuffer *out, const char *name, const char *type, const char *help, double value)
{
	evbuffer_add_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.17g\n", name, help, name, type, name,
			    value);
}

static void add_view(struct evbuffer *out, const struct hn_fleet_service *service)
{
	struct hn_mirror_state state = hn_mirror_state(service->mirror);
	uint64_t now = hn_fleet_now_ns();
	double age = state.confirmed_ns ? (double)(now - state.confirmed_ns) / HN_NS_PER_S : -1;

	add(out, "homenode_fleet_hosts", "gauge", "Hosts that are known.",
	    (double)hn_fleet_index_count(service->index));
	add(out, "homenode_fleet_hosts_waiting", "gauge", "Hosts whose topology is not known yet.",
	    (double)hn_fleet_index_waiting(service->index));
	add(out, "homenode_fleet_hosts_silent", "gauge",
	    "Hosts that are known, and whose records have not changed for 11 minutes.",
	    (double)hn_fleet_index_silent(service->index, now > SILENT_NS ? now - SILENT_NS : 0));
	add(out, "homenode_fleet_topologies", "gauge", "Makes of hosts.",
	    (double)hn_fleet_index_groups(service->index));
	add(out, "homenode_fleet_age_seconds", "gauge", "Since etcd last had nothing newer; -1 before that.",
	    age);
	add(out, "homenode_fleet_revision", "gauge", "etcd's revision that the view is of.",
	    (double)state.revision);
	add(out, "homenode_fleet_readings_total", "counter", "Times that all was read from etcd.",
	    (double)state.readings);
	add(out, "homenode_fleet_changes_total", "counter", "Changes that etcd has told of.",
	    (double)state.changes);
	add(out, "homenode_fleet_troubles_total", "counter", "Times that following etcd failed.",
	    (double)state.troubles);
}

static void add_work(struct evbuffer *out, const struct hn_fleet_tally *tally)
{
	add(out, "homenode_fleet_bad_records_total", "counter", "Records in etcd that made no sense.",
	    (double)tally->bad_records);
	add(out, "homenode_fleet_requests_total", "counter", "Requests answered.", (double)tally->requests);
	add(out, "homenode_fleet_request_failures_total", "counter", "Requests answered with 4xx or 5xx.",
	    (double)tally->failures);
	add(out, "homenode_fleet_ranks_total", "counter", "Rankings answered.", (double)tally->ranks);
	add(out, "homenode_fleet_rank_seconds_total", "counter", "Time they took.",
	    (double)tally->rank_ns / HN_NS_PER_S);
	add(out, "homenode_fleet_counts_total", "counter", "Counts answered.", (double)tally->counts);
	add(out, "homenode_fleet_count_seconds_total", "counter", "Time they took.",
	    (double)tally->count_ns / HN_NS_PER_S);
	add(out, "homenode_fleet_reservations_total", "counter", "Reservations that a host made.",
	    (double)tally->reserved);
	add(out, "homenode_fleet_reservations_refused_total", "counter", "Reservations that no host made.",
	    (double)tally->refused);
	add(out, "homenode_fleet_reservations_passed_on_total", "counter",
	    "Hosts that did not reserve what looked free, so that the next one was asked.",
	    (double)tally->passed_on);
}

void hn_fleet_api_metrics(struct hn_fleet_call *call)
{
	struct evbuffer *out = evbuffer_new();
	const char *text;

	if (!out) {
		hn_fleet_send_problem(call, 503, "out of memory");
		return;
	}
	add_view(out, call->service);
	add_work(out, &call->service->tally);
	text = (const char *)evbuffer_pullup(out, -1);
	hn_fleet_send_text(call, "text/plain; version=0.0.4", text ? text : "",
			   text ? evbuffer_get_length(out) : 0);
	evbuffer_free(out);
}
