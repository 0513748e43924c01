#include "daemon/hands-serve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/pages.h"
#include "base/units.h"
#include "daemon/hands-request.h"
#include "host/affinity.h"
#include "host/cpuset.h"
#include "host/helpers.h"
#include "host/page-walk.h"
#include "host/proc-file.h"
#include "host/process-maps.h"
#include "host/qemu-identity.h"

#define BALANCING_PATH "/proc/sys/kernel/numa_balancing"
#define AUTO_MEMORY __attribute__((cleanup(hn_cleanup_memory)))

uint64_t hn_hands_cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * HN_NS_PER_S + (uint64_t)now.tv_nsec;
}

int hn_hands_reply_with(const struct hn_hands_work *work, const struct hn_hands_part *parts, size_t count)
{
	return hn_hands_write(work->fd, work->header.type, work->header.id, 0, parts, count);
}

static int reply_failure(const struct hn_hands_work *work, int result, const struct hn_error *err)
{
	struct hn_hands_part part = {err->message, strlen(err->message)};

	return hn_hands_write(work->fd, work->header.type, work->header.id, result, &part, 1);
}

int hn_hands_check_length(const struct hn_hands_work *work, size_t fixed, size_t tail, struct hn_error *err)
{
	if (work->header.length != fixed + tail)
		return hn_fail(err, -EPROTO, "request %u has %u bytes where %zu are due", work->header.type,
			       work->header.length, fixed + tail);
	return 0;
}

int hn_hands_check_guest(const struct hn_process *process, struct hn_error *err)
{
	HN_AUTO(fd) int directory = -1;
	int r = hn_process_check(NULL, process, err);

	if (r < 0)
		return r;
	directory = hn_proc_open(NULL, O_DIRECTORY, "proc/%d", (int)process->pid);
	r = directory < 0 ? directory : hn_qemu_is_called_so(directory);
	if (r == -ESRCH || r == -ENOENT)
		return hn_fail(err, -ESRCH, "process %d is gone", (int)process->pid);
	if (r < 0)
		return hn_fail_errno(err, r, "process %d", (int)process->pid);
	return r > 0 ? 0 : hn_fail(err, -EPERM, "process %d is no QEMU: it is left alone", (int)process->pid);
}

/*
 * Ids that are told from a container are made ours. Who told may be gone: it opened the socket and left QEMU
 * to its child, which it did in its own namespace, so that its ids would be ours or strangers'.
 */
static int translate(const struct hn_hands_identify *identify, int32_t *tids, struct hn_error *err)
{
	struct hn_process teller;
	int r = identify->told_by > 0 ? hn_process_of_thread(NULL, identify->told_by, &teller, NULL, err)
				      : -ESRCH;

	if (r == 0)
		r = hn_threads_translate(NULL, &teller, tids, identify->tid_count, err);
	else if (r == -ESRCH)
		r = 0;
	return r;
}

static int identify_threads(const struct hn_hands_identify *identify, const int32_t *tids,
			    struct hn_process *ret, struct hn_error *err)
{
	for (uint32_t i = 0; i < identify->tid_count; i++) {
		struct hn_process process;
		uid_t uid;
		int r = hn_process_of_thread(NULL, tids[i], &process, &uid, err);

		if (r < 0)
			return r;
		if (i > 0 && process.pid != ret->pid)
			return hn_fail(err, -EPERM, "threads %d and others are not of one process", tids[i]);
		/* whoever listens on the socket may only speak for processes of its own */
		if (identify->uid > 0 && (int64_t)uid != identify->uid)
			return hn_fail(err, -EPERM,
				       "thread %d belongs to user %u, the QMP socket to user %lld", tids[i],
				       uid, (long long)identify->uid);
		*ret = process;
	}
	return 0;
}

