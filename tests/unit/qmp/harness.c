/*
 * All of it ends the test program on failure of its own: a harness that cannot run has nothing to say.
 */
#include "harness.h"

#include <errno.h>
#include <event2/buffer.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/set.h"

static void die(const char *what)
{
	perror(what);
	abort();
}

static void on_peer_readable(evutil_socket_t fd, short what, void *context)
{
	struct peer *peer = context;
	char *line;
	size_t length;
	int r = evbuffer_read(peer->in, fd, -1);

	if (r <= 0) {
		if (r == 0 || errno != EAGAIN)
			peer_hang_up(peer);
		return;
	}
	while ((line = evbuffer_readln(peer->in, &length, EVBUFFER_EOL_LF))) {
		bool sentinel = (unsigned char)line[0] == 0xff;

		peer->lines++;
		if (peer->on_line)
			peer->on_line(peer, line + sentinel, sentinel, peer->context);
		free(line);
	}
}

static void on_peer_writable(evutil_socket_t fd, short what, void *context)
{
	struct peer *peer = context;
	size_t length = evbuffer_get_length(peer->out);
	int written;

	if (peer->chunk && length > peer->chunk)
		length = peer->chunk;
	if (peer->hang_up_at && length > peer->hang_up_at - peer->written)
		length = peer->hang_up_at - peer->written;
	written = length ? evbuffer_write_atmost(peer->out, fd, (ev_ssize_t)length) : 0;
	if (written < 0) {
		peer_hang_up(peer);
		return;
	}
	peer->written += (size_t)written;
	if (peer->hang_up_at && peer->written == peer->hang_up_at)
		peer_hang_up(peer);
	else if (evbuffer_get_length(peer->out) == 0)
		event_del(peer->writable);
}

struct peer *peer_new(struct event_base *base, int fd, peer_line on_line, void *context)
{
	struct peer *peer = calloc(1, sizeof(*peer));

	if (!peer)
		die("calloc");
	signal(SIGPIPE, SIG_IGN); /* this side's own: the client must not need it */
	evutil_make_socket_nonblocking(fd);
	peer->base = base;
	peer->fd = fd;
	peer->on_line = on_line;
	peer->context = context;
	peer->in = evbuffer_new();
	peer->out = evbuffer_new();
	peer->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_peer_readable, peer);
	peer->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, on_peer_writable, peer);
	if (!peer->in || !peer->out || !peer->readable || !peer->writable ||
	    event_add(peer->readable, NULL) < 0)
		die("peer");
	return peer;
}

void peer_hang_up(struct peer *peer)
{
	if (peer->fd < 0)
		return;
	event_del(peer->readable);
	event_del(peer->writable);
	close(peer->fd);
	peer->fd = -1;
}

void peer_free(struct peer *peer)
{
	if (!peer)
		return;
	peer_hang_up(peer);
	event_free(peer->readable);
	event_free(peer->writable);
	evbuffer_free(peer->in);
	evbuffer_free(peer->out);
	free(peer);
}

void peer_send(struct peer *peer, const void *bytes, size_t length)
{
	if (peer->fd < 0)
		return;
	if (evbuffer_add(peer->out, bytes, length) < 0 || event_add(peer->writable, NULL) < 0)
		die("peer_send");
}

void peer_print(struct peer *peer, const char *format, ...)
{
	HN_AUTO(memory) char *text = NULL;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0)
		die("vasprintf");
	peer_send(peer, text, (size_t)length);
}

int peer_pair(struct event_base *base, peer_line on_line, void *context, struct peer **ret)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		die("socketpair");
	*ret = peer_new(base, fds[1], on_line, context);
	return fds[0];
}

long command_id(const char *line, char *name)
{
	json_object *command = json_tokener_parse(line);
	json_object *value;
	long id = 0;

	if (name)
		name[0] = '\0';
	if (name && json_object_object_get_ex(command, "execute", &value))
		snprintf(name, 64, "%s", json_object_get_string(value));
	if (json_object_object_get_ex(command, "id", &value))
		id = (long)json_object_get_int64(value);
	json_object_put(command);
	return id;
}

uint64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
}

bool run_until(struct event_base *base, const bool *flag, unsigned ms)
{
	const struct timeval tick = {.tv_usec = 1000};
	struct event *wake = event_new(base, -1, EV_PERSIST, on_wake, NULL);
	uint64_t end = monotonic_ms() + ms;

	event_add(wake, &tick);
	while (!(flag && *flag) && monotonic_ms() < end)
		event_base_loop(base, EVLOOP_ONCE);
	event_free(wake);
	return flag && *flag;
}

void run_for(struct event_base *base, unsigned ms)
{
	run_until(base, NULL, ms);
}

