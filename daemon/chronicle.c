#include "daemon/chronicle.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/units.h"
#include "policy/locality.h"
#include "policy/price.h"
#include "store/store.h"

#define SAMPLE_EVERY_NS (10 * HN_NS_PER_S)

static void on_store_said(enum hn_log_level level, const char *sentence, void *context)
{
	hn_log(level, "%s", sentence);
}

int hn_chronicle_open(struct hn_service *service, struct hn_error *err)
{
	static const struct hn_store_listener listener = {.said = on_store_said};
	const struct hn_config *config = service->config;

	if (!config->store_path[0])
		return 0;
	return hn_store_new(service->base, config->store_path, config->store_size_bytes, &listener,
			    &service->store, err);
}

/* The mean over its vCPUs, of one cell or of all (-1). */
static double mean_busy(const struct hn_guest *guest, const struct hn_sample *sample, int cell)
{
	double busy = 0;
	unsigned count = 0;

	for (size_t i = 0; i < guest->thread_count && i < sample->thread_count; i++) {
		if (guest->threads[i].kind != HN_THREAD_VCPU || (cell >= 0 && guest->threads[i].cell != cell))
			continue;
		busy += sample->threads[i].busy;
		count++;
	}
	return count ? busy / count : 0;
}

/* Adds up pages by their bytes: a sampled page stands for more in a large cell. */
static void add_memory(const struct hn_guest *guest, const struct hn_sample *sample, size_t cell,
		       double *memory)
{
	const struct hn_cell_sample *pages = &sample->cells[cell];

	if (!pages->sampled)
		return;
	for (size_t node = 0; node < sample->node_count; node++)
		memory[node] += (double)pages->on_node[node] / (double)pages->sampled *
				(double)guest->cells[cell].memory_bytes;
}

static void fill_memory(const struct hn_guest *guest, const struct hn_sample *sample, int index,
			struct hn_sample_record *record)
{
	double sum = 0;

	for (size_t i = 0; i < sample->cell_count; i++)
		if (index < 0 || (size_t)index == i)
			add_memory(guest, sample, i, record->memory_share);
	for (size_t node = 0; node < record->node_count; node++)
		sum += record->memory_share[node];
	for (size_t node = 0; node < record->node_count && sum > 0; node++)
		record->memory_share[node] /= sum;
}

/* One record of a cell, by index, or of the whole guest (-1). */
static void add_sample(struct hn_managed *managed, int index)
{
	const struct hn_guest *guest = managed->guest;
	const struct hn_sample *sample = managed->sample;
	int cell = index < 0 ? -1 : guest->cells[index].id;
	struct hn_record *record = hn_record_new_sample(managed->name, guest->uuid, cell, sample->node_count);

	if (record) {
		record->sample.busy = mean_busy(guest, sample, cell);
		record->sample.locality_known =
			index < 0
				? hn_locality_of_guest(guest, sample, &record->sample.locality)
				: hn_locality_of_cell(guest, sample, (size_t)index, &record->sample.locality);
		fill_memory(guest, sample, index, &record->sample);
	}
	hn_store_add(managed->service->store, record);
}

void hn_chronicle_sample(struct hn_managed *managed)
{
	uint64_t now = hn_now_ns();

	if (!managed->service->store || !managed->guest || !managed->sample ||
	    (managed->chronicled_ns && now < managed->chronicled_ns + SAMPLE_EVERY_NS))
		return;
	managed->chronicled_ns = now;
	add_sample(managed, -1);
	/* a single cell is the whole guest */
	for (size_t i = 0; managed->guest->cell_count > 1 && i < managed->guest->cell_count; i++)
		add_sample(managed, (int)i);
}

static bool is_same_home(const struct hn_placement *a, const struct hn_placement *b)
{
	if (!a || !b)
		return a == b;
	if (a->cell_count != b->cell_count)
		return false;
	for (size_t i = 0; i < a->cell_count; i++)
		if (a->cells[i].cell != b->cells[i].cell ||
		    !hn_set_equal(&a->cells[i].nodes, &b->cells[i].nodes))
			return false;
	return true;
}

void hn_chronicle_decision(struct hn_managed *managed, const struct hn_plan *plan)
{
	bool first = !managed->plan;
	bool verdict_changed = !first && managed->plan->verdict != plan->verdict;
	bool home_changed = !first && plan->home && !is_same_home(managed->home, plan->home);
	struct hn_record *record;

	if (!managed->service->store || !(first || verdict_changed || home_changed))
		return;
	record = hn_record_new_decision(managed->name, managed->guest->uuid,
					plan->home ? plan->home->cell_count : 0);
	if (record) {
		record->decision.verdict = plan->verdict;
		record->decision.verdict_changed = verdict_changed;
		record->decision.home_changed = home_changed;
		memcpy(record->decision.reason, plan->reason, sizeof(record->decision.reason));
		for (size_t i = 0; plan->home && i < plan->home->cell_count; i++)
			record->decision.home[i] =
				(struct hn_cell_nodes){plan->home->cells[i].cell, plan->home->cells[i].nodes};
	}
	hn_store_add(managed->service->store, record);
}

double hn_chronicle_price(const struct hn_managed *managed, const struct hn_plan *plan)
{
	unsigned vcpus = managed->guest ? (unsigned)hn_guest_vcpu_count(managed->guest) : 0;
	double distrust = managed->looks.distrust;
	double price = hn_price_of_migration(&managed->service->calibration, hn_plan_migrate_bytes(plan),
					     vcpus, distrust);

	for (size_t i = 0; i < plan->action_count; i++)
		if (plan->actions[i].kind == HN_ACTION_BIND)
			return price + hn_price_of_rebinding(vcpus, distrust);
	return price;
}

void hn_chronicle_move(struct hn_managed *managed, double price, double predicted_gain)
{
	const struct hn_operation *operation = &managed->operation;
	struct hn_record *record;

	if (!managed->service->store)
		return;
	record = hn_record_new_move(managed->name, managed->guest ? managed->guest->uuid : "");
	if (record) {
		record->move = (struct hn_move_record){
			.operation = operation->id,
			.price = price,
			.predicted_bytes = operation->to_move_bytes,
			.predicted_gain = predicted_gain,
			.moved_bytes = operation->moved_bytes,
			.stayed_bytes = operation->stayed_bytes,
			.cpu_ns = operation->cpu_ns,
			.elapsed_ns = operation->elapsed_ns,
			.outcome = operation->state,
		};
		memcpy(record->move.message, operation->message, sizeof(record->move.message));
	}
	hn_store_add(managed->service->store, record);
}
