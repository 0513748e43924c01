#pragma once
/*
 * hands-serve - the hands' loop: one request at a time from the brain, carried out through host/, answered.
 * Never decides anything, and touches no process whose pid and start time it was not given.
 */
#include "base/error.h"

/* Serves the socket until the brain closes it (0) or says something that is not the protocol (-EPROTO).
 * Blocks. */
int hn_hands_serve(int fd, struct hn_error *err);
