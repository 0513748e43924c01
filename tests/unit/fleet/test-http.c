/* The HTTP client: whatever names and servers do, the loop goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <semaphore.h>
#include <time.h>

#include "fleet/http.h"

#define RESOLVER_S 5 /* at most */

static sem_t asked, told, left; /* the resolver, which is libcurl's as it is the first of that name */

__attribute__((visibility("default"))) int getaddrinfo(const char *name, const char *service,
						       const struct addrinfo *hints, struct addrinfo **ret)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += RESOLVER_S;
	sem_post(&asked);
	(void)sem_timedwait(&told, &end);
	sem_post(&left);
	return EAI_FAIL;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void on_done(const struct hn_http_answer *answer, void *context)
{
	assert_int_equal(answer->status, 0);
	assert_int_equal(answer->error.code, -ETIMEDOUT);
	event_base_loopbreak(context);
}

static void a_name_that_nobody_resolves_holds_up_nothing(void **state)
{
	struct event_base *base = event_base_new();
	struct hn_http_ask ask = {.method = "GET",
				  .url = "http://host.example:9178/",
				  .timeout_ms = 100,
				  .length_max = 1,
				  .done = on_done,
				  .context = base};
	struct hn_http_call *call;
	struct hn_http *http;
	double begun;

	if (curl_version_info(CURLVERSION_NOW)->version_num < 0x075700)
		skip();
	assert_int_equal(hn_http_new(base, NULL, &http, NULL), 0);
	assert_int_equal(hn_http_start(http, &ask, &call, NULL), 0);
	begun = seconds();
	event_base_dispatch(base);
	assert_true(seconds() - begun < RESOLVER_S - 2);
	/* nor does one that is cancelled */
	ask.timeout_ms = 60000;
	assert_int_equal(hn_http_start(http, &ask, &call, NULL), 0);
	sem_wait(&asked);
	while (sem_trywait(&asked) < 0)
		event_base_loop(base, EVLOOP_NONBLOCK);
	hn_http_cancel(call);
	hn_http_free(http);
	assert_true(seconds() - begun < RESOLVER_S - 1);
	for (int i = 0; i < 2; i++)
		sem_post(&told);
	for (int i = 0; i < 2; i++)
		sem_wait(&left);
	event_base_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_that_nobody_resolves_holds_up_nothing),
	};

	sem_init(&asked, 0, 0);
	sem_init(&told, 0, 0);
	sem_init(&left, 0, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
