/* The hands' end of the protocol, spoken to over a socketpair: good requests, bad ones, and requests cut
 * short; and the brain's end, with hands that are silent. */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/pages.h"
#include "base/random.h"
#include "base/units.h"
#include "daemon/hands-channel.h"
#include "daemon/hands-serve.h"
#include "daemon/hands.h"
#include "host/cpuset.h"
#include "silent-hands.h"
#include "tests/unit/child.h"
#include "tests/unit/host/lacking.h"

#define PAGE hn_base_page_bytes()

struct hands {
	int brain, served;
	pthread_t thread;
	int result;
	struct hn_error err;
};

static void *serve(void *context)
{
	struct hands *hands = context;

	hands->result = hn_hands_serve(hands->served, &hands->err);
	close(hands->served);
	return NULL;
}

static int set_up(void **state)
{
	struct hands *hands = calloc(1, sizeof(*hands));
	int ends[2];

	if (!hands || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		return -1;
	hands->brain = ends[0];
	hands->served = ends[1];
	*state = hands;
	return pthread_create(&hands->thread, NULL, serve, hands);
}

static int tear_down(void **state)
{
	struct hands *hands = *state;

	close(hands->brain);
	pthread_join(hands->thread, NULL);
	free(hands);
	return 0;
}

/* Sends a request and reads its reply, whose body the caller frees. */
static int ask(const struct hands *hands, enum hn_hands_type type, const struct hn_hands_part *parts,
	       size_t count, void **ret_body, size_t *ret_length)
{
	struct hn_hands_header header;
	struct hn_error err;

	assert_int_equal(hn_hands_write(hands->brain, type, 42, 0, parts, count), 0);
	do {
		assert_int_equal(hn_hands_read(hands->brain, &header, ret_body, &err), 1);
		if (header.type == HN_HANDS_PROGRESS)
			free(*ret_body);
	} while (header.type == HN_HANDS_PROGRESS);
	assert_int_equal(header.id, 42);
	*ret_length = header.length;
	return header.result;
}

static int ask_and_forget(const struct hands *hands, enum hn_hands_type type,
			  const struct hn_hands_part *parts, size_t count)
{
	void *body;
	size_t length;
	int r = ask(hands, type, parts, count, &body, &length);

	free(body);
	return r;
}

static int say_hello(const struct hands *hands, const char *version)
{
	struct hn_hands_hello hello = {.pid = getpid()};

	strcpy(hello.version, version);
	return ask_and_forget(hands, HN_HANDS_HELLO, &(struct hn_hands_part){&hello, sizeof(hello)}, 1);
}

static struct hn_process identify_self(const struct hands *hands)
{
	struct hn_hands_identify identify = {.uid = (int64_t)geteuid(), .tid_count = 1};
	struct hn_hands_identity identity;
	int32_t tid = getpid();
	size_t length;
	void *body;

	assert_int_equal(ask(hands, HN_HANDS_IDENTIFY,
			     (struct hn_hands_part[]){{&identify, sizeof(identify)}, {&tid, sizeof(tid)}}, 2,
			     &body, &length),
			 0);
	assert_int_equal(length, sizeof(identity) + sizeof(tid));
	memcpy(&identity, body, sizeof(identity));
	assert_memory_equal((char *)body + sizeof(identity), &tid, sizeof(tid));
	free(body);
	assert_int_equal(identity.process.pid, getpid());
	return identity.process;
}

static void test_a_process_is_identified_and_looked_at(void **state)
{
	const struct hands *hands = *state;
	size_t bytes = 64 * PAGE;
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct hn_hands_look look = {
		.samples_per_cell = 0, .range_count = 1, .check_ranges = 1, .cell_count = 1};
	struct hn_range range = {(uintptr_t)memory, bytes, 5};
	int32_t cells[2] = {5, 0};
	struct hn_hands_view view;
	struct hn_page_counts counts;
	size_t length;
	void *body;

	if (lacks(SYS_move_pages, "move_pages"))
		skip();
	assert_ptr_not_equal(memory, MAP_FAILED);
	(void)madvise(memory, bytes, MADV_NOHUGEPAGE);
	memset(memory, 1, 16 * PAGE);
	look.process = identify_self(hands);
	assert_int_equal(ask(hands, HN_HANDS_LOOK,
			     (struct hn_hands_part[]){
				     {&look, sizeof(look)}, {cells, sizeof(cells)}, {&range, sizeof(range)}},
			     3, &body, &length),
			 0);
	memcpy(&view, body, sizeof(view));
	memcpy(&counts, (char *)body + sizeof(view), sizeof(counts));
	free(body);
	assert_int_equal(view.cell_count, 1);
	assert_true(view.thread_count >= 2);
	assert_int_equal(counts.cell, 5);
	assert_int_equal(counts.sampled, 64);
	assert_int_equal(counts.absent, 48);
	munmap(memory, bytes);
}

static void test_the_host_is_told_node_by_node(void **state)
{
	const struct hands *hands = *state;
	const int32_t nodes[] = {0, 1999};
	struct hn_hands_evidence evidence;
	struct hn_counters counters[3];
	size_t length;
	void *body;

	assert_int_equal(ask(hands, HN_HANDS_EVIDENCE, &(struct hn_hands_part){nodes, sizeof(nodes)}, 1,
			     &body, &length),
			 0);
	assert_int_equal(length, sizeof(evidence) + sizeof(counters));
	memcpy(counters, (char *)body + sizeof(evidence), sizeof(counters));
	free(body);
	assert_int_equal(counters[0].family, HN_COUNTERS_KERNEL);
	assert_true(hn_counter_known(&counters[0], HN_KERNEL_SWAP_OUT));
	assert_int_equal(counters[1].family, HN_COUNTERS_NODE);
	assert_int_equal(counters[2].node, 1999);
	assert_int_equal(counters[2].known, 0); /* there is no such node */
	assert_int_equal(ask_and_forget(hands, HN_HANDS_EVIDENCE, &(struct hn_hands_part){nodes, 7}, 1),
			 -EPROTO);
	body = calloc(HN_SET_MAX + 1, sizeof(*nodes));
	assert_int_equal(ask_and_forget(hands, HN_HANDS_EVIDENCE,
					&(struct hn_hands_part){body, (HN_SET_MAX + 1) * sizeof(*nodes)}, 1),
			 -E2BIG);
	free(body);
}

/* A child whose command line is a QEMU's; it ends when its input does. */
static pid_t start_qemu(int *ret_input)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = child_fork();
	if (pid == 0) {
		dup2(ends[0], 0);
		execl("/bin/sh", "qemu-system-test", "-c", "echo; read line", "-name", "guest=hands-test,x=y",
		      NULL);
		_exit(1);
	}
	close(ends[0]);
	*ret_input = ends[1];
	return pid;
}

