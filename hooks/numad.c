/*
 * numad - answers `numad -w VCPUS:MIB` in the place of the real numad, from homenoded or by itself.
 *
 * libvirt asks for every guest with placement='auto', waits without limit, and lets the guest's start fail
 * on any exit but 0 and on any line that is no list of nodes. So there is always an answer, and in time.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "hooks/daemon-call.h"
#include "hooks/daemon-socket.h"
#include "hooks/deadline.h"
#include "hooks/numa-host.h"
#include "hooks/numad-request.h"
#include "hooks/pick.h"
#include "hooks/recent.h"

#define DAEMON_MS 40 /* of the 50 an answer may take */
#define LOCK_MS 5
#define ANSWER_MAX 16384

static const char help_text[] =
	"Usage: numad -w VCPUS[:MIB]\n"
	"Prints the NUMA nodes for a guest of that size, as libvirt asks for placement='auto': from "
	"homenoded, or by\n"
	"itself when homenoded does not answer at once. This is homenode's; the real numad's other options "
	"are answered\n"
	"with what to use instead.\n"
	"\n"
	"  -w VCPUS[:MIB]   nodes with room for so many vCPUs and so much memory\n"
	"  -h, --help       this text\n"
	"  -V, --version    the version\n"
	"\n"
	"Exit codes: 0 answered, 1 wrong usage. See homenode-numad(8), homenoded(8).\n";

/* libvirt would fail on nodes that are not there, on a node without memory, and on no CPUs at all. */
static bool is_possible(const struct node_set *nodes, const struct numa_host *host)
{
	struct node_set with_cpus = node_set_and(nodes, &host->cpus);

	if (host->count == 0) /* nothing is known that would speak against it */
		return true;
	return node_set_inside(nodes, &host->online) && node_set_inside(nodes, &host->memory) &&
	       !node_set_empty(&with_cpus);
}

static bool ask_daemon(const struct numad_request *request, const struct numa_host *host, int64_t deadline,
		       struct node_set *ret)
{
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)], target[96], buffer[ANSWER_MAX];
	struct daemon_request question = {
		.socket = daemon_socket_find(DAEMON_CONFIG_DEFAULT, path, sizeof(path)), .target = target};
	struct http_answer answer;
	struct node_set nodes;

	snprintf(target, sizeof(target), "/v1/numad?vcpus=%u&memory_mib=%llu", request->vcpus,
		 (unsigned long long)request->mib);
	if (daemon_ask(&question, deadline, buffer, sizeof(buffer), &answer) < 0 || answer.status != 200 ||
	    strcmp(answer.type, "text/plain") != 0 || !node_set_parse(answer.body, answer.length, &nodes) ||
	    !is_possible(&nodes, host))
		return false;
	*ret = nodes;
	return true;
}

/* The answer, from homenoded if it gives one. Either is written down for those who answer by themselves. */
static struct node_set advise(const struct numad_request *request, int64_t deadline)
{
	static struct numa_host host;
	static struct recent recent;
	struct recent_answer answer = {.vcpus = request->vcpus, .mib = request->mib};
	bool told;

	numa_host_read(request->root, &host);
	if (request->unclear)
		return numa_host_all(&host);
	told = ask_daemon(request, &host, deadline, &answer.nodes);
	answer.at_ms = recent_now_ms();
	recent_open(request->root, answer.at_ms, deadline_in_ms(LOCK_MS), &recent);
	if (!told) {
		recent_apply(&recent, &host);
		answer.nodes = pick_nodes(&host, request->vcpus, request->mib);
	}
	recent_add(&recent, &answer);
	recent_close(&recent);
	return answer.nodes;
}

static void print_nodes(const struct node_set *nodes)
{
	char text[NODE_SET_TEXT_MAX];

	puts(node_set_format(nodes, text, sizeof(text)));
	fflush(stdout);
}

static int answer(const struct numad_request *request, int64_t deadline)
{
	struct node_set nodes = advise(request, deadline);

	if (request->unclear)
		fprintf(stderr,
			"numad: '%s' is not VCPUS or VCPUS:MIB, such as 4:8192; all nodes are the answer\n",
			request->unclear);
	print_nodes(&nodes);
	return 0;
}

int main(int argc, char **argv)
{
	int64_t deadline = deadline_in_ms(DAEMON_MS);
	struct numad_request request;

	signal(SIGPIPE, SIG_IGN);
	numad_request_parse(argc, argv, &request);
	switch (request.wish) {
	case NUMAD_ADVICE:
		return answer(&request, deadline);
	case NUMAD_HELP:
		fputs(help_text, stdout);
		return 0;
	case NUMAD_VERSION:
		puts("numad (homenode) " HOMENODE_VERSION);
		return 0;
	case NUMAD_ELSEWHERE:
		break;
	}
	fprintf(stderr, "numad: %s\n", numad_elsewhere(request.option));
	return 1;
}
