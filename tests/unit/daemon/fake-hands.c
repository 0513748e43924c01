/*
 * fake-hands - stands in for homenode-host in tests: "moves" memory by counting, at the pace it is told, and
 * obeys as the real one does; of a move with a limit, that much. A move to node 7 makes it deaf: it neither
 * answers nor obeys. Threads it "binds", memory it "inspects": that of process 5000 is held by VFIO, 5001
 * cannot be inspected, the cpusets of 5002 allow it node 1 only, and the last thread of 5003 cannot be bound.
 * Kernel NUMA balancing is a file. In the folder that FAKE_HANDS_FOLDER names, what it was asked goes into
 * the file "asked", a line each, and a file PID says where that process's memory is (fake-memory.h), which it
 * keeps true.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "daemon/hands-channel.h"
#include "fake-memory.h"

#define SOCKET_FD 3
#define STEP_MS 5
#define STEP_BYTES (4 * HN_MIB)
#define PINNED_PID 5000
#define HIDDEN_PID 5001
#define FENCED_PID 5002
#define FENCED_NODE 1
#define STUBBORN_PID 5003

static __attribute__((format(printf, 1, 2))) void note(const char *format, ...)
{
	const char *folder = getenv("FAKE_HANDS_FOLDER");
	HN_AUTO(file) FILE *file = NULL;
	char path[200];
	va_list args;

	snprintf(path, sizeof(path), "%s/asked", folder ? folder : "");
	file = folder ? fopen(path, "ae") : NULL;
	if (!file)
		return;
	va_start(args, format);
	vfprintf(file, format, args);
	va_end(args);
}

static void tell(const struct hn_hands_header *request, enum hn_hands_type type, int result,
		 const struct hn_move_progress *progress)
{
	hn_hands_write(SOCKET_FD, type, request->id, result,
		       &(struct hn_hands_part){progress, sizeof(*progress)}, 1);
}

/* 0 goes on, 1 cancelled, -1 the brain is gone. */
static int listen_once(struct hn_move_progress *progress)
{
	struct pollfd poller = {.fd = SOCKET_FD, .events = POLLIN};
	struct hn_hands_header header;
	struct hn_error err;
	void *body = NULL;
	int r = 0;

	if (poll(&poller, 1, STEP_MS) <= 0)
		return 0;
	if (hn_hands_read(SOCKET_FD, &header, &body, &err) <= 0)
		return -1;
	if (header.type == HN_HANDS_PACE)
		memcpy(&progress->pace, body, sizeof(progress->pace));
	else if (header.type == HN_HANDS_CANCEL)
		r = 1;
	free(body);
	return r;
}

/* Brings a step of it to the node, from wherever it may not stay. */
static void bring(struct fake_memory *memory, const struct hn_hands_move *move, uint64_t bytes)
{
	for (size_t i = 0; memory && i < FAKE_NODES && bytes > 0; i++) {
		uint64_t part = memory->on_node[i] < bytes ? memory->on_node[i] : bytes;

		if ((int)i == move->to_node || hn_set_has(&move->stay_nodes, (int)i))
			continue;
		memory->on_node[i] -= part;
		memory->on_node[move->to_node] += part;
		memory->moved_bytes += part;
		bytes -= part;
	}
}

static int serve(const struct hn_hands_header *request, const struct hn_hands_move *move, uint64_t bytes)
{
	struct fake_memory *memory = fake_memory_open(getenv("FAKE_HANDS_FOLDER"), move->process.pid);
	struct hn_move_progress progress = {.pace = move->pace};
	int r = 0;

	for (size_t i = 0; memory && i < FAKE_NODES; i++)
		if ((int)i != move->to_node && !hn_set_has(&move->stay_nodes, (int)i))
			progress.total_bytes += memory->on_node[i];
	if (!memory || (move->limit_bytes && move->limit_bytes < progress.total_bytes))
		progress.total_bytes = bytes;
	bytes = progress.total_bytes;

	while (r == 0 && progress.moved_bytes < bytes) {
		r = listen_once(&progress);
		progress.wall_ns += STEP_MS * HN_NS_PER_MS;
		if (r == 0 && !progress.pace.paused) {
			bring(memory, move, STEP_BYTES);
			progress.moved_bytes += STEP_BYTES;
		}
		tell(request, HN_HANDS_PROGRESS, 0, &progress);
	}
	if (r >= 0)
		tell(request, HN_HANDS_MOVE, r ? -ECANCELED : 0, &progress);
	return r;
}

