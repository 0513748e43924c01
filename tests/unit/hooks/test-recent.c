/* The file of recent answers: what is in it counts, nonsense does not, and it stays small. */
#include "hooks/recent.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "hooks/deadline.h"
#include "hooks/pick.h"
#include "tests/unit/host/tree.h"

#define GIB_KIB (1024 * 1024)
#define FILE_NAME "run/homenode-numad"

static struct recent recent;

static void parse(const char *text, int64_t now_ms)
{
	memset(&recent, 0, sizeof(recent));
	recent_parse(text, strlen(text), now_ms, &recent);
}

static void lines_of_the_last_seconds_count(void **state)
{
	parse("100000 4 512 0\n100001 2 0 1-2,7\n", 100001 + RECENT_MS - 1);
	assert_int_equal(recent.count, 2);
	assert_false(recent.untidy);
	assert_int_equal(recent.answers[0].vcpus, 4);
	assert_true(recent.answers[0].mib == 512);
	assert_int_equal(node_set_count(&recent.answers[1].nodes), 3);
	parse("100000 4 512 0\n100001 2 0 1-2,7\n", 100001 + RECENT_MS);
	assert_int_equal(recent.count, 1);
	assert_true(recent.untidy);
	assert_int_equal(recent.answers[0].vcpus, 2);
	parse("100000 4 512 0\n", 99999); /* of the future: the clock of another boot */
	assert_int_equal(recent.count, 0);
}

static void nonsense_is_passed_over(void **state)
{
	parse("\n\nx\n100 4 512\n100 4 512 0 0\n100 4 512 0-\n100 4 512 1024\n-5 4 512 0\n100 4 5 1\n100 4 "
	      "51",
	      100);
	assert_int_equal(recent.count, 1);
	assert_true(recent.untidy);
	assert_int_equal(node_set_next(&recent.answers[0].nodes, 0), 1);
	memset(&recent, 0, sizeof(recent));
	recent_parse("100 4 5 1\0\n", 11, 100, &recent);
	assert_int_equal(recent.count, 0);
}

static void the_newest_are_kept_when_there_are_too_many(void **state)
{
	static char text[16384];
	size_t length = 0;

	for (int i = 0; i < RECENT_MAX + 10; i++)
		length += (size_t)sprintf(text + length, "%d 1 1 0\n", i);
	parse(text, 1000);
	assert_int_equal(recent.count, RECENT_MAX);
	assert_int_equal(recent.answers[0].at_ms, 10);
	assert_int_equal(recent.answers[RECENT_MAX - 1].at_ms, RECENT_MAX + 9);
	assert_true(recent.untidy);
}

static void host_init(struct numa_host *host)
{
	memset(host, 0, sizeof(*host));
	for (unsigned i = 0; i < 4; i++)
		host->nodes[i] = (struct numa_node){
			.id = i, .cpus = 16, .total_kib = 64 * GIB_KIB, .room_kib = 64 * GIB_KIB};
	host->count = 4;
}

static void answers_take_room_and_cpus(void **state)
{
	static struct numa_host host;

	host_init(&host);
	parse("100 4 16384 0\n100 5 8192 0-1\n100 1 999999999 2\n100 1 18446744073709551615 3,200\n", 100);
	recent_apply(&recent, &host);
	assert_true(host.nodes[0].room_kib == (64 - 16 - 4) * GIB_KIB);
	assert_int_equal(host.nodes[0].promised_vcpus, 4 + 3);
	assert_true(host.nodes[1].room_kib == (64 - 4) * GIB_KIB);
	assert_int_equal(host.nodes[1].promised_vcpus, 3);
	assert_true(host.nodes[2].room_kib == 0);
	assert_true(host.nodes[3].room_kib == 0);
}

static void add(const char *root, int64_t at_ms, const char *nodes)
{
	struct recent_answer answer = {.at_ms = at_ms, .vcpus = 2, .mib = 1024};

	assert_true(node_set_parse(nodes, strlen(nodes), &answer.nodes));
	recent_open(root, at_ms, deadline_in_ms(5000), &recent);
	recent_add(&recent, &answer);
	recent_close(&recent);
}

static void check_file(const struct tree *tree, const char *expected)
{
	char text[4096];

	assert_true(file_read(text, sizeof(text), tree->root, FILE_NAME) >= 0);
	assert_string_equal(text, expected);
}

