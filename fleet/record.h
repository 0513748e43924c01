#pragma once
/*
 * record - what one host tells the fleet of itself: a few KiB at most, from which its own solver's answer for
 * a newcomer can be worked out elsewhere (fleet/scene.h).
 *
 * What changes seldom is told once for all hosts of a make (fleet/topology.h). Groups that guests want to be
 * near to or apart from are not told: the host itself judges these when room is reserved.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/set.h"
#include "fleet/topology.h"
#include "model/checkup.h"
#include "model/guest.h"
#include "model/snapshot.h"

#define HN_FLEET_NAME_MAX 64    /* longest name of a host, with its NUL */
#define HN_FLEET_API_MAX 128    /* longest address of its API, likewise */
#define HN_FLEET_TEXT_MAX 16384 /* longest record that is read */

static_assert(HN_CHECK_COUNT <= 64, "a record's sets of checks are bits");

struct hn_fleet_node {
	uint64_t room_bytes;              /* base pages that guests to come may have */
	uint64_t pool_room[HN_POOLS_MAX]; /* bytes likewise, in the order of the topology's pools */
	uint64_t others_bandwidth;        /* bytes a second that guests at home here are known to use */
	uint16_t seats[HN_CLASS_COUNT];   /* vCPUs of each class that find a seat, see policy/capacity.h */
	uint16_t others_vcpus;            /* shared vCPUs that are there already */
};

/* What the host has done and has; for people and alerts, nothing is decided on it. */
struct hn_fleet_counters {
	uint64_t guests, at_home, problems, reservations, operations, failures, moved_bytes;
};

struct hn_fleet_record {
	char host[HN_FLEET_NAME_MAX];
	char api[HN_FLEET_API_MAX]; /* "https://host:9443", "": none is told */
	char topology[HN_TOPOLOGY_DIGEST_MAX];
	uint64_t generation; /* counts its records, over restarts too as long as the clock is not set back */
	uint64_t time_ns;    /* since 1970 */
	uint64_t heard_ns;   /* CLOCK_MONOTONIC of who has read it: when it came. Not told */
	uint64_t failing;    /* bits by enum hn_check, of verdict warning */
	uint64_t failed;     /* of verdict fail */
	float pressure;      /* share of time that something waited for memory; -1 unknown */
	float locality;      /* mean of its guests', by memory; -1 unknown */
	struct hn_set taken; /* CPUs that nobody else gets */
	struct hn_fleet_counters counters;
	size_t node_count;
	struct hn_fleet_node nodes[]; /* in the topology's order */
};

/* Zeroed, pressure and locality unknown; NULL when out of memory. Freed with hn_fleet_record_free(). */
struct hn_fleet_record *hn_fleet_record_new(const char *host, size_t node_count);
void hn_fleet_record_free(struct hn_fleet_record *record); /* NULL is fine */
HN_CLEANUP_DEFINE(hn_fleet_record, struct hn_fleet_record *, hn_fleet_record_free);

/*
 * The rooms and seats of a snapshot for the newcomer in it (its index), who must have a cell and be nowhere
 * yet; all else of the record is left at its default. -ENOMEM.
 */
int hn_fleet_record_make(const struct hn_snapshot *snapshot, size_t newcomer, uint64_t keep_free_bytes,
			 const char *topology, struct hn_fleet_record **ret, struct hn_error *err);

/*
 * Whether others would want to know: a room differs by a 64th of it and 256 MiB at least, or by 16 MiB where
 * one of the two is less than 1 GiB, or is there at all and was not, or the other way round; any seat, CPU,
 * check or address does; locality and pressure by 2 points.
 */
bool hn_fleet_record_differs(const struct hn_fleet_record *told, const struct hn_fleet_record *now);

/* "ok", "warning", "fail": the worst of its checks. */
const char *hn_fleet_health_name(const struct hn_fleet_record *record);

/* NULL when out of memory. Says besides, for readers without a solver, the largest guests of one to four
 * cells that fit, each cell on a node of its own. */
json_object *hn_fleet_record_encode(const struct hn_fleet_record *record);
/* -EPROTO with the member that is wrong. */
int hn_fleet_record_decode(json_object *json, struct hn_fleet_record **ret, struct hn_error *err);
