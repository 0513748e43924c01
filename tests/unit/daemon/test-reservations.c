/* Reservations: found, replaced, expired, and read again by the next daemon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/units.h"
#include "daemon/reservations.h"

struct fixture {
	char folder[64], path[96];
	struct hn_reservations reservations;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	strcpy(fixture->folder, "/tmp/homenode-test-XXXXXX");
	if (!mkdtemp(fixture->folder))
		return -1;
	snprintf(fixture->path, sizeof(fixture->path), "%s/reservations.json", fixture->folder);
	hn_log_set_level(HN_LOG_ERROR);
	*state = fixture;
	return hn_reservations_init(&fixture->reservations, fixture->path, NULL);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	char command[128];

	hn_reservations_done(&fixture->reservations);
	snprintf(command, sizeof(command), "rm -rf %s", fixture->folder);
	free(fixture);
	return system(command);
}

/* A guest of one cell on node index 1 of two. */
static struct hn_reservation *make(const char *name, const char *uuid)
{
	struct hn_guest *guest = hn_guest_new(name);
	struct hn_placement *home = hn_placement_new(2, 1);
	struct hn_cell *cell = hn_guest_add_cell(guest, 0);
	struct hn_reservation *reservation;

	snprintf(guest->uuid, sizeof(guest->uuid), "%s", uuid);
	cell->memory_bytes = HN_MIB;
	hn_set_add(&cell->vcpus, 0);
	hn_set_add(&home->cells[0].nodes, 1);
	home->cells[0].bytes[1] = HN_MIB;
	reservation = hn_reservation_new(guest, home);
	assert_non_null(reservation);
	return reservation;
}

static void test_one_of_a_guest_at_most(void **state)
{
	struct fixture *fixture = *state;
	struct hn_reservation *second = make("renamed", "aaaa");

	assert_int_equal(hn_reservations_put(&fixture->reservations, make("web", "aaaa"), NULL), 0);
	assert_int_equal(hn_reservations_put(&fixture->reservations, make("web", "bbbb"), NULL), 0);
	assert_int_equal(hn_reservations_put(&fixture->reservations, second, NULL), 0);
	assert_int_equal(fixture->reservations.count, 2);
	assert_ptr_equal(hn_reservations_find(&fixture->reservations, "aaaa", "web"), second);
	assert_string_equal(hn_reservations_find(&fixture->reservations, "bbbb", "")->guest->name, "web");
	assert_string_equal(hn_reservations_find(&fixture->reservations, "", "renamed")->guest->uuid, "aaaa");
	assert_null(hn_reservations_find(&fixture->reservations, "cccc", "web"));
	hn_reservations_drop(&fixture->reservations, second);
	assert_int_equal(fixture->reservations.count, 1);
	assert_null(hn_reservations_find(&fixture->reservations, "aaaa", ""));
}

static void test_the_next_daemon_reads_them(void **state)
{
	struct fixture *fixture = *state;
	struct hn_reservation *reservation = make("web", "aaaa");
	struct hn_reservations next;

	reservation->state = HN_RESERVATION_STARTED;
	reservation->since_ns = 5;
	reservation->expires_ns = 9;
	reservation->asks_numad = reservation->answered = reservation->pinned = true;
	reservation->rewritten = reservation->inherited = reservation->promised = true;
	reservation->numad_vcpus = 3;
	reservation->numad_mib = 1;
	assert_int_equal(hn_reservations_put(&fixture->reservations, reservation, NULL), 0);
	assert_int_equal(hn_reservations_init(&next, fixture->path, NULL), 0);
	assert_int_equal(next.count, 1);
	reservation = hn_reservations_find(&next, "aaaa", "");
	assert_non_null(reservation);
	assert_int_equal(reservation->state, HN_RESERVATION_STARTED);
	assert_int_equal(reservation->since_ns, 5);
	assert_int_equal(reservation->expires_ns, 9);
	assert_true(reservation->asks_numad && reservation->answered && reservation->pinned);
	assert_true(reservation->rewritten && reservation->inherited && reservation->promised);
	assert_int_equal(reservation->numad_vcpus, 3);
	assert_int_equal(reservation->numad_mib, 1);
	assert_int_equal(reservation->guest->cells[0].memory_bytes, HN_MIB);
	assert_true(hn_set_has(&reservation->home->cells[0].nodes, 1));
	hn_reservations_done(&next);
}

