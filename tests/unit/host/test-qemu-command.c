/* QEMU's command lines, as QEMU and libvirt write them. */
#include "host/qemu-command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

/* Arguments end in NUL; a string literal's own NUL is the last one's. */
#define COMMAND(text) (&(struct hn_command){text, sizeof(text)})

static void options_are_read_as_qemu_does(void **state)
{
	static const struct {
		const char *options, *implied, *key, *value;
	} cases[] = {
		{"guest=a,debug-threads=on", "guest", "guest", "a"},
		{"a,debug-threads=on", "guest", "guest", "a"},
		{"a,,b,debug-threads=on", "guest", "guest", "a,b"},
		{"debug-threads=on,guest=x=y", "guest", "guest", "x=y"},
		{"guest=a,guest=b", "guest", "guest", "b"},
		{"guest=", "guest", "guest", ""},
		{"unix:/a,server,wait=off", NULL, "server", ""},
		{"unix:/a,server=on", NULL, "server", "on"},
		{"process=a", "guest", "guest", NULL},
		{"guest2=a", "guest", "guest", NULL},
		{"socket,path=/a,,b", "backend", "path", "/a,b"},
	};

	for (size_t i = 0; i < HN_COUNT(cases); i++) {
		char value[64] = "?";
		bool found = hn_qemu_option(cases[i].options, cases[i].implied, cases[i].key, value,
					    sizeof(value));

		assert_int_equal(found, cases[i].value != NULL);
		if (found)
			assert_string_equal(value, cases[i].value);
	}
}

static void values_are_cut_to_their_room(void **state)
{
	char value[8];

	memset(value, 'x', sizeof(value));
	assert_true(hn_qemu_option("guest=0123456789", NULL, "guest", value, 5));
	assert_string_equal(value, "0123");
	assert_int_equal(value[5], 'x');
}

static void guests_are_told_from_questions(void **state)
{
	assert_true(hn_qemu_runs_guest(COMMAND("qemu-system-x86_64\0-name\0a")));
	assert_true(hn_qemu_runs_guest(COMMAND("qemu-kvm\0--uuid\0e")));
	assert_true(hn_qemu_runs_guest(COMMAND("qemu-kvm\0-M\0q35")));
	assert_true(hn_qemu_runs_guest(COMMAND("qemu-kvm\0-machine\0accel=kvm,type=pc")));
	assert_false(hn_qemu_runs_guest(COMMAND("qemu-kvm\0-S\0-machine\0none,accel=kvm\0-name\0a")));
	assert_false(hn_qemu_runs_guest(COMMAND("qemu-kvm\0-machine\0accel=kvm,type=none")));
	assert_false(hn_qemu_runs_guest(COMMAND("qemu-system-x86_64\0--version")));
	assert_false(hn_qemu_runs_guest(COMMAND("qemu-system-x86_64")));
	assert_true(hn_qemu_runs_guest(COMMAND("qemu-kvm\0-machine"))); /* cut short */
}

static void names_and_monitors_are_read(void **state)
{
	char monitors[HN_QEMU_SOCKETS_MAX][HN_QEMU_SOCKET_MAX] = {0};
	struct hn_qemu_process process = {0};

	hn_qemu_command_read(
		COMMAND("qemu-system-x86_64\0-name\0guest=E-one.guest,debug-threads=on\0-S\0-uuid\0"
			"E0000000-1111-4222-8333-444444444444\0-chardev\0"
			"socket,id=charmonitor,fd=30,server=on,wait=off\0-mon\0"
			"chardev=charmonitor,id=monitor,mode=control\0-mon\0chardev=second,mode=control\0"
			"-mon\0chardev=human\0-chardev\0socket,path=/run/human,id=human,server=on\0"
			"-chardev\0socket,id=second,path=/run/a,,b.qmp,server=on,wait=off\0-qmp\0"
			"unix:/run/homenode/qmp/x.qmp,server,nowait\0-qmp\0tcp:localhost:4444,server=on\0"
			"-qmp\0unix:/client\0-qmp\0unix:relative,server=on\0-qmp-pretty\0"
			"unix:/run/homenode/qmp/x.qmp,server=on"),
		&process, monitors);
	assert_string_equal(process.name, "E-one.guest");
	assert_string_equal(process.uuid, "e0000000-1111-4222-8333-444444444444");
	assert_string_equal(monitors[0], "/run/a,b.qmp");
	assert_string_equal(monitors[1], "/run/homenode/qmp/x.qmp");
	assert_string_equal(monitors[2], "");
}

static void more_monitors_than_room_are_left_out(void **state)
{
	char monitors[HN_QEMU_SOCKETS_MAX][HN_QEMU_SOCKET_MAX] = {0};
	struct hn_qemu_process process = {0};

	hn_qemu_command_read(
		COMMAND("qemu\0-qmp\0unix:/1,server\0-qmp\0unix:/2,server\0-qmp\0unix:/3,server\0-qmp\0"
			"unix:/4,server\0-qmp\0unix:/5,server\0-uuid\0AB"),
		&process, monitors);
	assert_string_equal(monitors[HN_QEMU_SOCKETS_MAX - 1], "/4");
	assert_string_equal(process.uuid, "ab");
}

/* Whoever calls itself a QEMU is read: a monitor in each second argument may not make it any dearer. */
static void a_flood_of_monitors_is_read_once(void **state)
{
	static const char start[] =
		"qemu\0-chardev\0socket,id=a,path=/a,server=on\0-mon\0chardev=a,mode=control",
			  flood[] = "-mon\0chardev=b,mode=control";
	const size_t count = 1 << 20, length = sizeof(start) + count * sizeof(flood);
	char monitors[HN_QEMU_SOCKETS_MAX][HN_QEMU_SOCKET_MAX] = {0};
	struct hn_qemu_process process = {0};
	char *text = malloc(length + 1);

	assert_non_null(text);
	memcpy(text, start, sizeof(start));
	for (size_t i = 0; i < count; i++)
		memcpy(text + sizeof(start) + i * sizeof(flood), flood, sizeof(flood));
	text[length] = '\0';
	hn_qemu_command_read(&(struct hn_command){text, length}, &process, monitors);
	assert_string_equal(monitors[0], "/a");
	assert_string_equal(monitors[1], "");
	free(text);
}

static void on_path(const char *path, void *context)
{
	strcat(context, path);
	strcat(context, " ");
}

static void sockets_it_connects_to_are_told(void **state)
{
	char found[256] = "";

	hn_qemu_command_backends(
		COMMAND("qemu\0-chardev\0socket,id=chr-vu-fs0,path=/var/lib/fs0.sock\0-chardev\0"
			"socket,id=charmonitor,path=/run/mon,server=on\0-chardev\0pty,id=s,path=/"
			"no\0-device\0"
			"socket,path=/no\0-chardev\0socket,id=chrtpm,path=/run/swtpm.sock\0-chardev"),
		on_path, found);
	assert_string_equal(found, "/var/lib/fs0.sock /run/swtpm.sock ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_read_as_qemu_does),
		cmocka_unit_test(values_are_cut_to_their_room),
		cmocka_unit_test(guests_are_told_from_questions),
		cmocka_unit_test(names_and_monitors_are_read),
		cmocka_unit_test(more_monitors_than_room_are_left_out),
		cmocka_unit_test(a_flood_of_monitors_is_read_once),
		cmocka_unit_test(sockets_it_connects_to_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
