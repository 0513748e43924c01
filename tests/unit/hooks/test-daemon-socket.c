/* Where homenoded listens, from the environment, a configuration, or nowhere. */
#include "hooks/daemon-socket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/unit/host/tree.h"

static void check_config(const char *text, const char *expected)
{
	char path[128], buffer[108];
	struct tree tree;

	tree_init(&tree);
	tree_write(&tree, "homenode.conf", "%s", text);
	snprintf(path, sizeof(path), "%s/homenode.conf", tree.root);
	assert_string_equal(daemon_socket_find(path, buffer, sizeof(buffer)), expected);
	tree_done(&tree);
}

static void the_configuration_counts(void **state)
{
	check_config("[homenoded]\nsocket = /run/a.sock\n", "/run/a.sock");
	check_config("# x\n[guests]\nsocket = /no\n[homenoded]\r\n  socket=/run/b b.sock \r\n[moves]\nsocket "
		     "= /no\n",
		     "/run/b b.sock");
	check_config("[homenoded]\nsocket = /run/a.sock ; ours\nsocket : /run/c;d.sock", "/run/c;d.sock");
	check_config("[homenoded]\nnonsense\n\n= \n[unclosed\n[homenoded]\nsocket = /run/a.sock",
		     "/run/a.sock");
}

static void what_says_nothing_leaves_the_default(void **state)
{
	char long_path[300];

	check_config("", DAEMON_SOCKET_DEFAULT);
	check_config("[homenoded]\nsocket =\n#socket = /no\n;socket = /no\nsockets = /no\n",
		     DAEMON_SOCKET_DEFAULT);
	check_config("socket = /no\n", DAEMON_SOCKET_DEFAULT);
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	memcpy(long_path, "[homenoded]\nsocket=/", 20);
	check_config(long_path, DAEMON_SOCKET_DEFAULT);
}

static void no_configuration_is_no_trouble(void **state)
{
	char path[128], buffer[108];
	struct tree tree;

	tree_init(&tree);
	snprintf(path, sizeof(path), "%s/fifo", tree.root);
	assert_string_equal(daemon_socket_find(path, buffer, sizeof(buffer)), DAEMON_SOCKET_DEFAULT);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_string_equal(daemon_socket_find(path, buffer, sizeof(buffer)), DAEMON_SOCKET_DEFAULT);
	assert_string_equal(daemon_socket_find(tree.root, buffer, sizeof(buffer)), DAEMON_SOCKET_DEFAULT);
	tree_done(&tree);
}

static void the_environment_comes_first(void **state)
{
	setenv("HOMENODE_SOCKET", "/run/of-a-test.sock", 1);
	check_config("[homenoded]\nsocket = /run/a.sock\n", "/run/of-a-test.sock");
	setenv("HOMENODE_SOCKET", "", 1);
	check_config("[homenoded]\nsocket = /run/a.sock\n", "/run/a.sock");
	unsetenv("HOMENODE_SOCKET");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_configuration_counts),
		cmocka_unit_test(what_says_nothing_leaves_the_default),
		cmocka_unit_test(no_configuration_is_no_trouble),
		cmocka_unit_test(the_environment_comes_first),
	};

	unsetenv("HOMENODE_SOCKET");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
