/*
 * Introspection against transcripts of real QEMUs. What is expected stands on top of each transcript, derived by hand
 * from the command line that is there too, with thread ids and addresses from its answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "harness.h"
#include "qmp/introspect.h"

struct scene {
	struct event_base *base;
	struct transcript transcript;
	struct peer *peer;
	struct hn_qmp *qmp;
	struct hn_introspection *pass;
	int answers;
	bool over;
	char *found;
	struct hn_error err;
};

static void on_introspect_done(struct hn_introspect_result *result, const struct hn_error *err, void *context)
{
	struct scene *scene = context;

	scene->answers++;
	scene->over = true;
	scene->pass = NULL;
	if (err)
		scene->err = *err;
	else
		scene->found = guest_describe(result->guest, result->notes, result->note_count);
}

static void on_ready(struct hn_qmp *qmp, void *context)
{
	struct scene *scene = context;

	assert_int_equal(hn_introspect_start(qmp, "fallback", on_introspect_done, scene, &scene->pass, NULL), 0);
	assert_false(scene->over);
}

static void on_down(struct hn_qmp *qmp, const struct hn_error *why, uint64_t retry_ns, void *context)
{
	struct scene *scene = context;

	scene->over = true;
}

static void scene_open(struct scene *scene, const char *name, size_t chunk)
{
	const struct hn_qmp_listener listener = {.ready = on_ready, .down = on_down, .context = scene};
	int fd;

	memset(scene, 0, sizeof(*scene));
	scene->base = event_base_new();
	transcript_load(name, &scene->transcript);
	fd = peer_pair(scene->base, transcript_answer, &scene->transcript, &scene->peer);
	scene->peer->chunk = chunk;
	assert_int_equal(hn_qmp_new_from_fd(scene->base, "fallback", fd, HN_QMP_MONITOR, NULL, &listener, &scene->qmp,
					    NULL),
			 0);
	peer_send(scene->peer, GREETING, strlen(GREETING));
}

static void scene_close(struct scene *scene)
{
	hn_qmp_free(scene->qmp);
	peer_free(scene->peer);
	transcript_free(&scene->transcript);
	free(scene->found);
	event_base_free(scene->base);
}

static const char *const transcripts[] = {
	"two-cells",	"no-numa", "three-cells",    "auto-node", "legacy-mem", "legacy-names", "virtio-mem", "booted",
	"kvm", "memory-backend", "hva-9.1", "sev-5.2", "arm-virt-8.2", "bare",
};

static void replay(size_t chunk)
{
	for (size_t i = 0; i < sizeof(transcripts) / sizeof(transcripts[0]); i++) {
		struct scene scene;

		scene_open(&scene, transcripts[i], chunk);
		assert_true(run_until(scene.base, &scene.over, 20000));
		if (!scene.found)
			print_error("%s: %s\n", transcripts[i], scene.err.message);
		assert_non_null(scene.found);
		if (strcmp(scene.found, scene.transcript.expected ? scene.transcript.expected : "") != 0)
			print_error("%s.qmp:\n%s", transcripts[i], scene.found);
		assert_string_equal(scene.found, scene.transcript.expected);
		assert_int_equal(scene.answers, 1);
		scene_close(&scene);
	}
}

static void finds_what_the_command_line_says(void **state)
{
	replay(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_the_command_line_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
