#pragma once
/*
 * schedule - in which order memory gets where it belongs, so that no node ever needs more room than it has.
 * Pure: no I/O, clock, logging or globals. Private to policy/.
 *
 * What fits goes whole, the first that does first; when nothing does, a part as large as the room for it,
 * which makes room elsewhere for the next. So two cells, or two guests, change places on full nodes through
 * what little is free.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HN_STEP_MIN_BYTES (UINT64_C(16) << 20) /* smaller parts are not worth their start */
#define HN_STEPS_MAX 256

/* Memory of one cell that has to get to one node. */
struct hn_leg {
	size_t to;            /* node index */
	uint64_t bytes;       /* to move */
	uint64_t there;       /* of the cell's, on that node already */
	const uint64_t *from; /* by node index: how much of bytes is there now */
};

/* What a node has to offer. */
struct hn_shelf {
	uint64_t room_bytes;  /* for what arrives */
	uint64_t short_bytes; /* what leaves fills this first, before it makes room */
};

struct hn_step {
	size_t leg;
	uint64_t bytes;
	uint64_t limit_bytes; /* stop when that much of the cell is there; 0: the rest of the leg */
};

struct hn_schedule {
	bool fits; /* false: the last steps take what is left, whether there is room or not */
	size_t count;
	struct hn_step *steps;
};
void hn_schedule_done(struct hn_schedule *schedule);

/* Every leg's bytes are in its steps, in the order of time. shelves: by node index. -ENOMEM. */
int hn_schedule_make(const struct hn_leg *legs, size_t leg_count, const struct hn_shelf *shelves,
		     size_t node_count, struct hn_schedule *ret);
