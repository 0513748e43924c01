#pragma once
/*
 * client - asks homenoded over its unix socket (libcurl) and turns what is wrong into sentences.
 */
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct hn_client;

/* No connection is made yet. NULL socket: $HOMENODE_SOCKET, else the default path. */
int hn_client_new(const char *socket, struct hn_client **ret, struct hn_error *err);
void hn_client_free(struct hn_client *client); /* NULL is fine */

/* Seconds until a call is given up; 15 unless told. */
void hn_client_set_timeout(struct hn_client *client, long seconds);
/* From now on calls end with -ECANCELED as soon as the descriptor is readable; -1: they do not. */
void hn_client_stop_on(struct hn_client *client, int fd);

/*
 * One request; body NULL for GET, else POSTed. path begins with /v1. 0 and *ret for a 2xx answer.
 * -ECONNREFUSED when homenoded cannot be reached, -ENOENT for 404, -EREMOTEIO for any other refusal, with the
 * server's own sentence; -EPROTO for what is not its answer.
 */
int hn_client_call(struct hn_client *client, const char *path, const char *body, json_object **ret,
		   struct hn_error *err);

/* GET, and the body as it came, NUL-terminated; the caller frees it. Errors as above. */
int hn_client_get(struct hn_client *client, const char *path, char **ret, struct hn_error *err);

/*
 * GET, for an answer that goes on: take() gets its bytes as they come, and ends it by returning false. 0 when
 * it has ended so, -ECONNREFUSED when homenoded ends it or says nothing for 45 seconds, and errors as above.
 */
int hn_client_follow(struct hn_client *client, const char *path,
		     bool (*take)(const char *data, size_t length, void *context), void *context,
		     struct hn_error *err);

/* "/v1/guests/NAME" or with "/tail" behind it, the name encoded. The caller frees it. NULL when out of
 * memory. */
char *hn_client_guest_path(struct hn_client *client, const char *guest, const char *tail);
