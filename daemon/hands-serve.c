#include "daemon/hands-serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "daemon/hands-channel.h"
#include "host/affinity.h"

#define BALANCING_PATH "/proc/sys/kernel/numa_balancing"
#define PROGRESS_EVERY_NS (100 * HN_NS_PER_MS)
#define AUTO_MEMORY __attribute__((cleanup(hn_cleanup_memory)))

/* A request being served. */
struct request {
	int fd;
	struct hn_hands_header header;
	const char *body;
};

static uint64_t thread_cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * HN_NS_PER_S + (uint64_t)now.tv_nsec;
}

static int reply(const struct request *request, const struct hn_hands_part *parts, size_t count)
{
	return hn_hands_write(request->fd, request->header.type, request->header.id, 0, parts, count);
}

static int reply_failure(const struct request *request, int result, const struct hn_error *err)
{
	struct hn_hands_part part = {err->message, strlen(err->message)};

	return hn_hands_write(request->fd, request->header.type, request->header.id, result, &part, 1);
}

/* The body must be the fixed struct and exactly the tail that its counts announce. */
static int check_length(const struct request *request, size_t fixed, size_t tail, struct hn_error *err)
{
	if (request->header.length != fixed + tail)
		return hn_fail(err, -EPROTO, "request %u has %u bytes where %zu are due",
			       request->header.type, request->header.length, fixed + tail);
	return 0;
}

static int serve_identify(const struct request *request, struct hn_error *err)
{
	struct hn_hands_identify identify;
	struct hn_hands_identity identity = {0};
	int r;

	if (request->header.length < sizeof(identify))
		return check_length(request, sizeof(identify), 0, err);
	memcpy(&identify, request->body, sizeof(identify));
	if (identify.tid_count == 0 || identify.tid_count > HN_HANDS_TIDS_MAX)
		return hn_fail(err, -EPROTO, "%u threads cannot be identified", identify.tid_count);
	r = check_length(request, sizeof(identify), identify.tid_count * sizeof(int32_t), err);
	for (uint32_t i = 0; r == 0 && i < identify.tid_count; i++) {
		struct hn_process process;
		int32_t tid;
		uid_t uid;

		memcpy(&tid, request->body + sizeof(identify) + i * sizeof(tid), sizeof(tid));
		r = hn_process_of_thread(NULL, tid, &process, &uid, err);
		if (r < 0)
			return r;
		if (i > 0 && process.pid != identity.process.pid)
			return hn_fail(err, -EPERM, "threads %d and others are not of one process", tid);
		/* whoever listens on the socket may only speak for processes of its own */
		if (identify.uid > 0 && (int64_t)uid != identify.uid)
			return hn_fail(err, -EPERM,
				       "thread %d belongs to user %u, the QMP socket to user %lld", tid, uid,
				       (long long)identify.uid);
		identity.process = process;
	}
	if (r < 0)
		return r;
	r = hn_process_has_pinned_devices(NULL, &identity.process, err);
	if (r < 0)
		return r;
	identity.pinned = (uint32_t)r;
	return reply(request, &(struct hn_hands_part){&identity, sizeof(identity)}, 1);
}

static int check_ranges(const struct hn_process *process, const struct hn_range *ranges, size_t count,
			struct hn_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = hn_range_check(NULL, process, ranges[i].start, ranges[i].bytes, err);
	return r;
}

static int count_pages(const struct hn_hands_look *look, const struct hn_range *ranges,
		       struct hn_page_counts *counts, struct hn_error *err)
{
	if (look->samples_per_cell == 0)
		return hn_pages_count(NULL, &look->process, ranges, look->range_count, counts,
				      look->cell_count, err);
	return hn_pages_sample(NULL, &look->process, ranges, look->range_count, look->samples_per_cell,
			       look->seed, counts, look->cell_count, err);
}

