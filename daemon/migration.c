#include "daemon/migration.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "daemon/admission.h"
#include "daemon/guest-calls.h"
#include "daemon/hands-channel.h"
#include "daemon/regulator.h"
#include "daemon/stuck.h"
#include "policy/price.h"

/* The hands say something every tenth of a second, and after each piece; see page_ns(). */
#define WATCHDOG_NS (30 * HN_NS_PER_S)
#define GRACE_NS (5 * HN_NS_PER_S)

static bool has_shared_backend(const struct hn_guest *guest, int cell)
{
	for (size_t i = 0; i < guest->backend_count; i++)
		if (guest->backends[i].cell == cell &&
		    (guest->backends[i].shared || guest->backends[i].merged_share > 0))
			return true;
	return false;
}

static const struct hn_cell *find_cell(const struct hn_guest *guest, int id, size_t *ret_index)
{
	for (size_t i = 0; i < guest->cell_count; i++) {
		*ret_index = i;
		if (guest->cells[i].id == id)
			return &guest->cells[i];
	}
	return NULL;
}

void hn_migration_turn(const struct hn_managed *managed, const struct hn_migration_order *order,
		       struct hn_turn_move *ret)
{
	const struct hn_host *host = managed->service->host;
	const struct hn_sample *sample = managed->sample;
	size_t index = 0;
	const struct hn_cell *cell = find_cell(managed->guest, order->action->cell, &index);

	*ret = (struct hn_turn_move){.to_node = order->action->to_node, .left_bytes = order->action->bytes};
	snprintf(ret->guest, sizeof(ret->guest), "%s", managed->name);
	if (!cell)
		return;
	ret->page_bytes = cell->page_bytes;
	for (size_t node = 0; sample && index < sample->cell_count && node < sample->node_count; node++) {
		int id = host->nodes[node].id;

		if (sample->cells[index].on_node[node] && id != ret->to_node &&
		    !hn_set_has(&order->stay_nodes, id))
			hn_set_add(&ret->from, id);
	}
}

/* The hands are killed, and left to end where the kernel does not let them. */
static void give_up(struct hn_migration *migration)
{
	pid_t pid;
	int pidfd = hn_hands_take_pidfd(migration->hands, &pid);

	hn_hands_free(hn_steal(migration->hands));
	hn_stuck_add(migration->managed->service, pidfd, pid, migration->managed->name);
}

static void note_books(struct hn_migration *migration, const struct hn_move_progress *books)
{
	uint64_t moved = books->moved_bytes - migration->books.moved_bytes;

	migration->move.left_bytes -= moved < migration->move.left_bytes ? moved : migration->move.left_bytes;
	migration->books = *books;
}

static void on_progress(const struct hn_move_progress *progress, void *context)
{
	struct hn_migration *migration = context;
	bool paced = memcmp(&migration->books.pace, &progress->pace, sizeof(progress->pace)) != 0;

	note_books(migration, progress);
	if (paced)
		hn_regulator_deal(migration->managed->service);
	migration->listener.progress(&migration->books, migration->listener.context);
}

static void on_reply(int result, const void *body, size_t length, const struct hn_error *err, void *context)
{
	struct hn_migration *migration = context;
	struct hn_move_progress books;

	migration->answered = true;
	if (length >= sizeof(books)) {
		memcpy(&books, body, sizeof(books));
		note_books(migration, &books);
	}
	if (result == -ETIMEDOUT)
		give_up(migration);
	migration->listener.done(result, &migration->books, err, migration->listener.context);
}

static void on_grace_over(evutil_socket_t fd, short what, void *context)
{
	struct hn_migration *migration = context;
	struct hn_error err;

	give_up(migration);
	hn_fail(&err, -ECANCELED, "stopped; its mover did not answer and was given up");
	migration->listener.done(-ECANCELED, &migration->books, &err, migration->listener.context);
}

