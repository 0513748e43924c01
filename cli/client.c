#include "cli/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#define SOCKET_DEFAULT "/run/homenode/homenode.sock"
#define ANSWER_MAX (64u << 20)
#define TIMEOUT_SECONDS 15L
#define SILENT_SECONDS 45L /* homenoded says something every 15 */

struct hn_client {
	CURL *curl;
	char *socket;
	long timeout; /* seconds */
	int stop_fd;  /* -1 none */
};

struct answer {
	char *text;
	size_t length;
};

int hn_client_new(const char *socket, struct hn_client **ret, struct hn_error *err)
{
	struct hn_client *client = calloc(1, sizeof(*client));

	if (!socket)
		socket = getenv("HOMENODE_SOCKET");
	if (client && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
		client->socket = strdup(socket && *socket ? socket : SOCKET_DEFAULT);
		client->curl = curl_easy_init();
		client->timeout = TIMEOUT_SECONDS;
		client->stop_fd = -1;
	}
	if (!client || !client->socket || !client->curl) {
		hn_client_free(client);
		return hn_oom(err);
	}
	*ret = client;
	return 0;
}

void hn_client_free(struct hn_client *client)
{
	if (!client)
		return;
	curl_easy_cleanup(client->curl);
	curl_global_cleanup();
	free(client->socket);
	free(client);
}

void hn_client_set_timeout(struct hn_client *client, long seconds)
{
	client->timeout = seconds;
}

void hn_client_stop_on(struct hn_client *client, int fd)
{
	client->stop_fd = fd;
}

static size_t on_curl_data(char *data, size_t size, size_t count, void *context)
{
	struct answer *answer = context;
	size_t length = size * count;
	char *grown;

	if (answer->length + length > ANSWER_MAX)
		return 0;
	grown = realloc(answer->text, answer->length + length + 1);
	if (!grown)
		return 0;
	answer->text = grown;
	memcpy(answer->text + answer->length, data, length);
	answer->length += length;
	answer->text[answer->length] = '\0';
	return length;
}

static int fail_unreachable(const struct hn_client *client, CURLcode code, struct hn_error *err)
{
	long number = 0;

	curl_easy_getinfo(client->curl, CURLINFO_OS_ERRNO, &number);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return hn_fail(err, -ECONNREFUSED, "homenoded at %s did not answer for %ld s", client->socket,
			       client->timeout);
	return hn_fail(err, -ECONNREFUSED,
		       "cannot reach homenoded at %s: %s. Is it running?  systemctl start homenoded",
		       client->socket, number ? strerror((int)number) : curl_easy_strerror(code));
}

/* The sentence of a problem document, else what there is. */
static int fail_refused(long status, json_object *json, struct hn_error *err)
{
	const char *detail = "";
	int code = status == 404 ? -ENOENT : -EREMOTEIO;

	if (hn_json_get_string(json, "detail", &detail, NULL) < 0)
		return hn_fail(err, code, "homenoded answered %ld without saying why", status);
	return hn_fail(err, code, "%s", detail);
}

static CURLcode result_of(CURLM *multi)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(multi, &left)))
		if (message->msg == CURLMSG_DONE)
			return message->data.result;
	return CURLE_OUT_OF_MEMORY;
}

/* As curl_easy_perform(), but CURLE_ABORTED_BY_CALLBACK once the client is to stop. */
static CURLcode perform(struct hn_client *client)
{
	struct curl_waitfd stop = {.fd = client->stop_fd, .events = CURL_WAIT_POLLIN};
	CURLcode code = CURLE_OUT_OF_MEMORY;
	CURLM *multi = curl_multi_init();
	int running = 1;

	if (multi && curl_multi_add_handle(multi, client->curl) == CURLM_OK) {
		while (running && !(stop.revents & CURL_WAIT_POLLIN) &&
		       curl_multi_perform(multi, &running) == CURLM_OK)
			if (running)
				curl_multi_poll(multi, &stop, 1, 1000, NULL);
		code = running ? CURLE_ABORTED_BY_CALLBACK : result_of(multi);
		curl_multi_remove_handle(multi, client->curl);
	}
	curl_multi_cleanup(multi);
	return code;
}