static void end_qemu(pid_t pid, int input)
{
	close(input);
	waitpid(pid, NULL, 0);
}

/* It may not have become the other program yet. */
static bool find_qemu(const struct hands *hands, pid_t pid, struct hn_qemu_process *ret)
{
	bool found = false;

	for (int tries = 0; tries < 200 && !found; tries++) {
		struct hn_hands_found told;
		size_t length;
		void *body;

		assert_int_equal(ask(hands, HN_HANDS_FIND, NULL, 0, &body, &length), 0);
		memcpy(&told, body, sizeof(told));
		assert_int_equal(length, sizeof(told) + told.process_count * sizeof(*ret) +
						 told.container_count * sizeof(struct hn_qemu_container));
		for (size_t i = 0; i < told.process_count && !found; i++) {
			memcpy(ret, (char *)body + sizeof(told) + i * sizeof(*ret), sizeof(*ret));
			found = ret->process.pid == pid;
		}
		free(body);
		usleep(5000);
	}
	return found;
}

/* As the hands know it; its end is the caller's. */
static struct hn_process begin_qemu(const struct hands *hands, int *ret_input)
{
	struct hn_qemu_process qemu;

	assert_true(find_qemu(hands, start_qemu(ret_input), &qemu));
	return qemu.process;
}