static void append(char **text, const char *more, const char *end)
{
	char *joined;

	if (asprintf(&joined, "%s%s%s", *text ? *text : "", more, end) < 0)
		die("asprintf");
	free(*text);
	*text = joined;
}

static void take_line(struct transcript *transcript, const char *line)
{
	struct exchange *exchanges;

	switch (line[0]) {
	case '=':
		append(&transcript->expected, line + 2, "\n");
		break;
	case '>':
		exchanges = reallocarray(transcript->exchanges, transcript->count + 1, sizeof(*exchanges));
		if (!exchanges)
			die("reallocarray");
		transcript->exchanges = exchanges;
		exchanges[transcript->count++] = (struct exchange){.sent = json_tokener_parse(line + 2)};
		break;
	case '<':
		append(&transcript->received, line + 2, "\r\n");
		if (transcript->count > 0)
			append(&transcript->exchanges[transcript->count - 1].answer, line + 2, "");
		break;
	}
}

void transcript_load(const char *name, struct transcript *ret)
{
	HN_AUTO(file) FILE *file = NULL;
	HN_AUTO(memory) char *line = NULL;
	char path[512];
	size_t size = 0;
	ssize_t length;

	memset(ret, 0, sizeof(*ret));
	snprintf(path, sizeof(path), "%s/%s.qmp", HN_FIXTURES, name);
	file = fopen(path, "r");
	if (!file)
		die(path);
	while ((length = getline(&line, &size, file)) > 0) {
		line[strcspn(line, "\n")] = '\0';
		take_line(ret, line);
	}
}

void transcript_free(struct transcript *transcript)
{
	for (size_t i = 0; i < transcript->count; i++) {
		json_object_put(transcript->exchanges[i].sent);
		free(transcript->exchanges[i].answer);
	}
	free(transcript->exchanges);
	free(transcript->expected);
	free(transcript->received);
}

static const char *find_answer(const struct transcript *transcript, json_object *command)
{
	json_object_object_del(command, "id");
	for (size_t i = 0; i < transcript->count; i++)
		if (json_object_equal(transcript->exchanges[i].sent, command))
			return transcript->exchanges[i].answer;
	return "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"not in the transcript\"}}";
}

void transcript_answer(struct peer *peer, const char *line, bool sentinel, void *context)
{
	json_object *command = json_tokener_parse(line);
	long id = command_id(line, NULL);
	const char *answer = find_answer(context, command);

	/* QEMU puts the id behind: { ..., "id": 7} */
	peer_print(peer, "%.*s, \"id\": %ld}\r\n", (int)strlen(answer) - 1, answer, id);
	json_object_put(command);
}

static void describe_backend(FILE *out, const struct hn_backend *backend)
{
	char nodes[HN_SET_TEXT_MAX];

	fprintf(out, "backend %s cell %d bytes %" PRIu64 "M page %" PRIu64 "K host 0x%" PRIx64, backend->id,
		backend->cell, backend->bytes >> 20, backend->page_bytes >> 10, backend->host_address);
	fprintf(out, " policy %s", backend->policy[0] ? backend->policy : "-");
	if (!hn_set_empty(&backend->host_nodes))
		fprintf(out, ":%s", hn_set_format(&backend->host_nodes, nodes, sizeof(nodes)));
	fprintf(out, "%s%s%s", backend->shared ? " shared" : "", backend->prealloc ? " prealloc" : "",
		backend->dimm ? " dimm" : "");
	fprintf(out, " %s\n", hn_movability_name(backend->movability));
}

char *guest_describe(const struct hn_guest *guest, const char *const *notes, size_t note_count)
{
	char vcpus[HN_SET_TEXT_MAX];
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "guest %s uuid %s %s\n", guest->name, guest->uuid[0] ? guest->uuid : "-",
		hn_run_state_name(guest->state));
	for (size_t i = 0; i < guest->cell_count; i++)
		fprintf(out, "cell %d memory %" PRIu64 "M vcpus %s\n", guest->cells[i].id,
			guest->cells[i].memory_bytes >> 20,
			hn_set_empty(&guest->cells[i].vcpus)
				? "-"
				: hn_set_format(&guest->cells[i].vcpus, vcpus, sizeof(vcpus)));
	for (size_t i = 0; i < guest->thread_count; i++)
		fprintf(out, "thread %d %s %d cell %d '%s'\n", guest->threads[i].tid,
			hn_thread_kind_name(guest->threads[i].kind), guest->threads[i].vcpu,
			guest->threads[i].cell, guest->threads[i].name);
	for (size_t i = 0; i < guest->backend_count; i++)
		describe_backend(out, &guest->backends[i]);
	for (size_t i = 0; i < note_count; i++)
		fprintf(out, "note %s\n", notes[i]);
	fclose(out);
	return text;
}
