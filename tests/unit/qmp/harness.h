#pragma once
/*
 * harness - the other side of a QMP connection for tests: a peer on the same event loop that reads lines and
 * sends what it is told, in pieces of any size; and transcripts of real QEMUs to answer from.
 */
#include <event2/event.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "model/guest.h"

#define GREETING                                                                                        \
	"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}, \"package\": " \
	"\"\"}, "                                                                                       \
	"\"capabilities\": [\"oob\"]}}\r\n"

struct evbuffer;
struct peer;

/* A line that the client sent, without its end; a leading 0xFF is told by sentinel. */
typedef void (*peer_line)(struct peer *peer, const char *line, bool sentinel, void *context);

struct peer {
	struct event_base *base;
	int fd; /* -1 once hung up */
	struct event *readable, *writable;
	struct evbuffer *in, *out;
	size_t chunk;      /* bytes written at a time, 0: all */
	size_t hang_up_at; /* total bytes after which to hang up, 0: never */
	size_t written;
	bool deaf;    /* never reads */
	size_t lines; /* received so far */
	peer_line on_line;
	void *context;
};

struct peer *peer_new(struct event_base *base, int fd, peer_line on_line, void *context);
void peer_free(struct peer *peer);
void peer_send(struct peer *peer, const void *bytes, size_t length);
void peer_print(struct peer *peer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void peer_hang_up(struct peer *peer);

/* A socketpair: the client's end, with a peer on the other. */
int peer_pair(struct event_base *base, peer_line on_line, void *context, struct peer **ret);

/* The id of a command line, or 0; its name into name (of 64 bytes) when that is not NULL. */
long command_id(const char *line, char *name);

/* Runs the loop until *flag or for at most ms; returns *flag. */
bool run_until(struct event_base *base, const bool *flag, unsigned ms);
void run_for(struct event_base *base, unsigned ms);
uint64_t monotonic_ms(void);

/*
 * A file of lines: "# " comment, "= " expectation, "> " sent to QEMU, "< " received from it. Commands are
 * answered by what they ask, whatever their order; one that was not recorded is an error of class
 * CommandNotFound.
 */
struct transcript {
	char *expected; /* the "=" lines */
	char *received; /* everything QEMU sent, with CRLF */
	size_t count;
	struct exchange {
		json_object *sent;
		char *answer;
	} * exchanges;
};

void transcript_load(const char *name, struct transcript *ret);
void transcript_free(struct transcript *transcript);
/* For peer_new(), with a transcript as context. */
void transcript_answer(struct peer *peer, const char *line, bool sentinel, void *context);

/* A guest as text, one line a part, for comparing with what is expected. To be freed. */
char *guest_describe(const struct hn_guest *guest, const char *const *notes, size_t note_count);
