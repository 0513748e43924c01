#include "bench/nova.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/units.h"

struct bench_nova {
	pid_t pid;
	FILE *to, *from;
};

void bench_nova_free(struct bench_nova *nova)
{
	if (!nova)
		return;
	if (nova->to)
		fclose(nova->to);
	if (nova->from)
		fclose(nova->from);
	if (nova->pid > 0)
		waitpid(nova->pid, NULL, 0);
	free(nova);
}

static void run_script(const char *script, const int *in, const int *out)
{
	dup2(in[0], STDIN_FILENO);
	dup2(out[1], STDOUT_FILENO);
	for (int i = 0; i < 2; i++) {
		close(in[i]);
		close(out[i]);
	}
	execl(script, script, (char *)NULL);
	fprintf(stderr, "bench: cannot run %s: %s\n", script, strerror(errno));
	_exit(127);
}

int bench_nova_new(const char *script, struct bench_nova **ret, struct hn_error *err)
{
	HN_AUTO(bench_nova) struct bench_nova *nova = calloc(1, sizeof(*nova));
	int in[2], out[2];

	if (!nova)
		return hn_oom(err);
	if (pipe2(in, O_CLOEXEC) < 0)
		return hn_fail_errno(err, -errno, "a pipe to %s", script);
	if (pipe2(out, O_CLOEXEC) < 0) {
		close(in[0]);
		close(in[1]);
		return hn_fail_errno(err, -errno, "a pipe from %s", script);
	}
	nova->pid = fork();
	if (nova->pid == 0)
		run_script(script, in, out);
	close(in[0]);
	close(out[1]);
	nova->to = fdopen(in[1], "w");
	nova->from = fdopen(out[0], "r");
	if (nova->pid < 0 || !nova->to || !nova->from)
		return hn_fail_errno(err, -errno, "starting %s", script);
	*ret = hn_steal(nova);
	return 0;
}

static int answer(struct bench_nova *nova, char *line, size_t size, struct hn_error *err)
{
	fflush(nova->to);
	if (!fgets(line, (int)size, nova->from))
		return hn_fail(err, -EIO, "nova-peer ended before it answered");
	return 0;
}

static void write_size(struct bench_nova *nova, const struct bench_size *size)
{
	for (size_t i = 0; i < size->cells; i++)
		fprintf(nova->to, " %u %llu", size->vcpus[i], (unsigned long long)size->mib[i]);
	fputc('\n', nova->to);
}

/* vCPUs at home on the node, by index. */
static unsigned vcpus_on(const struct hn_snapshot *snapshot, size_t node)
{
	unsigned sum = 0;

	for (size_t i = 0; i < snapshot->guest_count; i++) {
		const struct hn_guest_state *state = &snapshot->guests[i];

		for (size_t j = 0; state->sample && j < state->guest->thread_count; j++)
			sum += state->sample->threads[j].last_node == (int)node;
	}
	return sum;
}

int bench_nova_host(struct bench_nova *nova, const struct hn_snapshot *snapshot, bool dedicated, bool pack,
		    struct hn_error *err)
{
	const struct hn_host *host = snapshot->host;
	char line[256];

	fprintf(nova->to, "host %s %zu %s\n", dedicated ? "dedicated" : "shared", host->node_count,
		pack ? "pack" : "spread");
	for (size_t i = 0; i < host->node_count; i++) {
		const struct hn_node *node = &host->nodes[i];

		fprintf(nova->to, "node %d %llu %u %llu\n", hn_set_count(&node->cpus),
			(unsigned long long)(node->memory_bytes / HN_MIB), vcpus_on(snapshot, i),
			(unsigned long long)((node->memory_bytes - node->free_bytes) / HN_MIB));
	}
	return answer(nova, line, sizeof(line), err);
}

static void read_nodes(const char *text, struct bench_nova_answer *ret)
{
	for (size_t i = 0; i < BENCH_CELLS_MAX; i++) {
		char *end;
		unsigned long node = strtoul(text, &end, 10);

		if (end == text)
			return;
		ret->node_of[i] = node;
		text = end;
	}
}

int bench_nova_place(struct bench_nova *nova, long name, const struct bench_size *size, double limit_s,
		     struct bench_nova_answer *ret, struct hn_error *err)
{
	char line[1024], verdict[16];
	int used = 0, r;

	if (name >= 0)
		fprintf(nova->to, "place %g %ld", limit_s, name);
	else
		fprintf(nova->to, "fit %g", limit_s);
	write_size(nova, size);
	r = answer(nova, line, sizeof(line), err);
	if (r < 0)
		return r;
	*ret = (struct bench_nova_answer){0};
	if (sscanf(line, "%15s %lf%n", verdict, &ret->us, &used) < 2)
		return hn_fail(err, -EIO, "nova-peer answered '%s'", line);
	ret->fits = !strcmp(verdict, "ok");
	ret->limited = !strcmp(verdict, "limit");
	if (ret->fits)
		read_nodes(line + used, ret);
	return 0;
}

int bench_nova_leave(struct bench_nova *nova, long name, struct hn_error *err)
{
	char line[64];

	fprintf(nova->to, "free %ld\n", name);
	return answer(nova, line, sizeof(line), err);
}
