/*
 * A real guest agent on this machine: qemu-ga listens on a unix socket as it would on a virtio-serial port.
 * Skipped where there is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/units.h"
#include "harness.h"
#include "qmp/agent.h"

struct agent {
	char folder[64], path[96], pid_file[96];
	pid_t pid;
	struct event_base *base;
	struct hn_qmp *qmp;
	bool ready, done;
	char *text;
	size_t length;
	struct hn_error err;
};

static void on_ready(struct hn_qmp *qmp, void *context)
{
	((struct agent *)context)->ready = true;
}

static void on_file_done(const char *text, size_t length, const struct hn_error *err, void *context)
{
	struct agent *agent = context;

	agent->done = true;
	free(agent->text);
	agent->text = text ? strdup(text) : NULL;
	agent->length = length;
	agent->err = err ? *err : (struct hn_error){0};
}

static void agent_start(struct agent *agent)
{
	const struct hn_qmp_listener listener = {.ready = on_ready, .context = agent};
	struct hn_qmp_limits limits = hn_qmp_default_limits;

	memset(agent, 0, sizeof(*agent));
	strcpy(agent->folder, "/tmp/homenode-agent-XXXXXX");
	assert_non_null(mkdtemp(agent->folder));
	snprintf(agent->path, sizeof(agent->path), "%s/agent", agent->folder);
	snprintf(agent->pid_file, sizeof(agent->pid_file), "%s/pid", agent->folder);
	agent->pid = fork();
	assert_true(agent->pid >= 0);
	if (agent->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execlp("qemu-ga", "qemu-ga", "-m", "unix-listen", "-p", agent->path, "-f", agent->pid_file,
		       "-t", agent->folder, (char *)NULL);
		_exit(127);
	}
	agent->base = event_base_new();
	limits.retry_first_ns = 50 * HN_NS_PER_MS;
	limits.retry_most_ns = 100 * HN_NS_PER_MS;
	assert_int_equal(hn_qmp_new(agent->base, "live", agent->path, HN_QMP_AGENT, &limits, &listener,
				    &agent->qmp, NULL),
			 0);
}

static void agent_stop(struct agent *agent)
{
	char command[128];

	hn_qmp_free(agent->qmp);
	kill(agent->pid, SIGKILL);
	waitpid(agent->pid, NULL, 0);
	event_base_free(agent->base);
	free(agent->text);
	snprintf(command, sizeof(command), "rm -rf %s", agent->folder);
	assert_int_equal(system(command), 0);
}

static void read_file(struct agent *agent, const char *path, size_t max_bytes)
{
	agent->done = false;
	assert_int_equal(hn_agent_read_file(agent->qmp, path, max_bytes, on_file_done, agent, NULL), 0);
	assert_true(run_until(agent->base, &agent->done, 20000));
}

/* How many files below /proc the agent has open. */
static int open_files(const struct agent *agent)
{
	char folder[64], link[128], target[128];
	int count = 0;

	snprintf(folder, sizeof(folder), "/proc/%d/fd", agent->pid);
	for (int fd = 0; fd < 64; fd++) {
		ssize_t length;

		snprintf(link, sizeof(link), "%s/%d", folder, fd);
		length = readlink(link, target, sizeof(target) - 1);
		count += length > 6 && strncmp(target, "/proc/", 6) == 0;
	}
	return count;
}

static void reads_files_of_a_real_guest(void **state)
{
	struct agent agent;

	agent_start(&agent);
	if (!run_until(agent.base, &agent.ready, 20000)) {
		agent_stop(&agent);
		fail_msg("the agent does not come in step");
	}
	read_file(&agent, "/proc/self/limits", 64 * 1024);
	assert_non_null(agent.text);
	assert_non_null(strstr(agent.text, "Max open files"));
	read_file(&agent, "/proc/vmstat", 256 * 1024);
	assert_non_null(agent.text);
	assert_int_equal(agent.length, strlen(agent.text));
	assert_non_null(strstr(agent.text, "nr_free_pages "));
	read_file(&agent, "/proc/vmstat", 100);
	assert_int_equal(agent.err.code, -EFBIG);
	run_for(agent.base, 50);
	assert_int_equal(open_files(&agent), 0); /* closed behind the answers */
	read_file(&agent, "/nowhere/at all", 100);
	assert_int_equal(agent.err.code, -EREMOTEIO);
	assert_non_null(strstr(agent.err.message, "guest 'live': agent: guest-file-open: "));
	agent_stop(&agent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_files_of_a_real_guest),
	};
	char path[4096];

	snprintf(path, sizeof(path), "%s:/usr/sbin:/sbin", getenv("PATH") ? getenv("PATH") : "/bin");
	setenv("PATH", path, 1);
	if (system("qemu-ga --version >/dev/null 2>&1") != 0) {
		puts("no qemu-ga that runs here");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
