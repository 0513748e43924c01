#include "scene.h"

#include <dirent.h>
#include <event2/event.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "daemon/admission.h"
#include "daemon/balancer.h"
#include "daemon/bound-threads.h"
#include "daemon/events.h"
#include "daemon/operation.h"
#include "daemon/regulator.h"

#define PATIENCE_NS (60 * HN_NS_PER_S)
#define PAGES 1000

static void ignore_tick(evutil_socket_t fd, short what, void *context)
{
}

static struct hn_host *make_host(size_t nodes)
{
	struct hn_host *host = hn_host_new("scene", nodes, nodes * SCENE_NODE_CPUS);

	for (size_t node = 0; node < nodes; node++) {
		host->nodes[node].memory_bytes = host->nodes[node].free_bytes = SCENE_NODE_BYTES;
		for (size_t i = node * SCENE_NODE_CPUS; i < (node + 1) * SCENE_NODE_CPUS; i++) {
			host->cpus[i].node = (int)node;
			host->cpus[i].core = (int)i;
			hn_set_add(&host->nodes[node].cpus, (int)i);
		}
	}
	host->distances_known = true;
	return host;
}

static void make_folder(struct scene *scene)
{
	snprintf(scene->folder, sizeof(scene->folder), "/tmp/homenode-scene-XXXXXX");
	assert_non_null(mkdtemp(scene->folder));
	setenv("FAKE_HANDS_FOLDER", scene->folder, 1);
	snprintf(scene->config.socket, sizeof(scene->config.socket), "%s/homenode.sock", scene->folder);
}

struct scene *scene_new(size_t nodes)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	struct hn_service *service = &scene->service;
	char reservations[80];
	struct hn_error err;

	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	hn_config_init(&scene->config);
	make_folder(scene);
	scene->config.at_once = 4;
	scene->config.settle_ns = 0;
	scene->config.looks = 1;
	scene->node_count = nodes;
	scene->next_pid = 6000;
	service->config = &scene->config;
	service->base = event_base_new();
	service->hands_program = getenv("FAKE_HANDS");
	assert_non_null(service->hands_program);
	service->host = make_host(nodes);
	service->host_refreshed_ns = UINT64_MAX / 2; /* as it is */
	TAILQ_INIT(&service->guests);
	TAILQ_INIT(&service->migrations);
	TAILQ_INIT(&service->stuck);
	snprintf(reservations, sizeof(reservations), "%s/reservations", scene->folder);
	assert_int_equal(hn_reservations_init(&service->reservations, reservations, &err), 0);
	hn_plans_init(&service->plans);
	hn_cadence_init(&service->cadence, HN_NS_PER_S, 0, 0, 1);
	assert_int_equal(hn_events_new(service->base, &service->events, &err), 0);
	assert_int_equal(hn_admission_new(service, &service->admission, &err), 0);
	assert_int_equal(hn_regulator_new(service, &service->regulator, &err), 0);
	assert_int_equal(hn_balancer_new(service, &service->balancer, &err), 0);
	assert_int_equal(hn_hands_new(service->base, service->hands_program, "queries", 10 * HN_NS_PER_S,
				      &service->hands, &err),
			 0);
	return scene;
}

static void empty_folder(const struct scene *scene)
{
	DIR *folder = opendir(scene->folder);
	struct dirent *entry;

	assert_non_null(folder);
	while ((entry = readdir(folder)))
		unlinkat(dirfd(folder), entry->d_name, 0); /* neither . nor .. goes */
	closedir(folder);
	rmdir(scene->folder);
}

void scene_free(struct scene *scene)
{
	struct hn_service *service = &scene->service;

	for (size_t i = 0; i < SCENE_GUESTS; i++)
		if (scene->guests[i])
			scene_remove(scene->guests[i]);
	hn_hands_free(service->hands);
	hn_stuck_done(service);
	hn_regulator_free(service->regulator);
	hn_balancer_free(service->balancer);
	hn_admission_free(service->admission);
	hn_events_free(service->events);
	hn_plans_done(&service->plans);
	hn_reservations_done(&service->reservations);
	hn_host_free(service->host);
	event_base_free(service->base);
	hn_config_done(&scene->config);
	empty_folder(scene);
	free(scene);
}

static struct hn_guest *make_guest(struct scene *scene, const char *name, uint64_t bytes)
{
	struct hn_guest *guest = hn_guest_new(name);
	struct hn_cell *cell = hn_guest_add_cell(guest, 0);
	struct hn_backend *backend = hn_guest_add_backend(guest, "pc.ram");
	struct hn_thread *thread;

	guest->pid = scene->next_pid++;
	guest->state = HN_RUN_RUNNING;
	guest->mode = HN_MODE_ENFORCE;
	snprintf(guest->policy, sizeof(guest->policy), "memory-follows-cpu");
	cell->memory_bytes = backend->bytes = bytes;
	hn_set_add(&cell->vcpus, 0);
	backend->host_address = HN_GIB;
	backend->cell = 0;
	thread = hn_guest_add_thread(guest, guest->pid + 10000, HN_THREAD_VCPU);
	thread->vcpu = thread->cell = 0;
	return guest;
}

struct scene_guest *scene_add(struct scene *scene, const char *name, size_t node, uint64_t bytes)
{
	struct scene_guest *guest = calloc(1, sizeof(*guest));
	struct hn_managed *managed = &guest->managed;
	size_t at = 0;

