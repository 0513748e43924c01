/*
 * homenode show - one guest: its cells over the nodes in MiB and percent, its threads, why, and what is being
 * done.
 */
#include "cli/show.h"
#include "cli/activity-words.h"

#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/fetch.h"
#include "cli/table.h"
#include "cli/words.h"

#define NODES_ALL_SHOWN 8 /* on larger hosts nodes without any of the guest are left out */

static bool is_node_of_interest(const struct hn_host *host, const struct hn_report *report, size_t node)
{
	if (host->node_count <= NODES_ALL_SHOWN)
		return true;
	for (size_t i = 0; report->sample && i < report->sample->cell_count; i++)
		if (report->sample->cells[i].on_node[node] > 0)
			return true;
	if (report->home) {
		struct hn_set nodes = hn_placement_nodes(report->home);

		return hn_set_has(&nodes, host->nodes[node].id);
	}
	return false;
}

static void add_share(struct hn_table *table, uint64_t part, uint64_t whole, uint64_t bytes, bool home)
{
	double share = whole ? (double)part / (double)whole : 0;

	if (part == 0)
		hn_table_cell(table, HN_TONE_FAINT, ".");
	else
		hn_table_cell(table, home ? HN_TONE_GOOD : HN_TONE_PLAIN, "%.0f MiB %3.0f %%",
			      share * (double)bytes / (double)HN_MIB, 100 * share);
}

static void add_cell(struct hn_table *table, const struct hn_host *host, const struct hn_report *report,
		     size_t index)
{
	const struct hn_cell *cell = &report->guest->cells[index];
	const struct hn_cell_sample *pages = report->sample ? &report->sample->cells[index] : NULL;
	const struct hn_set *home = report->home ? &report->home->cells[index].nodes : NULL;
	char text[128];

	hn_table_row(table);
	hn_table_cell(table, HN_TONE_PLAIN, "%d", cell->id);
	hn_set_format(&cell->vcpus, text, sizeof(text));
	hn_table_cell(table, HN_TONE_PLAIN, "%s", *text ? text : "-");
	hn_table_cell(table, HN_TONE_PLAIN, "%.0f MiB", (double)cell->memory_bytes / (double)HN_MIB);
	for (size_t node = 0; node < host->node_count; node++)
		if (is_node_of_interest(host, report, node))
			add_share(table, pages ? pages->on_node[node] : 0, pages ? pages->sampled : 0,
				  cell->memory_bytes, home && hn_set_has(home, host->nodes[node].id));
	add_share(table, pages ? pages->absent : 0, pages ? pages->sampled : 0, cell->memory_bytes, false);
	add_share(table, pages ? pages->unknown : 0, pages ? pages->sampled : 0, cell->memory_bytes, false);
	hn_table_cell(table, HN_TONE_PLAIN, "%s",
		      home && report->guest->mode >= HN_MODE_ADVISE ? hn_set_format(home, text, sizeof(text))
								    : "-");
	if (report->locality_known)
		hn_table_cell(table, hn_tone_of_share(report->cell_locality[index].value), "%s",
			      hn_say_share(&report->cell_locality[index], text, sizeof(text)));
	else
		hn_table_cell(table, HN_TONE_FAINT, "-");
	hn_table_cell(table, HN_TONE_FAINT, "%s",
		      report->locality_known && report->cell_trend[index] != HN_TREND_UNKNOWN
			      ? hn_trend_name(report->cell_trend[index])
			      : "-");
}

static int print_cells(const struct hn_host *host, const struct hn_report *report, bool colour)
{
	struct hn_table *table = hn_table_new(colour);
	char title[32];
	int r;

	hn_table_column(table, "CELL", true);
	hn_table_column(table, "VCPU", false);
	hn_table_column(table, "MEMORY", true);
	for (size_t node = 0; node < host->node_count; node++) {
		snprintf(title, sizeof(title), "NODE %d", host->nodes[node].id);
		if (is_node_of_interest(host, report, node))
			hn_table_column(table, title, true);
	}
	hn_table_column(table, "ABSENT", true);
	hn_table_column(table, "UNKNOWN", true);
	hn_table_column(table, "HOME", false);
	hn_table_column(table, "LOCAL", true);
	hn_table_column(table, "TREND", false);
	for (size_t i = 0; i < report->guest->cell_count; i++)
		add_cell(table, host, report, i);
	r = hn_table_print(table, 2, stdout);
	hn_table_free(table);
	return r;
}

