/*
 * A guest asked about itself: an agent that has files and CPUs, or has not, or lies; and a monitor with a
 * balloon or without. What is expected is what the files hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/units.h"
#include "harness.h"
#include "qmp/report-text.h"
#include "qmp/report.h"

#define NODE "/sys/devices/system/node"

struct file {
	const char *path, *text;
};

static const struct file linux_files[] = {
	{NODE "/online", "0-1\n"},
	{NODE "/node0/numastat", "numa_hit 11\nnuma_miss 12\nnuma_foreign 13\ninterleave_hit 14\n"
				 "local_node 15\nother_node 16\n"},
	{NODE "/node0/meminfo", "Node 0 MemTotal:         1000 kB\nNode 0 MemFree:          600 kB\n"
				"Node 0 MemUsed:          400 kB\n"},
	{NODE "/node1/numastat", "numa_hit 21\nnuma_miss 22\nnuma_foreign 23\ninterleave_hit 24\n"
				 "local_node 25\nother_node 26\nnuma_new 1\n"},
	{NODE "/node1/meminfo", "Node 1 MemTotal:         2000 kB\nNode 1 MemFree:          2000 kB\n"},
	{"/proc/vmstat", "nr_free_pages 99\npgmigrate_success 34\nnuma_pages_migrated 33\n"
			 "numa_hint_faults 31\nnuma_hint_faults_local 32\n"},
	{"/proc/stat", "cpu  1 2 3 4 5 6 7 8 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\ncpu1 10 20 30 40\nintr 5 5\n"},
};

struct scene {
	struct event_base *base;
	struct peer *agent_peer, *monitor_peer;
	struct hn_qmp *agent, *monitor;
	struct hn_report_pass *pass;
	struct hn_reported *reported;
	struct hn_error err;
	bool agent_ready, monitor_ready, agent_down, over;
	int answers, asked, agent_asked, reads;

	const struct file *files;
	size_t file_count;
	char open[64];        /* path of the file that is read */
	const char *cpustats; /* answer, NULL: no such command */
	int mute_after;       /* questions that are answered, -1: all */
	bool flood, wrong_id; /* answers like that from then on */
	const char *instead;  /* of a file's text, whatever the file */
	bool has_balloon, is_polled;
	const char *stats;
	int polled_with;
};

static void encode(const char *text, char *out)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t length = strlen(text);

	for (size_t i = 0; i < length; i += 3) {
		unsigned bits = (unsigned char)text[i] << 16;

		bits |= i + 1 < length ? (unsigned)(unsigned char)text[i + 1] << 8 : 0;
		bits |= i + 2 < length ? (unsigned char)text[i + 2] : 0;
		*out++ = letters[bits >> 18];
		*out++ = letters[bits >> 12 & 63];
		*out++ = i + 1 < length ? letters[bits >> 6 & 63] : '=';
		*out++ = i + 2 < length ? letters[bits & 63] : '=';
	}
	*out = '\0';
}

static const char *content_of(const struct scene *scene, const char *path)
{
	for (size_t i = 0; i < scene->file_count; i++)
		if (strcmp(scene->files[i].path, path) == 0)
			return scene->instead && !strstr(path, "online") ? scene->instead
									 : scene->files[i].text;
	return NULL;
}

static void refuse(struct peer *peer, const char *why)
{
	peer_print(peer, "{\"error\": {\"class\": \"%s\", \"desc\": \"it is not to be\"}}\n", why);
}

static void open_file(struct scene *scene, struct peer *peer, json_object *command)
{
	json_object *arguments;
	const char *path;

	assert_int_equal(hn_json_get_object(command, "arguments", &arguments, NULL), 0);
	assert_int_equal(hn_json_get_string(arguments, "path", &path, NULL), 0);
	snprintf(scene->open, sizeof(scene->open), "%s", path);
	if (content_of(scene, path))
		peer_print(peer, "{\"return\": 7}\n");
	else
		refuse(peer, "GenericError");
}

