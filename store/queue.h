#pragma once
/*
 * queue - records on their way to the disk, a bounded number of them. When it is full the oldest sample gives
 * way; only when there is none, the oldest decision or move. Not for several threads without a lock.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "model/history.h"

struct hn_entry {
	TAILQ_ENTRY(hn_entry) link;
	struct hn_record *record;
	uint64_t uptime_ns; /* CLOCK_BOOTTIME when it was added */
	uint64_t order;     /* in which they were added */
};
TAILQ_HEAD(hn_entries, hn_entry);

struct hn_queue {
	struct hn_entries samples, events; /* each in order */
	size_t count, max;
	uint64_t next_order;
	uint64_t lost_samples, lost_events; /* that gave way, or that memory was short for */
};

void hn_queue_init(struct hn_queue *queue, size_t max);
/* Frees what is in it. */
void hn_queue_done(struct hn_queue *queue);

/* Takes the record over; NULL is a sample that is lost. */
void hn_queue_add(struct hn_queue *queue, struct hn_record *record, uint64_t uptime_ns);
/* The oldest, the caller's from now on; NULL when empty. */
struct hn_entry *hn_queue_take(struct hn_queue *queue);
/* Back to the place it came from; as with adding, something may have to give way. */
void hn_queue_return(struct hn_queue *queue, struct hn_entry *entry);
/* Everything is lost, and counted. */
void hn_queue_drop(struct hn_queue *queue);

void hn_entry_free(struct hn_entry *entry); /* and its record; NULL is fine */
