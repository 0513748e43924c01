/*
 * frame-nodes - memory zones as ranges of frame numbers, from /proc/zoneinfo.
 *
 * A zone spans its holes too. Nodes whose memory is interleaved in the physical address space therefore span
 * each other, and a frame that two of them claim is answered with "unknown" rather than with a guess.
 */
#include "host/frame-nodes.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "host/proc-file.h"

struct zone {
	int node;
	uint64_t first, count;
};

struct hn_frame_nodes {
	size_t count, room;
	struct zone *zones;
};

void hn_frame_nodes_free(struct hn_frame_nodes *nodes)
{
	if (!nodes)
		return;
	free(nodes->zones);
	free(nodes);
}

static int zone_add(struct hn_frame_nodes *nodes, const struct zone *zone)
{
	if (nodes->count == nodes->room) {
		size_t room = nodes->room ? 2 * nodes->room : 16;
		struct zone *grown = realloc(nodes->zones, room * sizeof(*grown));

		if (!grown)
			return -1;
		nodes->zones = grown;
		nodes->room = room;
	}
	nodes->zones[nodes->count++] = *zone;
	return 0;
}

/* A zone's block opens with "Node 0, zone Normal", has its "spanned", and "start_pfn:" closes it. */
static int zones_read(FILE *file, struct hn_frame_nodes *nodes)
{
	HN_AUTO(memory) char *line = NULL;
	struct zone zone = {.node = -1};
	size_t room = 0;

	while (getline(&line, &room, file) > 0) {
		uint64_t number;
		int node;

		if (sscanf(line, "Node %d, zone", &node) == 1) {
			zone = (struct zone){.node = node};
		} else if (sscanf(line, " spanned %" SCNu64, &number) == 1) {
			zone.count = number;
		} else if (sscanf(line, " start_pfn: %" SCNu64, &number) == 1) {
			zone.first = number;
			if (zone.node >= 0 && zone.count > 0 && zone_add(nodes, &zone))
				return -1;
		}
	}
	return 0;
}

int hn_frame_nodes_new(const char *root, struct hn_frame_nodes **ret, struct hn_error *err)
{
	HN_AUTO(hn_frame_nodes) struct hn_frame_nodes *nodes = NULL;
	HN_AUTO(file) FILE *file = NULL;
	int fd = hn_proc_open(root, 0, "proc/zoneinfo");

	if (fd < 0)
		return hn_fail_errno(err, fd, "cannot read /proc/zoneinfo");
	file = fdopen(fd, "r");
	if (!file) {
		close(fd);
		return hn_oom(err);
	}
	nodes = calloc(1, sizeof(*nodes));
	if (!nodes || zones_read(file, nodes))
		return hn_oom(err);
	*ret = hn_steal(nodes);
	return 0;
}

/* Leaves of the span what lies on the frame's side of a border. */
static void span_cut(struct hn_frame_span *span, uint64_t border, uint64_t frame)
{
	if (border <= frame && border > span->first)
		span->first = border;
	else if (border > frame && border < span->end)
		span->end = border;
}

struct hn_frame_span hn_frame_nodes_find(const struct hn_frame_nodes *nodes, uint64_t frame)
{
	struct hn_frame_span span = {.end = UINT64_MAX, .node = -1};
	bool disputed = false;

	for (size_t i = 0; i < nodes->count; i++) {
		const struct zone *zone = &nodes->zones[i];

		span_cut(&span, zone->first, frame);
		span_cut(&span, zone->first + zone->count, frame);
		if (frame < zone->first || frame - zone->first >= zone->count)
			continue;
		disputed = disputed || (span.node >= 0 && span.node != zone->node);
		span.node = zone->node;
	}
	if (disputed)
		span.node = -1;
	return span;
}