	while (at < SCENE_GUESTS && scene->guests[at])
		at++;
	assert_true(at < SCENE_GUESTS);
	scene->guests[at] = guest;
	guest->scene = scene;
	snprintf(managed->name, sizeof(managed->name), "%s", name);
	managed->service = &scene->service;
	managed->guest = make_guest(scene, name, bytes);
	guest->first_pid = managed->guest->pid;
	guest->memory = fake_memory_open(scene->folder, managed->guest->pid);
	assert_non_null(guest->memory);
	guest->memory->on_node[node] = bytes;
	scene_count_free(scene);
	managed->identified = true;
	managed->operation.cell = managed->operation.to_node = -1;
	managed->inspected_ns = hn_now_ns();
	managed->tick = event_new(scene->service.base, -1, 0, ignore_tick, NULL);
	TAILQ_INSERT_TAIL(&scene->service.guests, managed, entry);
	scene_put_thread(guest, node);
	scene_look(guest);
	return guest;
}

void scene_remove(struct scene_guest *guest)
{
	struct scene *scene = guest->scene;
	struct hn_managed *managed = &guest->managed;

	hn_operation_abandon(managed, "it has ended");
	for (size_t i = 0; i < SCENE_GUESTS; i++)
		if (scene->guests[i] == guest)
			scene->guests[i] = NULL;
	scene_count_free(scene);
	TAILQ_REMOVE(&scene->service.guests, managed, entry);
	hn_managed_forget_looks(managed);
	hn_hands_forget(scene->service.hands, managed);
	hn_placement_free(managed->home);
	hn_guest_free(managed->guest);
	event_free(managed->tick);
	if (managed->window_end)
		event_free(managed->window_end);
	free(managed->problem);
	free(managed->unheeded);
	hn_bound_threads_forget(managed);
	fake_memory_close(guest->memory, scene->folder, guest->first_pid);
	free(guest);
}

void scene_count_free(struct scene *scene)
{
	for (size_t node = 0; node < scene->node_count; node++) {
		uint64_t taken = 0;

		for (size_t i = 0; i < SCENE_GUESTS; i++)
			taken += scene->guests[i] ? scene->guests[i]->memory->on_node[node] : 0;
		assert_true(taken <= SCENE_NODE_BYTES); /* nobody can bring more than there is room for */
		scene->service.host->nodes[node].free_bytes = SCENE_NODE_BYTES - taken;
	}
}

void scene_put_thread(struct scene_guest *guest, size_t node)
{
	guest->cpus = guest->scene->service.host->nodes[node].cpus;
}

void scene_look(struct scene_guest *guest)
{
	struct hn_managed *managed = &guest->managed;
	struct hn_sample *sample = hn_sample_new(guest->scene->node_count, 1, 1);
	struct hn_cell_sample *cell = &sample->cells[0];
	const struct hn_host *host = guest->scene->service.host;

	sample->taken_ns = hn_now_ns();
	sample->exhaustive = true;
	for (size_t node = 0; node < guest->scene->node_count; node++) {
		cell->on_node[node] =
			guest->memory->on_node[node] * PAGES / managed->guest->cells[0].memory_bytes;
		cell->sampled += cell->on_node[node];
		if (hn_set_has(&guest->cpus, hn_set_next(&host->nodes[node].cpus, 0))) {
			sample->threads[0].last_node = (int)node;
			sample->threads[0].residency[node] = 1;
		}
	}
	sample->threads[0].tid = managed->guest->threads[0].tid;
	sample->threads[0].busy = 1;
	assert_int_equal(hn_sample_allow(sample, 0, &guest->cpus), 0);
	hn_sample_free(managed->sample);
	managed->sample = sample;
}

void scene_quiet_minutes(struct scene_guest *guest)
{
	guest->managed.inspected_ns = hn_now_ns() - 120 * HN_NS_PER_S;
}

bool scene_is_idle(const struct scene *scene)
{
	for (size_t i = 0; i < SCENE_GUESTS; i++)
		if (scene->guests[i] && scene->guests[i]->managed.running)
			return false;
	return true;
}

struct hn_plan *scene_plan_to(const struct scene_guest *guest, int node, unsigned steps, uint64_t step_bytes)
{
	struct hn_plan *plan = hn_plan_new();
	struct hn_action *action = hn_plan_add_action(plan, HN_ACTION_BIND);

	plan->verdict = HN_VERDICT_ACT;
	action->tid = guest->managed.guest->threads[0].tid;
	action->cpus = guest->scene->service.host->nodes[node].cpus;
	while (steps-- > 0) {
		action = hn_plan_add_action(plan, HN_ACTION_MIGRATE);
		action->to_node = node;
		action->bytes = action->limit_bytes = step_bytes;
	}
	return plan;
}

void scene_turn(struct scene *scene)
{
	const struct timeval patience = {.tv_usec = 20000}; /* there may be nothing to come */

	event_base_loopexit(scene->service.base, &patience);
	event_base_loop(scene->service.base, EVLOOP_ONCE);
	scene_count_free(scene);
}

void scene_wait(struct scene *scene, bool (*is_so)(const struct scene *scene))
{
	uint64_t until = hn_now_ns() + PATIENCE_NS;

	while (!is_so(scene)) {
		if (hn_now_ns() > until)
			fail_msg("it never comes to be");
		scene_turn(scene);
	}
}

char *scene_asked(const struct scene *scene)
{
	HN_AUTO(file) FILE *file = NULL;
	char path[80], *text = NULL;
	size_t size = 0;

	snprintf(path, sizeof(path), "%s/asked", scene->folder);
	file = fopen(path, "re");
	if (!file || getdelim(&text, &size, 0, file) < 0) {
		free(text);
		return strdup("");
	}
	return text;
}

long scene_asked_at(const struct scene *scene, const char *format, ...)
{
	char *text = scene_asked(scene), wanted[200], *found;
	va_list args;
	long at;

	va_start(args, format);
	vsnprintf(wanted, sizeof(wanted), format, args);
	va_end(args);
	found = strstr(text, wanted);
	at = found ? found - text : -1;
	free(text);
	return at;
}
