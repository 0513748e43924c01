/*
 * XML made to hurt: refused with a sentence (or taken, where it is only strange), within a bounded amount of
 * memory and time. Each runs in a process of its own with a limit on both.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/child.h"
#include "xml/domain-read.h"
#include "xml/domain-wishes.h"
#include "xml/domain-write.h"

#define MEMORY_MIB 400 /* at most, what the text takes left out; several times that under a sanitizer */
#define SECONDS 20

#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

static char *text;
static size_t length, room;

static void say_times(const char *part, size_t times)
{
	size_t more = strlen(part), needed = length + more * times + 1;

	if (needed > room) {
		room = 2 * needed;
		text = realloc(text, room);
		assert_non_null(text);
	}
	for (size_t i = 0; i < times; i++, length += more)
		memcpy(text + length, part, more);
	text[length] = '\0';
}

static void say(const char *part)
{
	say_times(part, 1);
}

static long peak_mib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss / 1024;
}

/* What each reader says of the text; the sentence of the first that refuses goes to out. */
static void read_all_ways(FILE *out)
{
	struct hn_error err = {0};
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
	struct hn_domain_wishes wishes;
	long before = peak_mib();

	if (hn_domain_wishes_read(text, length, &wishes, &err) == 0)
		hn_domain_wishes_done(&wishes);
	if (!err.code)
		(void)hn_domain_read(text, length, &guest, &err);
	fprintf(out, "%ld %s", peak_mib() - before, err.code ? err.message : "taken");
	fflush(out);
}

/* Refused with that in the sentence, or "taken"; the text is then forgotten. */
static void assert_answer(void (*answer)(FILE *out), const char *expected)
{
	char said[600] = "", *rest;
	int ends[2], status;
	long mib;
	pid_t child;
	ssize_t got;

	assert_int_equal(pipe(ends), 0);
	child = child_fork();
	assert_true(child >= 0);
	if (child == 0) {
		alarm(SECONDS * (IS_SANITIZED ? 5 : 1));
		answer(fdopen(ends[1], "w"));
		_exit(0);
	}
	close(ends[1]);
	got = read(ends[0], said, sizeof(said) - 1);
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || got <= 0)
		fail_msg("it ended with status %#x for '%s'", (unsigned)status, expected);
	mib = strtol(said, &rest, 10);
	if (!strstr(rest, expected))
		fail_msg("'%s' is not in '%s'", expected, rest);
	if (mib > MEMORY_MIB * (IS_SANITIZED ? 5 : 1))
		fail_msg("%ld MiB for '%s'", mib, expected);
	if (getenv("HOMENODE_TEST_TELL"))
		print_message("%ld MiB: %s\n", mib, expected);
	free(text);
	text = NULL;
	length = room = 0;
}

static void assert_said(const char *expected)
{
	assert_answer(read_all_ways, expected);
}

#define HEAD "<domain type='kvm'><name>g</name><memory>1024</memory>"

static void entities_are_not_expanded(void **state)
{
	say("<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'>");
	for (char c = 'b'; c < 'k'; c++) {
		char entity[100];

		snprintf(entity, sizeof(entity), "<!ENTITY %c '&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;'>", c,
			 c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1);
		say(entity);
	}
	say("]><domain type='kvm'><name>&j;</name></domain>");
	assert_said("a DOCTYPE is not accepted");
	say("<!DOCTYPE d SYSTEM 'file:///dev/zero'>" HEAD "</domain>");
	assert_said("a DOCTYPE is not accepted");
	say("<!DOCTYPE d [<!ENTITY f SYSTEM 'file:///etc/passwd'>]><domain "
	    "type='kvm'><name>&f;</name></domain>");
	assert_said("a DOCTYPE is not accepted");
	say(HEAD "<title>&nothing;</title></domain>");
	assert_said("this is not XML");
}

