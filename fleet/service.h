#pragma once
/*
 * service - what the parts of homenode-fleetd share: the loop, the mirror of etcd, the index of hosts, the
 * client that hosts are asked with. But for where clients' retries belong it keeps nothing that etcd and the
 * hosts do not know.
 */
#include <stdint.h>

#include "fleet/etcd.h"
#include "fleet/http.h"
#include "fleet/index.h"
#include "fleet/mirror.h"
#include "fleet/retries.h"

#define HN_FLEET_PREFIX_DEFAULT "/homenode/"
#define HN_FLEET_OPERATORS_MAX 16

struct hn_fleet_options {
	char listen[80];        /* ADDRESS:PORT */
	struct hn_http_tls tls; /* of the API: who may ask is told by ca; all or none of them */
	size_t operator_count;
	char operators[HN_FLEET_OPERATORS_MAX][64]; /* common names of certificates that may reserve */
	bool trust_loopback;                        /* without TLS: whoever reaches the port may */
	struct hn_etcd_options etcd;
	char prefix[64];
	struct hn_http_tls hosts; /* for the hosts' API */
};

/* Numbers that only grow. */
struct hn_fleet_tally {
	uint64_t requests, failures; /* answered, of these with 4xx or 5xx */
	uint64_t ranks, rank_ns, counts, count_ns;
	uint64_t reserved, refused, passed_on; /* reservations; hosts that refused what looked free */
	uint64_t bad_records;
};

struct hn_fleet_listener;

struct hn_fleet_service {
	struct event_base *base;
	const struct hn_fleet_options *options;
	struct hn_etcd *etcd;
	struct hn_mirror *mirror;
	struct hn_fleet_index *index;
	struct hn_http *hosts;
	struct hn_retries *retries;
	struct hn_fleet_listener *listener;
	struct hn_fleet_tally tally;
	uint64_t bad_told_ns; /* when a bad record was last said */
};

/* Begins to read etcd and listens. *ret is freed with hn_fleet_service_free(). */
int hn_fleet_service_new(struct event_base *base, const struct hn_fleet_options *options,
			 struct hn_fleet_service **ret, struct hn_error *err);
void hn_fleet_service_free(struct hn_fleet_service *service); /* NULL is fine */

/* CLOCK_MONOTONIC. */
uint64_t hn_fleet_now_ns(void);
