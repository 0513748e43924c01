/*
 * talk - one short conversation with QEMU's monitor (QMP) or with a guest agent, for scripts.
 *
 *     talk [-a] [-t SECONDS] [-u TEXT] SOCKET COMMAND...
 *
 * Connects, waiting for the socket to appear if it must, gets through the greeting (or, with -a, the agent's
 * guest-sync-delimited), sends each COMMAND, which is a line of JSON, and prints the line that answers it.
 * Events are passed over. With -u the last COMMAND is repeated until its answer contains TEXT. All of it
 * within SECONDS (10). Exit status: 0, 1 when an answer was an error, 2 when time ran out or the other side
 * went away.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define REPEAT_EVERY_MS 100
#define ANSWER_MAX_BYTES (4u << 20)

static int sock = -1;
static int64_t deadline_ms;
static char *buffer; /* what has arrived, NUL-terminated */
static size_t buffered,
	line_bytes; /* line_bytes: length of the line handed out last, dropped at the next call */

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "talk: %s\n", what);
	exit(2);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t left_ms(void)
{
	int64_t now = now_ms();

	return now < deadline_ms ? deadline_ms - now : 0;
}

static void nap_ms(int ms)
{
	poll(NULL, 0, ms);
}

static void connect_to(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(addr.sun_path))
		fail("the socket's path is too long");
	strcpy(addr.sun_path, path);
	for (;;) {
		sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (sock < 0)
			fail("no socket");
		if (connect(sock, (struct sockaddr *)&addr, sizeof(addr)) == 0)
			return;
		if (errno != ENOENT && errno != ECONNREFUSED && errno != EAGAIN)
			fail(strerror(errno));
		close(sock);
		if (left_ms() == 0)
			fail("nothing listens on the socket");
		nap_ms(50);
	}
}

static void send_bytes(const char *bytes, size_t count)
{
	while (count > 0) {
		ssize_t sent = send(sock, bytes, count, MSG_NOSIGNAL);

		if (sent <= 0)
			fail("the other side hung up");
		bytes += sent;
		count -= (size_t)sent;
	}
}

static void send_line(const char *text)
{
	send_bytes(text, strlen(text));
	send_bytes("\n", 1);
}

static void receive_more(void)
{
	struct pollfd p = {.fd = sock, .events = POLLIN};
	ssize_t got;

	if (buffered + 65536 > ANSWER_MAX_BYTES)
		fail("the answer is too long");
	if (poll(&p, 1, (int)left_ms()) <= 0)
		fail("no answer in time");
	got = read(sock, buffer + buffered, 65535);
	if (got <= 0)
		fail("the other side hung up");
	buffered += (size_t)got;
	buffer[buffered] = '\0';
}

/* The next line, without its end; valid until the next call. */
static char *next_line(void)
{
	char *end;

	memmove(buffer, buffer + line_bytes, buffered - line_bytes + 1);
	buffered -= line_bytes;
	line_bytes = 0;
	while (!(end = memchr(buffer, '\n', buffered)))
		receive_more();
	line_bytes = (size_t)(end - buffer) + 1;
	*end = '\0';
	return buffer;
}

static bool starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

static char *next_answer(void)
{
	for (;;) {
		char *line = next_line(), *mark = strrchr(line, '\xff');

		if (mark) /* the agent's mark: what stands before it belongs to somebody else's talk */
			line = mark + 1;
		if (starts_with(line, "{\"return\"") || starts_with(line, "{\"error\""))
			return line;
	}
}

static void sync_with_agent(void)
{
	unsigned int id = (unsigned int)getpid();
	char command[128], answer[64];

	snprintf(command, sizeof(command),
		 "\xff{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":%u}}", id);
	snprintf(answer, sizeof(answer), "{\"return\": %u}", id);
	send_line(command);
	while (!starts_with(next_answer(), answer))
		;
}

static void greet_monitor(void)
{
	while (!starts_with(next_line(), "{\"QMP\""))
		;
	send_line("{\"execute\":\"qmp_capabilities\"}");
	next_answer();
}

/* Returns whether the answer was good, and prints it unless it is to be asked for again. */
static bool ask(const char *command, const char *until)
{
	for (;;) {
		char *answer;

		send_line(command);
		answer = next_answer();
		if (!until || strstr(answer, until)) {
			puts(answer);
			return starts_with(answer, "{\"return\"");
		}
		nap_ms(REPEAT_EVERY_MS);
	}
}

int main(int argc, char **argv)
{
	const char *until = NULL;
	bool agent = false, good = true;
	int seconds = 10, option;

	while ((option = getopt(argc, argv, "+at:u:")) != -1) {
		if (option == 'a')
			agent = true;
		else if (option == 't')
			seconds = atoi(optarg);
		else if (option == 'u')
			until = optarg;
		else
			return 2;
	}
	if (optind >= argc)
		fail("usage: talk [-a] [-t SECONDS] [-u TEXT] SOCKET COMMAND...");
	buffer = calloc(1, ANSWER_MAX_BYTES + 1);
	if (!buffer)
		fail("out of memory");
	deadline_ms = now_ms() + seconds * INT64_C(1000);
	connect_to(argv[optind]);
	if (agent)
		sync_with_agent();
	else
		greet_monitor();
	for (int i = optind + 1; i < argc; i++)
		good = ask(argv[i], i == argc - 1 ? until : NULL) && good;
	return good ? 0 : 1;
}
