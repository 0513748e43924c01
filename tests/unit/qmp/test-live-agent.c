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
#include <sys/wait.h>
#include <unistd.h>

#include "base/units.h"
#include "harness.h"
#include "qmp/agent.h"
#include "qmp/report-text.h"
#include "qmp/report.h"
#include "tests/unit/child.h"

struct agent {
	char folder[64], path[96], pid_file[96];
	pid_t pid;
	struct event_base *base;
	struct hn_qmp *qmp;
	bool ready, done;
	char *text;
	size_t length;
	struct hn_error err;
	struct hn_reported *reported;
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
	agent->pid = child_fork();
	assert_true(agent->pid >= 0);
	if (agent->pid == 0) {
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
	hn_reported_free(agent->reported);
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

static void on_reported(struct hn_reported **reported, const struct hn_error *err, void *context)
{
	struct agent *agent = context;

	agent->done = true;
	agent->reported = hn_steal(*reported);
	agent->err = err ? *err : (struct hn_error){0};
}

/* What this machine says of itself, read directly. False where a file is missing. */
static bool read_here(struct hn_reported *ret)
{
	static const char *const paths[] = {"/sys/devices/system/node/node0/numastat", "/proc/vmstat",
					    "/proc/stat"};
	struct hn_error err;

	for (size_t i = 0; i < HN_COUNT(paths); i++) {
		FILE *file = fopen(paths[i], "r");
		static char text[1 << 16];
		size_t length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

		if (!file)
			return false;
		fclose(file);
		text[length] = '\0';
		if ((i == 0 && hn_report_take_numastat(ret, 0, text, &err) < 0) ||
		    (i == 1 && hn_report_take_vmstat(ret, text, &err) < 0) ||
		    (i == 2 && hn_report_take_stat(ret, text, &err) < 0))
			return false;
	}
	return true;
}

/* The agent's figures lie between what was read before and after. guest-get-cpustats counts in ms. */
static void a_real_guest_tells_of_itself(void **state)
{
	HN_AUTO(hn_reported) struct hn_reported *before = hn_reported_new(), *after = hn_reported_new();
	struct hn_report_pass *pass;
	struct agent agent;

	if (!read_here(before))
		skip();
	agent_start(&agent);
	if (!run_until(agent.base, &agent.ready, 20000)) {
		agent_stop(&agent);
		fail_msg("the agent does not come in step");
	}
	agent.done = false;
	assert_int_equal(hn_report_start(agent.qmp, NULL, on_reported, &agent, &pass, NULL), 0);
	assert_true(run_until(agent.base, &agent.done, 30000));
	assert_true(read_here(after));
	assert_int_equal(agent.err.code, 0);
	assert_int_equal(agent.reported->note_count, 0);
	assert_int_equal(agent.reported->nodes[0].node, 0);
	assert_in_range(agent.reported->nodes[0].hit, before->nodes[0].hit, after->nodes[0].hit);
	assert_in_range(agent.reported->nodes[0].local, before->nodes[0].local, after->nodes[0].local);
	assert_in_range(agent.reported->migrate_success, before->migrate_success, after->migrate_success);
	assert_true(agent.reported->nodes[0].total_bytes > (64 << 20));
	assert_int_equal(agent.reported->cpu_count, after->cpu_count);
	for (size_t i = 0; i < after->cpu_count; i++)
		assert_in_range(agent.reported->cpus[i].busy_ns, before->cpus[i].busy_ns,
				after->cpus[i].busy_ns);
	agent_stop(&agent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_files_of_a_real_guest),
		cmocka_unit_test(a_real_guest_tells_of_itself),
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
