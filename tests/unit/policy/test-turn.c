/* Who may begin to move memory beside others, and what one who may not is told. */
#include "policy/turn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"

static const struct hn_turn_room VAST = {.free_bytes = 1024 * HN_GIB};

static struct hn_turn_move move_of(const char *guest, int from, int to, uint64_t bytes)
{
	struct hn_turn_move move = {.to_node = to, .left_bytes = bytes};

	strcpy(move.guest, guest);
	hn_set_add(&move.from, from);
	return move;
}

static enum hn_wait ask(const struct hn_turn_move *asked, const struct hn_turn_move *running, size_t count,
			const struct hn_turn_room *room, const char *said)
{
	char why[HN_ERROR_MAX];
	enum hn_wait turn = hn_turn_ask(asked, running, count, 4, room, why, sizeof(why));

	if (!strstr(why, said))
		fail_msg("'%s' does not say '%s'", why, said);
	assert_int_equal(turn == HN_WAIT_NOT, why[0] == '\0');
	return turn;
}

static void nodes_take_turns(void **state)
{
	struct hn_turn_move running[] = {move_of("a", 0, 1, HN_GIB), move_of("b", 2, 3, HN_GIB)};
	struct hn_turn_move same_target = move_of("c", 2, 1, HN_GIB), back = move_of("c", 3, 2, HN_GIB);
	struct hn_turn_move other = move_of("c", 0, 2, HN_GIB);

	assert_int_equal(ask(&same_target, running, 2, &VAST, "for 'a', whose memory goes to node 1"),
			 HN_WAIT_FOR_ANOTHER);
	assert_int_equal(ask(&back, running, 2, &VAST, "for 'b', whose memory goes the other way"),
			 HN_WAIT_FOR_ANOTHER);
	assert_int_equal(ask(&other, running, 2, &VAST, ""), HN_WAIT_NOT);
}

static void at_once_is_kept(void **state)
{
	struct hn_turn_move running[4], asked = move_of("z", 0, 9, HN_GIB);

	for (int i = 0; i < 4; i++)
		running[i] = move_of("a", 10 + i, 1 + i, HN_GIB);
	assert_int_equal(ask(&asked, running, 4, &VAST, "4 run"), HN_WAIT_FOR_ANOTHER);
	assert_int_equal(ask(&asked, running, 3, &VAST, ""), HN_WAIT_NOT);
}

static void room_is_counted_to_the_byte(void **state)
{
	struct hn_turn_room room = {
		.free_bytes = 1700 * HN_MIB, .watermark_bytes = 100 * HN_MIB, .reserved_bytes = 600 * HN_MIB};
	struct hn_turn_move asked = move_of("a", 0, 1, 1000 * HN_MIB);

	assert_int_equal(ask(&asked, NULL, 0, &room, ""), HN_WAIT_NOT);
	asked.left_bytes++;
	assert_int_equal(ask(&asked, NULL, 0, &room, "for room on node 1"), HN_WAIT_FOR_ROOM);
	asked.left_bytes--;
	room.watermark_bytes++;
	assert_int_equal(ask(&asked, NULL, 0, &room, "for room on node 1"), HN_WAIT_FOR_ROOM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_take_turns),
		cmocka_unit_test(at_once_is_kept),
		cmocka_unit_test(room_is_counted_to_the_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
