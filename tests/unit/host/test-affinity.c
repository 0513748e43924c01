/* Binding threads of this process for real, and being refused others. */
#include "host/affinity.h"
#include "tests/unit/child.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct worker {
	pthread_t thread;
	pthread_barrier_t barrier;
	pid_t tid;
};

static void *worker_main(void *context)
{
	struct worker *worker = context;

	worker->tid = (pid_t)syscall(SYS_gettid);
	pthread_barrier_wait(&worker->barrier);
	pthread_barrier_wait(&worker->barrier);
	return NULL;
}

static void worker_start(struct worker *worker)
{
	pthread_barrier_init(&worker->barrier, NULL, 2);
	assert_int_equal(pthread_create(&worker->thread, NULL, worker_main, worker), 0);
	pthread_barrier_wait(&worker->barrier);
}

static void worker_stop(struct worker *worker)
{
	pthread_barrier_wait(&worker->barrier);
	pthread_join(worker->thread, NULL);
	pthread_barrier_destroy(&worker->barrier);
}

static struct hn_process self(void)
{
	struct hn_process process;
	struct hn_error err;
	uid_t uid;

	assert_int_equal(hn_process_of_thread(NULL, getpid(), &process, &uid, &err), 0);
	return process;
}

static struct hn_set allowed_of(pid_t tid)
{
	struct hn_set set;
	cpu_set_t mask;

	hn_set_clear(&set);
	assert_int_equal(sched_getaffinity(tid, sizeof(mask), &mask), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &mask))
			hn_set_add(&set, cpu);
	return set;
}

static void a_thread_gets_the_cpus_asked_for(void **state)
{
	struct hn_process process = self();
	struct hn_set before, wanted, now;
	struct worker worker;
	struct hn_error err;

	worker_start(&worker);
	before = allowed_of(worker.tid);
	wanted = hn_set_of(hn_set_next(&before, 0));
	hn_set_add(&wanted, HN_SET_MAX - 1); /* a CPU no machine here has: left out */
	assert_int_equal(hn_thread_bind(&process, worker.tid, &wanted, &err), 0);
	hn_set_remove(&wanted, HN_SET_MAX - 1);
	now = allowed_of(worker.tid);
	assert_true(hn_set_equal(&now, &wanted));
	now = allowed_of(getpid()); /* and the others are left alone */
	assert_true(hn_set_equal(&now, &before));
	assert_int_equal(hn_thread_bind(&process, worker.tid, &before, &err), 0);
	now = allowed_of(worker.tid);
	assert_true(hn_set_equal(&now, &before));
	worker_stop(&worker);
}

static void cpus_that_are_not_there_are_refused(void **state)
{
	struct hn_process process = self();
	struct hn_set none = hn_set_of(HN_SET_MAX - 1);
	struct hn_error err = {0};

	assert_int_equal(hn_thread_bind(&process, getpid(), &none, &err), -EINVAL);
	assert_non_null(strstr(err.message, "2047"));
	hn_set_clear(&none);
	assert_int_equal(hn_thread_bind(&process, getpid(), &none, &err), -EINVAL);
}

static void threads_of_others_are_refused(void **state)
{
	struct hn_process process = self();
	struct hn_set before, wanted;
	struct hn_error err;
	pid_t child = child_fork();

	if (child == 0) {
		pause();
		_exit(0);
	}
	before = allowed_of(child);
	wanted = hn_set_of(hn_set_next(&before, 0));
	assert_int_equal(hn_thread_bind(&process, child, &wanted, &err), -EPERM);
	assert_true(hn_set_equal(&before, &(struct hn_set[]){allowed_of(child)}[0]));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(hn_thread_bind(&process, child, &wanted, &err), -ESRCH);
	assert_int_equal(hn_thread_bind(&process, 0, &wanted, &err), -EPERM);
	assert_int_equal(hn_thread_bind(&process, -1, &wanted, &err), -EPERM);
	process.start_ticks++;
	assert_int_equal(hn_thread_bind(&process, getpid(), &wanted, &err), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_gets_the_cpus_asked_for),
		cmocka_unit_test(cpus_that_are_not_there_are_refused),
		cmocka_unit_test(threads_of_others_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
