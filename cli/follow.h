#pragma once
/*
 * follow - an operation followed to its end, with a progress bar on a terminal.
 */
#include <stdint.h>

#include "cli/command.h"

/*
 * Until operation id of the guest has ended, or for limit_ns at most (UINT64_MAX: whatever it takes), and how
 * it did: HN_EXIT_NOT_HOME unless it was carried out, HN_EXIT_FAILED when the guest tells of another
 * operation by now. With --json, asked (the answer it began with, borrowed) is printed at the end, with what
 * became of it, where that is known, as its member "ended".
 */
enum hn_exit hn_follow(const struct hn_invocation *invocation, const char *guest, uint64_t id,
		       uint64_t limit_ns, json_object *asked);
