#include "daemon/opener.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/hands-channel.h"
#include "daemon/hands-process.h"

struct opening {
	struct hn_hands_process process;
	struct event *readable;
	struct hn_qmp *qmp;
};

static void opening_free(void *context)
{
	struct opening *opening = context;

	if (opening->readable)
		event_free(opening->readable);
	hn_hands_process_kill(&opening->process);
	if (opening->process.fd >= 0)
		close(opening->process.fd);
	free(opening);
}

/* The answer is small and comes in one piece: a header, a sentence if it failed, else a descriptor. */
static int take_answer(int socket, int *ret_fd, struct hn_error *err)
{
	struct {
		struct hn_hands_header header;
		char sentence[HN_ERROR_MAX];
	} answer = {0};
	int r = hn_hands_receive_fd(socket, &answer, sizeof(answer) - 1, ret_fd);

	if (r < 0)
		return hn_fail_errno(err, r, "homenode-host did not answer");
	if ((size_t)r < sizeof(answer.header) || answer.header.magic != HN_HANDS_MAGIC ||
	    answer.header.type != HN_HANDS_OPEN || (answer.header.result == 0 && *ret_fd < 0))
		return hn_fail(err, -EPROTO, "homenode-host sent something that is not its protocol");
	if (answer.header.result != 0)
		return hn_fail(err, answer.header.result, "%s", answer.sentence);
	return 0;
}

static void on_readable(evutil_socket_t socket, short what, void *context)
{
	struct opening *opening = context;
	struct hn_qmp *qmp = opening->qmp;
	struct hn_error err;
	int fd = -1;

	if (take_answer(socket, &fd, &err) < 0 && fd >= 0) {
		close(fd);
		fd = -1;
	}
	opening_free(opening);
	hn_qmp_opened(qmp, fd, &err);
}

/* The first bytes of a new connection always find room. */
static int ask(struct opening *opening, const char *path, struct hn_error *err)
{
	int r = hn_hands_write(opening->process.fd, HN_HANDS_OPEN, 1, 0,
			       &(struct hn_hands_part){path, strlen(path)}, 1);

	return r < 0 ? hn_fail_errno(err, r, "asking homenode-host") : 0;
}

static int open_for(void *context, const char *path, struct hn_qmp *qmp, void **ret, struct hn_error *err)
{
	const struct hn_opener *opener = context;
	struct opening *opening = calloc(1, sizeof(*opening));
	int r;

	if (!opening)
		return hn_oom(err);
	opening->process.fd = -1;
	opening->qmp = qmp;
	r = hn_hands_process_start(opener->hands, &opening->process, err);
	if (r == 0)
		r = ask(opening, path, err);
	if (r == 0) {
		opening->readable =
			event_new(opener->base, opening->process.fd, EV_READ, on_readable, opening);
		if (!opening->readable || event_add(opening->readable, NULL) < 0)
			r = hn_oom(err);
	}
	if (r < 0) {
		opening_free(opening);
		return r;
	}
	*ret = opening;
	return 0;
}

void hn_opener_init(struct hn_opener *ret, struct event_base *base, const char *hands)
{
	*ret = (struct hn_opener){.base = base, .hands = hands, .qmp = {open_for, opening_free, ret}};
}
