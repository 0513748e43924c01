/*
 * homenode-hook - what libvirt calls at each moment of a guest's life, by whichever name it has in
 * /etc/libvirt/hooks/qemu.d: "homenode" from packages.
 *
 * It hands the guest's XML to homenoded and ends, with success, always: a hook that fails or hangs keeps
 * guests from starting. It never calls libvirt, which waits for it.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "hooks/daemon-call.h"
#include "hooks/daemon-socket.h"
#include "hooks/deadline.h"
#include "hooks/hook-streams.h"
#include "hooks/operation.h"

#define XML_MAX (4u << 20)
#define ANSWER_MAX (8u << 20)
#define TARGET_MAX 7800

static const char help_text[] =
	"Usage: homenode-hook GUEST OPERATION SUB-OPERATION EXTRA < DOMAIN.xml\n"
	"Called by libvirt from /etc/libvirt/hooks/qemu.d: tells homenoded what happens to a guest.\n"
	"Ends with 0 whatever happens, within 200 ms. With HOMENODE_HOOK_DEBUG set it says what happened.\n"
	"See homenode-hook(8).\n";

struct call {
	const char *guest, *name, *sub, *extra;
	struct hook_operation operation;
	int64_t deadline;
};

static void debug(const struct call *call, const char *what, int r)
{
	if (getenv("HOMENODE_HOOK_DEBUG"))
		fprintf(stderr, "homenode-hook: guest '%s', %s %s: %s%s%s\n", call->guest, call->name,
			call->sub, what, r < 0 ? ": " : "", r < 0 ? strerror(-r) : "");
}

static int make_target(const struct call *call, char *target, size_t size)
{
	const char *const parts[][2] = {{"/v1/libvirt/", call->name},
					{"?guest=", call->guest},
					{"&sub=", call->sub},
					{"&extra=", call->extra}};

	target[0] = '\0';
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t length = strlen(target);

		if (length + strlen(parts[i][0]) >= size)
			return -E2BIG;
		strcpy(target + length, parts[i][0]);
		if (daemon_target_add(target, size, parts[i][1]) < 0)
			return -E2BIG;
	}
	return 0;
}

static bool is_xml(const struct http_answer *answer)
{
	return answer->status == 200 && answer->length > 0 && answer->body[0] == '<' &&
	       (strcmp(answer->type, "application/xml") == 0 || strcmp(answer->type, "text/xml") == 0);
}

static void ask(const struct call *call, const struct daemon_request *request, int64_t deadline)
{
	char *buffer = malloc(ANSWER_MAX);
	struct http_answer answer;
	int r = buffer ? daemon_ask(request, deadline, buffer, ANSWER_MAX, &answer) : -ENOMEM;

	if (r < 0)
		debug(call, "homenoded did not answer", r);
	else if (answer.status != 204 && !is_xml(&answer))
		debug(call, "homenoded answered neither 204 nor XML", 0);
	else if (answer.status == 200 && call->operation.may_rewrite) {
		r = stream_write(STDOUT_FILENO, answer.body, answer.length, call->deadline);
		debug(call, r < 0 ? "the XML could not be printed" : "XML rewritten", r);
	} else
		debug(call, "homenoded has it", 0);
	free(buffer);
}

static void hand_over(const struct call *call, const char *xml, size_t length)
{
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)], target[TARGET_MAX];
	struct daemon_request request = {
		.target = target, .type = "application/xml", .body = xml, .length = length};
	int64_t deadline = deadline_earlier(deadline_in_ms(call->operation.daemon_ms), call->deadline);
	int r = make_target(call, target, sizeof(target));

	request.socket = daemon_socket_find(DAEMON_CONFIG_DEFAULT, path, sizeof(path));
	if (r < 0) {
		debug(call, "its name is too long to be told", r);
	} else if (call->operation.waits) {
		ask(call, &request, deadline);
	} else {
		r = daemon_tell(&request, deadline);
		debug(call, r < 0 ? "homenoded was not told" : "homenoded was told", r);
	}
}

static void serve(const struct call *call)
{
	char *xml = malloc(XML_MAX);
	size_t length = 0;
	int r = xml ? stream_read(STDIN_FILENO, xml, XML_MAX, call->deadline, &length) : -ENOMEM;

	if (r < 0)
		debug(call, "no XML to hand over", r);
	else
		hand_over(call, xml, length);
	free(xml);
}

int main(int argc, char **argv)
{
	struct call call = {.deadline = deadline_in_ms(HOOK_LIMIT_MS)};

	signal(SIGPIPE, SIG_IGN);
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		fputs(help_text, stdout);
	else if (argc == 2 && strcmp(argv[1], "--version") == 0)
		puts("homenode-hook " HOMENODE_VERSION);
	if (argc < 3)
		return 0;
	call.guest = argv[1];
	call.name = argv[2];
	call.sub = argc > 3 ? argv[3] : "";
	call.extra = argc > 4 ? argv[4] : "";
	call.operation = hook_operation_of(call.name, call.sub);
	serve(&call);
	return 0;
}
