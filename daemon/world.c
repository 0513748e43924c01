#include "daemon/world.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/units.h"
#include "daemon/decision.h"
#include "daemon/guest.h"

static uint64_t add_number(uint64_t hash, uint64_t number)
{
	return hn_hash(hash, &number, sizeof(number));
}

static uint64_t add_set(uint64_t hash, const struct hn_set *set)
{
	char text[HN_SET_TEXT_MAX];

	return hn_hash_text(hash, hn_set_format(set, text, sizeof(text)));
}

static uint64_t add_home(uint64_t hash, const struct hn_placement *home)
{
	if (!home)
		return add_number(hash, 0);
	hash = add_number(hash, home->cell_count);
	for (size_t i = 0; i < home->cell_count; i++) {
		hash = add_set(hash, &home->cells[i].nodes);
		hash = hn_hash(hash, home->cells[i].bytes, home->node_count * sizeof(*home->cells[i].bytes));
	}
	return hash;
}

static uint64_t add_shape(uint64_t hash, const struct hn_guest *guest)
{
	hash = hn_hash_text(hn_hash_text(hash, guest->name), guest->uuid);
	hash = hn_hash_text(hash, guest->policy);
	hash = add_number(add_number(hash, guest->class), guest->mode);
	hash = add_set(hash, &guest->allowed_nodes);
	hash = hn_hash_text(hn_hash_text(hash, guest->near), guest->apart);
	for (size_t i = 0; i < guest->cell_count; i++) {
		const struct hn_cell *cell = &guest->cells[i];

		hash = add_number(add_number(hash, cell->memory_bytes), cell->page_bytes);
		hash = add_set(add_set(hash, &cell->vcpus), &cell->allowed_nodes);
	}
	for (size_t i = 0; i < guest->device_count; i++)
		hash = hn_hash_text(hash, guest->devices[i]);
	return hash;
}

static uint64_t hash_host(const struct hn_host *host)
{
	uint64_t hash = HN_HASH_BEGIN;

	for (size_t i = 0; i < host->node_count; i++) {
		hash = add_set(add_number(hash, (uint64_t)host->nodes[i].id), &host->nodes[i].cpus);
		hash = add_number(add_number(hash, host->nodes[i].memory_bytes),
				  host->nodes[i].reserved_bytes);
		hash = add_number(hash, host->nodes[i].draining);
	}
	for (size_t i = 0; i < host->cpu_count; i++)
		hash = add_number(hash, host->cpus[i].reserved);
	return hn_hash(hash, host->distances, host->node_count * host->node_count * sizeof(*host->distances));
}

static uint64_t hash_guest(const struct hn_managed *managed)
{
	const struct hn_guest *guest = managed->guest;
	uint64_t hash = add_home(add_shape(HN_HASH_BEGIN, guest), managed->home);

	hash = add_number(add_number(hash, (uint64_t)guest->pid), guest->start_ticks);
	for (size_t i = 0; i < guest->backend_count; i++) {
		hash = hn_hash_text(hash, guest->backends[i].id);
		hash = add_number(add_number(hash, guest->backends[i].bytes), guest->backends[i].movability);
	}
	return hash;
}

/* In whatever order they are. */
static int hash_others(struct hn_managed *managed, uint64_t *ret, struct hn_error *err)
{
	struct hn_snapshot snapshot;
	size_t index = 0;
	int r = hn_decision_snapshot(managed->service, managed, &snapshot, &index, err);

	if (r < 0)
		return r;
	*ret = 0;
	for (size_t i = 0; i < snapshot.guest_count; i++)
		if (i != index)
			*ret += add_home(add_shape(HN_HASH_BEGIN, snapshot.guests[i].guest),
					 snapshot.guests[i].home);
	free(snapshot.guests);
	return 0;
}

static void take_shares(const struct hn_sample *sample, struct hn_world *world)
{
	for (size_t cell = 0; cell < sample->cell_count; cell++) {
		uint64_t present = hn_cell_sample_present(&sample->cells[cell], sample->node_count);

		for (size_t node = 0; node < sample->node_count; node++)
			world->shares[cell * sample->node_count + node] =
				present ? (double)sample->cells[cell].on_node[node] / (double)present : 0;
	}
}

int hn_world_of(struct hn_managed *managed, struct hn_world **ret, struct hn_error *err)
{
	HN_AUTO(hn_world) struct hn_world *world = calloc(1, sizeof(*world));
	const struct hn_sample *sample = managed->sample;
	int r;

	if (!world)
		return hn_oom(err);
	if (!managed->guest || !sample)
		return hn_fail(err, -EAGAIN, "the guest '%s' has not been looked at yet", managed->name);
	if ((r = hash_others(managed, &world->others, err)) < 0)
		return r;
	world->host = hash_host(managed->service->host);
	world->guest = hash_guest(managed);
	world->cell_count = sample->cell_count;
	world->node_count = sample->node_count;
	world->shares = calloc(sample->cell_count * sample->node_count + 1, sizeof(*world->shares));
	if (!world->shares)
		return hn_oom(err);
	take_shares(sample, world);
	*ret = hn_steal(world);
	return 0;
}

void hn_world_free(struct hn_world *world)
{
	if (!world)
		return;
	free(world->shares);
	free(world);
}

uint64_t hn_world_digest(const struct hn_world *world)
{
	uint64_t hash = add_number(add_number(world->host, world->guest), world->others);

	return hn_hash(hash, world->shares, world->cell_count * world->node_count * sizeof(*world->shares));
}

static bool has_shifted(const struct hn_world *then, const struct hn_world *now)
{
	if (then->cell_count != now->cell_count || then->node_count != now->node_count)
		return true;
	for (size_t i = 0; i < then->cell_count * then->node_count; i++)
		if (fabs(then->shares[i] - now->shares[i]) > HN_WORLD_SHIFT)
			return true;
	return false;
}

/* Memory in base pages alone: pools of huge pages are told by their own counters when pages are moved. */
static int check_room(const struct hn_managed *managed, const struct hn_plan *plan, struct hn_error *err)
{
	const struct hn_host *host = managed->service->host;

	for (size_t i = 0; i < host->node_count; i++) {
		const struct hn_node *node = &host->nodes[i];
		uint64_t bytes = 0;

		for (size_t j = 0; j < plan->action_count; j++) {
			const struct hn_action *action = &plan->actions[j];
			int cell = action->kind == HN_ACTION_MIGRATE && action->to_node == node->id
					   ? hn_guest_cell_index(managed->guest, action->cell)
					   : -1;

			if (cell >= 0 && managed->guest->cells[cell].page_bytes == 0)
				bytes += action->bytes;
		}
		if (bytes > node->free_bytes)
			return hn_fail(
				err, -ESTALE,
				"node %d has %llu MiB free, and the plan brings %llu MiB there: make a "
				"new plan",
				node->id, (unsigned long long)(node->free_bytes / HN_MIB),
				(unsigned long long)(bytes / HN_MIB));
	}
	return 0;
}

int hn_world_compare(const struct hn_world *then, const struct hn_world *now,
		     const struct hn_managed *managed, const struct hn_plan *plan, struct hn_error *err)
{
	const char *changed = then->host != now->host       ? "this host"
			      : then->guest != now->guest   ? "the guest, its settings or its home"
			      : then->others != now->others ? "the guests beside it, or what is reserved"
			      : has_shifted(then, now)      ? "where its memory lies"
							    : NULL;

	if (changed)
		return hn_fail(err, -ESTALE, "%s changed since the plan was made: make a new plan", changed);
	return check_room(managed, plan, err);
}
