#include "fleet/index.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/group.h"
#include "fleet/names.h"
#include "fleet/recall.h"

struct hn_fleet_index {
	size_t group_count;
	struct hn_fleet_group **groups;
	struct hn_fleet_names names;   /* host -> group and place; of those that wait as well */
	struct hn_fleet_group waiting; /* for a topology, in no order: nothing but records and marks */
	uint64_t mark;
	struct hn_fleet_recall *recall; /* NULL: nobody has asked yet */
};

struct hn_fleet_index *hn_fleet_index_new(void)
{
	struct hn_fleet_index *index = calloc(1, sizeof(*index));

	if (index)
		index->mark = 1;
	return index;
}

void hn_fleet_index_free(struct hn_fleet_index *index)
{
	if (!index)
		return;
	for (size_t i = 0; i < index->group_count; i++)
		hn_fleet_group_free(index->groups[i]);
	for (size_t i = 0; i < index->waiting.count; i++)
		hn_fleet_record_free(index->waiting.records[i]);
	free(index->groups);
	free(index->waiting.records);
	free(index->waiting.marks);
	hn_fleet_names_done(&index->names);
	hn_fleet_recall_free(index->recall);
	free(index);
}

static struct hn_fleet_group *find_group(const struct hn_fleet_index *index, const char *digest)
{
	for (size_t i = 0; i < index->group_count; i++)
		if (strcmp(index->groups[i]->topology->digest, digest) == 0)
			return index->groups[i];
	return NULL;
}

/* The last one of a group is where another was. */
static void follow(struct hn_fleet_index *index, struct hn_fleet_group *group, size_t host)
{
	struct hn_fleet_place last = {.group = group, .host = group->count}, place = {group, host};

	if (host < last.host)
		hn_fleet_names_move(&index->names, group->records[host]->host, &last, &place);
}

/* Its record is the caller's. */
static struct hn_fleet_record *stop_waiting(struct hn_fleet_index *index, size_t at)
{
	struct hn_fleet_group *waiting = &index->waiting;
	struct hn_fleet_record *record = waiting->records[at];

	hn_fleet_names_remove(&index->names, record->host);
	waiting->count--;
	waiting->records[at] = waiting->records[waiting->count];
	waiting->marks[at] = waiting->marks[waiting->count];
	follow(index, waiting, at);
	return record;
}

static int make_room_to_wait(struct hn_fleet_group *waiting)
{
	size_t room = waiting->room ? 2 * waiting->room : 64;
	struct hn_fleet_record **records;
	uint64_t *marks;

	if (waiting->count < waiting->room)
		return 0;
	records = reallocarray(waiting->records, room, sizeof(*records));
	if (!records)
		return -ENOMEM;
	waiting->records = records;
	marks = reallocarray(waiting->marks, room, sizeof(*marks));
	if (!marks)
		return -ENOMEM;
	waiting->marks = marks;
	waiting->room = room;
	return 0;
}

/* It is nowhere else. */
static int wait_for_topology(struct hn_fleet_index *index, struct hn_fleet_record *record)
{
	struct hn_fleet_group *waiting = &index->waiting;
	struct hn_fleet_place place = {.group = waiting, .host = waiting->count};

	if (make_room_to_wait(waiting) < 0 || hn_fleet_names_reserve(&index->names) < 0)
		return -ENOMEM;
	waiting->records[waiting->count] = record;
	waiting->marks[waiting->count++] = index->mark;
	hn_fleet_names_add(&index->names, record->host, &place);
	return 0;
}

/* From wherever it is. */
static void take_out(struct hn_fleet_index *index, const char *host)
{
	struct hn_fleet_place place;

	if (!hn_fleet_names_find(&index->names, host, &place))
		return;
	if (place.group == &index->waiting) {
		hn_fleet_record_free(stop_waiting(index, place.host));
		return;
	}
	hn_fleet_names_remove(&index->names, host);
	hn_fleet_group_remove(place.group, place.host);
	follow(index, place.group, place.host);
}

static int put_into(struct hn_fleet_index *index, struct hn_fleet_group *group,
		    struct hn_fleet_record *record, uint64_t mark, struct hn_error *err)
{
	struct hn_fleet_place place;
	int r = hn_fleet_group_check(group, record, err);