static int serve_look(const struct request *request, struct hn_error *err)
{
	AUTO_MEMORY struct hn_page_counts *counts = NULL;
	AUTO_MEMORY struct hn_thread_reading *threads = NULL;
	uint64_t started = thread_cpu_ns();
	const struct hn_range *ranges;
	struct hn_hands_view view = {0};
	struct hn_hands_look look;
	size_t cells_length, thread_count;
	int r;

	if (request->header.length < sizeof(look))
		return check_length(request, sizeof(look), 0, err);
	memcpy(&look, request->body, sizeof(look));
	if (look.range_count > HN_HANDS_RANGES_MAX || look.cell_count > HN_HANDS_CELLS_MAX)
		return hn_fail(err, -E2BIG, "%u ranges in %u cells are too many", look.range_count,
			       look.cell_count);
	cells_length = hn_hands_padded(look.cell_count * sizeof(int32_t));
	r = check_length(request, sizeof(look), cells_length + look.range_count * sizeof(*ranges), err);
	if (r < 0)
		return r;
	ranges = (const struct hn_range *)(const void *)(request->body + sizeof(look) + cells_length);
	counts = calloc(look.cell_count + 1, sizeof(*counts));
	if (!counts)
		return hn_oom(err);
	for (uint32_t i = 0; i < look.cell_count; i++) {
		int32_t cell;

		memcpy(&cell, request->body + sizeof(look) + i * sizeof(cell), sizeof(cell));
		counts[i].cell = cell;
	}
	if (look.check_ranges && (r = check_ranges(&look.process, ranges, look.range_count, err)) < 0)
		return r;
	if ((r = hn_threads_read(NULL, &look.process, &threads, &thread_count, err)) < 0 ||
	    (r = count_pages(&look, ranges, counts, err)) < 0)
		return r;
	view.cost_ns = thread_cpu_ns() - started;
	view.cell_count = look.cell_count;
	view.thread_count = (uint32_t)thread_count;
	return reply(request,
		     (struct hn_hands_part[]){{&view, sizeof(view)},
					      {counts, look.cell_count * sizeof(*counts)},
					      {threads, thread_count * sizeof(*threads)}},
		     3);
}

static int serve_bind(const struct request *request, struct hn_error *err)
{
	struct hn_hands_bound bound = {0};
	struct hn_hands_bind bind;
	int r;

	if (request->header.length < sizeof(bind))
		return check_length(request, sizeof(bind), 0, err);
	memcpy(&bind, request->body, sizeof(bind));
	if (bind.binding_count > HN_HANDS_TIDS_MAX)
		return hn_fail(err, -E2BIG, "%u threads are too many to bind", bind.binding_count);
	r = check_length(request, sizeof(bind), bind.binding_count * sizeof(struct hn_hands_binding), err);
	if (r == 0)
		r = hn_process_check(NULL, &bind.process, err);
	for (uint32_t i = 0; r == 0 && i < bind.binding_count; i++) {
		struct hn_hands_binding binding;
		struct hn_error why = {0};
		int result;

		memcpy(&binding, request->body + sizeof(bind) + i * sizeof(binding), sizeof(binding));
		result = hn_thread_bind(&bind.process, binding.tid, &binding.cpus, &why);
		if (result == 0) {
			bound.bound++;
		} else if (result == -ESRCH) {
			bound.gone++;
		} else if (bound.failed++ == 0) {
			bound.result = result;
			memcpy(bound.message, why.message, sizeof(bound.message));
		}
	}
	return r < 0 ? r : reply(request, &(struct hn_hands_part){&bound, sizeof(bound)}, 1);
}

/* What the watch of a running move needs. */
struct move_watch {
	const struct request *request;
	uint64_t told_ns; /* wall time of the move at the last progress message */
};

/* The brain may say cancel, or be gone: then nobody wants this move any more. */
static bool told_to_stop(int fd)
{
	struct pollfd poller = {.fd = fd, .events = POLLIN};
	struct hn_hands_header header;
	struct hn_error ignored;
	void *body = NULL;
	bool stop;

	if (poll(&poller, 1, 0) <= 0)
		return false;
	stop = hn_hands_read(fd, &header, &body, &ignored) <= 0 || header.type == HN_HANDS_CANCEL;
	free(body);
	return stop;
}

static bool on_move_progress(void *context, const struct hn_move_progress *progress)
{
	struct move_watch *watch = context;
	bool due = progress->wall_ns >= watch->told_ns + PROGRESS_EVERY_NS;

	if (told_to_stop(watch->request->fd))
		return false;
	if (due) {
		watch->told_ns = progress->wall_ns;
		if (hn_hands_write(watch->request->fd, HN_HANDS_PROGRESS, watch->request->header.id, 0,
				   &(struct hn_hands_part){progress, sizeof(*progress)}, 1) < 0)
			return false;
	}
	return true;
}