static void test_what_does_not_start_expires(void **state)
{
	struct fixture *fixture = *state;
	struct hn_reservation *late = make("late", "aaaa"), *runs = make("runs", "bbbb");

	late->expires_ns = 100;
	assert_int_equal(hn_reservations_put(&fixture->reservations, late, NULL), 0);
	assert_int_equal(hn_reservations_put(&fixture->reservations, runs, NULL), 0);
	hn_reservations_expire(&fixture->reservations, 99);
	assert_int_equal(fixture->reservations.count, 2);
	hn_reservations_expire(&fixture->reservations, 100);
	assert_int_equal(fixture->reservations.count, 1);
	assert_ptr_equal(hn_reservations_find(&fixture->reservations, "bbbb", ""), runs);
}

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void test_a_damaged_file_is_set_aside(void **state)
{
	static const char *const damaged[] = {"",
					      "{",
					      "[]",
					      "{\"reservations\": 5}",
					      "{\"reservations\": [{\"state\": \"made\"}]}",
					      "{\"reservations\": [null]}"};
	struct fixture *fixture = *state;
	char aside[128];

	snprintf(aside, sizeof(aside), "%s.bad", fixture->path);
	for (size_t i = 0; i < HN_COUNT(damaged); i++) {
		struct hn_reservations next;
		struct stat status;

		unlink(aside);
		write_text(fixture->path, damaged[i]);
		assert_int_equal(hn_reservations_init(&next, fixture->path, NULL), 0);
		assert_int_equal(next.count, 0);
		assert_int_equal(stat(aside, &status), 0);
		assert_int_equal(stat(fixture->path, &status), -1);
		assert_int_equal(hn_reservations_put(&next, make("web", "aaaa"), NULL), 0);
		assert_int_equal(stat(fixture->path, &status), 0);
		hn_reservations_done(&next);
	}
}

static void test_a_file_that_cannot_be_written_is_said_and_written_later(void **state)
{
	struct fixture *fixture = *state;
	char aside[80];
	struct stat status;

	snprintf(aside, sizeof(aside), "%s-away", fixture->folder);
	assert_int_equal(rename(fixture->folder, aside), 0);
	assert_int_equal(hn_reservations_put(&fixture->reservations, make("web", "aaaa"), NULL), 0);
	assert_true(strstr(fixture->reservations.problem, "cannot write"));
	assert_non_null(hn_reservations_find(&fixture->reservations, "aaaa", ""));
	assert_int_equal(rename(aside, fixture->folder), 0);
	hn_reservations_save(&fixture->reservations, NULL);
	assert_string_equal(fixture->reservations.problem, "");
	assert_int_equal(stat(fixture->path, &status), 0);
}

static void count_due(void *context)
{
	++*(unsigned *)context;
}

/* Between two turns of the loop changes gather; one write puts all of them on file. */
static void test_changes_are_filed_together(void **state)
{
	struct fixture *fixture = *state;
	struct hn_reservations *reservations = &fixture->reservations, next;
	struct hn_reservation *first = make("first", ""), *last = make("last", "");
	unsigned due = 0;

	reservations->due = count_due;
	reservations->context = &due;
	assert_int_equal(hn_reservations_put(reservations, first, NULL), 0);
	assert_int_equal(hn_reservations_put(reservations, make("second", ""), NULL), 0);
	assert_int_equal(hn_reservations_put(reservations, last, NULL), 0);
	assert_int_equal(due, 3);
	assert_int_equal(reservations->writes, 0);
	assert_true(hn_reservations_is_pending(reservations, first));
	hn_reservations_commit(reservations);
	assert_int_equal(reservations->writes, 1);
	assert_false(hn_reservations_is_pending(reservations, first));
	hn_reservations_commit(reservations);
	assert_int_equal(reservations->writes, 1);
	/* a change to one makes that one pending, and no other */
	last->confirmed = true;
	hn_reservations_save(reservations, last);
	assert_true(hn_reservations_is_pending(reservations, last));
	assert_false(hn_reservations_is_pending(reservations, first));
	hn_reservations_drop(reservations, first);
	hn_reservations_commit(reservations);
	assert_int_equal(reservations->writes, 2);
	assert_int_equal(hn_reservations_init(&next, fixture->path, NULL), 0);
	assert_int_equal(next.count, 2);
	assert_true(hn_reservations_find(&next, "", "last")->confirmed);
	hn_reservations_done(&next);
	reservations->due = NULL;
}

