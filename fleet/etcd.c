#include "fleet/etcd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TIMEOUT_MS 5000
#define TOKEN_MAX 4096

struct hn_etcd {
	struct hn_etcd_options options;
	struct hn_http *http;
	size_t at;
	char token[TOKEN_MAX]; /* "" none yet */
};

struct hn_etcd_call {
	struct hn_etcd *etcd;
	struct hn_http_call *http;
	size_t endpoint;
	char path[64];
	json_object *body;
	size_t length_max;
	bool (*piece)(const char *data, size_t length, void *context);
	hn_etcd_done done;
	void *context;
	bool authenticated; /* a fresh token was fetched for it already */
	bool ended;         /* its owner wants no more pieces */
};

static int send_call(struct hn_etcd_call *call, struct hn_error *err);
static int authenticate(struct hn_etcd_call *call, struct hn_error *err);

int hn_etcd_endpoints_parse(const char *text, struct hn_etcd_options *ret, struct hn_error *err)
{
	ret->endpoint_count = 0;
	while (*(text += strspn(text, " ,"))) {
		size_t length = strcspn(text, " ,");

		if (ret->endpoint_count == HN_ETCD_ENDPOINTS_MAX)
			return hn_fail(err, -EINVAL, "more than %d endpoints", HN_ETCD_ENDPOINTS_MAX);
		if ((strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0) ||
		    length >= sizeof(ret->endpoints[0]))
			return hn_fail(err, -EINVAL, "'%.*s' is no address such as https://10.0.0.1:2379",
				       (int)(length < 60 ? length : 60), text);
		while (length > 8 && text[length - 1] == '/')
			length--;
		memcpy(ret->endpoints[ret->endpoint_count], text, length);
		ret->endpoints[ret->endpoint_count++][length] = '\0';
		text += strcspn(text, " ,");
	}
	return 0;
}

int hn_etcd_prefix_check(const char *prefix, struct hn_error *err)
{
	if (prefix[0] != '/' || prefix[strlen(prefix) - 1] != '/')
		return hn_fail(err, -EINVAL, "'%.40s' does not begin and end with /", prefix);
	return 0;
}

/* systemd lets a service's user read its credentials by an ACL, whose mask the mode shows as the group's
 * rights; nobody else gets into their folder. */
static bool is_credential(const char *path)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	HN_AUTO(memory) char *real_folder = folder ? realpath(folder, NULL) : NULL;
	HN_AUTO(memory) char *real_path = realpath(path, NULL);
	size_t length = real_folder ? strlen(real_folder) : 0;

	return real_folder && real_path && strncmp(real_path, real_folder, length) == 0 &&
	       real_path[length] == '/';
}

int hn_etcd_password_read(const char *path, struct hn_etcd_options *ret, struct hn_error *err)
{
	HN_AUTO(file) FILE *file = fopen(path, "re");
	struct stat status;

	if (!file || fstat(fileno(file), &status) < 0)
		return hn_fail_errno(err, -errno, "cannot read the password in %s", path);
	if (status.st_mode & (is_credential(path) ? 037 : 077))
		return hn_fail(err, -EINVAL, "others may read the password in %s: chmod 600 it", path);
	if (!fgets(ret->password, sizeof(ret->password), file))
		return hn_fail(err, -EINVAL, "there is no password in %s", path);
	ret->password[strcspn(ret->password, "\n")] = '\0';
	return 0;
}

int hn_etcd_new(struct event_base *base, const struct hn_etcd_options *options, struct hn_etcd **ret,
		struct hn_error *err)
{
	struct hn_etcd *etcd = calloc(1, sizeof(*etcd));
	int r;

	if (!etcd)
		return hn_oom(err);
	etcd->options = *options;
	r = options->endpoint_count ? hn_http_new(base, &options->tls, &etcd->http, err)
				    : hn_fail(err, -EINVAL, "etcd has no endpoint");
	if (r < 0) {
		free(etcd);
		return r;
	}
	*ret = etcd;
	return 0;
}

