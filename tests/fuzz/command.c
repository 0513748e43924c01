/*
 * A QEMU's command line and a line of /proc/PID/stat, both as text. Arguments are lines of the input. Of the
 * line of stat the numbers must be those that are written there.
 */
#include <inttypes.h>

#include "fuzz.h"
#include "host/proc-stat.h"
#include "host/qemu-command.h"

static void on_backend(const char *path, void *context)
{
	fuzz_require(path[0] != '\0');
	++*(size_t *)context;
}

static void check_option(const char *argument)
{
	char value[16], whole[4096];

	if (!hn_qemu_option(argument, "guest", "guest", whole, sizeof(whole)))
		return;
	fuzz_require(strlen(whole) <= strlen(argument));
	fuzz_require(hn_qemu_option(argument, "guest", "guest", value, sizeof(value)));
	fuzz_require(strncmp(value, whole, sizeof(value) - 1) == 0);
}

static void check_command(const char *text, size_t length)
{
	const struct hn_command command = {text, length};
	char monitors[HN_QEMU_SOCKETS_MAX][HN_QEMU_SOCKET_MAX] = {""};
	struct hn_qemu_process process = {0};
	size_t backends = 0, arguments = 0;

	for (const char *at = NULL; (at = hn_command_next(&command, at)); arguments++) {
		fuzz_require(at >= text && at < text + length);
		check_option(at);
	}
	(void)hn_qemu_runs_guest(&command);
	hn_qemu_command_read(&command, &process, monitors);
	fuzz_require(memchr(process.name, '\0', sizeof(process.name)));
	fuzz_require(memchr(process.uuid, '\0', sizeof(process.uuid)));
	for (size_t i = 0; i < HN_QEMU_SOCKETS_MAX; i++) {
		fuzz_require(memchr(monitors[i], '\0', sizeof(monitors[i])));
		fuzz_require(!monitors[i][0] || monitors[i][0] == '/');
	}
	hn_qemu_command_backends(&command, on_backend, &backends);
	fuzz_require(backends <= arguments);
}

static void check_stat(const char *text)
{
	struct hn_proc_stat stat = {0}, again;
	char line[HN_PROC_STAT_MAX + 256];

	if (hn_proc_stat_parse(text, &stat) < 0)
		return;
	fuzz_require(memchr(stat.name, '\0', sizeof(stat.name)));
	snprintf(line, sizeof(line),
		 "7 (%s) %c 1 7 7 0 -1 %u 0 0 0 0 %" PRIu64 " 0 0 0 20 0 1 0 %" PRIu64
		 " 1 1 18446744073709551615 1 1 1 0 0 0 0 0 0 0 0 0 17 %d 0 %d 0 0 0 0 0 0 0 0 0 0 0\n",
		 stat.name, stat.state, stat.kernel_thread ? 0x200000u : 0, stat.cpu_ticks, stat.start_ticks,
		 stat.last_cpu < 0 ? 0 : stat.last_cpu, stat.scheduling_policy);
	fuzz_require(hn_proc_stat_parse(line, &again) == 0);
	fuzz_require(strcmp(stat.name, again.name) == 0 && stat.state == again.state);
	fuzz_require(stat.cpu_ticks == again.cpu_ticks && stat.start_ticks == again.start_ticks);
	fuzz_require(stat.kernel_thread == again.kernel_thread);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HN_AUTO(memory) char *text = fuzz_text(data, size);

	check_stat(text);
	for (size_t i = 0; i < size; i++)
		if (text[i] == '\n')
			text[i] = '\0';
	check_command(text, size);
	return 0;
}
