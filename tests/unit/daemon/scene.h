#pragma once
/*
 * scene - a service with fake hands, nodes of memory and CPUs that are only counted, and guests of one cell
 * and one vCPU, whose memory is where the fake hands have brought it.
 */
#include <stdbool.h>

#include "base/units.h"
#include "daemon/guest.h"
#include "fake-memory.h"

#define SCENE_NODE_CPUS 4
#define SCENE_NODE_BYTES (4 * HN_GIB)
#define SCENE_GUESTS 16

/* What the fake hands make of a guest by its process. */
#define SCENE_PINNED_PID 5000 /* its memory is held */
#define SCENE_HIDDEN_PID 5001 /* it cannot be inspected */
#define SCENE_FENCED_PID 5002 /* its cpusets allow it node 1 only */

struct scene_guest {
	struct hn_managed managed;
	struct scene *scene;
	struct fake_memory *memory;
	struct hn_set cpus; /* that its vCPU may run on */
	int first_pid;      /* which its memory is told by */
};

struct scene {
	struct hn_service service;
	struct hn_config config;
	size_t node_count;
	struct scene_guest *guests[SCENE_GUESTS]; /* NULL: none */
	int next_pid;
	char folder[40]; /* of the fake hands */
};

/* Of so many nodes, all free. The environment names the fake hands. */
struct scene *scene_new(size_t nodes);
void scene_free(struct scene *scene);

/* A guest in mode enforce, all on a node, that has been looked at and inspected. */
struct scene_guest *scene_add(struct scene *scene, const char *name, size_t node, uint64_t bytes);
/* It has ended. */
void scene_remove(struct scene_guest *guest);

/* What is free on the nodes, by where the guests' memory is. */
void scene_count_free(struct scene *scene);
/* A look at it: a sample of where its memory is, its vCPU allowed where it was. */
void scene_look(struct scene_guest *guest);
/* Its vCPU may run on the CPUs of that node only, from the next look on. */
void scene_put_thread(struct scene_guest *guest, size_t node);
/* Its last inspection is two minutes old. */
void scene_quiet_minutes(struct scene_guest *guest);

/* Its thread and its memory go to that node, in so many steps of so many bytes; the caller's. */
struct hn_plan *scene_plan_to(const struct scene_guest *guest, int node, unsigned steps, uint64_t step_bytes);

/* Turns the loop once; until it is so. */
void scene_turn(struct scene *scene);
void scene_wait(struct scene *scene, bool (*is_so)(const struct scene *scene));
bool scene_is_idle(const struct scene *scene);

/* What the hands were asked, the caller's to free; where in it that stands, -1 nowhere. */
char *scene_asked(const struct scene *scene);
long scene_asked_at(const struct scene *scene, const char *format, ...) __attribute__((format(printf, 2, 3)));
