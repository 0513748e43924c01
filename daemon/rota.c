#include "daemon/rota.h"

#include <event2/event.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/units.h"
#include "daemon/look.h"

#define TOLD_FROM 1.1 /* a tick longer by less is not worth a line in the log */

struct hn_rota {
	struct hn_service *service;
	struct event *timer;
	bool told; /* that the tick is longer than set */
};

static struct hn_managed *managed_of(struct hn_turn *turn)
{
	return (struct hn_managed *)(void *)((char *)turn - offsetof(struct hn_managed, turn));
}

/* Said when it begins and when it is over. */
static void tell_stretch(struct hn_rota *rota)
{
	const struct hn_cadence *cadence = &rota->service->cadence;
	double stretch = (double)hn_cadence_tick(cadence) / (double)cadence->tick_ns;

	if (!rota->told && stretch > TOLD_FROM)
		hn_log(HN_LOG_WARNING,
		       "looks at all guests every %.3g s would cost more than %.3g %% of a CPU (cpu_budget "
		       "in "
		       "homenode.conf): guests are looked at every %.3g s",
		       (double)cadence->tick_ns / 1e9, cadence->budget * 100,
		       (double)hn_cadence_tick(cadence) / 1e9);
	else if (rota->told && stretch <= 1)
		hn_log(HN_LOG_INFO, "guests are looked at every %.3g s again",
		       (double)cadence->tick_ns / 1e9);
	rota->told = stretch > TOLD_FROM || (rota->told && stretch > 1);
}

static void start_look(struct hn_managed *managed)
{
	if (!managed->guest || !managed->identified || managed->guest->mode == HN_MODE_OFF ||
	    !hn_look_start(managed))
		hn_cadence_drop(&managed->service->cadence, &managed->turn);
}

static void turn(struct hn_rota *rota)
{
	struct hn_turn *next;
	struct timeval wait;
	uint64_t wait_ns;

	while ((next = hn_cadence_next(&rota->service->cadence, hn_now_ns(), &wait_ns)))
		start_look(managed_of(next));
	event_del(rota->timer);
	if (wait_ns == UINT64_MAX)
		return;
	wait = hn_timeval(wait_ns + 1000);
	event_add(rota->timer, &wait);
}

static void on_timer_due(evutil_socket_t fd, short what, void *context)
{
	turn(context);
}

int hn_rota_new(struct hn_service *service, struct hn_rota **ret, struct hn_error *err)
{
	const struct hn_config *config = service->config;
	struct hn_rota *rota = calloc(1, sizeof(*rota));

	if (!rota)
		return hn_oom(err);
	rota->service = service;
	rota->timer = event_new(service->base, -1, 0, on_timer_due, rota);
	if (!rota->timer) {
		free(rota);
		return hn_oom(err);
	}
	hn_cadence_init(&service->cadence, config->tick_ns, config->cpu_budget, config->guest_cpu_budget,
			hn_now_ns());
	*ret = rota;
	return 0;
}

void hn_rota_free(struct hn_rota *rota)
{
	if (!rota)
		return;
	event_free(rota->timer);
	free(rota);
}

void hn_rota_join(struct hn_managed *managed)
{
	hn_cadence_join(&managed->service->cadence, &managed->turn, hn_now_ns());
	turn(managed->service->rota);
}

void hn_rota_done(struct hn_managed *managed, uint64_t cost_ns)
{
	struct hn_service *service = managed->service;

	if (cost_ns)
		hn_cadence_done(&service->cadence, &managed->turn, cost_ns);
	else
		hn_cadence_drop(&service->cadence, &managed->turn);
	tell_stretch(service->rota);
	turn(service->rota);
}

void hn_rota_hung(struct hn_managed *managed, const char *what, uint64_t since_ns)
{
	uint64_t now_ns = hn_now_ns(), held_ns = now_ns - since_ns, rest_ns;

	if (held_ns > HN_QUERY_WATCHDOG_NS) /* before that it waited for its turn */
		held_ns = HN_QUERY_WATCHDOG_NS;
	rest_ns = hn_cadence_hung(&managed->service->cadence, &managed->turn, now_ns, held_ns);

	hn_log(HN_LOG_WARNING,
	       "guest '%s': %s hung and held up all others for %.1f s: there is none for %.0f s now",
	       managed->name, what, (double)held_ns / 1e9, (double)rest_ns / 1e9);
}

bool hn_rota_rests(const struct hn_managed *managed)
{
	return hn_now_ns() < managed->turn.rested_ns;
}

void hn_rota_leave(struct hn_managed *managed)
{
	hn_cadence_leave(&managed->service->cadence, &managed->turn);
	if (managed->service->rota)
		turn(managed->service->rota);
}
