#pragma once
/*
 * scene - what the store's tests share: a folder for a history, records with everything in them made from a
 * number, and whether a record is the one of that number.
 */
#include <stdbool.h>
#include <stdint.h>

#include "model/history.h"
#include "store/database.h"

#define SCENE_NODES 3

struct scene {
	char folder[64];
	char path[96]; /* of the history in it */
};

/* Makes the folder, and removes it with all in it. */
void scene_make(struct scene *scene);
void scene_remove(struct scene *scene);

/* Of guest "g" unless changed; every member tells the number. */
struct hn_record *scene_record(enum hn_record_kind kind, unsigned number);
/* Fails the test when the record is not the one of that number, in any member that it was given. */
void scene_check(const struct hn_record *record, unsigned number);
/* The number of a decision or move. */
unsigned scene_number(const struct hn_record *record);

/* Opens the history, which must work. now is a moment on both clocks. */
struct hn_database *scene_open(const struct scene *scene, uint64_t now_ns);
/* Writes one record, taking it over, at that uptime. */
void scene_write(struct hn_database *database, struct hn_record *record, uint64_t uptime_ns);
/* All of guest "g", of all kinds and cells, newest first. */
struct hn_history *scene_ask(struct hn_database *database, uint64_t uptime_ns);
struct hn_question scene_question(void);