static void test_a_process_of_another_start_time_is_not_touched(void **state)
{
	const struct hands *hands = *state;
	struct hn_process self = identify_self(hands);
	struct hn_hands_bind bind = {.process = {self.pid, self.start_ticks + 1}, .binding_count = 1};
	struct hn_hands_binding binding = {.tid = self.pid};
	cpu_set_t before, after;

	hn_set_add(&binding.cpus, 0);
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	assert_int_equal(
		ask_and_forget(hands, HN_HANDS_BIND,
			       (struct hn_hands_part[]){{&bind, sizeof(bind)}, {&binding, sizeof(binding)}},
			       2),
		-ESRCH);
	assert_int_equal(sched_getaffinity(0, sizeof(after), &after), 0);
	assert_true(CPU_EQUAL(&before, &after));
}

static void test_a_thread_of_another_process_is_not_bound(void **state)
{
	const struct hands *hands = *state;
	int input;
	struct hn_hands_bind bind = {.process = begin_qemu(hands, &input), .binding_count = 1};
	struct hn_hands_binding binding = {.tid = getpid()};
	struct hn_hands_bound bound;
	size_t length;
	void *body;

	hn_set_add(&binding.cpus, 0);
	assert_int_equal(ask(hands, HN_HANDS_BIND,
			     (struct hn_hands_part[]){{&bind, sizeof(bind)}, {&binding, sizeof(binding)}}, 2,
			     &body, &length),
			 0);
	assert_int_equal(length, sizeof(bound));
	memcpy(&bound, body, sizeof(bound));
	free(body);
	assert_int_equal(bound.bound, 0);
	assert_int_equal(bound.gone + bound.failed, 1);
	end_qemu(bind.process.pid, input);
}

/* Looked at it may be, by who may; done to it is nothing. */
static void test_a_process_that_is_no_qemu_is_left_alone(void **state)
{
	const struct hands *hands = *state;
	const struct hn_process self = identify_self(hands);
	struct hn_hands_bind bind = {.process = self, .binding_count = 1};
	struct hn_hands_binding binding = {.tid = self.pid};
	struct hn_hands_move move = {.process = self, .range_count = 1};
	struct hn_hands_probe probe = {.process = self, .nodes = hn_set_of(0), .range_count = 1};
	struct hn_hands_cpuset cpuset = {.process = self, .step = HN_HANDS_NARROW, .nodes = hn_set_of(0)};
	struct hn_range range = {(uint64_t)(uintptr_t)&binding & ~(PAGE - 1), PAGE, 0};
	const struct {
		enum hn_hands_type type;
		struct hn_hands_part parts[2];
		size_t count;
	} acts[] = {
		{HN_HANDS_BIND, {{&bind, sizeof(bind)}, {&binding, sizeof(binding)}}, 2},
		{HN_HANDS_MOVE, {{&move, sizeof(move)}, {&range, sizeof(range)}}, 2},
		{HN_HANDS_PROBE, {{&probe, sizeof(probe)}, {&range, sizeof(range)}}, 2},
		{HN_HANDS_CPUSET, {{&cpuset, sizeof(cpuset)}}, 1},
	};
	cpu_set_t before, after;

	hn_set_add(&binding.cpus, 0);
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	for (size_t i = 0; i < HN_COUNT(acts); i++)
		assert_int_equal(ask_and_forget(hands, acts[i].type, acts[i].parts, acts[i].count), -EPERM);
	assert_int_equal(sched_getaffinity(0, sizeof(after), &after), 0);
	assert_true(CPU_EQUAL(&before, &after));
}

static void test_an_address_outside_its_mappings_is_refused(void **state)
{
	const struct hands *hands = *state;
	struct hn_hands_look look = {.range_count = 1, .check_ranges = 1, .cell_count = 1};
	struct hn_hands_move move = {.range_count = 1};
	struct hn_range range = {PAGE, PAGE, 0}; /* below vm.mmap_min_addr */
	int32_t cells[2] = {0};
	int input;

	look.process = move.process = begin_qemu(hands, &input);
	assert_int_equal(ask_and_forget(hands, HN_HANDS_LOOK,
					(struct hn_hands_part[]){{&look, sizeof(look)},
								 {cells, sizeof(cells)},
								 {&range, sizeof(range)}},
					3),
			 -EFAULT);
	assert_int_equal(
		ask_and_forget(hands, HN_HANDS_MOVE,
			       (struct hn_hands_part[]){{&move, sizeof(move)}, {&range, sizeof(range)}}, 2),
		-EFAULT);
	end_qemu(move.process.pid, input);
}