static void misbehave(struct scene *scene, struct peer *peer)
{
	static char flood[1 << 16];

	memset(flood, 'x', sizeof(flood));
	if (scene->flood) {
		peer_print(peer, "{\"return\": \"");
		for (int i = 0; i < 128; i++) /* 8 MiB, above what a message may have */
			peer_send(peer, flood, sizeof(flood));
	} else if (scene->wrong_id) {
		peer_print(peer, "{\"return\": {}, \"id\": 4711}\n");
	}
}

static void on_agent_line(struct peer *peer, const char *line, bool sentinel, void *context)
{
	struct scene *scene = context;
	HN_AUTO(json) json_object *command = json_tokener_parse(line);
	char name[64], text[8192];
	const char *id = strstr(line, "\"id\":");

	command_id(line, name);
	if (strcmp(name, "guest-sync-delimited") == 0) {
		peer_print(peer, "\xff{\"return\": %" PRIu64 "}\n", (uint64_t)strtoull(id + 5, NULL, 10));
		return;
	}
	scene->agent_asked++;
	if (scene->mute_after >= 0 && scene->agent_asked > scene->mute_after) {
		misbehave(scene, peer);
		return;
	}
	if (strcmp(name, "guest-file-open") == 0) {
		open_file(scene, peer, command);
	} else if (strcmp(name, "guest-file-read") == 0) {
		scene->reads++;
		encode(content_of(scene, scene->open), text);
		peer_print(peer, "{\"return\": {\"count\": %zu, \"buf-b64\": \"%s\", \"eof\": true}}\n",
			   strlen(content_of(scene, scene->open)), text);
	} else if (strcmp(name, "guest-get-cpustats") == 0 && scene->cpustats) {
		peer_print(peer, "{\"return\": %s}\n", scene->cpustats);
	} else if (strcmp(name, "guest-file-close") == 0) {
		peer_print(peer, "{\"return\": {}}\n");
	} else {
		refuse(peer, "CommandNotFound");
	}
}

static void on_monitor_line(struct peer *peer, const char *line, bool sentinel, void *context)
{
	struct scene *scene = context;
	char name[64];
	long id = command_id(line, name);

	if (strcmp(name, "qmp_capabilities") == 0 || strcmp(name, "qom-set") == 0) {
		peer_print(peer, "{\"return\": {}, \"id\": %ld}\r\n", id);
		if (strcmp(name, "qom-set") == 0) {
			assert_non_null(strstr(line, "\"/machine/peripheral-anon/device[3]\""));
			scene->polled_with = atoi(strstr(line, "\"value\":") + 8);
		}
	} else if (!scene->has_balloon) {
		peer_print(peer,
			   "{\"error\": {\"class\": \"DeviceNotActive\", \"desc\": \"No balloon device has "
			   "been activated\"}, \"id\": %ld}\r\n",
			   id);
	} else if (strcmp(name, "query-balloon") == 0) {
		peer_print(peer, "{\"return\": {\"actual\": 1073741824}, \"id\": %ld}\r\n", id);
	} else if (strcmp(name, "qom-list") == 0) {
		peer_print(peer,
			   "{\"return\": [{\"name\": \"type\", \"type\": \"string\"}, {\"name\": "
			   "\"device[3]\", \"type\": \"child<%s>\"}], \"id\": %ld}\r\n",
			   strstr(line, "-anon") ? "virtio-balloon-pci" : "virtio-net-pci", id);
	} else if (strstr(line, "guest-stats-polling-interval")) {
		peer_print(peer, "{\"return\": %d, \"id\": %ld}\r\n", scene->is_polled ? 2 : 0, id);
	} else {
		assert_non_null(strstr(line, "\"guest-stats\""));
		peer_print(peer, "{\"return\": %s, \"id\": %ld}\r\n", scene->stats, id);
	}
}