static void add_thread(struct hn_table *table, const struct hn_host *host, const struct hn_thread *thread,
		       const struct hn_thread_sample *sample)
{
	char text[256];

	hn_table_row(table);
	hn_table_cell(table, HN_TONE_PLAIN, "%s", hn_say_thread(thread, text, sizeof(text)));
	if (thread->cell >= 0)
		hn_table_cell(table, HN_TONE_PLAIN, "%d", thread->cell);
	else
		hn_table_cell(table, HN_TONE_FAINT, "-");
	hn_table_cell(table, HN_TONE_PLAIN, "%d", thread->tid);
	if (sample->last_node >= 0 && (size_t)sample->last_node < host->node_count)
		hn_table_cell(table, HN_TONE_PLAIN, "%d", host->nodes[sample->last_node].id);
	else
		hn_table_cell(table, HN_TONE_FAINT, "-");
	hn_table_cell(table, HN_TONE_PLAIN, "%.0f %%", 100 * fmin(1, sample->busy));
	hn_table_cell(table, HN_TONE_PLAIN, "%s", hn_say_residency(host, sample, text, sizeof(text)));
	hn_table_cell(table, HN_TONE_PLAIN, "CPUs %s", hn_set_format(sample->allowed, text, sizeof(text)));
}

static int print_threads(const struct hn_host *host, const struct hn_report *report, bool colour)
{
	struct hn_table *table;
	int r;

	if (!report->sample || report->guest->thread_count != report->sample->thread_count)
		return 0;
	table = hn_table_new(colour);
	hn_table_column(table, "THREAD", false);
	hn_table_column(table, "CELL", true);
	hn_table_column(table, "TID", true);
	hn_table_column(table, "NODE", true);
	hn_table_column(table, "BUSY", true);
	hn_table_column(table, "RAN ON", false);
	hn_table_column(table, "BOUND TO", false);
	for (size_t i = 0; i < report->guest->thread_count; i++)
		add_thread(table, host, &report->guest->threads[i], &report->sample->threads[i]);
	r = hn_table_print(table, 2, stdout);
	hn_table_free(table);
	return r;
}

static void print_evidence(const struct hn_report *report)
{
	uint64_t sampled = 0;
	char age[HN_UNITS_TEXT_MAX], cost[HN_UNITS_TEXT_MAX];

	if (!report->sample)
		return;
	for (size_t i = 0; i < report->sample->cell_count; i++)
		sampled += report->sample->cells[i].sampled;
	printf("  Evidence   host sample of %llu pages %s ago, which cost %s of CPU\n",
	       (unsigned long long)sampled, hn_duration_format(report->age_ns, age, sizeof(age)),
	       hn_duration_format(report->sample->cost_ns, cost, sizeof(cost)));
}

static void print_line(const char *label, const char *text)
{
	if (*text)
		printf("  %-10s %s\n", label, text);
}

/* What the host's kernel and hardware count of it. */
static void print_activity(const struct hn_activity *activity)
{
	char text[HN_REASON_MAX];

	if (!activity)
		return;
	print_line("Pressure", hn_say_stalls(activity, text, sizeof(text)));
	print_line("KVM", hn_say_kvm(activity, text, sizeof(text)));
	print_line("Traffic", hn_say_traffic(activity, text, sizeof(text)));
	if (activity->refused[0])
		printf("  Doubted    %s\n", activity->refused);
}

