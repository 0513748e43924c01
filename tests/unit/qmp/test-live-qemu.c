/*
 * The real thing: starts the QEMU of this machine, stopped and under TCG, and introspects it. What is found
 * is held against the command line and against /proc/PID/maps. Skipped where there is no qemu-system-x86_64.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/units.h"
#include "harness.h"
#include "qmp/introspect.h"
#include "tests/unit/child.h"

#define ARGUMENTS_MAX 64

struct machine {
	char folder[64], path[96];
	pid_t pid;
	struct event_base *base;
	struct hn_qmp *qmp;
	struct hn_introspection *pass;
	bool ready, done, replied;
	struct hn_guest *guest;
	char *text; /* of the guest, for failures */
	struct hn_error err;
};

static void on_ready(struct hn_qmp *qmp, void *context)
{
	((struct machine *)context)->ready = true;
}

static void on_introspect_done(struct hn_introspect_result *result, const struct hn_error *err, void *context)
{
	struct machine *machine = context;

	machine->done = true;
	machine->pass = NULL;
	if (err) {
		machine->err = *err;
		return;
	}
	machine->text = guest_describe(result->guest, result->notes, result->note_count);
	machine->guest = hn_steal(result->guest);
}

static void on_reply(struct hn_qmp *qmp, json_object *result, const struct hn_error *err, void *context)
{
	struct machine *machine = context;

	machine->replied = true;
	if (err)
		machine->err = *err;
}

static void run_qemu(const struct machine *machine, const char *arguments)
{
	char *argv[ARGUMENTS_MAX] = {NULL};
	char line[1024];
	char *cursor = line;
	int argc = 0;

	snprintf(line, sizeof(line),
		 "qemu-system-x86_64 -S -display none -nodefaults -accel tcg,thread=multi -qmp "
		 "unix:%s,server=on,wait=off %s",
		 machine->path, arguments);
	while (argc < ARGUMENTS_MAX - 1 && (argv[argc] = strsep(&cursor, " ")))
		argc++;
	execvp(argv[0], argv);
	_exit(127);
}

static void machine_start(struct machine *machine, const char *arguments)
{
	const struct hn_qmp_listener listener = {.ready = on_ready, .context = machine};
	struct hn_qmp_limits limits = hn_qmp_default_limits;

	memset(machine, 0, sizeof(*machine));
	strcpy(machine->folder, "/tmp/homenode-live-XXXXXX");
	assert_non_null(mkdtemp(machine->folder));
	snprintf(machine->path, sizeof(machine->path), "%s/qmp", machine->folder);
	machine->pid = child_fork();
	assert_true(machine->pid >= 0);
	if (machine->pid == 0)
		run_qemu(machine, arguments);
	machine->base = event_base_new();
	/* Until QEMU listens the client finds no socket: its own back-off brings it there. */
	limits.retry_first_ns = 50 * HN_NS_PER_MS;
	limits.retry_most_ns = 100 * HN_NS_PER_MS;
	assert_int_equal(hn_qmp_new(machine->base, "live", machine->path, HN_QMP_MONITOR, &limits, &listener,
				    &machine->qmp, NULL),
			 0);
}

static void machine_stop(struct machine *machine)
{
	hn_qmp_free(machine->qmp);
	kill(machine->pid, SIGKILL);
	waitpid(machine->pid, NULL, 0);
	hn_guest_free(machine->guest);
	free(machine->text);
	event_base_free(machine->base);
	unlink(machine->path);
	rmdir(machine->folder);
}

static void introspect(struct machine *machine)
{
	hn_guest_free(hn_steal(machine->guest));
	free(hn_steal(machine->text));
	machine->done = false;
	assert_int_equal(
		hn_introspect_start(machine->qmp, "live", on_introspect_done, machine, &machine->pass, NULL),
		0);
	if (!run_until(machine->base, &machine->done, 20000) || !machine->guest)
		fail_msg("no guest: %s", machine->err.message);
}

/* Whether one mapping of the process covers the range. */
static bool is_mapped(pid_t pid, uint64_t address, uint64_t bytes, bool shared)
{
	char path[64], line[512];
	FILE *file;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		uint64_t start, end;
		char mode[8];

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &start, &end, mode) == 3 &&
		    start <= address && end >= address + bytes)
			found = found || (mode[0] == 'r' && mode[1] == 'w' && (mode[3] == 's') == shared);
	}
	fclose(file);
	return found;
}

static bool is_thread_of(pid_t pid, pid_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d", pid, tid);
	return access(path, F_OK) == 0;
}

static void check_against_proc(const struct machine *machine)
{
	const struct hn_guest *guest = machine->guest;
	pid_t pid;
	uid_t uid;

	assert_int_equal(hn_qmp_peer(machine->qmp, &pid, &uid, NULL), 0);
	assert_int_equal(pid, machine->pid);
	for (size_t i = 0; i < guest->backend_count; i++) {
		const struct hn_backend *backend = &guest->backends[i];

		if (!backend->host_address ||
		    !is_mapped(pid, backend->host_address, backend->bytes, backend->shared))
			fail_msg("backend '%s' is not mapped where it should be:\n%s", backend->id,
				 machine->text);
	}
	for (size_t i = 0; i < guest->thread_count; i++)
		assert_true(is_thread_of(pid, guest->threads[i].tid));
}