static int serve_identify(const struct hn_hands_work *work, struct hn_error *err)
{
	HN_AUTO(memory) int32_t *tids = NULL;
	struct hn_hands_identify identify;
	struct hn_hands_identity identity = {0};
	size_t tids_length;
	int r;

	if (work->header.length < sizeof(identify))
		return hn_hands_check_length(work, sizeof(identify), 0, err);
	memcpy(&identify, work->body, sizeof(identify));
	if (identify.tid_count == 0 || identify.tid_count > HN_HANDS_TIDS_MAX)
		return hn_fail(err, -EPROTO, "%u threads cannot be identified", identify.tid_count);
	tids_length = identify.tid_count * sizeof(*tids);
	if ((r = hn_hands_check_length(work, sizeof(identify), tids_length, err)) < 0)
		return r;
	tids = malloc(tids_length);
	if (!tids)
		return hn_oom(err);
	memcpy(tids, work->body + sizeof(identify), tids_length);
	if ((r = translate(&identify, tids, err)) < 0 ||
	    (r = identify_threads(&identify, tids, &identity.process, err)) < 0)
		return r;
	r = hn_cpuset_nodes(NULL, &identity.process, &identity.nodes, err);
	if (r < 0 && r != -ENOENT)
		return r;
	return hn_hands_reply_with(
		work, (struct hn_hands_part[]){{&identity, sizeof(identity)}, {tids, tids_length}}, 2);
}

static void begin_counts(const struct hn_hands_look *look, const char *cells, struct hn_page_counts *counts)
{
	memset(counts, 0, look->cell_count * sizeof(*counts));
	for (uint32_t i = 0; i < look->cell_count; i++) {
		int32_t cell;

		memcpy(&cell, cells + i * sizeof(cell), sizeof(cell));
		counts[i].cell = cell;
	}
}

static bool is_whole(const struct hn_hands_look *look, const struct hn_range *ranges,
		     const struct hn_page_counts *counts)
{
	uint64_t sampled = 0, pages = 0;

	for (uint32_t i = 0; i < look->cell_count; i++)
		sampled += counts[i].sampled;
	for (uint32_t i = 0; i < look->range_count; i++)
		pages += ranges[i].bytes / hn_base_page_bytes();
	return sampled == pages;
}

static int sample_pages(const struct hn_hands_look *look, const struct hn_range *ranges,
			struct hn_page_counts *counts, struct hn_error *err)
{
	if (look->samples_per_cell == 0)
		return hn_pages_count(NULL, &look->process, ranges, look->range_count, counts,
				      look->cell_count, err);
	return hn_pages_sample(NULL, &look->process, ranges, look->range_count, look->samples_per_cell,
			       look->seed, counts, look->cell_count, err);
}

/* By a walk, where it is asked for and can tell. */
static int count_pages(const struct hn_hands_look *look, const char *cells, const struct hn_range *ranges,
		       struct hn_page_counts *counts, struct hn_hands_view *view, struct hn_error *err)
{
	uint64_t started = hn_hands_cpu_ns();
	int r = -EDOM;

	begin_counts(look, cells, counts);
	if (look->walk)
		r = hn_pages_walk(NULL, &look->process, ranges, look->range_count, counts, look->cell_count,
				  err);
	view->walked = r == 0;
	if (r == -EDOM || r == -EACCES || r == -EPERM) {
		begin_counts(look, cells, counts);
		r = sample_pages(look, ranges, counts, err);
	}
	view->pages_ns = hn_hands_cpu_ns() - started;
	view->whole = r == 0 && is_whole(look, ranges, counts);
	return r;
}

_Static_assert(sizeof(struct hn_hands_view) + HN_HANDS_CELLS_MAX * sizeof(struct hn_page_counts) +
			       HN_THREADS_MAX * sizeof(struct hn_thread_reading) <=
		       HN_HANDS_BODY_MAX,
	       "a look can be told");

