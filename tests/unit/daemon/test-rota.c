/* Looks whose hands are silent. */
#include "daemon/rota.h"

#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "daemon/events.h"
#include "daemon/hands.h"
#include "daemon/inspect.h"
#include "silent-hands.h"

struct scene {
	struct hn_service service;
	struct hn_config config;
	struct hn_managed guests[2];
	struct silent_hands silent;
};

static void add_guest(struct scene *scene, struct hn_managed *managed, const char *name)
{
	struct hn_backend *backend;

	*managed = (struct hn_managed){.service = &scene->service, .identified = true};
	snprintf(managed->name, sizeof(managed->name), "%s", name);
	managed->guest = hn_guest_new(name);
	assert_non_null(managed->guest);
	managed->guest->mode = HN_MODE_OBSERVE;
	assert_non_null(hn_guest_add_cell(managed->guest, 0));
	backend = hn_guest_add_backend(managed->guest, "ram");
	assert_non_null(backend);
	backend->cell = 0;
	backend->bytes = HN_MIB;
	backend->host_address = HN_GIB;
	TAILQ_INSERT_TAIL(&scene->service.guests, managed, entry);
}

static void set_up(struct scene *scene)
{
	struct hn_service *service = &scene->service;
	struct hn_error err;

	memset(scene, 0, sizeof(*scene));
	silent_hands_start(&scene->silent);
	hn_config_init(&scene->config);
	service->config = &scene->config;
	service->base = event_base_new();
	TAILQ_INIT(&service->guests);
	assert_int_equal(hn_events_new(service->base, &service->events, &err), 0);
	/* longer than it takes until another may be started */
	assert_int_equal(hn_hands_new(service->base, scene->silent.path, "queries", 1100 * HN_NS_PER_MS,
				      &service->hands, &err),
			 0);
	assert_int_equal(hn_rota_new(service, &service->rota, &err), 0);
	add_guest(scene, &scene->guests[0], "hangs");
	add_guest(scene, &scene->guests[1], "waits");
}

static void tear_down(struct scene *scene)
{
	struct hn_service *service = &scene->service;

	hn_hands_free(service->hands);
	for (size_t i = 0; i < 2; i++) {
		hn_rota_leave(&scene->guests[i]);
		hn_guest_free(scene->guests[i].guest);
		free(scene->guests[i].problem);
	}
	hn_rota_free(service->rota);
	hn_events_free(service->events);
	event_base_free(service->base);
	hn_config_done(&scene->config);
	silent_hands_stop(&scene->silent);
}

static void who_hangs_rests_and_who_waited_behind_it_does_not(void **state)
{
	struct hn_managed *hangs, *waits;
	struct scene scene;

	set_up(&scene);
	hangs = &scene.guests[0];
	waits = &scene.guests[1];
	hn_rota_join(hangs);
	hn_rota_join(waits);
	assert_true(hangs->looking && waits->looking);
	while (scene.service.tally.look_failures < 2)
		assert_int_equal(event_base_loop(scene.service.base, EVLOOP_ONCE), 0);
	assert_non_null(strstr(hangs->problem, "was given up"));
	assert_true(hangs->turn.rest_ns >= 110 * HN_NS_PER_S);
	assert_int_equal(waits->turn.rest_ns, 0);
	assert_int_equal(hangs->turn.billed_ns + waits->turn.billed_ns, 0);
	/* the other's is looked at again, and it alone */
	hn_rota_join(hangs);
	hn_rota_join(waits);
	assert_false(hangs->looking);
	assert_true(waits->looking);
	tear_down(&scene);
}

static void so_does_who_hangs_when_it_is_inspected(void **state)
{
	struct hn_managed *hangs;
	struct scene scene;

	set_up(&scene);
	hangs = &scene.guests[0];
	hn_inspect_start(hangs);
	assert_true(hangs->inspecting);
	while (hangs->inspecting)
		assert_int_equal(event_base_loop(scene.service.base, EVLOOP_ONCE), 0);
	assert_non_null(strstr(hangs->problem, "was given up"));
	assert_true(hangs->turn.rest_ns >= 110 * HN_NS_PER_S);
	hn_inspect_start(hangs);
	assert_false(hangs->inspecting);
	hn_inspect_now(hangs); /* its operator wants it */
	assert_true(hangs->inspecting);
	hn_inspect_start(&scene.guests[1]);
	assert_true(scene.guests[1].inspecting);
	tear_down(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_hangs_rests_and_who_waited_behind_it_does_not),
		cmocka_unit_test(so_does_who_hangs_when_it_is_inspected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