static void print_cost(const struct hn_report *report)
{
	if (report->remote_cost_known)
		printf("  Cost       %.1f %% of its vCPU time waits for remote memory (%.1f to %.1f %%%s)\n",
		       100 * report->remote_cost.value, 100 * report->remote_cost.low,
		       100 * report->remote_cost.high,
		       report->remote_cost_estimated ? ", estimated from distances"
						     : ", from its traffic as counted");
	if (report->trend != HN_TREND_UNKNOWN)
		printf("  Trend      its locality is %s over its last looks\n", hn_trend_name(report->trend));
}

/* What the guest says of itself: shown as such, with its age and how far it may be off. */
static void print_reported(const struct hn_report *report)
{
	const struct hn_access *access = report->access;
	char age[HN_UNITS_TEXT_MAX], remote[32], faults[32];

	if (!access || access->doubt == HN_DOUBT_ALONE || access->doubt == HN_DOUBT_SILENT)
		return;
	hn_duration_format(access->age_ns, age, sizeof(age));
	if (access->doubt != HN_DOUBT_NONE)
		printf("  Guest      what it told %s ago is not used: %s\n", age, access->reason);
	else if (access->remote_known || access->faults_known)
		printf("  Guest      told %s ago: %s of allocations and %s of NUMA hint faults from another "
		       "cell\n",
		       age,
		       access->remote_known ? hn_say_share(&access->remote, remote, sizeof(remote)) : "-",
		       access->faults_known ? hn_say_share(&access->remote_faults, faults, sizeof(faults))
					    : "-");
	if (report->inside[0])
		printf("  Inside     %s\n", report->inside);
}

/* Kinds of memory, what holds it, and what stays behind whatever is moved. */
static void print_memory(const struct hn_guest *guest)
{
	char locked[HN_UNITS_TEXT_MAX], tables[HN_UNITS_TEXT_MAX], own[HN_UNITS_TEXT_MAX], pins[120];
	unsigned counts[HN_BACKING_COUNT] = {0}, stuck = 0;
	const char *between = "";

	if (!guest->hold.known)
		return;
	printf("  Memory     ");
	for (size_t i = 0; i < guest->backend_count; i++) {
		counts[guest->backends[i].backing]++;
		stuck += guest->backends[i].movability != HN_MOVABLE;
	}
	for (unsigned i = 0; i < HN_BACKING_COUNT; i++)
		if (counts[i]) {
			printf("%s%u %s", between, counts[i], hn_backing_name((enum hn_backing)i));
			between = ", ";
		}
	if (guest->hold.locked_bytes)
		printf("; %s locked", hn_bytes_format(guest->hold.locked_bytes, locked, sizeof(locked)));
	if (stuck)
		printf("; %u cannot be moved%s%s", stuck, guest->hold.pins ? ": " : "",
		       hn_pins_format(guest->hold.pins, pins, sizeof(pins)));
	printf("\n             stays behind: page tables of %s, and about %s of QEMU's own\n",
	       hn_bytes_format(guest->hold.page_table_bytes, tables, sizeof(tables)),
	       hn_bytes_format(guest->hold.own_bytes, own, sizeof(own)));
}

static void print_devices(const struct hn_report *report)
{
	for (size_t i = 0; i < report->device_count; i++) {
		const struct hn_device_place *place = &report->devices[i];

		printf("  %-10s %s%s%s%s", i ? "" : "Devices", place->name, *place->kind ? " " : "",
		       place->kind, place->shared ? ", shared with others" : "");
		if (place->node < 0)
			printf(", of no node\n");
		else if (place->far)
			printf(", on node %d: FAR, at a distance of %u\n", place->node, place->distance);
		else
			printf(", on node %d\n", place->node);
	}
}

static void print_window(const struct hn_report *report)
{
	char left[HN_UNITS_TEXT_MAX];

	if (report->window_left_ns)
		printf("  Window     open for %s: it may be moved though it is realtime\n",
		       hn_duration_format(report->window_left_ns, left, sizeof(left)));
}

