/* libvirt's event loop on libevent, used as libvirt uses it: through virEventAddHandle() and the like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <libvirt/libvirt.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "virt/events.h"

static struct event_base *base;
static _Thread_local bool removing;

/* What happened to one handle or timer. */
struct story {
	int number;
	int calls, calls_before_removal;
	int releases;
	bool released_inside;
	int ready;
	pthread_t called_by, released_by;
};

static void run_for(int ms)
{
	struct timeval delay = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	event_base_loopexit(base, &delay);
	event_base_dispatch(base);
}

/* Until so many calls were seen; 20 s at most, whatever the machine is busy with. */
static void run_until(const int *calls, int wanted)
{
	for (int i = 0; i < 4000 && __atomic_load_n(calls, __ATOMIC_RELAXED) < wanted; i++)
		run_for(5);
	assert_true(*calls >= wanted);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void on_release(void *context)
{
	struct story *story = context;

	story->releases++;
	story->released_inside = removing;
	story->released_by = pthread_self();
}

static void remove_timer(struct story *story)
{
	removing = true;
	assert_int_equal(virEventRemoveTimeout(story->number), 0);
	removing = false;
}

static void on_timeout(int number, void *context)
{
	struct story *story = context;

	assert_int_equal(number, story->number);
	story->called_by = pthread_self();
	/* a thread that waits for it may read it meanwhile */
	if (__atomic_add_fetch(&story->calls, 1, __ATOMIC_RELAXED) == story->calls_before_removal)
		remove_timer(story);
}

static void on_ready(int number, int fd, int ready, void *context)
{
	struct story *story = context;
	char byte;

	assert_int_equal(number, story->number);
	story->calls++;
	story->ready = ready;
	story->called_by = pthread_self();
	if (ready & VIR_EVENT_HANDLE_READABLE)
		assert_true(read(fd, &byte, 1) >= 0);
}

static void timers_are_periodic_until_changed(void **state)
{
	struct story story = {0};
	uint64_t begin = now_ms();

	story.number = virEventAddTimeout(20, on_timeout, &story, on_release);
	assert_true(story.number > 0);
	run_until(&story.calls, 4);
	assert_true((uint64_t)story.calls <= (now_ms() - begin) / 20 + 1);
	virEventUpdateTimeout(story.number, -1);
	run_for(10);
	story.calls = 0;
	run_for(60);
	assert_int_equal(story.calls, 0);
	virEventUpdateTimeout(story.number, 0);
	run_until(&story.calls, 4);
	remove_timer(&story);
	assert_int_equal(story.releases, 0);
	run_until(&story.releases, 1);
	assert_int_equal(virEventRemoveTimeout(story.number), -1);
}

static void a_timer_may_remove_itself(void **state)
{
	struct story story = {.calls_before_removal = 2};

	story.number = virEventAddTimeout(1, on_timeout, &story, on_release);
	run_until(&story.releases, 1);
	run_for(20);
	assert_int_equal(story.calls, 2);
	assert_int_equal(story.releases, 1);
	assert_false(story.released_inside);
}

static void handles_tell_what_was_asked_for(void **state)
{
	struct story story = {0};
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	story.number = virEventAddHandle(fds[0], VIR_EVENT_HANDLE_READABLE, on_ready, &story, on_release);
	run_for(20);
	assert_int_equal(story.calls, 0);
	assert_int_equal(write(fds[1], "a", 1), 1);
	run_until(&story.calls, 1);
	run_for(20);
	assert_int_equal(story.calls, 1);
	assert_int_equal(story.ready, VIR_EVENT_HANDLE_READABLE);
	virEventUpdateHandle(story.number, 0);
	assert_int_equal(write(fds[1], "b", 1), 1);
	run_for(20);
	assert_int_equal(story.calls, 1);
	virEventUpdateHandle(story.number, VIR_EVENT_HANDLE_READABLE);
	run_until(&story.calls, 2);
	assert_int_equal(virEventRemoveHandle(story.number), 0);
	assert_int_equal(write(fds[1], "c", 1), 1);
	run_until(&story.releases, 1);
	run_for(20);
	assert_int_equal(story.calls, 2);
	assert_int_equal(story.releases, 1);
	close(fds[0]);
	close(fds[1]);
}

static void *add_and_change(void *context)
{
	struct story *story = context;

	story->number = virEventAddTimeout(-1, on_timeout, story, on_release);
	usleep(20000);
	virEventUpdateTimeout(story->number, 1);
	for (int i = 0; i < 4000 && __atomic_load_n(&story->calls, __ATOMIC_RELAXED) < 6; i++)
		usleep(5000);
	remove_timer(story);
	return NULL;
}

static void other_threads_may_ask_and_the_loop_answers(void **state)
{
	struct story story = {0};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, add_and_change, &story), 0);
	run_until(&story.releases, 1);
	pthread_join(thread, NULL);
	assert_true(story.calls > 5);
	assert_true(pthread_equal(story.called_by, pthread_self()));
	assert_int_equal(story.releases, 1);
	assert_true(pthread_equal(story.released_by, pthread_self()));
}

static void one_base_at_a_time(void **state)
{
	struct event_base *other = event_base_new();
	struct story story = {0};
	struct hn_error err;

	assert_int_equal(hn_events_join(other, &err), -EBUSY);
	story.number = virEventAddTimeout(1, on_timeout, &story, on_release);
	run_until(&story.calls, 1);
	hn_events_leave();
	story.calls = 0;
	assert_int_equal(hn_events_join(other, &err), 0);
	run_for(10);
	assert_int_equal(story.calls, 0);
	/* what was asked for goes on with the base that is there */
	for (int i = 0; i < 4000 && story.calls == 0; i++) {
		event_base_loopexit(other, &(struct timeval){.tv_usec = 5000});
		event_base_dispatch(other);
	}
	assert_true(story.calls > 0);
	remove_timer(&story);
	hn_events_leave();
	assert_int_equal(story.releases, 1);
	event_base_free(other);
	assert_int_equal(hn_events_join(base, &err), 0);
}

static int begin(void **state)
{
	struct hn_error err;

	base = event_base_new();
	return hn_events_join(base, &err);
}

static int end(void **state)
{
	hn_events_leave();
	event_base_free(base);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_are_periodic_until_changed),
		cmocka_unit_test(a_timer_may_remove_itself),
		cmocka_unit_test(handles_tell_what_was_asked_for),
		cmocka_unit_test(other_threads_may_ask_and_the_loop_answers),
		cmocka_unit_test(one_base_at_a_time),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