static void test_the_oldest_parked_ones_make_room(void **state)
{
	struct fixture *fixture = *state;
	struct hn_reservations *reservations = &fixture->reservations;
	char uuid[16];

	/* written once at the end, or this takes minutes */
	strcpy(reservations->path, "/nonexistent/reservations.json");
	for (int i = 0; i < HN_RESERVATIONS_MAX; i++) {
		struct hn_reserved *item = calloc(1, sizeof(*item));

		snprintf(uuid, sizeof(uuid), "%d", i);
		item->reservation = make(uuid, uuid);
		item->reservation->state = i == 7 ? HN_RESERVATION_PARKED : HN_RESERVATION_STARTED;
		TAILQ_INSERT_TAIL(&reservations->list, item, entry);
		reservations->count++;
	}
	strcpy(reservations->path, fixture->path);
	assert_int_equal(hn_reservations_put(reservations, make("new", "new"), NULL), 0);
	assert_null(hn_reservations_find(reservations, "7", ""));
	assert_int_equal(hn_reservations_put(reservations, make("newer", "newer"), NULL), -28 /* ENOSPC */);
}

static void test_ids_and_keys(void **state)
{
	struct fixture *fixture = *state;
	struct hn_reservation *first = make("web", "aaaa"), *second = make("db", "bbbb"), *again;
	struct hn_reservations next;
	char id[HN_RESERVATION_ID_MAX];

	strcpy(first->key, "order-1");
	first->asked = UINT64_MAX - 7;
	first->confirmed = true;
	assert_int_equal(hn_reservations_put(&fixture->reservations, first, NULL), 0);
	assert_int_equal(hn_reservations_put(&fixture->reservations, second, NULL), 0);
	assert_string_not_equal(first->id, second->id);
	assert_ptr_equal(hn_reservations_find_id(&fixture->reservations, second->id), second);
	assert_ptr_equal(hn_reservations_find_key(&fixture->reservations, "order-1"), first);
	assert_null(hn_reservations_find_key(&fixture->reservations, "")); /* second has none */
	strcpy(id, first->id);
	assert_int_equal(hn_reservations_init(&next, fixture->path, NULL), 0);
	again = hn_reservations_find_id(&next, id);
	assert_non_null(again);
	assert_string_equal(again->key, "order-1");
	assert_true(again->asked == UINT64_MAX - 7);
	assert_true(again->confirmed);
	hn_reservations_done(&next);
	/* its guest starts with another shape: the client still knows it */
	assert_int_equal(hn_reservations_put(&fixture->reservations, make("web", "aaaa"), NULL), 0);
	assert_string_equal(hn_reservations_find_key(&fixture->reservations, "order-1")->id, id);
}

static void test_what_changed_is_what_is_written(void **state)
{
	struct fixture *fixture = *state;
	struct hn_reservation *first = make("web", "aaaa"), *second = make("db", "bbbb");
	struct hn_reservations next;

	assert_int_equal(hn_reservations_put(&fixture->reservations, first, NULL), 0);
	assert_int_equal(hn_reservations_put(&fixture->reservations, second, NULL), 0);
	first->pinned = true;
	hn_reservations_save(&fixture->reservations, first);
	assert_int_equal(hn_reservations_init(&next, fixture->path, NULL), 0);
	assert_true(hn_reservations_find(&next, "aaaa", "")->pinned);
	assert_false(hn_reservations_find(&next, "bbbb", "")->pinned);
	hn_reservations_done(&next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_one_of_a_guest_at_most, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_ids_and_keys, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_changed_is_what_is_written, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_next_daemon_reads_them, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_does_not_start_expires, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_damaged_file_is_set_aside, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_file_that_cannot_be_written_is_said_and_written_later,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_changes_are_filed_together, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_oldest_parked_ones_make_room, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