static void test_a_qemu_is_found_and_surveyed(void **state)
{
	const struct hands *hands = *state;
	struct hn_qemu_process process;
	struct hn_hands_survey survey = {.least_bytes = PAGE};
	struct hn_hands_surveyed surveyed;
	struct hn_thread_reading reading;
	struct hn_mapping mapping;
	size_t length;
	int input;
	pid_t pid = start_qemu(&input);
	void *body;

	assert_true(find_qemu(hands, pid, &process));
	assert_string_equal(process.name, "hands-test");
	assert_int_equal(process.uid, geteuid());
	assert_int_equal(process.container, -1);
	survey.process = process.process;
	assert_int_equal(ask(hands, HN_HANDS_SURVEY, &(struct hn_hands_part){&survey, sizeof(survey)}, 1,
			     &body, &length),
			 0);
	memcpy(&surveyed, body, sizeof(surveyed));
	assert_int_equal(surveyed.thread_count, 1);
	assert_true(surveyed.mapping_count > 1);
	assert_int_equal(length,
			 sizeof(surveyed) + sizeof(reading) + surveyed.mapping_count * sizeof(mapping));
	memcpy(&reading, (char *)body + sizeof(surveyed), sizeof(reading));
	memcpy(&mapping, (char *)body + sizeof(surveyed) + sizeof(reading), sizeof(mapping));
	free(body);
	assert_int_equal(reading.tid, pid);
	assert_false(reading.helper);
	assert_true(mapping.bytes >= PAGE && mapping.start != 0);
	end_qemu(pid, input);
	assert_int_equal(
		ask_and_forget(hands, HN_HANDS_SURVEY, &(struct hn_hands_part){&survey, sizeof(survey)}, 1),
		-ESRCH);
}

/* The nodes it may use already are given again, and one that no machine has is refused. */
static void test_a_cpuset_is_asked_and_left_alone(void **state)
{
	const struct hands *hands = *state;
	int input;
	struct hn_hands_cpuset cpuset = {.process = begin_qemu(hands, &input), .step = HN_HANDS_WIDEN};
	struct hn_hands_part part = {&cpuset, sizeof(cpuset)};
	struct hn_set before, again;
	struct hn_error err;
	size_t length;
	void *body;

	if (hn_cpuset_nodes(NULL, &cpuset.process, &before, &err) < 0) {
		end_qemu(cpuset.process.pid, input);
		print_message("skipped: %s\n", err.message);
		skip();
	}
	cpuset.nodes = before;
	for (cpuset.step = HN_HANDS_WIDEN; cpuset.step <= HN_HANDS_NARROW; cpuset.step++) {
		assert_int_equal(ask(hands, HN_HANDS_CPUSET, &part, 1, &body, &length), 0);
		assert_int_equal(length, sizeof(again));
		memcpy(&again, body, sizeof(again));
		free(body);
		assert_true(hn_set_equal(&again, &before));
	}
	assert_int_equal(ask_and_forget(hands, HN_HANDS_CPUSET, &part, 1), -EPROTO); /* no such step */
	cpuset.step = HN_HANDS_WIDEN;
	hn_set_add(&cpuset.nodes, HN_SET_MAX - 1);
	assert_int_equal(ask_and_forget(hands, HN_HANDS_CPUSET, &part, 1), -EINVAL);
	cpuset.process.start_ticks++;
	assert_int_equal(ask_and_forget(hands, HN_HANDS_CPUSET, &part, 1), -ESRCH);
	cpuset.process.start_ticks--;
	assert_int_equal(hn_cpuset_nodes(NULL, &cpuset.process, &again, &err), 0);
	assert_true(hn_set_equal(&again, &before));
	end_qemu(cpuset.process.pid, input);
}

