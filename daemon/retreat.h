#pragma once
/*
 * retreat - the end of an operation before its time: threads of a guest whose memory will not follow them,
 * for none of it has or its exchange was given up, may run where they did again. For operation.c alone.
 */
#include "daemon/running.h"

/* Remembers where the threads that its plan binds may run, by the guest's last look, if it moves memory.
 * -ENOMEM. */
int hn_retreat_prepare(struct hn_running_operation *running, struct hn_error *err);

/*
 * hn_running_finish(), at once or, where threads have been bound, once they are bound back. In an exchange
 * that has turns left: to where they were or, when part of its memory has moved, there and where they were to
 * go; the other in it learns at once. Else where none of its memory has moved: to where they were. The record
 * tells of it.
 */
void hn_retreat(struct hn_running_operation *running, enum hn_operation_state state, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
