#pragma once
/*
 * hands-request - a request that the hands are serving: what the servers of each kind share.
 */
#include <stddef.h>

#include "base/error.h"
#include "daemon/hands-channel.h"

struct hn_hands_work {
	int fd;
	struct hn_hands_header header;
	const char *body; /* header.length bytes, 8-byte aligned */
};

/* The body must be the fixed struct and exactly the tail that its counts announce. -EPROTO. */
int hn_hands_check_length(const struct hn_hands_work *work, size_t fixed, size_t tail, struct hn_error *err);

/* Whoever asks gets nothing done to a process that is not called QEMU. -EPERM; -ESRCH as hn_process_check().
 */
int hn_hands_check_guest(const struct hn_process *process, struct hn_error *err);

/* CPU time that this thread has used: the difference of two is what a request has cost. */
uint64_t hn_hands_cpu_ns(void);

/* Answers with success and a body. 0 or -errno of the socket, without a sentence. */
int hn_hands_reply_with(const struct hn_hands_work *work, const struct hn_hands_part *parts, size_t count);

/* Servers of one kind of request each: 0 or -errno with a sentence, when they have not answered. */
int hn_hands_serve_move(const struct hn_hands_work *work, struct hn_error *err);
int hn_hands_serve_cpuset(const struct hn_hands_work *work, struct hn_error *err);
int hn_hands_serve_checkup(const struct hn_hands_work *work, struct hn_error *err);
int hn_hands_serve_evidence(const struct hn_hands_work *work, struct hn_error *err);
int hn_hands_serve_examine(const struct hn_hands_work *work, struct hn_error *err);
int hn_hands_serve_inspect(const struct hn_hands_work *work, struct hn_error *err);
int hn_hands_serve_probe(const struct hn_hands_work *work, struct hn_error *err);
int hn_hands_serve_open(const struct hn_hands_work *work, struct hn_error *err);
int hn_hands_serve_find(const struct hn_hands_work *work, struct hn_error *err);
int hn_hands_serve_survey(const struct hn_hands_work *work, struct hn_error *err);