/* A process in a pid namespace of its own, where it is number 1. */
static pid_t start_contained(int *ret_input)
{
	pid_t outer, inner = 0;
	int ends[2], told[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(pipe2(told, O_CLOEXEC), 0);
	outer = child_fork();
	if (outer == 0) {
		char byte;

		close(ends[1]);
		inner = unshare(CLONE_NEWPID) == 0 ? fork() : -1;
		if (inner == 0) {
			(void)!read(ends[0], &byte, 1);
			_exit(0);
		}
		(void)!write(told[1], &inner, sizeof(inner));
		_exit(0);
	}
	close(ends[0]);
	close(told[1]);
	assert_int_equal(read(told[0], &inner, sizeof(inner)), sizeof(inner));
	close(told[0]);
	waitpid(outer, NULL, 0);
	*ret_input = ends[1];
	return inner;
}

static void test_ids_told_from_a_container_are_translated(void **state)
{
	const struct hands *hands = *state;
	struct hn_hands_identify identify = {.uid = -1, .tid_count = 1};
	struct hn_hands_identity identity;
	int32_t tid = 1, here, input;
	struct hn_hands_part parts[] = {{&identify, sizeof(identify)}, {&tid, sizeof(tid)}};
	pid_t pid = start_contained(&input);
	size_t length;
	void *body;

	if (pid < 0) {
		print_message("skipped: no right to make a pid namespace\n");
		skip();
	}
	identify.told_by = pid;
	assert_int_equal(ask(hands, HN_HANDS_IDENTIFY, parts, 2, &body, &length), 0);
	assert_int_equal(length, sizeof(identity) + sizeof(here));
	memcpy(&identity, body, sizeof(identity));
	memcpy(&here, (char *)body + sizeof(identity), sizeof(here));
	free(body);
	assert_int_equal(identity.process.pid, pid);
	assert_int_equal(here, pid);
	tid = 999; /* none of its */
	assert_int_equal(ask_and_forget(hands, HN_HANDS_IDENTIFY, parts, 2), -ESRCH);
	close(input);
}

static void test_counts_that_do_not_fit_the_length_are_refused(void **state)
{
	const struct hands *hands = *state;
	struct hn_hands_look look = {.range_count = 3, .cell_count = 2};
	struct hn_hands_bind bind = {.binding_count = 7};
	struct hn_hands_identify identify = {.tid_count = 9};
	struct hn_hands_move move = {.range_count = 1};

	assert_int_equal(
		ask_and_forget(hands, HN_HANDS_LOOK, &(struct hn_hands_part){&look, sizeof(look)}, 1),
		-EPROTO);
	assert_int_equal(
		ask_and_forget(hands, HN_HANDS_BIND, &(struct hn_hands_part){&bind, sizeof(bind)}, 1),
		-EPROTO);
	assert_int_equal(ask_and_forget(hands, HN_HANDS_IDENTIFY,
					&(struct hn_hands_part){&identify, sizeof(identify)}, 1),
			 -EPROTO);
	assert_int_equal(
		ask_and_forget(hands, HN_HANDS_MOVE, &(struct hn_hands_part){&move, sizeof(move)}, 1),
		-EPROTO);
	assert_int_equal(ask_and_forget(hands, HN_HANDS_LOOK, NULL, 0), -EPROTO);
	assert_int_equal(say_hello(hands, HOMENODE_VERSION), 0); /* and it still serves */
}

/* Whatever a request's body holds, it is answered once and nothing breaks. The ids of processes are kept out
 * of it. */
static void test_random_bodies_are_answered(void **state)
{
	const struct hands *hands = *state;
	static const enum hn_hands_type types[] = {HN_HANDS_LOOK,    HN_HANDS_BIND,   HN_HANDS_MOVE,
						   HN_HANDS_SURVEY,  HN_HANDS_CPUSET, HN_HANDS_IDENTIFY,
						   HN_HANDS_EVIDENCE};
	struct hn_random random = {7};

	for (int i = 0; i < 2000; i++) {
		uint64_t words[64];
		size_t length = hn_random_below(&random, sizeof(words) + 1);

		for (size_t j = 0; j < 64; j++)
			words[j] = hn_random_next(&random) >> hn_random_below(&random, 64);
		words[0] = UINT64_C(0x7fffffff); /* no such pid */
		(void)ask_and_forget(hands, types[hn_random_below(&random, HN_COUNT(types))],
				     &(struct hn_hands_part){words, length}, 1);
	}
	assert_int_equal(say_hello(hands, HOMENODE_VERSION), 0);
}

/* Of two versions neither knows what the other's structs mean: nothing is served after that. */
static void test_another_version_is_refused(void **state)
{
	const struct hands *hands = *state;
	struct hn_hands_header header;
	struct hn_error err;
	void *body = NULL;

	assert_int_equal(say_hello(hands, HOMENODE_VERSION "x"), -EPROTO);
	assert_int_equal(hn_hands_read(hands->brain, &header, &body, &err), 0);
}

static void test_what_is_not_the_protocol_ends_the_hands(void **state)
{
	struct hands *hands = *state;
	char rubbish[sizeof(struct hn_hands_header)];
	char byte;

	memset(rubbish, 'x', sizeof(rubbish));
	assert_int_equal(write(hands->brain, rubbish, sizeof(rubbish)), (ssize_t)sizeof(rubbish));
	assert_int_equal(read(hands->brain, &byte, 1), 0);
	pthread_join(hands->thread, NULL);
	assert_int_equal(hands->result, -EPROTO);
	assert_non_null(strstr(hands->err.message, "malformed"));
	assert_int_equal(pthread_create(&hands->thread, NULL, serve, hands),
			 0); /* for the tear-down to join */
}

/* Hands that take a request and are silent. */
struct silent {
	struct silent_hands served;
	struct event_base *base;
	struct hn_hands *hands;
	int results[4]; /* in the order of the answers */
	size_t count, enough;
};

static void on_answer(int result, const void *body, size_t length, const struct hn_error *err, void *context)
{
	struct silent *silent = context;
	struct hn_error why;

	silent->results[silent->count++] = result;
	assert_int_equal(err->code, result);
	/* the first is asked again at once, as looks are */
	if (silent->count == 1)
		assert_int_equal(hn_hands_request(silent->hands, HN_HANDS_FIND, NULL, 0, NULL, on_answer,
						  silent, &why),
				 0);
	if (silent->count == silent->enough)
		event_base_loopbreak(silent->base);
}

static void silent_begin(struct silent *silent)
{
	struct hn_error err;

	*silent = (struct silent){0};
	silent_hands_start(&silent->served);
	silent->base = event_base_new();
	/* longer than it takes until another may be started */
	assert_int_equal(hn_hands_new(silent->base, silent->served.path, "queries", 1100 * HN_NS_PER_MS,
				      &silent->hands, &err),
			 0);
}

static void silent_end(struct silent *silent)
{
	hn_hands_free(silent->hands);
	event_base_free(silent->base);
	silent_hands_stop(&silent->served);
}

/* What is asked from an answer goes behind all that waits; the new hands are watched all the same. */
static void test_what_is_asked_while_the_hands_are_given_up_has_a_watchdog(void **state)
{
	struct silent silent;
	struct hn_error err;

	silent_begin(&silent);
	silent.enough = 3;
	for (int i = 0; i < 2; i++)
		assert_int_equal(hn_hands_request(silent.hands, HN_HANDS_FIND, NULL, 0, NULL, on_answer,
						  &silent, &err),
				 0);
	event_base_dispatch(silent.base);
	assert_int_equal(silent.count, 3);
	assert_int_equal(silent.results[0], -ETIMEDOUT);
	assert_int_equal(silent.results[1], -EAGAIN); /* it was not that which hung */
	assert_int_equal(silent.results[2], -ETIMEDOUT);
	silent_end(&silent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_process_is_identified_and_looked_at, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_the_host_is_told_node_by_node, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_process_of_another_start_time_is_not_touched, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_thread_of_another_process_is_not_bound, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_process_that_is_no_qemu_is_left_alone, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_an_address_outside_its_mappings_is_refused, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_qemu_is_found_and_surveyed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_cpuset_is_asked_and_left_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_ids_told_from_a_container_are_translated, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_counts_that_do_not_fit_the_length_are_refused, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_random_bodies_are_answered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_another_version_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_not_the_protocol_ends_the_hands, set_up,
						tear_down),
		cmocka_unit_test(test_what_is_asked_while_the_hands_are_given_up_has_a_watchdog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