static void the_file_is_kept_tidy(void **state)
{
	struct tree tree;

	tree_init(&tree);
	add(tree.root, 100, "0"); /* no folder run/: no file, no trouble */
	assert_int_equal(recent.count, 0);
	tree_write(&tree, "run/other", "-\n");
	add(tree.root, 100, "0");
	add(tree.root, 20000, "1-2");
	check_file(&tree, "100 2 1024 0\n20000 2 1024 1-2\n");
	add(tree.root, 40000, "3");
	check_file(&tree, "20000 2 1024 1-2\n40000 2 1024 3\n");
	tree_write(&tree, FILE_NAME, "%065536d", 0);
	add(tree.root, 40000, "3");
	check_file(&tree, "40000 2 1024 3\n");
	tree_done(&tree);
}

static void who_holds_the_lock_keeps_nobody(void **state)
{
	char path[128];
	struct tree tree;
	int fd;

	tree_init(&tree);
	tree_write(&tree, FILE_NAME, "1 2 3 0\nnonsense\n");
	snprintf(path, sizeof(path), "%s/%s", tree.root, FILE_NAME);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	recent_open(tree.root, 10, deadline_in_ms(20), &recent);
	assert_false(recent.locked);
	assert_int_equal(recent.count, 1);
	recent_add(&recent, &(struct recent_answer){.at_ms = 10, .vcpus = 1, .mib = 1, .nodes = {{1}}});
	recent_close(&recent);
	check_file(&tree,
		   "1 2 3 0\nnonsense\n10 1 1 0\n"); /* nothing of others' is rewritten without the lock */
	close(fd);
	tree_done(&tree);
}

static void what_is_no_file_is_no_trouble(void **state)
{
	char path[128], secret[128];
	struct tree tree;

	tree_init(&tree);
	tree_write(&tree, "secret", "keep\n");
	tree_write(&tree, "run/x", "-\n");
	snprintf(path, sizeof(path), "%s/%s", tree.root, FILE_NAME);
	snprintf(secret, sizeof(secret), "%s/secret", tree.root);
	assert_int_equal(symlink(secret, path), 0);
	add(tree.root, 100, "0");
	assert_true(file_read(path, sizeof(path), tree.root, "secret") == 5);
	tree_remove(&tree, FILE_NAME);
	snprintf(path, sizeof(path), "%s/%s", tree.root, FILE_NAME);
	assert_int_equal(mkfifo(path, 0600), 0);
	add(tree.root, 100, "0");
	assert_int_equal(recent.count, 0);
	tree_done(&tree);
}

/* 32 processes at once, four equal nodes: eight guests each, as locks and picks go together. */
static void concurrent_answers_are_spread(void **state)
{
	static struct numa_host host;
	struct tree tree;
	unsigned guests[4] = {0};

	tree_init(&tree);
	tree_write(&tree, "run/other", "-\n");
	for (int i = 0; i < 32; i++) {
		if (fork() == 0) {
			struct recent_answer answer = {.at_ms = 100, .vcpus = 2, .mib = 1024};

			host_init(&host);
			recent_open(tree.root, 100, deadline_in_ms(20000), &recent);
			recent_apply(&recent, &host);
			answer.nodes = pick_nodes(&host, 2, 1024);
			recent_add(&recent, &answer);
			recent_close(&recent);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	recent_open(tree.root, 100, deadline_in_ms(5000), &recent);
	assert_int_equal(recent.count, 32);
	for (size_t i = 0; i < recent.count; i++) {
		assert_int_equal(node_set_count(&recent.answers[i].nodes), 1);
		guests[node_set_next(&recent.answers[i].nodes, 0)]++;
	}
	recent_close(&recent);
	for (int i = 0; i < 4; i++)
		assert_int_equal(guests[i], 8);
	tree_done(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_the_last_seconds_count),
		cmocka_unit_test(nonsense_is_passed_over),
		cmocka_unit_test(the_newest_are_kept_when_there_are_too_many),
		cmocka_unit_test(answers_take_room_and_cpus),
		cmocka_unit_test(the_file_is_kept_tidy),
		cmocka_unit_test(who_holds_the_lock_keeps_nobody),
		cmocka_unit_test(what_is_no_file_is_no_trouble),
		cmocka_unit_test(concurrent_answers_are_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