void hn_etcd_free(struct hn_etcd *etcd)
{
	if (!etcd)
		return;
	hn_http_free(etcd->http);
	explicit_bzero(etcd, sizeof(*etcd));
	free(etcd);
}

const char *hn_etcd_endpoint(const struct hn_etcd *etcd)
{
	return etcd->options.endpoints[etcd->at];
}

static void free_call(struct hn_etcd_call *call)
{
	json_object_put(call->body);
	free(call);
}

/* The call has come to its end, and its owner hears. */
static void end_call(struct hn_etcd_call *call, json_object *answer, const struct hn_error *err)
{
	call->done(answer, err, call->context);
	free_call(call);
}

/* Of others that failed at the same endpoint the first has turned already. */
static void turn_from(struct hn_etcd *etcd, size_t endpoint)
{
	if (etcd->at == endpoint)
		etcd->at = (etcd->at + 1) % etcd->options.endpoint_count;
}

/* etcd's own sentence. */
static const char *reason_of(json_object *json)
{
	const char *why;

	return json && hn_json_get_string(json, "error", &why, NULL) == 0 ? why : "no reason is given";
}

static int judge(struct hn_etcd_call *call, const struct hn_http_answer *answer, json_object **ret,
		 struct hn_error *err)
{
	int r;

	if (call->ended)
		return hn_fail(err, -ECANCELED, "the stream is of no more use");
	if (answer->status == 0) {
		turn_from(call->etcd, call->endpoint);
		*err = answer->error;
		return err->code;
	}
	r = hn_json_parse(answer->body, answer->length, "etcd's answer", ret, err);
	if (answer->status == 200)
		return r;
	hn_fail(err, answer->status == 401 || answer->status == 403 ? -EACCES : -EREMOTEIO,
		"etcd at %s answered %d: %.200s", call->etcd->options.endpoints[call->endpoint],
		answer->status, reason_of(*ret));
	/* no leader there, or it is about to stop */
	if (answer->status >= 500)
		turn_from(call->etcd, call->endpoint);
	return err->code;
}

static bool wants_token(const struct hn_etcd *etcd)
{
	return etcd->options.user[0] != '\0';
}

/* The token has expired, etcd was started again, or users or roles have changed since. */
static bool is_stale_token(const struct hn_http_answer *answer, json_object *json)
{
	return answer->status == 401 ||
	       (answer->status == 400 && strstr(reason_of(json), "revision of auth store is old"));
}

static void on_answer(const struct hn_http_answer *answer, void *context)
{
	struct hn_etcd_call *call = context;
	HN_AUTO(json) json_object *json = NULL;
	struct hn_error err = {0};
	bool over = call->piece && !call->ended && answer->status == 200;
	int r = over ? hn_fail(&err, -ECONNRESET, "etcd has ended the stream")
		     : judge(call, answer, &json, &err);

	call->http = NULL;
	if (wants_token(call->etcd) && !call->authenticated && is_stale_token(answer, json)) {
		call->etcd->token[0] = '\0';
		if (authenticate(call, &err) == 0)
			return;
	}
	end_call(call, r < 0 ? NULL : json, r < 0 ? &err : NULL);
}

static void on_token(const struct hn_http_answer *answer, void *context)
{
	struct hn_etcd_call *call = context;
	HN_AUTO(json) json_object *json = NULL;
	struct hn_error err = {0};
	const char *token = "";
	int r;

	call->http = NULL;
	call->authenticated = true;
	r = judge(call, answer, &json, &err);
	if (r == 0 && (hn_json_get_string(json, "token", &token, &err) < 0 || strlen(token) >= TOKEN_MAX))
		r = hn_fail(&err, -EPROTO, "etcd at %s gives no token",
			    call->etcd->options.endpoints[call->endpoint]);
	if (r < 0)
		hn_error_prefix(&err, "user %s", call->etcd->options.user);
	else
		strcpy(call->etcd->token, token);
	if (r < 0 || send_call(call, &err) < 0)
		end_call(call, NULL, &err);
}

