/* See client-scene.h. Assertions are those of the test that is running. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "client-scene.h"

static void maybe_free(struct scene *scene, enum free_in where)
{
	if (scene->free_in == where)
		hn_qmp_free(hn_steal(scene->qmp));
}

void scene_on_reply(struct hn_qmp *qmp, json_object *result, const struct hn_error *err, void *context)
{
	struct scene *scene = context;
	int i = scene->replies++;

	assert_true((result == NULL) == (err != NULL));
	assert_true(i < REPLIES_MAX);
	if (err)
		scene->answers[i] = *err;
	else if (i < 8)
		snprintf(scene->results[i], sizeof(scene->results[i]), "%s",
			 json_object_to_json_string(result));
	scene->replied = true;
	if (scene->execute_in_reply)
		scene->r = hn_qmp_execute(qmp, "again", NULL, 0, scene_on_reply, scene, NULL);
	maybe_free(scene, FREE_IN_REPLY);
}

static void on_ready(struct hn_qmp *qmp, void *context)
{
	struct scene *scene = context;

	scene->ready = true;
	scene->readies++;
	assert_true(hn_qmp_ready(qmp));
	if (scene->execute_in_ready)
		assert_int_equal(hn_qmp_execute(qmp, "first", NULL, 0, scene_on_reply, scene, NULL), 0);
	maybe_free(scene, FREE_IN_READY);
}

static void on_down(struct hn_qmp *qmp, const struct hn_error *why, uint64_t retry_ns, void *context)
{
	struct scene *scene = context;

	assert_false(hn_qmp_ready(qmp));
	scene->down = true;
	scene->why = *why;
	if (scene->downs < 16)
		scene->retry_ns[scene->downs] = retry_ns;
	scene->downs++;
	if (!strstr(why->message, "guest 'web1': "))
		fail_msg("no name in '%s'", why->message);
	maybe_free(scene, FREE_IN_DOWN);
}

static void on_event(struct hn_qmp *qmp, const char *name, json_object *data, void *context)
{
	struct scene *scene = context;

	scene->events++;
	snprintf(scene->event, sizeof(scene->event), "%s %s", name,
		 data ? json_object_to_json_string(data) : "-");
	maybe_free(scene, FREE_IN_EVENT);
}

void scene_on_line(struct peer *peer, const char *line, bool sentinel, void *context)
{
	struct scene *scene = context;
	char name[64];
	long id = command_id(line, name);

	if (strcmp(name, "qmp_capabilities") == 0) {
		if (scene->negotiate)
			peer_print(peer, "{\"return\": {}, \"id\": %ld}\r\n", id);
		return;
	}
	if (scene->line_count < 16)
		snprintf(scene->lines[scene->line_count], sizeof(scene->lines[0]), "%s", line);
	scene->line_count++;
}

void scene_init(struct scene *scene)
{
	memset(scene, 0, sizeof(*scene));
	scene->base = event_base_new();
	scene->limits = hn_qmp_default_limits;
	scene->greet = scene->negotiate = true;
}

struct hn_qmp_listener scene_listener(struct scene *scene)
{
	return (struct hn_qmp_listener){
		.ready = on_ready, .down = on_down, .event = on_event, .context = scene};
}

void scene_start(struct scene *scene)
{
	const struct hn_qmp_listener listener = scene_listener(scene);
	int fd = peer_pair(scene->base, scene_on_line, scene, &scene->peer);

	assert_int_equal(hn_qmp_new_from_fd(scene->base, "web1", fd, HN_QMP_MONITOR, &scene->limits,
					    &listener, &scene->qmp, NULL),
			 0);
	assert_false(scene->ready || scene->down);
	if (scene->greet)
		peer_send(scene->peer, GREETING, strlen(GREETING));
}

void scene_ready(struct scene *scene)
{
	scene_init(scene);
	scene_start(scene);
	assert_true(run_until(scene->base, &scene->ready, 20000));
}

void scene_done(struct scene *scene)
{
	hn_qmp_free(scene->qmp);
	peer_free(scene->peer);
	event_base_free(scene->base);
}

int scene_execute(struct scene *scene, const char *command, uint64_t timeout_ms)
{
	return hn_qmp_execute(scene->qmp, command, NULL, timeout_ms * HN_NS_PER_MS, scene_on_reply, scene,
			      NULL);
}

/* Runs until that many lines came to the peer. */
void scene_await_lines(struct scene *scene, int count)
{
	for (int i = 0; i < 1000 && scene->line_count < count; i++)
		run_for(scene->base, 1);
	assert_int_equal(scene->line_count, count);
}

void scene_await_replies(struct scene *scene, int count)
{
	for (int i = 0; i < 1000 && scene->replies < count; i++)
		run_for(scene->base, 1);
	assert_int_equal(scene->replies, count);
}