static int serve_look(const struct hn_hands_work *work, struct hn_error *err)
{
	AUTO_MEMORY struct hn_page_counts *counts = NULL;
	AUTO_MEMORY struct hn_thread_reading *threads = NULL;
	uint64_t started = hn_hands_cpu_ns();
	const struct hn_range *ranges;
	struct hn_hands_view view = {0};
	struct hn_hands_look look;
	size_t cells_length, thread_count;
	int r;

	if (work->header.length < sizeof(look))
		return hn_hands_check_length(work, sizeof(look), 0, err);
	memcpy(&look, work->body, sizeof(look));
	if (look.range_count > HN_HANDS_RANGES_MAX || look.cell_count > HN_HANDS_CELLS_MAX)
		return hn_fail(err, -E2BIG, "%u ranges in %u cells are too many", look.range_count,
			       look.cell_count);
	cells_length = hn_hands_padded(look.cell_count * sizeof(int32_t));
	r = hn_hands_check_length(work, sizeof(look), cells_length + look.range_count * sizeof(*ranges), err);
	if (r < 0)
		return r;
	ranges = (const struct hn_range *)(const void *)(work->body + sizeof(look) + cells_length);
	counts = calloc(look.cell_count + 1, sizeof(*counts));
	if (!counts)
		return hn_oom(err);
	if ((look.check_ranges &&
	     (r = hn_ranges_check(NULL, &look.process, ranges, look.range_count, err)) < 0) ||
	    (r = hn_guest_threads_read(NULL, &look.process, &threads, &thread_count, err)) < 0 ||
	    (r = count_pages(&look, (const char *)work->body + sizeof(look), ranges, counts, &view, err)) < 0)
		return r;
	hn_guest_evidence_read(NULL, &look.process, threads, thread_count, look.with_bandwidth, view.stalls,
			       view.counters);
	view.cost_ns = hn_hands_cpu_ns() - started;
	view.cell_count = look.cell_count;
	view.thread_count = (uint32_t)thread_count;
	return hn_hands_reply_with(work,
				   (struct hn_hands_part[]){{&view, sizeof(view)},
							    {counts, look.cell_count * sizeof(*counts)},
							    {threads, thread_count * sizeof(*threads)}},
				   3);
}

