#pragma once
/*
 * guest-calls - what homenoded does to a guest that the guest can feel goes past here: it is counted, and
 * refused for a realtime guest that runs, unless its window is open.
 */
#include "daemon/guest.h"
#include "model/calls.h"

/*
 * Asked before each such call, or count of them at once: 0 when it may be made, and has been counted. -EPERM
 * when the guest is realtime and runs: a part of homenoded that should have known better has asked.
 */
int hn_guest_calls_make(struct hn_managed *managed, enum hn_call_kind kind, uint64_t count,
			struct hn_error *err);
