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

struct hn_client {
	CURL *curl;
	char *socket;
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
			       TIMEOUT_SECONDS);
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

int hn_client_call(struct hn_client *client, const char *path, const char *body, json_object **ret,
		   struct hn_error *err)
{
	HN_AUTO(json) json_object *json = NULL;
	struct answer answer = {0};
	char url[1024];
	long status = 0;
	CURLcode code;
	int r;

	snprintf(url, sizeof(url), "http://homenoded%s", path);
	curl_easy_reset(client->curl);
	curl_easy_setopt(client->curl, CURLOPT_UNIX_SOCKET_PATH, client->socket);
	curl_easy_setopt(client->curl, CURLOPT_URL, url);
	curl_easy_setopt(client->curl, CURLOPT_TIMEOUT, TIMEOUT_SECONDS);
	curl_easy_setopt(client->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, on_curl_data);
	curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &answer);
	if (body)
		curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, body);
	code = curl_easy_perform(client->curl);
	if (code != CURLE_OK) {
		free(answer.text);
		return fail_unreachable(client, code, err);
	}
	curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
	r = hn_json_parse(answer.text ? answer.text : "", answer.length, "homenoded's answer", &json, err);
	free(answer.text);
	if (status >= 300)
		return fail_refused(status, json, err);
	if (r == 0)
		*ret = hn_steal(json);
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