/* Begins paused: the regulator gives it its pace at once. */
static int request_move(struct hn_migration *migration, const struct hn_migration_order *order,
			struct hn_error *err)
{
	const struct hn_guest *guest = migration->managed->guest;
	HN_AUTO(memory) struct hn_range *ranges = calloc(guest->backend_count + 1, sizeof(*ranges));
	struct hn_hands_move move = {
		.process = {guest->pid, guest->start_ticks},
		.limit_bytes = order->action->limit_bytes,
		.pace = {.paused = 1},
		.stay_nodes = order->stay_nodes,
		.to_node = order->action->to_node,
		.shared = has_shared_backend(guest, order->action->cell),
	};

	if (!ranges)
		return hn_oom(err);
	if (hn_guest_calls_make(migration->managed, HN_CALL_MOVE, 1, err) < 0)
		return -EPERM;
	migration->told = move.pace;
	migration->books.pace = move.pace;
	move.range_count = (uint32_t)hn_managed_ranges(guest, order->action->cell, ranges);
	return hn_hands_request(
		migration->hands, HN_HANDS_MOVE,
		(struct hn_hands_part[]){{&move, sizeof(move)}, {ranges, move.range_count * sizeof(*ranges)}},
		2, on_progress, on_reply, migration, err);
}

/* What a page may take that is copied as a whole, by five times what is predicted: no word comes meanwhile.
 */
static uint64_t page_ns(const struct hn_migration *migration)
{
	const struct hn_calibration *calibration = &migration->managed->service->calibration;

	return (uint64_t)(5 * hn_price_page_gap(calibration, migration->move.page_bytes) *
			  (double)HN_NS_PER_S);
}

static int start(struct hn_migration *migration, const struct hn_migration_order *order, struct hn_error *err)
{
	struct hn_service *service = migration->managed->service;
	char role[HN_NAME_MAX + 16];
	int r;

	migration->grace = evtimer_new(service->base, on_grace_over, migration);
	if (!migration->grace)
		return hn_oom(err);
	snprintf(role, sizeof(role), "moving %s", migration->managed->name);
	r = hn_hands_new(service->base, service->hands_program, role, WATCHDOG_NS + page_ns(migration),
			 &migration->hands, err);
	return r < 0 ? r : request_move(migration, order, err);
}

int hn_migration_start(struct hn_managed *managed, const struct hn_migration_order *order,
		       const struct hn_migration_listener *listener, struct hn_migration **ret,
		       struct hn_error *err)
{
	struct hn_migration *migration = calloc(1, sizeof(*migration));
	int r;

	if (!migration)
		return hn_oom(err);
	migration->managed = managed;
	migration->listener = *listener;
	migration->factor = 1;
	hn_pace_init(&migration->pace);
	hn_migration_turn(managed, order, &migration->move);
	TAILQ_INSERT_TAIL(&managed->service->migrations, migration, entry);
	r = start(migration, order, err);
	if (r < 0) {
		hn_migration_free(migration);
		return r;
	}
	hn_regulator_deal(managed->service);
	*ret = migration;
	return 0;
}

void hn_migration_set_pace(struct hn_migration *migration, const struct hn_move_pace *pace)
{
	if (memcmp(&migration->told, pace, sizeof(*pace)) == 0 || !migration->hands)
		return;
	migration->told = *pace;
	hn_hands_tell(migration->hands, HN_HANDS_PACE, pace, sizeof(*pace));
}

void hn_migration_cancel(struct hn_migration *migration)
{
	struct timeval wait = hn_timeval(GRACE_NS + page_ns(migration));

	if (migration->cancelled || !migration->hands)
		return;
	migration->cancelled = true;
	hn_hands_cancel(migration->hands);
	event_add(migration->grace, &wait);
}

void hn_migration_free(struct hn_migration *migration)
{
	struct hn_service *service;

	if (!migration)
		return;
	service = migration->managed->service;
	TAILQ_REMOVE(&service->migrations, migration, entry);
	if (migration->grace)
		event_free(migration->grace);
	if (migration->hands && !migration->answered)
		give_up(migration);
	hn_hands_free(migration->hands);
	free(migration);
	hn_regulator_deal(service);
	hn_admission_wake(service);
}
