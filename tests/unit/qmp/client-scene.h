#pragma once
/*
 * client-scene - a client and its peer, with everything that is heard of the client written down.
 */
#include "harness.h"
#include "qmp/client.h"

#define REPLIES_MAX 300

enum free_in {
	FREE_NOWHERE,
	FREE_IN_READY,
	FREE_IN_DOWN,
	FREE_IN_EVENT,
	FREE_IN_REPLY,
};

struct scene {
	struct event_base *base;
	struct peer *peer;
	struct hn_qmp *qmp;
	struct hn_qmp_limits limits;
	enum free_in free_in;
	bool greet, negotiate; /* what the peer does by itself */
	bool ready, down, replied;
	int readies, downs, events, replies;
	struct hn_error why;
	uint64_t retry_ns[16];
	char event[64];
	char lines[16][256]; /* what the peer was asked after qmp_capabilities */
	int line_count;
	struct hn_error answers[REPLIES_MAX]; /* code 0: a result */
	char results[8][128];
	bool execute_in_ready, execute_in_reply;
	int r;
};

/* Does what the peer does by itself and keeps the rest of the lines. For peer_new(). */
void scene_on_line(struct peer *peer, const char *line, bool sentinel, void *context);
/* Keeps a reply; for hn_qmp_execute() with the scene as context. */
void scene_on_reply(struct hn_qmp *qmp, json_object *result, const struct hn_error *err, void *context);
void scene_init(struct scene *scene);
struct hn_qmp_listener scene_listener(struct scene *scene);
/* On a socketpair, not ready yet. */
void scene_start(struct scene *scene);
/* All of it, until the client is ready. */
void scene_ready(struct scene *scene);
void scene_done(struct scene *scene);
int scene_execute(struct scene *scene, const char *command, uint64_t timeout_ms);
/* Each fails unless that many came. */
void scene_await_lines(struct scene *scene, int count);
void scene_await_replies(struct scene *scene, int count);