static void a_large_one_is_not_even_parsed(void **state)
{
	say(HEAD "<description>");
	say_times("0123456789", 10 << 20);
	say("</description></domain>");
	assert_said("is longer than");
}

static void as_large_as_may_be_is_bounded(void **state)
{
	say(HEAD);
	say_times("<a/>", (HN_DOMAIN_BYTES_MAX - 200) / 4);
	say("</domain>");
	assert_said("taken");
	say(HEAD "<description>");
	say_times("0123456789", (HN_DOMAIN_BYTES_MAX - 200) / 10);
	say("</description></domain>");
	assert_said("taken");
	say(HEAD "<description a='");
	say_times("0123456789", (HN_DOMAIN_BYTES_MAX - 200) / 10);
	say("'/></domain>");
	assert_said("taken");
	say(HEAD "<vcpu cpuset='");
	say_times("1,", (HN_DOMAIN_BYTES_MAX - 200) / 2);
	say("1'>1</vcpu></domain>");
	assert_said("cpuset '1,1,1");
}

static void other_encodings_are_refused(void **state)
{
	static const char utf16[] = "\xff\xfe<\0d\0/\0>\0";

	say("<?xml version='1.0' encoding='UTF-7'?>" HEAD "</domain>");
	assert_said("encoding");
	say("<?xml version='1.0' encoding='Shift_JIS'?>" HEAD "</domain>");
	assert_said("encoding 'Shift_JIS' is not accepted: write it in UTF-8");
	say("<?xml version='1.0' encoding='UTF-16'?>" HEAD "</domain>");
	assert_said("this is not XML: Document labelled UTF-16");
	say("<domain type='kvm'><name>\xff\xfe</name></domain>");
	assert_said("this is not XML");
	say("\xfe\xff");
	assert_said("UTF-16");
	text = malloc(sizeof(utf16));
	memcpy(text, utf16, sizeof(utf16));
	length = sizeof(utf16) - 1;
	assert_said("byte 4 is NUL");
	say(HEAD "</domain>");
	length++; /* its own NUL */
	assert_said("is NUL");
	say("<?xml version='1.0' encoding='ISO-8859-1'?><domain "
	    "type='kvm'><name>caf\xe9</name><memory>1024</memory></domain>");
	assert_said("taken");
}

static void what_is_missing_is_said(void **state)
{
	say("<domain type='kvm'><memory>1</memory></domain>");
	assert_said("<name> is missing");
	say("<domain><name>g</name></domain>");
	assert_said("type is missing");
	say("");
	assert_said("this is not XML");
	say("<domain type='kvm'><name>g</name><memory>1</memory></domain><domain/>");
	assert_said("this is not XML");
}

static void many_cells_are_refused(void **state)
{
	say(HEAD "<cpu><numa>");
	for (int i = 0; i < 10000; i++) {
		char cell[60];

		snprintf(cell, sizeof(cell), "<cell id='%d' memory='1'/>", i);
		say(cell);
	}
	say("</numa></cpu></domain>");
	assert_said("id '2048' is no number from 0 to 2047");
	say(HEAD "<cpu><numa>");
	say_times("<cell memory='1'/>", 200000);
	say("</numa></cpu></domain>");
	assert_said("more than 2048 cells");
}

static void many_of_anything_else_are_bounded(void **state)
{
	say(HEAD "<cputune>");
	say_times("<vcpupin vcpu='0' cpuset='0'/>", 100000);
	say("</cputune></domain>");
	assert_said("pinned twice");
	say(HEAD "<vcpu>4294967295</vcpu></domain>");
	assert_said("no number from 1 to 2048");
	say(HEAD "<iothreads>4294967295</iothreads></domain>");
	assert_said("no number from 0 to 2048");
	say(HEAD "<metadata>");
	say_times("<h:guest xmlns:h='" HN_DOMAIN_NAMESPACE "' mode='off'/>", 400);
	say("</metadata></domain>");
	assert_said("is there twice");
}