	if (r < 0)
		return r;
	if (hn_fleet_names_find(&index->names, record->host, &place) && place.group == group) {
		hn_fleet_group_replace(group, place.host, record, mark);
		return 0;
	}
	if (hn_fleet_names_reserve(&index->names) < 0 || hn_fleet_group_reserve(group) < 0)
		return hn_oom(err);
	take_out(index, record->host);
	place = (struct hn_fleet_place){.group = group, .host = group->count};
	hn_fleet_group_append(group, record, mark);
	hn_fleet_names_add(&index->names, record->host, &place);
	return 0;
}

int hn_fleet_index_put(struct hn_fleet_index *index, struct hn_fleet_record *record, struct hn_error *err)
{
	struct hn_fleet_group *group = find_group(index, record->topology);
	int r;

	if (group) {
		r = put_into(index, group, record, index->mark, err);
	} else {
		take_out(index, record->host);
		r = wait_for_topology(index, record) < 0 ? hn_oom(err) : 0;
	}
	if (r < 0)
		hn_fleet_record_free(record);
	return r;
}

int hn_fleet_index_learn(struct hn_fleet_index *index, struct hn_topology *topology, struct hn_error *err)
{
	struct hn_fleet_group **groups, *group;
	struct hn_error why;
	int first = 0;

	if (find_group(index, topology->digest))
		return 0;
	groups = reallocarray(index->groups, index->group_count + 1, sizeof(struct hn_fleet_group *));
	if (!groups)
		return hn_oom(err);
	index->groups = groups;
	group = hn_fleet_group_new(topology);
	if (!group)
		return hn_oom(err);
	groups[index->group_count++] = group;
	for (size_t i = 0; i < index->waiting.count;) {
		struct hn_fleet_record *record = index->waiting.records[i];
		uint64_t mark = index->waiting.marks[i];
		int r;

		if (strcmp(record->topology, topology->digest) != 0) {
			i++;
			continue;
		}
		stop_waiting(index, i);
		r = put_into(index, group, record, mark, first ? &why : err);
		if (r < 0)
			hn_fleet_record_free(record);
		if (!first)
			first = r;
	}
	return first;
}

void hn_fleet_index_remove(struct hn_fleet_index *index, const char *host)
{
	take_out(index, host);
}

void hn_fleet_index_keep(struct hn_fleet_index *index, const char *host)
{
	struct hn_fleet_place place;

	if (hn_fleet_names_find(&index->names, host, &place))
		place.group->marks[place.host] = index->mark;
}

void hn_fleet_index_begin(struct hn_fleet_index *index)
{
	index->mark++;
}

void hn_fleet_index_sweep(struct hn_fleet_index *index)
{
	char name[HN_FLEET_NAME_MAX];

	for (size_t i = 0; i < index->group_count; i++) {
		struct hn_fleet_group *group = index->groups[i];

		for (size_t host = group->count; host-- > 0;)
			if (group->marks[host] != index->mark) {
				strcpy(name, group->records[host]->host);
				take_out(index, name);
			}
	}
	for (size_t i = index->waiting.count; i-- > 0;)
		if (index->waiting.marks[i] != index->mark)
			hn_fleet_record_free(stop_waiting(index, i));
}

size_t hn_fleet_index_count(const struct hn_fleet_index *index)
{
	return index->names.count - index->waiting.count;
}

size_t hn_fleet_index_waiting(const struct hn_fleet_index *index)
{
	return index->waiting.count;
}

size_t hn_fleet_index_silent(const struct hn_fleet_index *index, uint64_t since_ns)
{
	size_t silent = 0;

	for (size_t i = 0; i < index->group_count; i++)
		for (size_t host = 0; host < index->groups[i]->count; host++)
			silent += index->groups[i]->records[host]->heard_ns < since_ns;
	return silent;
}

size_t hn_fleet_index_groups(const struct hn_fleet_index *index)
{
	return index->group_count;
}

struct hn_fleet_group *hn_fleet_index_group(const struct hn_fleet_index *index, size_t group)
{
	return index->groups[group];
}

struct hn_fleet_recall *hn_fleet_index_recall(struct hn_fleet_index *index)
{
	if (!index->recall)
		index->recall = hn_fleet_recall_new();
	return index->recall;
}

bool hn_fleet_index_find(const struct hn_fleet_index *index, const char *host, struct hn_fleet_place *ret)
{
	return hn_fleet_names_find(&index->names, host, ret) && ret->group != &index->waiting;
}