static int serve_bind(const struct hn_hands_work *work, struct hn_error *err)
{
	struct hn_hands_bound bound = {0};
	struct hn_hands_bind bind;
	int r;

	if (work->header.length < sizeof(bind))
		return hn_hands_check_length(work, sizeof(bind), 0, err);
	memcpy(&bind, work->body, sizeof(bind));
	if (bind.binding_count > HN_HANDS_TIDS_MAX)
		return hn_fail(err, -E2BIG, "%u threads are too many to bind", bind.binding_count);
	r = hn_hands_check_length(work, sizeof(bind), bind.binding_count * sizeof(struct hn_hands_binding),
				  err);
	if (r == 0)
		r = hn_hands_check_guest(&bind.process, err);
	for (uint32_t i = 0; r == 0 && i < bind.binding_count; i++) {
		struct hn_hands_binding binding;
		struct hn_error why = {0};
		int result;

		memcpy(&binding, work->body + sizeof(bind) + i * sizeof(binding), sizeof(binding));
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
	return r < 0 ? r : hn_hands_reply_with(work, &(struct hn_hands_part){&bound, sizeof(bound)}, 1);
}

static int serve_balancing(const struct hn_hands_work *work, struct hn_error *err)
{
	__attribute__((cleanup(hn_cleanup_fd))) int fd = -1;
	char text[16] = "";
	int32_t wanted, before;
	int r = hn_hands_check_length(work, sizeof(wanted), 0, err);

	if (r < 0)
		return r;
	memcpy(&wanted, work->body, sizeof(wanted));
	if (wanted < 0 || wanted > 3)
		return hn_fail(err, -EINVAL, "%s cannot be %d", BALANCING_PATH, wanted);
	fd = open(BALANCING_PATH, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return hn_fail_errno(err, -errno, "cannot open %s", BALANCING_PATH);
	if (pread(fd, text, sizeof(text) - 1, 0) < 0)
		return hn_fail_errno(err, -errno, "cannot read %s", BALANCING_PATH);
	before = atoi(text);
	snprintf(text, sizeof(text), "%d\n", wanted);
	if (before != wanted && pwrite(fd, text, strlen(text), 0) < 0)
		return errno == EPERM ? hn_fail(err, -EPERM,
						"%s is written with CAP_SYS_ADMIN only: add it to "
						"homenode-host@.service (homenode.conf(5), kernel_balancing)",
						BALANCING_PATH)
				      : hn_fail_errno(err, -errno, "cannot write %s", BALANCING_PATH);
	return hn_hands_reply_with(work, &(struct hn_hands_part){&before, sizeof(before)}, 1);
}

static int serve_hello(const struct hn_hands_work *work, struct hn_error *err)
{
	const struct hn_hands_hello mine = {.version = HOMENODE_VERSION, .pid = getpid()};
	struct hn_hands_hello theirs;
	int r = hn_hands_check_length(work, sizeof(theirs), 0, err);

	if (r < 0)
		return r;
	memcpy(&theirs, work->body, sizeof(theirs));
	if (memcmp(theirs.version, mine.version, sizeof(mine.version)) != 0)
		return hn_fail(err, -EPROTO,
			       "homenoded is of version %.59s, its homenode-host of %s: restart homenoded",
			       theirs.version, mine.version);
	return hn_hands_reply_with(work, &(struct hn_hands_part){&mine, sizeof(mine)}, 1);
}

/* A cancel or a pace that arrives when no move runs any more has come too late and means nothing. */
static int serve_late_word(const struct hn_hands_work *work, struct hn_error *err)
{
	return 0;
}

static int (*const servers[HN_HANDS_TYPE_COUNT])(const struct hn_hands_work *work, struct hn_error *err) = {
	[HN_HANDS_HELLO] = serve_hello,
	[HN_HANDS_IDENTIFY] = serve_identify,
	[HN_HANDS_LOOK] = serve_look,
	[HN_HANDS_BIND] = serve_bind,
	[HN_HANDS_MOVE] = hn_hands_serve_move,
	[HN_HANDS_CANCEL] = serve_late_word,
	[HN_HANDS_PACE] = serve_late_word,
	[HN_HANDS_BALANCING] = serve_balancing,
	[HN_HANDS_FIND] = hn_hands_serve_find,
	[HN_HANDS_SURVEY] = hn_hands_serve_survey,
	[HN_HANDS_CPUSET] = hn_hands_serve_cpuset,
	[HN_HANDS_CHECKUP] = hn_hands_serve_checkup,
	[HN_HANDS_EXAMINE] = hn_hands_serve_examine,
	[HN_HANDS_INSPECT] = hn_hands_serve_inspect,
	[HN_HANDS_PROBE] = hn_hands_serve_probe,
	[HN_HANDS_EVIDENCE] = hn_hands_serve_evidence,
	[HN_HANDS_OPEN] = hn_hands_serve_open,
};

int hn_hands_serve(int fd, struct hn_error *err)
{
	for (;;) {
		struct hn_hands_work work = {.fd = fd};
		AUTO_MEMORY void *body = NULL;
		struct hn_error why = {0};
		int r = hn_hands_read(fd, &work.header, &body, err);

		if (r <= 0)
			return r;
		work.body = body ? body : "";
		if (!servers[work.header.type])
			return hn_fail(err, -EPROTO, "the brain sent a message of type %u", work.header.type);
		r = servers[work.header.type](&work, &why);
		if (r < 0 && why.code)
			r = reply_failure(&work, r, &why);
		if (why.code && work.header.type == HN_HANDS_HELLO)
			return 0; /* what else it says may mean something else */
		if (r == -EPIPE || r == -ECONNRESET)
			return 0;
		if (r < 0)
			return hn_fail_errno(err, r, "answering the brain");
	}
}
