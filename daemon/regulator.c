#include "daemon/regulator.h"

#include <event2/event.h>
#include <math.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/units.h"
#include "daemon/migration.h"
#include "daemon/service.h"
#include "host/pressure.h"
#include "host/watermarks.h"
#include "policy/deal.h"

#define STEP_NS (250 * HN_NS_PER_MS)
#define STALL_TOLERATED 0.1 /* share of the time in which some task of the host waits for memory */
#define STEADY 0.02         /* changes of the factor below are not told */

struct hn_regulator {
	struct hn_service *service;
	struct event *step;
	bool stall_known;
	uint64_t stepped_ns, stall_ns;
};

static uint64_t least_limit(uint64_t a, uint64_t b)
{
	return a == 0 ? b : b == 0 || a < b ? a : b;
}

/* What it was told and what it has said is in force may differ for a moment: it may still go at either. */
static uint64_t held_by(const struct hn_migration *migration)
{
	const struct hn_move_pace *told = &migration->told, *in_force = &migration->books.pace;
	uint64_t a = told->paused ? 0 : told->bytes_per_second;
	uint64_t b = in_force->paused ? 0 : in_force->bytes_per_second;

	return a > b ? a : b;
}

/* Its share of the time: with one migration a guest at most, its own part of the stall budget. */
static uint32_t duty_of(const struct hn_service *service, const struct hn_migration *migration)
{
	double duty = (double)service->config->stall_budget_permille * migration->factor;

	return duty < 1 ? 1 : (uint32_t)duty;
}

static void tell_pace(struct hn_migration *migration, uint64_t rate, bool waits)
{
	struct hn_move_pace pace = {.bytes_per_second = rate,
				    .duty_permille = duty_of(migration->managed->service, migration),
				    .paused = migration->paused || waits};

	hn_migration_set_pace(migration, &pace);
	migration->managed->operation.bytes_per_second = rate;
}

void hn_regulator_deal(struct hn_service *service)
{
	const struct hn_config *config = service->config;
	uint64_t total = config->rate_limit_bytes;
	struct hn_deal_hand hands[HN_AT_ONCE_MAX];
	struct hn_migration *each[HN_AT_ONCE_MAX], *migration;
	size_t count = 0;

	TAILQ_FOREACH(migration, &service->migrations, entry)
	{
		uint64_t own = least_limit(config->guest_rate_limit_bytes, config->pair_rate_limit_bytes);

		if (migration->paused || count == HN_AT_ONCE_MAX)
			continue;
		/* held back, it uses that much less of what it could have; no cap leaves the duty to do it */
		own = own ? own : total;
		each[count] = migration;
		hands[count++] =
			(struct hn_deal_hand){.most = own ? (uint64_t)((double)own * migration->factor) : 0,
					      .held = held_by(migration)};
	}
	TAILQ_FOREACH(migration, &service->migrations, entry)
	if (migration->paused)
		tell_pace(migration, 0, true);
	hn_deal(total, hands, count);
	for (size_t i = 0; i < count; i++) {
		uint64_t rate = hn_deal_grant(total, hands, count, i);

		tell_pace(each[i], rate, total && rate == 0);
	}
	if (!TAILQ_EMPTY(&service->migrations) && !evtimer_pending(service->regulator->step, NULL)) {
		struct timeval wait = hn_timeval(STEP_NS);

		service->regulator->stepped_ns = hn_now_ns();
		event_add(service->regulator->step, &wait);
	}
}

/* Share of the time since the last step in which some task waited for memory, against what is tolerated. */
static double host_pressure(struct hn_regulator *regulator, uint64_t elapsed_ns)
{
	uint64_t before = regulator->stall_ns;
	bool known = regulator->stall_known;
	struct hn_stall stalls[HN_RESOURCE_COUNT];

	hn_pressure_of_host(NULL, stalls);
	regulator->stall_known = stalls[HN_RESOURCE_MEMORY].some_known;
	regulator->stall_ns = stalls[HN_RESOURCE_MEMORY].some_ns;
	if (!known || !regulator->stall_known || regulator->stall_ns < before)
		return 0;
	return (double)(regulator->stall_ns - before) / (double)elapsed_ns / STALL_TOLERATED;
}

/* 1 when what is free is down at the watermark where the kernel begins to reclaim. */
static double node_pressure(const struct hn_service *service, const struct hn_migration *migration,
			    const uint64_t *low)
{
	int index = hn_host_node_index(service->host, migration->move.to_node);
	uint64_t free_bytes = index >= 0 ? service->host->nodes[index].free_bytes : 0;

	if (index < 0 || migration->move.page_bytes)
		return 0;
	return (double)low[migration->move.to_node] / (double)(free_bytes + 1);
}

/* What the guest has waited for its pages at most, against the budget. */
static double stall_pressure(const struct hn_service *service, struct hn_migration *migration)
{
	const struct hn_move_progress *books = &migration->books;
	double wall = (double)(books->wall_ns - migration->seen_wall_ns);
	double copying = (double)(books->copying_ns - migration->seen_copying_ns);

	migration->seen_wall_ns = books->wall_ns;
	migration->seen_copying_ns = books->copying_ns;
	/* all of the time is no bound; and a step without news says nothing */
	if (service->config->stall_budget_permille >= 1000 || wall <= 0)
		return 0;
	/* one piece more or less is the noise of so short a time */
	copying -= HN_PIECE_PACED_NS;
	return copying > 0 ? copying / wall * 1000 / (double)service->config->stall_budget_permille : 0;
}

static void on_step(evutil_socket_t fd, short what, void *context)
{
	struct hn_regulator *regulator = context;
	struct hn_service *service = regulator->service;
	uint64_t now = hn_now_ns(), elapsed_ns = now - regulator->stepped_ns, low[HN_SET_MAX] = {0};
	double host = host_pressure(regulator, elapsed_ns);
	struct hn_migration *migration;
	struct hn_error ignored; /* said by admission */

	regulator->stepped_ns = now;
	(void)hn_watermarks_read(NULL, low, &ignored);
	(void)hn_service_refresh_host(service, &ignored);
	TAILQ_FOREACH(migration, &service->migrations, entry)
	{
		double pressure = fmax(host, fmax(node_pressure(service, migration, low),
						  stall_pressure(service, migration)));
		double factor = hn_pace_step(&migration->pace, pressure, (double)elapsed_ns / HN_NS_PER_S);

		if (fabs(factor - migration->factor) >= STEADY || factor == 1)
			migration->factor = factor;
	}
	hn_regulator_deal(service);
}

int hn_regulator_new(struct hn_service *service, struct hn_regulator **ret, struct hn_error *err)
{
	struct hn_regulator *regulator = calloc(1, sizeof(*regulator));

	if (regulator)
		regulator->step = evtimer_new(service->base, on_step, regulator);
	if (!regulator || !regulator->step) {
		free(regulator);
		return hn_oom(err);
	}
	regulator->service = service;
	*ret = regulator;
	return 0;
}

void hn_regulator_free(struct hn_regulator *regulator)
{
	if (!regulator)
		return;
	event_free(regulator->step);
	free(regulator);
}
