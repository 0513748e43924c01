#include "daemon/metrics.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/gauge.h"
#include "daemon/metrics-report.h"
#include "policy/locality.h"

#define OTHER "other"

void hn_metrics_add_label(struct evbuffer *out, const char *value)
{
	const unsigned char *at = (const unsigned char *)value;

	while (*at) {
		size_t length = *at < 0x80                  ? 1
				: *at >= 0xf0 && *at < 0xf5 ? 4
				: *at >= 0xe0 && *at < 0xf0 ? 3
				: *at >= 0xc2 && *at < 0xe0 ? 2
							    : 0;

		for (size_t i = 1; i < length; i++)
			if ((at[i] & 0xc0) != 0x80)
				length = 0;
		/* overlong forms, surrogates, and what is above U+10FFFF */
		if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
		    (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
			length = 0;
		if (*at == '\n')
			evbuffer_add(out, "\\n", 2);
		else if (*at == '\\' || *at == '"')
			evbuffer_add_printf(out, "\\%c", *at);
		else if (length)
			evbuffer_add(out, at, length);
		else
			evbuffer_add(out, "?", 1);
		at += length ? length : 1;
	}
}

void hn_metrics_add(const struct hn_metrics_report *report, double value, const char *const labels[])
{
	evbuffer_add_printf(report->out, "%s", report->family);
	for (size_t i = 0; labels[i]; i += 2) {
		evbuffer_add_printf(report->out, "%s%s=\"", i ? "," : "{", labels[i]);
		hn_metrics_add_label(report->out, labels[i + 1]);
		evbuffer_add(report->out, "\"", 1);
	}
	evbuffer_add_printf(report->out, "%s %.17g\n", labels[0] ? "}" : "", value);
}

static void add_seconds(const struct hn_metrics_report *report, uint64_t ns)
{
	HN_METRIC(report, (double)ns / 1e9);
}

const char *hn_metrics_node(const struct hn_metrics_report *report, size_t index, char text[16])
{
	snprintf(text, 16, "%d", report->service->host->nodes[index].id);
	return text;
}

static void tell_build(const struct hn_metrics_report *report)
{
	HN_METRIC(report, 1, "version", HOMENODE_VERSION);
}

static void tell_draining(const struct hn_metrics_report *report)
{
	const struct hn_host *host = report->service->host;
	char node[16];

	for (size_t i = 0; i < host->node_count; i++)
		HN_METRIC(report, host->nodes[i].draining, "node", hn_metrics_node(report, i, node));
}

static void tell_guests(const struct hn_metrics_report *report)
{
	unsigned counts[HN_MODE_COUNT] = {0}, unknown = 0;
	const struct hn_managed *managed;

	TAILQ_FOREACH(managed, &report->service->guests, entry)
	{
		if (managed->guest)
			counts[managed->guest->mode]++;
		else
			unknown++;
	}
	for (size_t i = 0; i < HN_MODE_COUNT; i++)
		HN_METRIC(report, counts[i], "mode", hn_mode_name((enum hn_mode)i));
	HN_METRIC(report, unknown, "mode", "unknown");
}

static void tell_guest_info(const struct hn_metrics_report *report)
{
	for (size_t i = 0; i < report->row_count; i++) {
		const struct hn_guest *guest =
			report->rows[i].managed ? report->rows[i].managed->guest : NULL;

		if (guest)
			HN_METRIC(report, 1, "guest", report->rows[i].name, "uuid", guest->uuid, "mode",
				  hn_mode_name(guest->mode), "class", hn_class_name(guest->class), "policy",
				  guest->policy);
	}
}

static void tell_locality(const struct hn_metrics_report *report)
{
	for (size_t i = 0; i < report->row_count; i++)
		if (report->rows[i].locality_known)
			HN_METRIC(report, report->rows[i].locality.value, "guest", report->rows[i].name);
}

static void tell_locality_low(const struct hn_metrics_report *report)
{
	for (size_t i = 0; i < report->row_count; i++)
		if (report->rows[i].locality_known)
			HN_METRIC(report, report->rows[i].locality.low, "guest", report->rows[i].name);
}

static void tell_locality_high(const struct hn_metrics_report *report)
{
	for (size_t i = 0; i < report->row_count; i++)
		if (report->rows[i].locality_known)
			HN_METRIC(report, report->rows[i].locality.high, "guest", report->rows[i].name);
}

static void tell_guest_memory(const struct hn_metrics_report *report)
{
	char node[16];

	for (size_t i = 0; i < report->row_count; i++) {
		const struct hn_metrics_row *row = &report->rows[i];

		for (size_t j = 0; row->looked_at && j < report->service->host->node_count; j++)
			HN_METRIC(report, row->on_node[j], "guest", row->name, "node",
				  hn_metrics_node(report, j, node));
	}
}

static void tell_guest_absent(const struct hn_metrics_report *report)
{
	for (size_t i = 0; i < report->row_count; i++)
		if (report->rows[i].looked_at)
			HN_METRIC(report, report->rows[i].absent_bytes, "guest", report->rows[i].name);
}

static void tell_guest_unknown(const struct hn_metrics_report *report)
{
	for (size_t i = 0; i < report->row_count; i++)
		if (report->rows[i].looked_at)
			HN_METRIC(report, report->rows[i].unknown_bytes, "guest", report->rows[i].name);
}

/* Nodes that are no part of its home are left out. */
static void tell_guest_home(const struct hn_metrics_report *report)
{
	char node[16];

	for (size_t i = 0; i < report->row_count; i++)
		for (size_t j = 0; j < report->service->host->node_count; j++)
			if (report->rows[i].home_node[j])
				HN_METRIC(report, report->rows[i].home_node[j], "guest", report->rows[i].name,
					  "node", hn_metrics_node(report, j, node));
}

static void tell_guest_at_home(const struct hn_metrics_report *report)
{
	for (size_t i = 0; i < report->row_count; i++)
		HN_METRIC(report, report->rows[i].at_home, "guest", report->rows[i].name);
}

static void tell_guest_problems(const struct hn_metrics_report *report)
{
	for (size_t i = 0; i < report->row_count; i++)
		HN_METRIC(report, report->rows[i].problems, "guest", report->rows[i].name);
}

static void tell_guest_age(const struct hn_metrics_report *report)
{
	for (size_t i = 0; i < report->row_count; i++)
		if (report->rows[i].looked_at)
			HN_METRIC(report, (double)report->rows[i].age_ns / 1e9, "guest",
				  report->rows[i].name);
}

/* Of each node and page size: of the base page what the node has as a whole. */
static void tell_node_memory(const struct hn_metrics_report *report, bool free)
{
	const struct hn_host *host = report->service->host;
	char node[16], page[24];

	for (size_t i = 0; i < host->node_count; i++) {
		const struct hn_node *this = &host->nodes[i];

		snprintf(page, sizeof(page), "%ld", sysconf(_SC_PAGESIZE));
		HN_METRIC(report, free ? this->free_bytes : this->memory_bytes, "node",
			  hn_metrics_node(report, i, node), "page", page);
		for (size_t j = 0; j < this->pool_count; j++) {
			const struct hn_page_pool *pool = &this->pools[j];

			snprintf(page, sizeof(page), "%" PRIu64, pool->page_bytes);
			HN_METRIC(report, (free ? pool->free_pages : pool->total_pages) * pool->page_bytes,
				  "node", hn_metrics_node(report, i, node), "page", page);
		}
	}
}

static void tell_node_free(const struct hn_metrics_report *report)
{
	tell_node_memory(report, true);
}

static void tell_node_size(const struct hn_metrics_report *report)
{
	tell_node_memory(report, false);
}

static void tell_balancing(const struct hn_metrics_report *report)
{
	HN_METRIC(report, report->service->host->kernel_balancing);
}

static void tell_reservations(const struct hn_metrics_report *report)
{
	unsigned counts[HN_RESERVATION_COUNT] = {0};
	const struct hn_reserved *item;

	TAILQ_FOREACH(item, &report->service->reservations.list, entry)
	counts[item->reservation->state]++;
	for (size_t i = 0; i < HN_RESERVATION_COUNT; i++)
		HN_METRIC(report, counts[i], "state",
			  hn_reservation_state_name((enum hn_reservation_state)i));
}

static void tell_filings(const struct hn_metrics_report *report)
{
	HN_METRIC(report, (double)report->service->reservations.writes);
}

static void tell_operations(const struct hn_metrics_report *report)
{
	for (size_t i = HN_OPERATION_DONE; i < HN_OPERATION_COUNT; i++)
		HN_METRIC(report, report->service->tally.operations[i], "outcome",
			  hn_operation_state_name((enum hn_operation_state)i));
}

static void tell_running(const struct hn_metrics_report *report)
{
	const struct hn_managed *managed;
	unsigned running = 0;

	TAILQ_FOREACH(managed, &report->service->guests, entry)
	running += managed->running != NULL;
	HN_METRIC(report, running);
}

/* What operations that still run have done counts already; the sum does not fall when one ends. */
static struct hn_tally tally_now(const struct hn_service *service)
{
	struct hn_tally tally = service->tally;
	const struct hn_managed *managed;

	TAILQ_FOREACH(managed, &service->guests, entry)
	if (managed->running)
		hn_tally_operation(&tally, &managed->operation);
	return tally;
}

static void tell_moved(const struct hn_metrics_report *report)
{
	HN_METRIC(report, tally_now(report->service).moved_bytes);
}

static void tell_stayed(const struct hn_metrics_report *report)
{
	HN_METRIC(report, report->service->tally.stayed_bytes);
}

static void tell_move_seconds(const struct hn_metrics_report *report)
{
	add_seconds(report, tally_now(report->service).move_ns);
}

static void tell_calls(const struct hn_metrics_report *report)
{
	for (size_t i = 0; i < HN_CALL_KIND_COUNT; i++)
		HN_METRIC(report, report->service->tally.calls[i], "call",
			  hn_call_kind_name((enum hn_call_kind)i));
}

/* Realtime guests alone: of these each has its own row, whatever else is told in sum. */
static void tell_realtime_calls(const struct hn_metrics_report *report)
{
	const struct hn_managed *managed;

	TAILQ_FOREACH(managed, &report->service->guests, entry)
	{
		if (!managed->guest || managed->guest->class != HN_CLASS_REALTIME)
			continue;
		for (size_t i = 0; i < HN_CALL_KIND_COUNT; i++)
			HN_METRIC(report, managed->calls.made[i], "guest", managed->name, "call",
				  hn_call_kind_name((enum hn_call_kind)i));
	}
}

static void tell_refusals(const struct hn_metrics_report *report)
{
	HN_METRIC(report, report->service->refusals.total);
}

static void tell_looks(const struct hn_metrics_report *report)
{
	HN_METRIC(report, report->service->tally.looks);
}

static void tell_look_failures(const struct hn_metrics_report *report)
{
	HN_METRIC(report, report->service->tally.look_failures);
}

static void tell_look_seconds(const struct hn_metrics_report *report)
{
	add_seconds(report, report->service->tally.look_ns);
}

static void tell_guest_look_seconds(const struct hn_metrics_report *report)
{
	for (size_t i = 0; i < report->row_count; i++)
		if (report->rows[i].managed)
			HN_METRIC(report, (double)report->rows[i].managed->turn.billed_ns / 1e9, "guest",
				  report->rows[i].name);
}

static void tell_tick(const struct hn_metrics_report *report)
{
	add_seconds(report, hn_cadence_tick(&report->service->cadence));
}

static void tell_budget(const struct hn_metrics_report *report)
{
	if (report->service->cadence.budget > 0)
		HN_METRIC(report, report->service->cadence.budget);
}

static const struct {
	const char *name, *type, *help;
	void (*tell)(const struct hn_metrics_report *report);
} families[] = {
	{"homenode_build_info", "gauge", "1, labelled with the version of homenoded.", tell_build},
	{"homenode_guests", "gauge", "Guests, by mode; unknown: what they are made of is not known yet.",
	 tell_guests},
	{"homenode_guest_info", "gauge", "1, labelled with what the guest is set to.", tell_guest_info},
	{"homenode_guest_locality_ratio", "gauge", "Share of the guest's accesses expected to be local.",
	 tell_locality},
	{"homenode_guest_locality_low_ratio", "gauge", "Lower end of the interval the locality lies in.",
	 tell_locality_low},
	{"homenode_guest_locality_high_ratio", "gauge", "Upper end of the interval the locality lies in.",
	 tell_locality_high},
	{"homenode_guest_memory_bytes", "gauge", "Memory of the guest on the host node, by the latest look.",
	 tell_guest_memory},
	{"homenode_guest_absent_bytes", "gauge", "Memory that the guest has never touched.",
	 tell_guest_absent},
	{"homenode_guest_unknown_bytes", "gauge", "Memory that the kernel would not tell about.",
	 tell_guest_unknown},
	{"homenode_guest_home_bytes", "gauge", "Memory of the guest that belongs on the host node.",
	 tell_guest_home},
	{"homenode_guest_at_home", "gauge", "1 when the guest is where it belongs, else 0.",
	 tell_guest_at_home},
	{"homenode_guest_problem", "gauge",
	 "1 when something keeps homenode from knowing or helping the guest.", tell_guest_problems},
	{"homenode_guest_sample_age_seconds", "gauge", "Time since the latest look at the guest.",
	 tell_guest_age},
	{"homenode_node_draining", "gauge",
	 "1 for a node that is being drained, or has been: no guest finds a new home there.", tell_draining},
	{"homenode_node_memory_size_bytes", "gauge",
	 "Memory of the host node; of huge pages, by their size in bytes, what its pool has.",
	 tell_node_size},
	{"homenode_node_memory_free_bytes", "gauge",
	 "Free memory of the host node, clean page cache included; of huge pages what is free in its pool.",
	 tell_node_free},
	{"homenode_kernel_balancing", "gauge", "1 while kernel NUMA balancing is on.", tell_balancing},
	{"homenode_host_pressure_seconds_total", "counter",
	 "Time in which tasks of the host waited for the resource: some of them, or all that were not idle.",
	 hn_metrics_tell_pressure},
	{"homenode_node_allocations_total", "counter",
	 "Page allocations on the host node, by what numastat calls them.", hn_metrics_tell_allocations},
	{"homenode_host_swap_pages_total", "counter", "Pages swapped in and out.", hn_metrics_tell_swap},
	{"homenode_kernel_balancing_updates_total", "counter",
	 "Mappings that kernel NUMA balancing took away to see who uses them.", hn_metrics_tell_updates},
	{"homenode_kernel_balancing_faults_total", "counter",
	 "Faults on such mappings, by where the page was seen from the CPU.", hn_metrics_tell_faults},
	{"homenode_kernel_balancing_moved_pages_total", "counter",
	 "Pages that kernel NUMA balancing moved to another node.", hn_metrics_tell_balanced},
	{"homenode_host_migrated_pages_total", "counter",
	 "Pages that anyone, homenode included, moved or failed to move.", hn_metrics_tell_migrated},
	{"homenode_host_migrated_huge_pages_total", "counter",
	 "Transparent huge pages that were moved whole, failed to, or were split to be moved.",
	 hn_metrics_tell_migrated_huge},
	{"homenode_guest_pressure_ratio", "gauge",
	 "Share of the last 10 seconds in which some task of the guest's control group waited for the "
	 "resource.",
	 hn_metrics_tell_guest_pressure},
	{"homenode_guest_remote_traffic_ratio", "gauge",
	 "Share of the guest's memory traffic that went to other nodes, where the hardware counts it.",
	 hn_metrics_tell_guest_traffic},
	{"homenode_reservations", "gauge", "Rooms kept for guests, by state.", tell_reservations},
	{"homenode_reservation_filings_total", "counter",
	 "Times that all reservations were put on file, after as many changes as had come.", tell_filings},
	{"homenode_operations_running", "gauge",
	 "Operations under way, those that wait for their turn included.", tell_running},
	{"homenode_operations_total", "counter", "Operations that have ended, by outcome.", tell_operations},
	{"homenode_moved_bytes_total", "counter", "Guest memory moved to another node.", tell_moved},
	{"homenode_stayed_bytes_total", "counter",
	 "Guest memory that operations were to move and that stayed where it was.", tell_stayed},
	{"homenode_move_cpu_seconds_total", "counter", "CPU time that moving has cost.", tell_move_seconds},
	{"homenode_calls_total", "counter",
	 "What was done to guests that they can feel: moves, cpusets, affinities, walks over all pages.",
	 tell_calls},
	{"homenode_realtime_guest_calls_total", "counter",
	 "The same for each realtime guest; grows only before it runs and in its windows.",
	 tell_realtime_calls},
	{"homenode_api_refusals_total", "counter",
	 "Requests and connections to the API that were refused for who made them, or for too many.",
	 tell_refusals},
	{"homenode_looks_total", "counter", "Looks at guests.", tell_looks},
	{"homenode_look_failures_total", "counter", "Looks that told nothing.", tell_look_failures},
	{"homenode_look_seconds_total", "counter", "CPU time that looking at guests has cost.",
	 tell_look_seconds},
	{"homenode_guest_look_seconds_total", "counter",
	 "CPU time that looking at the guest and deciding on it has cost; of others none is told.",
	 tell_guest_look_seconds},
	{"homenode_look_budget_ratio", "gauge",
	 "CPU time that looks may cost each second; absent without a limit.", tell_budget},
	{"homenode_tick_seconds", "gauge",
	 "How often guests are looked at: longer than set while looks would cost more than they may.",
	 tell_tick},
};

bool hn_metrics_family(size_t index, const char **ret_name, const char **ret_type, const char **ret_help)
{
	if (index >= HN_COUNT(families))
		return false;
	*ret_name = families[index].name;
	*ret_type = families[index].type;
	*ret_help = families[index].help;
	return true;
}

/* A cell's sampled pages stand for its memory. */
static uint64_t scaled(uint64_t pages, const struct hn_cell_sample *cell, uint64_t bytes)
{
	return cell->sampled ? (uint64_t)((double)pages / (double)cell->sampled * (double)bytes) : 0;
}

static void count_sample(struct hn_metrics_row *row, const struct hn_guest *guest,
			 const struct hn_sample *sample)
{
	for (size_t i = 0; i < sample->cell_count && i < guest->cell_count; i++) {
		const struct hn_cell_sample *cell = &sample->cells[i];
		uint64_t bytes = guest->cells[i].memory_bytes;

		for (size_t j = 0; j < sample->node_count; j++)
			row->on_node[j] += scaled(cell->on_node[j], cell, bytes);
		row->absent_bytes += scaled(cell->absent, cell, bytes);
		row->unknown_bytes += scaled(cell->unknown, cell, bytes);
	}
}

static void count_locality(struct hn_metrics_row *row, const struct hn_guest *guest,
			   const struct hn_sample *sample)
{
	uint64_t bytes = hn_guest_memory_bytes(guest);
	double before = (double)row->memory_bytes, all = before + (double)bytes;
	struct hn_interval locality;

	if (!hn_locality_of_guest(guest, sample, &locality) || bytes == 0)
		return;
	row->locality.low = (row->locality.low * before + locality.low * (double)bytes) / all;
	row->locality.value = (row->locality.value * before + locality.value * (double)bytes) / all;
	row->locality.high = (row->locality.high * before + locality.high * (double)bytes) / all;
	row->memory_bytes += bytes;
	row->locality_known = true;
}

static void count_guest(struct hn_metrics_row *row, const struct hn_managed *managed)
{
	hn_metrics_count_readings(row, managed);
	row->members++;
	row->problems += hn_managed_problem(managed) != NULL;
	row->at_home += managed->plan && managed->plan->verdict == HN_VERDICT_AT_HOME;
	for (size_t i = 0; managed->home && i < managed->home->cell_count; i++)
		for (size_t j = 0; j < managed->home->node_count; j++)
			row->home_node[j] += managed->home->cells[i].bytes[j];
	if (managed->guest && managed->sample) {
		uint64_t age = hn_now_ns() - managed->sample->taken_ns;

		count_sample(row, managed->guest, managed->sample);
		count_locality(row, managed->guest, managed->sample);
		row->age_ns = age > row->age_ns ? age : row->age_ns;
		row->looked_at = true;
	}
}

static int gather(struct hn_service *service, struct hn_metrics_report *report)
{
	size_t nodes = service->host->node_count, count = 1;
	const struct hn_managed *managed;
	struct hn_metrics_row *others;

	TAILQ_FOREACH(managed, &service->guests, entry)
	count++;
	if (count > service->config->metrics_guests + 1)
		count = service->config->metrics_guests + 1;
	report->rows = calloc(count, sizeof(*report->rows));
	report->figures = calloc(2 * count * nodes + 1, sizeof(*report->figures));
	if (!report->rows || !report->figures)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		report->rows[i].on_node = report->figures + 2 * i * nodes;
		report->rows[i].home_node = report->rows[i].on_node + nodes;
	}
	others = &report->rows[count - 1];
	TAILQ_FOREACH(managed, &service->guests, entry)
	{
		struct hn_metrics_row *row = others;

		if (report->row_count + 1 < count && strcmp(managed->name, OTHER) != 0) {
			row = &report->rows[report->row_count++];
			row->managed = managed;
			row->name = managed->name;
		}
		count_guest(row, managed);
	}
	if (others->members) {
		others->name = OTHER;
		report->rows[report->row_count++] = *others;
	}
	return 0;
}

int hn_metrics_write(struct hn_service *service, struct evbuffer *out, struct hn_error *err)
{
	struct hn_metrics_report report = {.service = service, .out = out};
	int r = hn_service_refresh_host(service, err);

	report.evidence = hn_readings_latest(&service->readings, hn_now_ns(), hn_gauge_max_age(service));
	if (r == 0 && gather(service, &report) < 0)
		r = hn_oom(err);
	for (size_t i = 0; r == 0 && i < HN_COUNT(families); i++) {
		report.family = families[i].name;
		evbuffer_add_printf(out, "# HELP %s %s\n# TYPE %s %s\n", families[i].name, families[i].help,
				    families[i].name, families[i].type);
		families[i].tell(&report);
	}
	free(report.rows);
	free(report.figures);
	return r;
}
