#include "store/queue.h"

#include <stdlib.h>

void hn_entry_free(struct hn_entry *entry)
{
	if (!entry)
		return;
	hn_record_free(entry->record);
	free(entry);
}

void hn_queue_init(struct hn_queue *queue, size_t max)
{
	*queue = (struct hn_queue){.max = max};
	TAILQ_INIT(&queue->samples);
	TAILQ_INIT(&queue->events);
}

void hn_queue_done(struct hn_queue *queue)
{
	struct hn_entry *entry;

	while ((entry = hn_queue_take(queue)))
		hn_entry_free(entry);
}

static struct hn_entries *list_of(struct hn_queue *queue, const struct hn_record *record)
{
	return record->kind == HN_RECORD_SAMPLE ? &queue->samples : &queue->events;
}

/* Makes one of them give way. */
static void drop_one(struct hn_queue *queue)
{
	struct hn_entry *entry = TAILQ_FIRST(&queue->samples);

	if (entry)
		queue->lost_samples++;
	else if ((entry = TAILQ_FIRST(&queue->events)))
		queue->lost_events++;
	else
		return;
	TAILQ_REMOVE(list_of(queue, entry->record), entry, link);
	queue->count--;
	hn_entry_free(entry);
}

void hn_queue_add(struct hn_queue *queue, struct hn_record *record, uint64_t uptime_ns)
{
	struct hn_entry *entry = record ? calloc(1, sizeof(*entry)) : NULL;

	if (!entry) {
		if (record && record->kind != HN_RECORD_SAMPLE)
			queue->lost_events++;
		else
			queue->lost_samples++;
		hn_record_free(record);
		return;
	}
	entry->record = record;
	entry->uptime_ns = uptime_ns;
	entry->order = queue->next_order++;
	TAILQ_INSERT_TAIL(list_of(queue, record), entry, link);
	if (++queue->count > queue->max)
		drop_one(queue);
}

struct hn_entry *hn_queue_take(struct hn_queue *queue)
{
	struct hn_entry *sample = TAILQ_FIRST(&queue->samples), *event = TAILQ_FIRST(&queue->events);
	struct hn_entry *entry = !event || (sample && sample->order < event->order) ? sample : event;

	if (!entry)
		return NULL;
	TAILQ_REMOVE(list_of(queue, entry->record), entry, link);
	queue->count--;
	return entry;
}

void hn_queue_return(struct hn_queue *queue, struct hn_entry *entry)
{
	struct hn_entries *list = list_of(queue, entry->record);
	struct hn_entry *after = TAILQ_FIRST(list);

	while (after && after->order < entry->order)
		after = TAILQ_NEXT(after, link);
	if (after)
		TAILQ_INSERT_BEFORE(after, entry, link);
	else
		TAILQ_INSERT_TAIL(list, entry, link);
	if (++queue->count > queue->max)
		drop_one(queue);
}

void hn_queue_drop(struct hn_queue *queue)
{
	while (queue->count)
		drop_one(queue);
}