static const struct hn_backend *backend_of(const struct machine *machine, const char *id)
{
	for (size_t i = 0; i < machine->guest->backend_count; i++)
		if (strcmp(machine->guest->backends[i].id, id) == 0)
			return &machine->guest->backends[i];
	fail_msg("no backend '%s' in\n%s", id, machine->text);
	return NULL;
}

static void execute(struct machine *machine, const char *command, const char *arguments)
{
	machine->replied = false;
	machine->err.code = 0;
	assert_int_equal(hn_qmp_execute(machine->qmp, command, json_tokener_parse(arguments), 0, on_reply,
					machine, NULL),
			 0);
	assert_true(run_until(machine->base, &machine->replied, 20000));
	if (machine->err.code)
		fail_msg("%s", machine->err.message);
}

static void two_cells_and_a_dimm_later(struct machine *machine)
{
	struct hn_set vcpus;

	assert_int_equal(machine->guest->cell_count, 2);
	assert_string_equal(machine->guest->name, "web1");
	assert_string_equal(machine->guest->uuid, "3d2b5c1e-6f0a-4a59-9f3c-0c1d2e3f4a5b");
	assert_int_equal(machine->guest->state, HN_RUN_PAUSED);
	assert_int_equal(hn_set_parse("2-3", &vcpus, NULL), 0);
	assert_true(hn_set_equal(&machine->guest->cells[1].vcpus, &vcpus));
	assert_int_equal(machine->guest->cells[0].memory_bytes, 3 * HN_GIB);
	assert_int_equal(backend_of(machine, "beta")->cell, 0);
	assert_int_equal(backend_of(machine, "alpha")->cell, 1);
	assert_true(backend_of(machine, "alpha")->shared);
	assert_int_equal(backend_of(machine, "beta")->page_bytes, sysconf(_SC_PAGESIZE));
	check_against_proc(machine);

	execute(machine, "object-add",
		"{\"qom-type\": \"memory-backend-ram\", \"id\": \"extra\", \"size\": 268435456}");
	introspect(machine);
	assert_int_equal(machine->guest->backend_count, 2); /* an object alone is no memory of the guest */
	execute(machine, "device_add",
		"{\"driver\": \"pc-dimm\", \"id\": \"d0\", \"memdev\": \"extra\", \"node\": 1}");
	introspect(machine);
	assert_true(backend_of(machine, "extra")->dimm);
	assert_int_equal(backend_of(machine, "extra")->cell, 1);
	assert_int_equal(machine->guest->cells[1].memory_bytes, 2 * HN_GIB + 256 * HN_MIB);
	check_against_proc(machine);
}

static void no_numa_above_four_gib(struct machine *machine)
{
	assert_int_equal(machine->guest->cell_count, 1);
	assert_string_equal(machine->guest->name, "live");
	assert_string_equal(machine->guest->uuid, "");
	assert_int_equal(hn_guest_vcpu_count(machine->guest), 2);
	assert_int_equal(machine->guest->backend_count, 1);
	assert_int_equal(machine->guest->backends[0].bytes, 6 * HN_GIB);
	assert_int_equal(machine->guest->thread_count, 3);
	assert_int_equal(machine->guest->threads[2].kind, HN_THREAD_IOTHREAD);
	assert_string_equal(machine->guest->threads[2].name, "io1");
	check_against_proc(machine);
}

static void run_machine(const char *arguments, void (*check)(struct machine *))
{
	struct machine machine;
	bool ready;

	machine_start(&machine, arguments);
	ready = run_until(machine.base, &machine.ready, 8000);
	if (ready) {
		introspect(&machine);
		check(&machine);
	}
	machine_stop(&machine);
	assert_true(ready);
}

static void two_cells(void **state)
{
	run_machine(
		"-name web1 -uuid 3d2b5c1e-6f0a-4a59-9f3c-0c1d2e3f4a5b -m 5G,slots=2,maxmem=8G -smp 4 "
		"-object memory-backend-memfd,id=alpha,size=2G -object memory-backend-ram,id=beta,size=3G "
		"-numa node,nodeid=0,cpus=0-1,memdev=beta -numa node,nodeid=1,cpus=2-3,memdev=alpha",
		two_cells_and_a_dimm_later);
}

static void without_numa(void **state)
{
	run_machine("-m 6G -smp 2 -object iothread,id=io1", no_numa_above_four_gib);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_cells),
		cmocka_unit_test(without_numa),
	};

	if (system("qemu-system-x86_64 --version >/dev/null 2>&1") != 0) {
		puts("no qemu-system-x86_64 that runs here");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