static void on_agent_ready(struct hn_qmp *qmp, void *context)
{
	((struct scene *)context)->agent_ready = true;
}

static void on_agent_down(struct hn_qmp *qmp, const struct hn_error *why, uint64_t retry_ns, void *context)
{
	((struct scene *)context)->agent_down = true;
}

static void on_monitor_ready(struct hn_qmp *qmp, void *context)
{
	((struct scene *)context)->monitor_ready = true;
}

static void on_reported(struct hn_reported **reported, const struct hn_error *err, void *context)
{
	struct scene *scene = context;

	scene->answers++;
	scene->over = true;
	scene->pass = NULL;
	scene->reported = hn_steal(*reported);
	if (err)
		scene->err = *err;
}

static void scene_start(struct scene *scene, unsigned patience_ms)
{
	const struct hn_qmp_listener agent = {
		.ready = on_agent_ready, .down = on_agent_down, .context = scene};
	const struct hn_qmp_listener monitor = {.ready = on_monitor_ready, .context = scene};
	struct hn_qmp_limits limits = hn_qmp_default_limits;
	int fd;

	memset(scene, 0, sizeof(*scene));
	scene->base = event_base_new();
	scene->files = linux_files;
	scene->file_count = HN_COUNT(linux_files);
	scene->mute_after = -1;
	scene->stats = "{\"stats\": {}, \"last-update\": 0}";
	limits.command_timeout_ns = patience_ms * HN_NS_PER_MS;
	fd = peer_pair(scene->base, on_agent_line, scene, &scene->agent_peer);
	assert_int_equal(hn_qmp_new_from_fd(scene->base, "web1", fd, HN_QMP_AGENT, &limits, &agent,
					    &scene->agent, NULL),
			 0);
	fd = peer_pair(scene->base, on_monitor_line, scene, &scene->monitor_peer);
	peer_print(scene->monitor_peer, GREETING);
	assert_int_equal(hn_qmp_new_from_fd(scene->base, "web1", fd, HN_QMP_MONITOR, NULL, &monitor,
					    &scene->monitor, NULL),
			 0);
	assert_true(run_until(scene->base, &scene->agent_ready, 20000));
	assert_true(run_until(scene->base, &scene->monitor_ready, 20000));
}

static void ask(struct scene *scene)
{
	assert_int_equal(
		hn_report_start(scene->agent, scene->monitor, on_reported, scene, &scene->pass, NULL), 0);
	assert_false(scene->over);
	assert_true(run_until(scene->base, &scene->over, 30000));
	run_for(scene->base, 10);
	assert_int_equal(scene->answers, 1);
	assert_non_null(scene->reported);
	assert_true(scene->reported->taken_ns >= scene->reported->started_ns);
}

static void scene_done(struct scene *scene)
{
	hn_report_cancel(scene->pass);
	hn_qmp_free(scene->agent);
	hn_qmp_free(scene->monitor);
	peer_free(scene->agent_peer);
	peer_free(scene->monitor_peer);
	hn_reported_free(scene->reported);
	event_base_free(scene->base);
}