static bool is_fenced_from(const struct hn_hands_move *move)
{
	return move->process.pid == FENCED_PID && move->to_node != FENCED_NODE;
}

static int serve_move(const struct hn_hands_header *request, const void *body)
{
	struct hn_move_progress none = {0};
	struct hn_hands_move move;
	struct hn_range range;

	if (request->length < sizeof(move) + sizeof(range))
		return -1;
	memcpy(&move, body, sizeof(move));
	memcpy(&range, (const char *)body + sizeof(move), sizeof(range));
	note("move %d to %d\n", (int)move.process.pid, move.to_node);
	if (move.to_node == 7)
		sleep(60);
	none.total_bytes = none.stayed_bytes[HN_STAY_CPUSET] = range.bytes;
	if (is_fenced_from(&move))
		tell(request, HN_HANDS_MOVE, 0, &none);
	else
		serve(request, &move, move.limit_bytes ? move.limit_bytes : range.bytes);
	return -1; /* one each */
}

static int serve_bind(const struct hn_hands_header *request, const void *body)
{
	const struct hn_hands_bind *bind = body;
	const struct hn_hands_binding *bindings = (const void *)(bind + 1);
	struct hn_hands_bound bound = {.bound = bind->binding_count};
	char text[HN_SET_TEXT_MAX];

	if (bind->process.pid == STUBBORN_PID) {
		bound.bound--;
		bound.failed = 1;
		bound.result = -EPERM;
	}
	for (uint32_t i = 0; i < bind->binding_count; i++)
		note("bind %d to %s\n", bindings[i].tid,
		     hn_set_format(&bindings[i].cpus, text, sizeof(text)));
	return hn_hands_write(SOCKET_FD, HN_HANDS_BIND, request->id, 0,
			      &(struct hn_hands_part){&bound, sizeof(bound)}, 1);
}

static int serve_inspect(const struct hn_hands_header *request, const void *body)
{
	const struct hn_hands_inspect *inspect = body;
	struct hn_hands_inspected inspected = {.range_count = inspect->range_count};
	struct hn_range_kind kinds[16] = {0};
	const char *sorry = "its files cannot be seen";

	note("inspect %d\n", (int)inspect->process.pid);
	if (inspect->process.pid == HIDDEN_PID)
		return hn_hands_write(SOCKET_FD, HN_HANDS_INSPECT, request->id, -EACCES,
				      &(struct hn_hands_part){sorry, strlen(sorry)}, 1);
	if (inspect->process.pid == PINNED_PID) {
		inspected.pins.all = true;
		inspected.pins.hold.pins = 1u << HN_PIN_VFIO;
	}
	if (inspect->process.pid == FENCED_PID)
		hn_set_add(&inspected.nodes, FENCED_NODE);
	for (uint32_t i = 0; i < inspect->range_count && i < HN_COUNT(kinds); i++)
		kinds[i].backing = HN_BACKING_ANONYMOUS;
	return hn_hands_write(SOCKET_FD, HN_HANDS_INSPECT, request->id, 0,
			      (struct hn_hands_part[]){{&inspected, sizeof(inspected)},
						       {kinds, inspect->range_count * sizeof(kinds[0])}},
			      2);
}

static int serve_hello(const struct hn_hands_header *request)
{
	const struct hn_hands_hello hello = {.version = HOMENODE_VERSION, .pid = getpid()};

	return hn_hands_write(SOCKET_FD, HN_HANDS_HELLO, request->id, 0,
			      &(struct hn_hands_part){&hello, sizeof(hello)}, 1);
}

