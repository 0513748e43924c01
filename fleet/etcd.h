#pragma once
/*
 * etcd - calls to an etcd v3 cluster through its JSON gateway (etcd 3.4 and later: /v3/...).
 *
 * A call goes to one endpoint. When that does not answer, the next one is taken from then on, and the call
 * has failed: whoever made it tries again, in its own time (fleet/backoff.h). With a user, a token is fetched
 * first and again when it is no longer good or older than a change of users; see
 * https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "fleet/http.h"

#define HN_ETCD_ENDPOINTS_MAX 8

struct hn_etcd_options {
	size_t endpoint_count;
	char endpoints[HN_ETCD_ENDPOINTS_MAX][160]; /* "http://10.0.0.1:2379" */
	struct hn_http_tls tls;
	char user[64], password[128]; /* "" none */
};

struct hn_etcd;
struct hn_etcd_call;

/* Reads "http://a:2379,http://b:2379". -EINVAL. */
int hn_etcd_endpoints_parse(const char *text, struct hn_etcd_options *ret, struct hn_error *err);
/* Keys are a prefix with names behind it: it begins and ends with /. -EINVAL. */
int hn_etcd_prefix_check(const char *prefix, struct hn_error *err);
/* Reads a password from the first line of a file that nobody else may read, or of one of the credentials that
 * systemd has handed over ($CREDENTIALS_DIRECTORY). -errno, -EINVAL. */
int hn_etcd_password_read(const char *path, struct hn_etcd_options *ret, struct hn_error *err);

int hn_etcd_new(struct event_base *base, const struct hn_etcd_options *options, struct hn_etcd **ret,
		struct hn_error *err);
void hn_etcd_free(struct hn_etcd *etcd); /* cancels what is under way; NULL is fine */

/* The endpoint that is asked at present. */
const char *hn_etcd_endpoint(const struct hn_etcd *etcd);

/* answer NULL: it failed, err says how: -ECONNREFUSED, -ETIMEDOUT, -EREMOTEIO (etcd's own sentence),
 * -EACCES, -EPROTO, -EMSGSIZE; of a stream that piece() has ended, -ECANCELED. */
typedef void (*hn_etcd_done)(json_object *answer, const struct hn_error *err, void *context);

/*
 * Posts body, which is taken over (NULL: out of memory), to the path "/v3/kv/range". An answer has at most
 * length_max bytes.
 */
int hn_etcd_ask(struct hn_etcd *etcd, const char *path, json_object *body, size_t length_max,
		hn_etcd_done done, void *context, struct hn_etcd_call **ret, struct hn_error *err);
/* The same for an answer that goes on: piece() as in fleet/http.h, and done() with NULL at its end. */
int hn_etcd_stream(struct hn_etcd *etcd, const char *path, json_object *body,
		   bool (*piece)(const char *data, size_t length, void *context), hn_etcd_done done,
		   void *context, struct hn_etcd_call **ret, struct hn_error *err);
void hn_etcd_cancel(struct hn_etcd_call *call); /* as hn_http_cancel() */

/* Keys and values are base64 in JSON; numbers of 64 bits are text. */
int hn_etcd_add_bytes(json_object *json, const char *key, const void *bytes, size_t length);
/* The end of the range of all keys that begin with the prefix. */
int hn_etcd_add_prefix(json_object *json, const char *prefix);
/* Decoded into a new buffer with a NUL behind. -EPROTO, -ENOMEM. */
int hn_etcd_get_bytes(json_object *json, const char *key, char **ret, size_t *ret_length,
		      struct hn_error *err);
/* 0 when it is missing, as the gateway leaves zeroes out. */
int64_t hn_etcd_number(json_object *json, const char *key);
/* answer.header.KEY, 0 when it is missing. */
int64_t hn_etcd_header(json_object *answer, const char *key);
/* answer.header.cluster_id, a hash: half of all clusters have one above 2^63. 0 when it is missing. */
uint64_t hn_etcd_cluster(json_object *answer);