static void a_linux_guest_tells_all(void **state)
{
	struct scene scene;
	const struct hn_reported *told;

	scene_start(&scene, 5000);
	scene.cpustats =
		"[{\"type\": \"linux\", \"cpu\": 1, \"user\": 1, \"nice\": 2, \"system\": 3, "
		"\"idle\": 40, \"iowait\": 5, \"irq\": 6, \"softirq\": 7, \"steal\": 8, \"guest\": 0}, "
		"{\"type\": \"linux\", \"cpu\": 0, \"user\": 100, \"nice\": 0, \"system\": 0, "
		"\"idle\": 0}]";
	scene.has_balloon = true;
	scene.stats = "{\"stats\": {\"stat-free-memory\": 5000, \"stat-available-memory\": 6000, "
		      "\"stat-swap-in\": -1, \"stat-swap-out\": 18446744073709551615}, \"last-update\": 9}";
	ask(&scene);
	told = scene.reported;
	assert_int_equal(scene.err.code, 0);
	assert_int_equal(told->note_count, 0);
	assert_int_equal(told->node_count, 2);
	for (size_t i = 0; i < 2; i++) {
		uint64_t base = 10 * (i + 1);

		assert_int_equal(told->nodes[i].node, i);
		assert_int_equal(told->nodes[i].hit, base + 1);
		assert_int_equal(told->nodes[i].miss, base + 2);
		assert_int_equal(told->nodes[i].foreign, base + 3);
		assert_int_equal(told->nodes[i].interleave, base + 4);
		assert_int_equal(told->nodes[i].local, base + 5);
		assert_int_equal(told->nodes[i].other, base + 6);
	}
	assert_int_equal(told->nodes[0].total_bytes, 1000 * 1024);
	assert_int_equal(told->nodes[0].free_bytes, 600 * 1024);
	assert_int_equal(told->hint_faults, 31);
	assert_int_equal(told->hint_faults_local, 32);
	assert_int_equal(told->pages_migrated, 33);
	assert_int_equal(told->migrate_success, 34);
	assert_int_equal(told->cpu_count, 2);
	assert_int_equal(told->cpus[0].busy_ns, 100 * HN_NS_PER_MS);
	assert_int_equal(told->cpus[1].busy_ns, (1 + 2 + 3 + 6 + 7) * HN_NS_PER_MS);
	assert_int_equal(told->cpus[1].idle_ns, 45 * HN_NS_PER_MS);
	assert_int_equal(told->cpus[1].steal_ns, 8 * HN_NS_PER_MS);
	assert_int_equal(told->balloon.actual_bytes, 1 << 30);
	assert_int_equal(told->balloon.free_bytes, 5000);
	assert_int_equal(told->balloon.available_bytes, 6000);
	assert_int_equal(told->balloon.swapped_in_bytes, HN_REPORTED_UNKNOWN);
	assert_int_equal(told->balloon.swapped_out_bytes, HN_REPORTED_UNKNOWN);
	assert_int_equal(scene.polled_with, 10);
	assert_int_equal(scene.reads, 6); /* not /proc/stat */
	scene_done(&scene);
}

/* Agents before 7.1 do not know guest-get-cpustats. Ticks are hundredths. */
static void cpus_are_read_from_proc_otherwise(void **state)
{
	struct scene scene;

	scene_start(&scene, 5000);
	scene.has_balloon = scene.is_polled = true;
	ask(&scene);
	assert_int_equal(scene.reported->note_count, 0);
	assert_int_equal(scene.reported->cpu_count, 2);
	assert_int_equal(scene.reported->cpus[0].busy_ns, (1 + 2 + 3 + 6 + 7) * 10 * HN_NS_PER_MS);
	assert_int_equal(scene.reported->cpus[0].idle_ns, 90 * HN_NS_PER_MS);
	assert_int_equal(scene.reported->cpus[0].steal_ns, 80 * HN_NS_PER_MS);
	assert_int_equal(scene.reported->cpus[1].busy_ns, 600 * HN_NS_PER_MS);
	assert_int_equal(scene.reported->balloon.free_bytes, HN_REPORTED_UNKNOWN); /* not told yet */
	assert_int_equal(scene.polled_with, 0);                                    /* somebody else polls */
	scene_done(&scene);
}

