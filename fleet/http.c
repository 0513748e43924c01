#include "fleet/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define CONNECT_MS 3000L
#define CONNECTIONS_MAX 64L

struct hn_http_call {
	TAILQ_ENTRY(hn_http_call) entry;
	struct hn_http *http;
	struct hn_http_ask ask; /* its texts are no longer valid */
	CURL *curl;
	struct curl_slist *headers;
	char *text;
	size_t length;
	bool too_long;
	char reason[CURL_ERROR_SIZE];
};

struct hn_http {
	struct event_base *base;
	struct hn_http_tls tls;
	CURLM *multi;
	struct event *timer;
	TAILQ_HEAD(, hn_http_call) calls;
};

static void free_call(struct hn_http_call *call)
{
	TAILQ_REMOVE(&call->http->calls, call, entry);
	if (call->curl) {
		curl_multi_remove_handle(call->http->multi, call->curl);
		curl_easy_cleanup(call->curl);
	}
	curl_slist_free_all(call->headers);
	free(call->text);
	free(call);
}

/* With TLS 1.3 the other side looks at our certificate after we are connected: all that is seen of its
 * refusal is that it hangs up, of which curl says "getpeername() failed". */
static const char *what_happened(const struct hn_http_call *call, CURLcode code, const char *url)
{
	bool hung_up = code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING;

	if (hung_up && strncmp(url, "https://", 8) == 0)
		return "it hung up, as it does when it does not take our certificate";
	return call->reason[0] ? call->reason : curl_easy_strerror(code);
}

static void finish(struct hn_http_call *call, CURLcode code)
{
	struct hn_http_answer answer = {.body = call->text ? call->text : "", .length = call->length};
	const char *url = "";
	long status = 0;

	curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(call->curl, CURLINFO_EFFECTIVE_URL, &url);
	answer.status = code == CURLE_OK ? (int)status : 0;
	if (call->too_long)
		hn_fail(&answer.error, -EMSGSIZE, "%.100s answered more than %zu bytes", url,
			call->ask.length_max);
	else if (code != CURLE_OK)
		hn_fail(&answer.error, code == CURLE_OPERATION_TIMEDOUT ? -ETIMEDOUT : -ECONNREFUSED,
			"cannot ask %.100s: %s", url, what_happened(call, code, url));
	call->ask.done(&answer, call->ask.context);
	free_call(call);
}

static void finish_all(struct hn_http *http)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(http->multi, &left))) {
		struct hn_http_call *call = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
		finish(call, message->data.result);
	}
}

static void on_socket_ready(evutil_socket_t fd, short what, void *context)
{
	struct hn_http *http = context;
	int action = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0),
	    running;

	curl_multi_socket_action(http->multi, fd, action, &running);
	finish_all(http);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct hn_http *http = context;
	int running;

	curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	finish_all(http);
}

static int on_curl_socket(CURL *curl, curl_socket_t fd, int what, void *context, void *watched)
{
	struct hn_http *http = context;
	struct event *event = watched;
	short kind = (short)((what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));

	if (event) {
		event_free(event);
		curl_multi_assign(http->multi, fd, NULL);
	}
	if (what == CURL_POLL_REMOVE)
		return 0;
	event = event_new(http->base, fd, (short)(kind | EV_PERSIST), on_socket_ready, http);
	if (!event || event_add(event, NULL) < 0)
		return -1;
	curl_multi_assign(http->multi, fd, event);
	return 0;
}

static int on_curl_timer(CURLM *multi, long ms, void *context)
{
	struct hn_http *http = context;
	struct timeval time = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	return ms < 0 ? event_del(http->timer) : event_add(http->timer, &time);
}

static size_t on_curl_data(char *data, size_t size, size_t count, void *context)
{
	struct hn_http_call *call = context;
	size_t length = size * count;
	char *grown;

	long status = 0;

	curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &status);
	if (call->ask.piece && status == 200)
		return call->ask.piece(data, length, call->ask.context) ? length : 0;
	if (length > call->ask.length_max - call->length) {
		call->too_long = true;
		return 0;
	}
	grown = realloc(call->text, call->length + length + 1);
	if (!grown)
		return 0;
	call->text = grown;
	memcpy(grown + call->length, data, length);
	call->length += length;
	grown[call->length] = '\0';
	return length;
}

int hn_http_new(struct event_base *base, const struct hn_http_tls *tls, struct hn_http **ret,
		struct hn_error *err)
{
	struct hn_http *http = calloc(1, sizeof(*http));

	if (!http)
		return hn_oom(err);
	TAILQ_INIT(&http->calls);
	http->base = base;
	if (tls)
		http->tls = *tls;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		http->multi = curl_multi_init();
	http->timer = evtimer_new(base, on_timer, http);
	if (!http->multi || !http->timer) {
		hn_http_free(http);
		return hn_oom(err);
	}
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, CONNECTIONS_MAX);
	curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_MAX);
	*ret = http;
	return 0;
}

void hn_http_free(struct hn_http *http)
{
	struct hn_http_call *call;

	if (!http)
		return;
	while ((call = TAILQ_FIRST(&http->calls)))
		free_call(call);
	if (http->multi)
		curl_multi_cleanup(http->multi);
	if (http->timer)
		event_free(http->timer);
	curl_global_cleanup();
	free(http);
}

static void set_tls(CURL *curl, const struct hn_http_tls *tls)
{
	if (tls->ca[0])
		curl_easy_setopt(curl, CURLOPT_CAINFO, tls->ca);
	if (tls->cert[0])
		curl_easy_setopt(curl, CURLOPT_SSLCERT, tls->cert);
	if (tls->key[0])
		curl_easy_setopt(curl, CURLOPT_SSLKEY, tls->key);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

static bool set_up(struct hn_http_call *call)
{
	const struct hn_http_ask *ask = &call->ask;
	CURL *curl = call->curl;
	struct curl_slist *grown;

	for (size_t i = 0; i < HN_COUNT(ask->headers) && ask->headers[i]; i++) {
		if (!(grown = curl_slist_append(call->headers, ask->headers[i])))
			return false;
		call->headers = grown;
	}
	set_tls(curl, &call->http->tls);
	curl_easy_setopt(curl, CURLOPT_PRIVATE, call);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, call->reason);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_curl_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, call->headers);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* the environment's is not for us */
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
	curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L); /* a slow resolver's thread is not waited for */
#endif
	curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(curl, CURLOPT_TCP_KEEPIDLE, 10L);
	curl_easy_setopt(curl, CURLOPT_TCP_KEEPINTVL, 5L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)ask->timeout_ms);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, ask->method);
	if (ask->body) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->body_length);
		if (curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, ask->body) != CURLE_OK)
			return false;
	}
	return curl_easy_setopt(curl, CURLOPT_URL, ask->url) == CURLE_OK;
}

int hn_http_start(struct hn_http *http, const struct hn_http_ask *ask, struct hn_http_call **ret,
		  struct hn_error *err)
{
	struct hn_http_call *call = calloc(1, sizeof(*call));

	if (!call)
		return hn_oom(err);
	call->http = http;
	call->ask = *ask;
	TAILQ_INSERT_TAIL(&http->calls, call, entry);
	call->curl = curl_easy_init();
	if (!call->curl || !set_up(call) || curl_multi_add_handle(http->multi, call->curl) != CURLM_OK) {
		free_call(call);
		return hn_oom(err);
	}
	*ret = call;
	return 0;
}

void hn_http_cancel(struct hn_http_call *call)
{
	if (call)
		free_call(call);
}