/* The kernel's setting is the file "balancing", 1 without it, and cannot be written when "locked" is there.
 */
static int serve_balancing(const struct hn_hands_header *request, const void *body)
{
	const char *folder = getenv("FAKE_HANDS_FOLDER"), *sorry = "it is locked";
	char path[200], locked[200];
	int32_t wanted, before = 1;
	FILE *file;

	memcpy(&wanted, body, sizeof(wanted));
	note("balancing %d\n", wanted);
	snprintf(path, sizeof(path), "%s/balancing", folder ? folder : "");
	snprintf(locked, sizeof(locked), "%s/locked", folder ? folder : "");
	if (access(locked, F_OK) == 0)
		return hn_hands_write(SOCKET_FD, HN_HANDS_BALANCING, request->id, -EPERM,
				      &(struct hn_hands_part){sorry, strlen(sorry)}, 1);
	file = fopen(path, "re");
	if (file && fscanf(file, "%d", &before) != 1)
		before = -1;
	if (file)
		fclose(file);
	file = fopen(path, "we");
	if (file && fprintf(file, "%d\n", wanted) > 0)
		fclose(file);
	return hn_hands_write(SOCKET_FD, HN_HANDS_BALANCING, request->id, 0,
			      &(struct hn_hands_part){&before, sizeof(before)}, 1);
}

static int serve_cpuset(const struct hn_hands_header *request, const void *body)
{
	const struct hn_hands_cpuset *cpuset = body;
	const struct hn_set before = {0};
	char text[HN_SET_TEXT_MAX];

	note("%s %d to %s\n", cpuset->step == HN_HANDS_WIDEN ? "widen" : "narrow", (int)cpuset->process.pid,
	     hn_set_format(&cpuset->nodes, text, sizeof(text)));
	return hn_hands_write(SOCKET_FD, HN_HANDS_CPUSET, request->id, 0,
			      &(struct hn_hands_part){&before, sizeof(before)}, 1);
}

/* The file "qemus" has a process a line: pid, start time, user, uuid. */
static int serve_find(const struct hn_hands_header *request)
{
	const char *folder = getenv("FAKE_HANDS_FOLDER");
	struct hn_hands_found found = {0};
	struct hn_qemu_process qemus[8] = {0};
	HN_AUTO(file) FILE *file = NULL;
	char path[200];

	snprintf(path, sizeof(path), "%s/qemus", folder ? folder : "");
	file = fopen(path, "re");
	for (struct hn_qemu_process *qemu = qemus; file && found.process_count < HN_COUNT(qemus); qemu++) {
		if (fscanf(file, "%d %" SCNu64 " %u %39s", &qemu->process.pid, &qemu->process.start_ticks,
			   &qemu->uid, qemu->uuid) != 4)
			break;
		qemu->container = -1;
		found.process_count++;
	}
	return hn_hands_write(SOCKET_FD, HN_HANDS_FIND, request->id, 0,
			      (struct hn_hands_part[]){{&found, sizeof(found)},
						       {qemus, found.process_count * sizeof(qemus[0])}},
			      2);
}

int main(void)
{
	struct hn_hands_header header;
	struct hn_error err;
	void *body = NULL;
	int r = 0;

	while (r >= 0 && hn_hands_read(SOCKET_FD, &header, &body, &err) > 0) {
		if (header.type == HN_HANDS_HELLO)
			r = serve_hello(&header);
		else if (header.type == HN_HANDS_MOVE)
			r = serve_move(&header, body);
		else if (header.type == HN_HANDS_CPUSET)
			r = serve_cpuset(&header, body);
		else if (header.type == HN_HANDS_FIND)
			r = serve_find(&header);
		else if (header.type == HN_HANDS_BALANCING)
			r = serve_balancing(&header, body);
		else if (header.type == HN_HANDS_BIND)
			r = serve_bind(&header, body);
		else if (header.type == HN_HANDS_INSPECT)
			r = serve_inspect(&header, body);
		free(hn_steal(body));
	}
	free(body);
	return 0;
}