/* Windows: an agent, none of the files, no balloon. */
static void a_guest_without_these_files_is_noted(void **state)
{
	struct scene scene;

	scene_start(&scene, 5000);
	scene.file_count = 0;
	ask(&scene);
	assert_int_equal(scene.err.code, 0);
	assert_int_equal(scene.reported->node_count, 0);
	assert_int_equal(scene.reported->cpu_count, 0);
	assert_int_equal(scene.reported->hint_faults, HN_REPORTED_UNKNOWN);
	assert_int_equal(scene.reported->balloon.actual_bytes, HN_REPORTED_UNKNOWN);
	assert_int_equal(scene.reported->note_count, 3); /* nodes, vmstat, stat */
	assert_non_null(strstr(scene.reported->notes[0], "guest 'web1': agent: "));
	assert_int_equal(scene.agent_asked, 4); /* cpustats, and three files that do not open */
	scene_done(&scene);
}

/* Wherever it falls silent: one time-out, what came before is kept, the balloon is asked all the same. */
static void a_silent_agent_costs_one_time_out(void **state)
{
	for (int after = 0; after < 20; after += 3) {
		struct scene scene;
		uint64_t begin;

		scene_start(&scene, 60);
		scene.mute_after = after;
		scene.has_balloon = true;
		begin = monotonic_ms();
		ask(&scene);
		assert_true(monotonic_ms() - begin < 5000);
		/* a close that goes unanswered is noticed by nobody */
		if (scene.err.code != -ETIMEDOUT)
			fail_msg("silent after %d: %d %s", after, scene.err.code, scene.err.message);
		assert_true(scene.agent_asked <= after + 2);
		assert_int_equal(scene.reported->balloon.actual_bytes, 1 << 30);
		assert_int_equal(scene.reported->node_count, after < 6 ? 0 : after < 12 ? 1 : 2);
		scene_done(&scene);
	}
}

static void a_flood_ends_the_agent_not_the_pass(void **state)
{
	for (int vice = 0; vice < 2; vice++) {
		struct scene scene;

		scene_start(&scene, 5000);
		scene.mute_after = 7;
		scene.flood = vice == 0;
		scene.wrong_id = vice == 1;
		scene.has_balloon = true;
		ask(&scene);
		assert_true(scene.agent_down);
		assert_true(scene.err.code < 0);
		assert_true(scene.reported->note_count > 0);
		assert_int_equal(scene.reported->balloon.actual_bytes, 1 << 30);
		scene_done(&scene);
	}
}

/* The same lie in every file: none is taken, all are noted, and a node's failure ends the nodes. */
static void lies_are_not_taken(void **state)
{
	static const char *const lies[] = {
		"",
		"\n\n\n",
		"numa_hit -1\nnuma_hint_faults -5\ncpu0 -1 2 3 4\nNode 0 MemTotal: -1 kB\n",
		"numa_hit NaN\nnuma_hint_faults NaN\ncpu0 NaN NaN NaN NaN\n",
		"numa_hit 99999999999999999999999\nnuma_hint_faults 99999999999999999999999\n"
		"cpu0 99999999999999999999 1 1 1\n",
		"numa_hit 18446744073709551615\nnuma_hint_faults 18446744073709551615\n"
		"cpu0 18446744073709551614 1 1 1\n",
		"numa_hit 1e9\nnuma_hint_faults 1e9\ncpu0 0x10 1 1 1\n",
		"numa_hit\nnuma_hint_faults\ncpu0\n",
		"numa_hit 1\nnuma_miss 1\nnuma_foreign 1\ninterleave_hit 1\nlocal_node 1\n"
		"numa_hint_faults 1;\ncpu0 1 2 3\n",
	};

	for (size_t i = 0; i < HN_COUNT(lies); i++) {
		struct scene scene;

		scene_start(&scene, 5000);
		scene.instead = lies[i];
		ask(&scene);
		assert_int_equal(scene.err.code, 0);
		assert_int_equal(scene.reported->node_count, 0);
		assert_int_equal(scene.reported->cpu_count, 0);
		assert_int_equal(scene.reported->hint_faults, HN_REPORTED_UNKNOWN);
		assert_true(scene.reported->note_count >= 2);
		assert_int_equal(scene.reads, 4); /* online, numastat of node 0, vmstat, stat */
		scene_done(&scene);
	}
}

