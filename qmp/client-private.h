#pragma once
/*
 * client-private - what the client's parts share: client.c (the life of a connection), client-handshake.c
 * (coming in step with the peer), client-commands.c (commands and their replies).
 */
#include <event2/event.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>

#include "base/random.h"
#include "base/units.h"
#include "qmp/channel.h"
#include "qmp/client.h"
#include "qmp/message.h"

enum client_state {
	CLIENT_DOWN,         /* no connection; a timer may be set for the next */
	CLIENT_OPENING,      /* somebody else connects for us */
	CLIENT_GREETING,     /* connected, waits for QEMU's greeting */
	CLIENT_CAPABILITIES, /* waits for the answer to qmp_capabilities */
	CLIENT_SYNC,         /* waits for the agent to come in step */
	CLIENT_READY,
	CLIENT_RESYNC, /* ready, but an agent's answer got lost: commands wait until it is in step again */
};

struct hn_command {
	TAILQ_ENTRY(hn_command) link;
	uint64_t id;
	uint64_t timeout_ns;
	uint64_t deadline_ns; /* once sent */
	bool abandoned; /* answered with a time-out: only its late reply is still to be taken off the line */
	char name[48];
	char *text; /* until sent */
	hn_qmp_reply reply;
	void *context;
};
TAILQ_HEAD(hn_command_list, hn_command);

struct hn_qmp {
	struct event_base *base;
	char *name; /* "guest 'web1': monitor", in front of every sentence */
	char *path; /* NULL for a socket handed over */
	enum hn_qmp_flavour flavour;
	struct hn_qmp_limits limits;
	struct hn_qmp_listener listener;
	const struct hn_qmp_opener *opener; /* NULL: nobody */
	void *opening;                      /* what its start() gave, while CLIENT_OPENING */
	struct hn_random chance;            /* jitter and numbers to sync with */

	enum client_state state;
	struct hn_channel *channel;
	int fd;                 /* handed over and not yet in a channel, else -1 */
	struct event *timer;    /* the next try, or the end of patience with this one */
	struct event *deadline; /* of the commands sent */
	struct ucred peer;      /* pid 0: not connected */
	int version;
	uint64_t sync_id;
	unsigned failures; /* tries in a row that came to nothing lasting */
	uint64_t retry_ns; /* the last pause between two tries */
	uint64_t ready_since_ns;

	struct hn_command_list waiting, sent;
	size_t command_count;   /* in both lists */
	size_t abandoned_count; /* of those */
	unsigned expired_in_a_row;
	uint64_t last_id;

	unsigned entered; /* depth of callbacks that are under way */
	bool freed;       /* the memory goes when the last of them returns */
};

/* Around everything that may call out. After leave the client may be gone. */
void hn_client_enter(struct hn_qmp *qmp);
void hn_client_leave(struct hn_qmp *qmp);

/* The connection is of no use: closes it, answers all commands, tells the listener, sets the next try. */
void hn_client_lost(struct hn_qmp *qmp, const struct hn_error *why);

/* The one timer of connecting: the next try, or the end of patience. */
void hn_client_set_timer(struct hn_qmp *qmp, uint64_t ns);

/* Does what the state asks for with a message. A negative return ends the connection. */
int hn_client_take(struct hn_qmp *qmp, const struct hn_message *message, struct hn_error *err);
/* Brings the agent in step: state says whether for the first time (CLIENT_SYNC) or again (CLIENT_RESYNC). */
int hn_client_sync(struct hn_qmp *qmp, enum client_state state, struct hn_error *err);

/* Sends what may be sent and sets the timer for the next deadline. */
void hn_client_pump(struct hn_qmp *qmp);
/* Matches a reply to its command and passes it on. -EPROTO when there is none. */
int hn_client_answer(struct hn_qmp *qmp, const struct hn_message *message, struct hn_error *err);
/* Answers every command with code and sentence. */
void hn_client_answer_all(struct hn_qmp *qmp, const struct hn_error *err);
void hn_client_on_deadline(evutil_socket_t fd, short what, void *context);

static inline uint64_t hn_client_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * HN_NS_PER_S + (uint64_t)now.tv_nsec;
}

/* Rounded up, so that a timer never fires before its deadline. */
static inline struct timeval hn_client_timeval(uint64_t ns)
{
	return (struct timeval){
		.tv_sec = (time_t)(ns / HN_NS_PER_S),
		.tv_usec = (suseconds_t)((ns % HN_NS_PER_S + 999) / 1000),
	};
}
