/*
 * What the brain sends to the hands: messages behind one another, as homenode-host reads them. Each that
 * names a process gets one that is gone in its place, and those that need none and act are left out, so that
 * nothing is looked at or done.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/hands-channel.h"
#include "daemon/hands-serve.h"
#include "fuzz.h"

#define BYTES_MAX 8192
#define MESSAGES_MAX 64 /* nobody reads their replies meanwhile, which a socket's buffer must hold */

/* Of whom there is none: this process, and a tick at which it has not started. */
static struct hn_process nobody(void)
{
	return (struct hn_process){.pid = getpid(), .start_ticks = 1};
}

static bool is_wanted(uint32_t type)
{
	return type != HN_HANDS_BALANCING && type != HN_HANDS_FIND && type != HN_HANDS_CHECKUP &&
	       type != HN_HANDS_EVIDENCE && type != HN_HANDS_OPEN;
}

static bool names_process(uint32_t type)
{
	return type != HN_HANDS_IDENTIFY && type != HN_HANDS_HELLO && type != HN_HANDS_CANCEL &&
	       type != HN_HANDS_PACE;
}

static void disarm(const struct hn_hands_header *header, char *body, size_t length)
{
	const struct hn_hands_hello hello = {.version = HOMENODE_VERSION};
	const struct hn_process process = nobody();
	struct hn_hands_identify identify;

	if (header->type == HN_HANDS_HELLO && length == sizeof(hello)) { /* of another version ends it */
		memcpy(body, &hello, sizeof(hello.version));
	} else if (names_process(header->type)) {
		memcpy(body, &process, length < sizeof(process) ? length : sizeof(process));
	} else if (header->type == HN_HANDS_IDENTIFY && length >= sizeof(identify)) {
		memcpy(&identify, body, sizeof(identify));
		identify.told_by = 0;
		memcpy(body, &identify, sizeof(identify));
		memset(body + sizeof(identify), 0, length - sizeof(identify));
	}
}

/* The input as messages that announce what they have: {type, length, body}, each number a byte or two. */
static size_t make_messages(const uint8_t *data, size_t size, char *messages)
{
	size_t made = 0;

	for (int count = 0;
	     count < MESSAGES_MAX && size >= 4 && made + sizeof(struct hn_hands_header) < BYTES_MAX;
	     count++) {
		struct hn_hands_header header = {.magic = HN_HANDS_MAGIC, .type = data[0]};
		size_t length = data[1] | (size_t)data[2] << 8, room = BYTES_MAX - made - sizeof(header);

		header.id = data[3];
		header.length = (uint32_t)length;
		if (data[3] == 0xff) /* one time a header that is none */
			header.magic++;
		data += 4;
		size -= 4;
		length = length < size ? length : size;
		length = length < room ? length : room;
		if (is_wanted(header.type)) {
			memcpy(messages + made, &header, sizeof(header));
			made += sizeof(header);
			memcpy(messages + made, data, length);
			disarm(&header, messages + made, length);
			made += length;
		}
		data += length;
		size -= length;
	}
	return made;
}

/* The replies are messages, in the order of the requests. */
static void check_replies(int fd)
{
	struct hn_hands_header header;
	struct hn_error err = {0};
	void *body = NULL;

	while (recv(fd, &header, sizeof(header), MSG_PEEK | MSG_DONTWAIT) == (ssize_t)sizeof(header)) {
		fuzz_require(hn_hands_read(fd, &header, &body, &err) == 1);
		fuzz_require(header.result <= 0);
		fuzz_require(header.result == 0 || header.length > 0);
		free(body);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char messages[BYTES_MAX];
	size_t length = make_messages(data, size, messages);
	struct hn_error err = {0};
	int sockets[2], r;

	fuzz_require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0);
	fuzz_require(write(sockets[0], messages, length) == (ssize_t)length);
	fuzz_require(shutdown(sockets[0], SHUT_WR) == 0);
	r = hn_hands_serve(sockets[1], &err);
	if (r < 0)
		fuzz_require_refusal(r, &err);
	check_replies(sockets[0]);
	close(sockets[0]);
	close(sockets[1]);
	return 0;
}