static void a_guest_of_too_many_nodes_is_not_read(void **state)
{
	static const struct file files[] = {{NODE "/online", "0-2000\n"}};
	struct scene scene;

	scene_start(&scene, 5000);
	scene.files = files;
	scene.file_count = 1;
	ask(&scene);
	assert_int_equal(scene.reported->node_count, 0);
	assert_non_null(strstr(scene.reported->notes[0], "more than 64 nodes"));
	scene_done(&scene);
}

static void a_cancelled_pass_says_nothing(void **state)
{
	for (int after = 0; after < 20; after++) {
		struct scene scene;

		scene_start(&scene, 5000);
		assert_int_equal(
			hn_report_start(scene.agent, scene.monitor, on_reported, &scene, &scene.pass, NULL),
			0);
		for (int i = 0; i < 1000 && scene.agent_asked < after; i++)
			event_base_loop(scene.base, EVLOOP_ONCE);
		hn_report_cancel(hn_steal(scene.pass));
		if (after % 2)
			run_for(scene.base, 20);
		assert_int_equal(scene.answers, 0);
		scene_done(&scene);
	}
}

/* One byte of each text changed, each in turn: read, or refused, and never beyond its end. */
static void damaged_texts_are_survived(void **state)
{
	static const char bytes[] = {0, '\n', ' ', '-', '9', 'x'};

	for (size_t i = 0; i < HN_COUNT(linux_files); i++) {
		for (size_t at = 0; at < strlen(linux_files[i].text); at++) {
			for (size_t b = 0; b < HN_COUNT(bytes); b++) {
				HN_AUTO(hn_reported) struct hn_reported *told = hn_reported_new();
				HN_AUTO(memory) char *text = strdup(linux_files[i].text);
				struct hn_error err;

				text[at] = bytes[b];
				hn_report_take_numastat(told, 0, text, &err);
				hn_report_take_meminfo(told, 1, text, &err);
				hn_report_take_vmstat(told, text, &err);
				hn_report_take_stat(told, text, &err);
				assert_true(told->node_count <= 2 && told->cpu_count <= 3);
			}
		}
	}
}

static void more_free_than_there_is_cannot_be(void **state)
{
	HN_AUTO(hn_reported) struct hn_reported *told = hn_reported_new();
	struct hn_error err;

	assert_int_equal(
		hn_report_take_meminfo(told, 0, "Node 0 MemTotal: 5 kB\nNode 0 MemFree: 6 kB\n", &err),
		-EPROTO);
	assert_int_equal(
		hn_report_take_meminfo(
			told, 0, "Node 0 MemTotal: 18446744073709551 000 kB\nNode 0 MemFree: 6 kB\n", &err),
		-EPROTO);
	assert_int_equal(
		hn_report_take_meminfo(told, 1, "Node 0 MemTotal: 6 kB\nNode 0 MemFree: 6 kB\n", &err),
		-EPROTO); /* of another node */
	assert_int_equal(told->node_count, 0);
	assert_int_equal(
		hn_report_take_meminfo(told, 0, "Node 0 MemTotal: 6 kB\nNode 0 MemFree: 6 kB\n", &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_linux_guest_tells_all),
		cmocka_unit_test(cpus_are_read_from_proc_otherwise),
		cmocka_unit_test(a_guest_without_these_files_is_noted),
		cmocka_unit_test(a_silent_agent_costs_one_time_out),
		cmocka_unit_test(a_flood_ends_the_agent_not_the_pass),
		cmocka_unit_test(lies_are_not_taken),
		cmocka_unit_test(a_guest_of_too_many_nodes_is_not_read),
		cmocka_unit_test(a_cancelled_pass_says_nothing),
		cmocka_unit_test(damaged_texts_are_survived),
		cmocka_unit_test(more_free_than_there_is_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