/* The status and the body, which may be NULL and is the caller's. */
static int request(struct hn_client *client, const char *path, const char *body, struct answer *answer,
		   long *ret_status, struct hn_error *err)
{
	char url[1024];
	CURLcode code;

	snprintf(url, sizeof(url), "http://homenoded%s", path);
	curl_easy_reset(client->curl);
	curl_easy_setopt(client->curl, CURLOPT_UNIX_SOCKET_PATH, client->socket);
	curl_easy_setopt(client->curl, CURLOPT_URL, url);
	curl_easy_setopt(client->curl, CURLOPT_TIMEOUT, client->timeout);
	curl_easy_setopt(client->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, on_curl_data);
	curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, answer);
	if (body)
		curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, body);
	code = client->stop_fd < 0 ? curl_easy_perform(client->curl) : perform(client);
	if (code == CURLE_OK) {
		curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, ret_status);
		return 0;
	}
	free(answer->text);
	answer->text = NULL;
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return hn_fail(err, -ECANCELED, "the call was given up");
	return fail_unreachable(client, code, err);
}

static int parse(const struct answer *answer, json_object **ret, struct hn_error *err)
{
	return hn_json_parse(answer->text ? answer->text : "", answer->length, "homenoded's answer", ret,
			     err);
}

int hn_client_call(struct hn_client *client, const char *path, const char *body, json_object **ret,
		   struct hn_error *err)
{
	HN_AUTO(json) json_object *json = NULL;
	struct answer answer = {0};
	long status = 0;
	int r = request(client, path, body, &answer, &status, err);

	if (r < 0)
		return r;
	r = parse(&answer, &json, err);
	free(answer.text);
	if (status >= 300)
		return fail_refused(status, json, err);
	if (r == 0)
		*ret = hn_steal(json);
	return r;
}

int hn_client_get(struct hn_client *client, const char *path, char **ret, struct hn_error *err)
{
	HN_AUTO(json) json_object *json = NULL;
	struct answer answer = {0};
	long status = 0;
	int r = request(client, path, NULL, &answer, &status, err);

	if (r < 0)
		return r;
	if (status < 300 && answer.text) {
		*ret = answer.text;
		return 0;
	}
	parse(&answer, &json, err);
	free(answer.text);
	return fail_refused(status, json, err);
}

/* What hn_client_follow() hands to curl. */
struct stream {
	struct hn_client *client;
	bool (*take)(const char *data, size_t length, void *context);
	void *context;
	bool ended;            /* by take() */
	struct answer refusal; /* what came with another status than 2xx */
};

static size_t on_stream_data(char *data, size_t size, size_t count, void *context)
{
	struct stream *stream = context;
	long status = 0;

	curl_easy_getinfo(stream->client->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 300)
		return on_curl_data(data, size, count, &stream->refusal);
	stream->ended = !stream->take(data, size * count, stream->context);
	return stream->ended ? 0 : size * count;
}

static int end_stream(struct stream *stream, CURLcode code, struct hn_error *err)
{
	HN_AUTO(json) json_object *problem = NULL;
	long status = 0;

	curl_easy_getinfo(stream->client->curl, CURLINFO_RESPONSE_CODE, &status);
	if (stream->ended)
		return 0;
	if (code == CURLE_OK && status >= 300) {
		(void)hn_json_parse(stream->refusal.text ? stream->refusal.text : "", stream->refusal.length,
				    "", &problem, NULL);
		return fail_refused(status, problem, err);
	}
	if (status >= 200)
		return hn_fail(err, -ECONNREFUSED, "homenoded has ended the stream");
	return fail_unreachable(stream->client, code, err);
}

int hn_client_follow(struct hn_client *client, const char *path,
		     bool (*take)(const char *data, size_t length, void *context), void *context,
		     struct hn_error *err)
{
	struct stream stream = {.client = client, .take = take, .context = context};
	char url[1024];
	CURLcode code;
	int r;

	snprintf(url, sizeof(url), "http://homenoded%s", path);
	curl_easy_reset(client->curl);
	curl_easy_setopt(client->curl, CURLOPT_UNIX_SOCKET_PATH, client->socket);
	curl_easy_setopt(client->curl, CURLOPT_URL, url);
	curl_easy_setopt(client->curl, CURLOPT_CONNECTTIMEOUT, TIMEOUT_SECONDS);
	curl_easy_setopt(client->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(client->curl, CURLOPT_LOW_SPEED_TIME, SILENT_SECONDS);
	curl_easy_setopt(client->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, on_stream_data);
	curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &stream);
	code = curl_easy_perform(client->curl);
	r = end_stream(&stream, code, err);
	free(stream.refusal.text);
	return r;
}

char *hn_client_guest_path(struct hn_client *client, const char *guest, const char *tail)
{
	char *encoded = curl_easy_escape(client->curl, guest, 0), *path = NULL;

	if (encoded && asprintf(&path, "/v1/guests/%s%s", encoded, tail) < 0)
		path = NULL;
	curl_free(encoded);
	return path;
}