static int serve_move(const struct request *request, struct hn_error *err)
{
	struct move_watch watch = {.request = request};
	struct hn_move_progress progress = {0};
	struct hn_hands_move move;
	struct hn_move_order order;
	struct hn_hands_part parts[2];
	int r;

	if (request->header.length < sizeof(move))
		return check_length(request, sizeof(move), 0, err);
	memcpy(&move, request->body, sizeof(move));
	if (move.range_count > HN_HANDS_RANGES_MAX)
		return hn_fail(err, -E2BIG, "%u ranges are too many", move.range_count);
	r = check_length(request, sizeof(move), move.range_count * sizeof(struct hn_range), err);
	if (r < 0)
		return r;
	order = (struct hn_move_order){
		.process = move.process,
		.ranges = (const struct hn_range *)(const void *)(request->body + sizeof(move)),
		.range_count = move.range_count,
		.to_node = move.to_node,
		.stay_nodes = move.stay_nodes,
		.limit_bytes = move.limit_bytes,
		.bytes_per_second = move.bytes_per_second,
		.shared = move.shared != 0,
	};
	if ((r = hn_process_check(NULL, &move.process, err)) < 0 ||
	    (r = check_ranges(&move.process, order.ranges, order.range_count, err)) < 0)
		return r;
	r = hn_move(&order, on_move_progress, &watch, &progress, err);
	/* the books come along with a failure too, ahead of its sentence */
	parts[0] = (struct hn_hands_part){&progress, sizeof(progress)};
	parts[1] = (struct hn_hands_part){r < 0 ? err->message : "", r < 0 ? strlen(err->message) : 0};
	return hn_hands_write(request->fd, HN_HANDS_MOVE, request->header.id, r, parts, 2);
}

static int serve_balancing(const struct request *request, struct hn_error *err)
{
	__attribute__((cleanup(hn_cleanup_fd))) int fd = -1;
	char text[16] = "";
	int32_t wanted, before;
	int r = check_length(request, sizeof(wanted), 0, err);

	if (r < 0)
		return r;
	memcpy(&wanted, request->body, sizeof(wanted));
	fd = open(BALANCING_PATH, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return hn_fail_errno(err, -errno, "cannot open %s", BALANCING_PATH);
	if (pread(fd, text, sizeof(text) - 1, 0) < 0)
		return hn_fail_errno(err, -errno, "cannot read %s", BALANCING_PATH);
	before = atoi(text);
	snprintf(text, sizeof(text), "%d\n", wanted);
	if (before != wanted && pwrite(fd, text, strlen(text), 0) < 0)
		return hn_fail_errno(err, -errno, "cannot write %s", BALANCING_PATH);
	return reply(request, &(struct hn_hands_part){&before, sizeof(before)}, 1);
}

static int serve_hello(const struct request *request, struct hn_error *err)
{
	int r = check_length(request, 0, 0, err);

	return r < 0 ? r : reply(request, NULL, 0);
}

/* A cancel that arrives when no move runs any more has come too late and means nothing. */
static int serve_late_cancel(const struct request *request, struct hn_error *err)
{
	return 0;
}

static int (*const servers[HN_HANDS_TYPE_COUNT])(const struct request *request, struct hn_error *err) = {
	[HN_HANDS_HELLO] = serve_hello,         [HN_HANDS_IDENTIFY] = serve_identify,
	[HN_HANDS_LOOK] = serve_look,           [HN_HANDS_BIND] = serve_bind,
	[HN_HANDS_MOVE] = serve_move,           [HN_HANDS_CANCEL] = serve_late_cancel,
	[HN_HANDS_BALANCING] = serve_balancing,
};

int hn_hands_serve(int fd, struct hn_error *err)
{
	for (;;) {
		struct request request = {.fd = fd};
		AUTO_MEMORY void *body = NULL;
		struct hn_error why = {0};
		int r = hn_hands_read(fd, &request.header, &body, err);

		if (r <= 0)
			return r;
		request.body = body ? body : "";
		if (!servers[request.header.type])
			return hn_fail(err, -EPROTO, "the brain sent a message of type %u",
				       request.header.type);
		r = servers[request.header.type](&request, &why);
		if (r < 0 && why.code)
			r = reply_failure(&request, r, &why);
		if (r == -EPIPE || r == -ECONNRESET)
			return 0;
		if (r < 0)
			return hn_fail_errno(err, r, "answering the brain");
	}
}