/* The context of a stream's pieces is its owner's, not the call's. */
static bool on_piece(const char *data, size_t length, void *context)
{
	struct hn_etcd_call *call = context;

	call->ended = !call->piece(data, length, call->context);
	return !call->ended;
}

static int post(struct hn_etcd_call *call, const char *path, json_object *body, bool streams,
		void (*done)(const struct hn_http_answer *, void *), struct hn_error *err)
{
	struct hn_etcd *etcd = call->etcd;
	char url[256], header[TOKEN_MAX + 32];
	size_t length;
	const char *text = json_object_to_json_string_length(body, JSON_C_TO_STRING_PLAIN, &length);
	struct hn_http_ask ask = {.method = "POST",
				  .url = url,
				  .body = text,
				  .body_length = length,
				  .headers = {"Content-Type: application/json", "Expect:"},
				  .timeout_ms = streams ? 0 : TIMEOUT_MS,
				  .length_max = call->length_max,
				  .piece = streams ? on_piece : NULL,
				  .done = done,
				  .context = call};

	call->endpoint = etcd->at;
	snprintf(url, sizeof(url), "%s%s", hn_etcd_endpoint(etcd), path);
	snprintf(header, sizeof(header), "Authorization: %s", etcd->token);
	if (etcd->token[0])
		ask.headers[2] = header;
	return text ? hn_http_start(etcd->http, &ask, &call->http, err) : hn_oom(err);
}

static int send_call(struct hn_etcd_call *call, struct hn_error *err)
{
	return post(call, call->path, call->body, call->piece != NULL, on_answer, err);
}

static int authenticate(struct hn_etcd_call *call, struct hn_error *err)
{
	HN_AUTO(json) json_object *body = json_object_new_object();

	if (!body || hn_json_add_string(body, "name", call->etcd->options.user) ||
	    hn_json_add_string(body, "password", call->etcd->options.password))
		return hn_oom(err);
	return post(call, "/v3/auth/authenticate", body, false, on_token, err);
}

static int start(struct hn_etcd_call *given, json_object *body, struct hn_etcd_call **ret,
		 struct hn_error *err)
{
	struct hn_etcd_call *call = calloc(1, sizeof(*call));
	int r;

	if (!call || !body) {
		json_object_put(body);
		free(call);
		return hn_oom(err);
	}
	*call = *given;
	call->body = body;
	r = wants_token(call->etcd) && !call->etcd->token[0] ? authenticate(call, err) : send_call(call, err);
	if (r < 0)
		free_call(call);
	else
		*ret = call;
	return r;
}

int hn_etcd_ask(struct hn_etcd *etcd, const char *path, json_object *body, size_t length_max,
		hn_etcd_done done, void *context, struct hn_etcd_call **ret, struct hn_error *err)
{
	struct hn_etcd_call call = {.etcd = etcd, .length_max = length_max, .done = done, .context = context};

	snprintf(call.path, sizeof(call.path), "%s", path);
	return start(&call, body, ret, err);
}

int hn_etcd_stream(struct hn_etcd *etcd, const char *path, json_object *body,
		   bool (*piece)(const char *data, size_t length, void *context), hn_etcd_done done,
		   void *context, struct hn_etcd_call **ret, struct hn_error *err)
{
	struct hn_etcd_call call = {
		.etcd = etcd, .length_max = 65536, .piece = piece, .done = done, .context = context};

	snprintf(call.path, sizeof(call.path), "%s", path);
	return start(&call, body, ret, err);
}

void hn_etcd_cancel(struct hn_etcd_call *call)
{
	if (!call)
		return;
	hn_http_cancel(call->http);
	free_call(call);
}
