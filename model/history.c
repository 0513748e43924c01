#include "model/history.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/names.h"

static const char *const kind_names[HN_RECORD_KIND_COUNT] = {"samples", "decisions", "moves"};

int hn_record_kind_parse(const char *text, enum hn_record_kind *ret, struct hn_error *err)
{
	int r = hn_name_parse(kind_names, HN_COUNT(kind_names), "kind", text, err);

	if (r < 0)
		return r;
	*ret = (enum hn_record_kind)r;
	return 0;
}

void hn_record_free(struct hn_record *record)
{
	if (!record)
		return;
	if (record->kind == HN_RECORD_SAMPLE)
		free(record->sample.memory_share);
	else if (record->kind == HN_RECORD_DECISION)
		free(record->decision.home);
	free(record);
}

static struct hn_record *record_new(enum hn_record_kind kind, const char *guest, const char *uuid)
{
	struct hn_record *record = calloc(1, sizeof(*record));

	if (!record)
		return NULL;
	record->kind = kind;
	snprintf(record->guest, sizeof(record->guest), "%s", guest);
	snprintf(record->uuid, sizeof(record->uuid), "%s", uuid);
	return record;
}

struct hn_record *hn_record_new_sample(const char *guest, const char *uuid, int cell, size_t node_count)
{
	HN_AUTO(hn_record) struct hn_record *record = record_new(HN_RECORD_SAMPLE, guest, uuid);

	if (!record)
		return NULL;
	record->sample.cell = cell;
	record->sample.looks = 1;
	record->sample.node_count = node_count;
	record->sample.memory_share = calloc(node_count ? node_count : 1, sizeof(double));
	return record->sample.memory_share ? hn_steal(record) : NULL;
}

struct hn_record *hn_record_new_decision(const char *guest, const char *uuid, size_t cell_count)
{
	HN_AUTO(hn_record) struct hn_record *record = record_new(HN_RECORD_DECISION, guest, uuid);

	if (!record)
		return NULL;
	record->decision.cell_count = cell_count;
	record->decision.home = calloc(cell_count ? cell_count : 1, sizeof(*record->decision.home));
	return record->decision.home ? hn_steal(record) : NULL;
}

struct hn_record *hn_record_new_move(const char *guest, const char *uuid)
{
	return record_new(HN_RECORD_MOVE, guest, uuid);
}

void hn_history_free(struct hn_history *history)
{
	if (!history)
		return;
	for (size_t i = 0; i < history->count; i++)
		hn_record_free(history->records[i]);
	free(history->records);
	free(history);
}

struct hn_history *hn_history_new(void)
{
	return calloc(1, sizeof(struct hn_history));
}

int hn_history_add(struct hn_history *history, struct hn_record *record)
{
	struct hn_record **grown;

	/* room doubles: it is used up when the count is a power of two */
	if (record && (history->count & (history->count - 1)) == 0) {
		grown = reallocarray(history->records, history->count ? 2 * history->count : 1,
				     sizeof(*grown));
		if (!grown) {
			hn_record_free(record);
			return -ENOMEM;
		}
		history->records = grown;
	}
	if (!record)
		return -ENOMEM;
	history->records[history->count++] = record;
	return 0;
}