static void print_operation(const struct hn_operation *operation)
{
	char moved[HN_UNITS_TEXT_MAX], cpu[HN_UNITS_TEXT_MAX], stall[HN_UNITS_TEXT_MAX];

	if (operation->id == 0 || operation->state == HN_OPERATION_RUNNING)
		return;
	printf("  Last done  operation %llu %s: %s\n", (unsigned long long)operation->id,
	       hn_operation_state_name(operation->state), operation->message);
	if (operation->moved_bytes > 0)
		printf("             %s moved for %s of CPU; the guest waited %s at most\n",
		       hn_bytes_format(operation->moved_bytes, moved, sizeof(moved)),
		       hn_duration_format(operation->cpu_ns, cpu, sizeof(cpu)),
		       hn_duration_format(operation->stall_ns, stall, sizeof(stall)));
}

static void print_why(const struct hn_report *report)
{
	char text[600];

	print_evidence(report);
	print_cost(report);
	print_activity(report->activity);
	print_reported(report);
	print_memory(report->guest);
	print_devices(report);
	print_window(report);
	printf("  Now        %s\n", hn_say_now(report, text, sizeof(text)));
	if (report->plan && report->plan->verdict != HN_VERDICT_AT_HOME &&
	    report->guest->mode > HN_MODE_OFF) {
		printf("  Why        %s\n", report->plan->reason);
		for (size_t i = 0; i < report->plan->action_count; i++)
			if (report->plan->actions[i].kind == HN_ACTION_MIGRATE)
				printf("             %s\n", report->plan->actions[i].reason);
	}
	print_operation(&report->operation);
	for (size_t i = 0; report->plan && i < report->plan->note_count; i++)
		printf("  Note       %s\n", report->plan->notes[i]);
}

int hn_print_guest(const struct hn_host *host, const struct hn_report *report, bool colour)
{
	const struct hn_guest *guest = report->guest;
	int r;

	if (report->sample && report->sample->node_count != host->node_count) {
		printf("%s: the host has changed between two answers of homenoded; ask again\n", guest->name);
		return 0;
	}
	printf("%s  %s, %s, %s, policy %s, pid %d\n\n", guest->name, hn_run_state_name(guest->state),
	       hn_mode_name(guest->mode), hn_class_name(guest->class), guest->policy[0] ? guest->policy : "-",
	       guest->pid);
	r = print_cells(host, report, colour);
	putchar('\n');
	if (r == 0)
		r = print_threads(host, report, colour);
	putchar('\n');
	print_why(report);
	return r;
}

static enum hn_exit show_json(const struct hn_invocation *invocation, const char *guest)
{
	__attribute__((cleanup(hn_cleanup_memory))) char *path =
		hn_client_guest_path(invocation->client, guest, "");
	HN_AUTO(json) json_object *json = NULL;
	struct hn_error err = {0};

	if ((path ? hn_client_call(invocation->client, path, NULL, &json, &err) : hn_oom(&err)) < 0)
		return hn_report_error(&err);
	hn_print_json(invocation, json);
	return HN_EXIT_OK;
}

static enum hn_exit run_show(const struct hn_invocation *invocation)
{
	HN_AUTO(hn_report) struct hn_report *report = NULL;
	HN_AUTO(hn_host) struct hn_host *host = NULL;
	struct hn_error err = {0};

	if (invocation->argc != 2) {
		fprintf(stderr, "homenode: show takes one guest; homenode guests lists them\n");
		return HN_EXIT_USAGE;
	}
	if (invocation->json)
		return show_json(invocation, invocation->argv[1]);
	if (hn_fetch_host(invocation->client, &host, &err) < 0 ||
	    hn_fetch_guest(invocation->client, invocation->argv[1], &report, &err) < 0)
		return hn_report_error(&err);
	if (hn_print_guest(host, report, invocation->colour) < 0) {
		hn_oom(&err);
		return hn_report_error(&err);
	}
	return HN_EXIT_OK;
}

const struct hn_command hn_command_show = {
	.name = "show",
	.arguments = "GUEST",
	.summary = "one guest: its cells over the nodes, its threads, why, and what is being done",
	.options = "",
	.run = run_show,
};
