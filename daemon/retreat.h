#pragma once
/*
 * retreat - the end of an operation before its time: threads of a guest whose exchange was given up may run
 * where they did again, since its memory will not follow them. For operation.c alone.
 */
#include "daemon/running.h"

/* Remembers where the threads that its plan binds may run, by the guest's last look, if it is in an exchange.
 * -ENOMEM. */
int hn_retreat_prepare(struct hn_running_operation *running, struct hn_error *err);

/*
 * hn_running_finish(), at once or, where threads of an exchange have been bound and it has turns left, once
 * they are bound back: to where they were or, when part of its memory has moved, there and where they were to
 * go. The record tells of it. The other in the exchange learns at once.
 */
void hn_retreat(struct hn_running_operation *running, enum hn_operation_state state, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
