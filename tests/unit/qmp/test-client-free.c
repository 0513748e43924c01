/* Freeing the client at every moment, and peers that leave at every byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/units.h"
#include "client-scene.h"

static void freeing_cancels_what_is_pending(void **state)
{
	struct scene scene;

	scene_ready(&scene);
	assert_int_equal(scene_execute(&scene, "a", 0), 0);
	assert_int_equal(scene_execute(&scene, "b", 0), 0);
	scene.execute_in_reply = true;
	hn_qmp_free(hn_steal(scene.qmp));
	assert_int_equal(scene.replies, 2);
	assert_int_equal(scene.answers[0].code, -ECANCELED);
	assert_int_equal(scene.answers[1].code, -ECANCELED);
	assert_int_equal(scene.r, -ENOTCONN);
	assert_int_equal(scene.downs, 0);
	run_for(scene.base, 10);
	scene_done(&scene);
}

static void freeing_before_the_loop_ran(void **state)
{
	struct scene scene;

	scene_init(&scene);
	scene_start(&scene);
	hn_qmp_free(hn_steal(scene.qmp));
	run_for(scene.base, 10);
	assert_int_equal(scene.readies + scene.downs, 0);
	scene_done(&scene);
	hn_qmp_free(NULL);
}

/* What comes behind the message whose callback freed the client must not be looked at. */
static void any_callback_may_free(void **state)
{
	static const struct {
		enum free_in where;
		const char *bytes; /* NULL: hang up */
		uint64_t timeout_ms;
	} cases[] = {
		{FREE_IN_READY, "", 0},
		{FREE_IN_DOWN, NULL, 0},
		{FREE_IN_DOWN, "garbage", 0},
		{FREE_IN_EVENT, "{\"event\": \"A\"}{\"event\": \"B\"}", 0},
		{FREE_IN_REPLY, "{\"return\": {}, \"id\": 2}{\"return\": {}, \"id\": 3}", 0},
		{FREE_IN_REPLY, NULL, 0},
		{FREE_IN_REPLY, "", 10},
	};

	for (size_t i = 0; i < HN_COUNT(cases); i++) {
		struct scene scene;

		scene_init(&scene);
		scene.free_in = cases[i].where;
		scene_start(&scene);
		assert_true(run_until(scene.base, &scene.ready, 20000));
		if (scene.qmp) {
			assert_int_equal(scene_execute(&scene, "a", cases[i].timeout_ms), 0);
			assert_int_equal(scene_execute(&scene, "b", cases[i].timeout_ms), 0);
			scene_await_lines(&scene, 2);
		}
		if (cases[i].bytes)
			peer_send(scene.peer, cases[i].bytes, strlen(cases[i].bytes));
		else
			peer_hang_up(scene.peer);
		run_for(scene.base, 30);
		assert_null(scene.qmp);
		assert_true(scene.events <= 1);
		assert_int_equal(scene.replies, cases[i].where == FREE_IN_READY ? 0 : 2);
		assert_int_equal(scene.downs, cases[i].where == FREE_IN_DOWN ? 1 : 0);
		scene_done(&scene);
	}
}

static void hanging_up_at_any_byte(void **state)
{
	const char *stream = GREETING
		"{\"return\": {}, \"id\": 1}\r\n{\"event\": \"STOP\"}\r\n{\"return\": {}, \"id\": 2}\r\n";

	for (size_t at = 1; at <= strlen(stream); at++) {
		struct scene scene;

		scene_init(&scene);
		scene.greet = scene.negotiate = false;
		scene.execute_in_ready = true;
		scene_start(&scene);
		scene.peer->hang_up_at = at;
		peer_send(scene.peer, stream, strlen(stream));
		assert_true(run_until(scene.base, &scene.down, 20000));
		assert_int_equal(scene.downs, 1);
		assert_int_equal(scene.replies, scene.readies);
		/* A QEMU that dies with our command unread resets the connection. */
		assert_int_equal(scene.why.code, -ECONNRESET);
		scene_done(&scene);
	}
}

static void byte_by_byte(void **state)
{
	struct scene scene;

	scene_init(&scene);
	scene.execute_in_ready = true;
	scene_start(&scene);
	scene.peer->chunk = 1;
	scene_await_lines(&scene, 1);
	peer_print(scene.peer, "{\"event\": \"STOP\"}\r\n{\"return\": 3, \"id\": 2}\r\n");
	scene_await_replies(&scene, 1);
	assert_int_equal(scene.events, 1);
	assert_string_equal(scene.results[0], "3");
	scene_done(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(freeing_cancels_what_is_pending),
		cmocka_unit_test(freeing_before_the_loop_ran),
		cmocka_unit_test(any_callback_may_free),
		cmocka_unit_test(hanging_up_at_any_byte),
		cmocka_unit_test(byte_by_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
