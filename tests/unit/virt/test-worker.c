/* The worker: order, threads, bounds, and an end that does not wait for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "virt/events.h"
#include "virt/link.h"
#include "virt/worker.h"

static struct event_base *base;
static struct hn_worker *worker;
static pthread_t loop_thread;
static atomic_int freed;
static char told[64];
static size_t told_count;

struct test_job {
	struct hn_job job;
	char letter;
	unsigned sleep_ms;
	bool ran_elsewhere;
};

static void run(struct hn_job *job_base, struct hn_link *link)
{
	struct test_job *job = (struct test_job *)job_base;

	job->ran_elsewhere = !pthread_equal(pthread_self(), loop_thread);
	if (job->sleep_ms)
		usleep(job->sleep_ms * 1000);
}

static void done(struct hn_job *job_base, bool was_told)
{
	struct test_job *job = (struct test_job *)job_base;

	if (was_told) {
		assert_true(pthread_equal(pthread_self(), loop_thread));
		assert_true(job->ran_elsewhere);
		if (told_count < sizeof(told) - 1)
			told[told_count++] = job->letter;
	}
	freed++;
	free(job);
}

static void done_and_free_worker(struct hn_job *job_base, bool was_told)
{
	done(job_base, was_told);
	if (was_told) {
		hn_worker_free(worker);
		worker = NULL;
	}
}

static int submit(char letter, unsigned sleep_ms)
{
	struct test_job *job = calloc(1, sizeof(*job));
	struct hn_error err;
	int r;

	job->job = (struct hn_job){.run = run, .done = letter == '!' ? done_and_free_worker : done};
	job->letter = letter;
	job->sleep_ms = sleep_ms;
	r = hn_worker_submit(worker, &job->job, &err);
	if (r < 0)
		free(job);
	return r;
}

static void run_for(int ms)
{
	struct timeval delay = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	event_base_loopexit(base, &delay);
	event_base_dispatch(base);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * HN_NS_PER_S + (uint64_t)now.tv_nsec;
}

static void jobs_run_elsewhere_and_in_order(void **state)
{
	for (char letter = 'a'; letter <= 'f'; letter++)
		assert_int_equal(submit(letter, 'f' - letter), 0);
	run_for(200);
	assert_string_equal(told, "abcdef");
	assert_int_equal(freed, 6);
}

static void too_many_are_refused(void **state)
{
	int i = 0;

	assert_int_equal(submit('a', 100), 0);
	while (submit('b', 0) == 0)
		assert_true(++i < HN_WORKER_JOBS_MAX);
	assert_int_equal(i, HN_WORKER_JOBS_MAX - 1);
	run_for(400);
	assert_int_equal(freed, HN_WORKER_JOBS_MAX);
	assert_int_equal(submit('c', 0), 0);
}

static void freeing_forgets_what_waits(void **state)
{
	assert_int_equal(submit('a', 50), 0);
	assert_int_equal(submit('b', 0), 0);
	usleep(20000); /* a runs */
	hn_worker_free(worker);
	worker = NULL;
	assert_int_equal(freed, 2);
	run_for(20);
	assert_string_equal(told, "");
}

static void freeing_waits_a_second_at_most(void **state)
{
	uint64_t begin_ns = now_ns();

	assert_int_equal(submit('a', 1600), 0);
	usleep(20000);
	hn_worker_free(worker);
	worker = NULL;
	assert_in_range(now_ns() - begin_ns, 900 * HN_NS_PER_MS, 1400 * HN_NS_PER_MS);
	assert_int_equal(freed, 0);
	usleep(1000000); /* what is left of the thread frees its own */
	assert_int_equal(freed, 1);
}

static void a_jobs_end_may_free_the_worker(void **state)
{
	assert_int_equal(submit('!', 0), 0);
	assert_int_equal(submit('a', 0), 0);
	run_for(50);
	assert_null(worker);
	assert_string_equal(told, "!");
	assert_int_equal(freed, 2);
}

static void a_job_over_its_time_is_late(void **state)
{
	assert_int_equal(submit('a', 50), 0);
	run_for(100);
	assert_false(hn_worker_late(worker));
	assert_int_equal(submit('b', 600), 0);
	run_for(800);
	assert_true(hn_worker_late(worker));
	assert_int_equal(submit('c', 0), 0);
	run_for(50);
	assert_false(hn_worker_late(worker));
}

static int begin(void **state)
{
	struct hn_error err;

	loop_thread = pthread_self();
	freed = 0;
	told_count = 0;
	memset(told, 0, sizeof(told));
	base = event_base_new();
	if (hn_events_join(base, &err) < 0)
		return -1;
	return hn_worker_new(base, hn_link_new("test:///default", 5, 3, NULL), 400 * HN_NS_PER_MS, &worker,
			     &err);
}

static int end(void **state)
{
	hn_worker_free(worker);
	worker = NULL;
	hn_events_leave();
	event_base_free(base);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(jobs_run_elsewhere_and_in_order, begin, end),
		cmocka_unit_test_setup_teardown(too_many_are_refused, begin, end),
		cmocka_unit_test_setup_teardown(freeing_forgets_what_waits, begin, end),
		cmocka_unit_test_setup_teardown(freeing_waits_a_second_at_most, begin, end),
		cmocka_unit_test_setup_teardown(a_jobs_end_may_free_the_worker, begin, end),
		cmocka_unit_test_setup_teardown(a_job_over_its_time_is_late, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
