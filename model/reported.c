#include "model/reported.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/names.h"

static const char *const doubt_names[HN_DOUBT_COUNT] = {
	"none", "alone", "silent", "nodes", "backwards", "wrapped", "absurd", "torn", "late",
};

const char *hn_doubt_name(enum hn_doubt doubt)
{
	return hn_name_of(doubt_names, HN_COUNT(doubt_names), (size_t)doubt);
}

int hn_doubt_parse(const char *text, enum hn_doubt *ret, struct hn_error *err)
{
	int r = hn_name_parse(doubt_names, HN_COUNT(doubt_names), "doubt", text, err);

	if (r < 0)
		return r;
	*ret = (enum hn_doubt)r;
	return 0;
}

struct hn_reported *hn_reported_new(void)
{
	struct hn_reported *reported = calloc(1, sizeof(*reported));

	if (!reported)
		return NULL;
	reported->hint_faults = reported->hint_faults_local = HN_REPORTED_UNKNOWN;
	reported->pages_migrated = reported->migrate_success = HN_REPORTED_UNKNOWN;
	reported->balloon =
		(struct hn_reported_balloon){HN_REPORTED_UNKNOWN, HN_REPORTED_UNKNOWN, HN_REPORTED_UNKNOWN,
					     HN_REPORTED_UNKNOWN, HN_REPORTED_UNKNOWN};
	return reported;
}

void hn_reported_free(struct hn_reported *reported)
{
	if (!reported)
		return;
	free(reported->nodes);
	free(reported->cpus);
	free(reported->notes);
	free(reported);
}

static void *duplicate(const void *elements, size_t count, size_t size)
{
	void *copy = calloc(count ? count : 1, size);

	if (copy && count)
		memcpy(copy, elements, count * size);
	return copy;
}

struct hn_reported *hn_reported_copy(const struct hn_reported *reported)
{
	HN_AUTO(hn_reported) struct hn_reported *copy = calloc(1, sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *reported;
	copy->cpus = NULL;
	copy->notes = NULL;
	copy->nodes = duplicate(reported->nodes, reported->node_count, sizeof(*copy->nodes));
	copy->cpus = duplicate(reported->cpus, reported->cpu_count, sizeof(*copy->cpus));
	copy->notes = duplicate(reported->notes, reported->note_count, sizeof(*copy->notes));
	return copy->nodes && copy->cpus && copy->notes ? hn_steal(copy) : NULL;
}

int hn_reported_add_note(struct hn_reported *reported, const char *text)
{
	char(*grown)[HN_REASON_MAX];

	if (reported->note_count == HN_REPORTED_NOTES_MAX)
		return 0;
	grown = reallocarray(reported->notes, reported->note_count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	reported->notes = grown;
	snprintf(grown[reported->note_count++], sizeof(*grown), "%s", text);
	return 0;
}

/* The place of the first element whose number, an int at its start, is not less. */
static size_t place_of(const void *elements, size_t count, size_t size, int number, bool *ret_there)
{
	size_t i = 0;
	int here = -1;

	for (; i < count; i++) {
		memcpy(&here, (const char *)elements + i * size, sizeof(here));
		if (here >= number)
			break;
	}
	*ret_there = i < count && here == number;
	return i;
}

/* Makes room at its place; elements are few and mostly come in order. */
static void *insert(void *slot, size_t *count, size_t most, size_t size, int number)
{
	char *array;
	bool there;
	size_t at;

	memcpy(&array, slot, sizeof(array));
	at = place_of(array, *count, size, number, &there);
	if (there)
		return array + at * size;
	if (*count >= most || !(array = reallocarray(array, *count + 1, size)))
		return NULL;
	memcpy(slot, &array, sizeof(array));
	memmove(array + (at + 1) * size, array + at * size, (*count - at) * size);
	memset(array + at * size, 0, size);
	memcpy(array + at * size, &number, sizeof(number));
	(*count)++;
	return array + at * size;
}

struct hn_reported_node *hn_reported_add_node(struct hn_reported *reported, int node)
{
	size_t before = reported->node_count;
	struct hn_reported_node *added =
		insert(&reported->nodes, &reported->node_count, HN_REPORTED_NODES_MAX, sizeof(*added), node);

	if (added && reported->node_count > before) {
		added->hit = added->miss = added->foreign = added->interleave = HN_REPORTED_UNKNOWN;
		added->local = added->other = HN_REPORTED_UNKNOWN;
		added->total_bytes = added->free_bytes = HN_REPORTED_UNKNOWN;
	}
	return added;
}

struct hn_reported_cpu *hn_reported_add_cpu(struct hn_reported *reported, int cpu)
{
	return insert(&reported->cpus, &reported->cpu_count, HN_REPORTED_CPUS_MAX, sizeof(*reported->cpus),
		      cpu);
}

const struct hn_reported_node *hn_reported_find_node(const struct hn_reported *reported, int node)
{
	bool there;
	size_t at = place_of(reported->nodes, reported->node_count, sizeof(*reported->nodes), node, &there);

	return there ? &reported->nodes[at] : NULL;
}

struct hn_access *hn_access_new(size_t uses)
{
	HN_AUTO(hn_access) struct hn_access *access = calloc(1, sizeof(*access));

	if (!access)
		return NULL;
	access->uses = calloc(uses ? uses : 1, sizeof(*access->uses));
	return access->uses ? hn_steal(access) : NULL;
}

void hn_access_free(struct hn_access *access)
{
	if (!access)
		return;
	free(access->uses);
	free(access);
}

struct hn_access *hn_access_copy(const struct hn_access *access)
{
	HN_AUTO(hn_access) struct hn_access *copy = calloc(1, sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *access;
	copy->uses = duplicate(access->uses, access->use_count, sizeof(*copy->uses));
	return copy->uses ? hn_steal(copy) : NULL;
}