/* Writes the text as it is, its only cell on the only node. */
static void write_one_node(FILE *out)
{
	HN_AUTO(hn_host) struct hn_host *host = hn_host_new("h", 1, 1);
	HN_AUTO(hn_guest) struct hn_guest *guest = NULL;
	HN_AUTO(hn_placement) struct hn_placement *home = hn_placement_new(1, 1);
	struct hn_error err = {0};
	long before = peak_mib();
	char *written = NULL;
	size_t vcpus;

	host->cpus[0].node = 0;
	hn_set_add(&host->nodes[0].cpus, 0);
	if (hn_domain_read(text, length, &guest, &err) == 0) {
		vcpus = (size_t)hn_guest_vcpu_count(guest);
		home->cells[0].nodes = home->other_cpus = hn_set_of(0);
		if (hn_placement_set_vcpus(home, vcpus) < 0)
			_exit(4);
		for (size_t i = 0; i < vcpus; i++)
			home->vcpus[i] = (struct hn_vcpu_home){(int)i, hn_set_of(0)};
		(void)hn_domain_write(text, length, guest, host, home, HN_DOMAIN_ALL, &written, NULL, &err);
	}
	fprintf(out, "%ld %s", peak_mib() - before, written ? "written" : err.message);
	fflush(out);
	free(written);
}

static void writing_is_bounded(void **state)
{
	say(HEAD "<vcpu>2048</vcpu><cputune>");
	say_times("<shares>1</shares>", 65000);
	say("</cputune></domain>");
	assert_answer(write_one_node, "written");
	say(HEAD);
	say_times("<a/>", 70000);
	say("</domain>");
	assert_answer(write_one_node, "more than 65536 elements within are not handled");
}

static void say_attributes(const char *prefix, int times)
{
	for (int i = 0; i < times; i++) {
		char attribute[60];

		snprintf(attribute, sizeof(attribute), "%s%d='u' ", prefix, i);
		say(attribute);
	}
}

/* The time a parser takes for them grows with their square. */
static void many_attributes_are_refused(void **state)
{
	say(HEAD "\n<vcpu ");
	say_attributes("a", 250);
	say(">1</vcpu></domain>");
	assert_said("taken");
	say(HEAD "\n<vcpu ");
	say_attributes("a", 300000);
	say(">1</vcpu></domain>");
	assert_said("line 2: an element has more than 256 attributes");
	say(HEAD "\n<!-- a -- b --><vcpu ");
	say_attributes("a", 300000);
	assert_said("line 2: ");
	say(HEAD "\n<!-- a -- b <vcpu "); /* a comment for one reader, and perhaps not for another */
	say_attributes("a", 300000);
	say("/> -->");
	assert_said("line 2: this is not XML");
	say(HEAD);
	for (int depth = 0; depth < 200; depth++) {
		char prefix[] = {
			'x', 'm', 'l', 'n', 's', ':', (char)('a' + depth / 26), (char)('a' + depth % 26),
			'\0'};

		say("<a ");
		say_attributes(prefix, 250);
		say(">");
	}
	say_times("<aa0:b/>", 200000);
	say_times("</a>", 200);
	say("</domain>");
	assert_said("more than 500 namespaces");
}

static void deep_nesting_is_refused(void **state)
{
	say(HEAD);
	say_times("<a>", 100000);
	say_times("</a>", 100000);
	say("</domain>");
	assert_said("this is not XML: Excessive depth");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entities_are_not_expanded),
		cmocka_unit_test(a_large_one_is_not_even_parsed),
		cmocka_unit_test(as_large_as_may_be_is_bounded),
		cmocka_unit_test(other_encodings_are_refused),
		cmocka_unit_test(what_is_missing_is_said),
		cmocka_unit_test(many_cells_are_refused),
		cmocka_unit_test(many_of_anything_else_are_bounded),
		cmocka_unit_test(writing_is_bounded),
		cmocka_unit_test(many_attributes_are_refused),
		cmocka_unit_test(deep_nesting_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
